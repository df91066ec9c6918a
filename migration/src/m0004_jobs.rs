//! Jobs, and the processes that do them.
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, pk_uuid, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null,
    },
};

use crate::schema::{drop, index, not_negative, one_of, table, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(jobs()).await?;
        manager.create_table(processes()).await?;
        manager.create_index(unique("jobs", &["kind", "unique_key"])).await?;
        manager.create_index(index("jobs", &["state", "run_at"])).await?;
        manager.create_index(index("jobs", &["subject", "state", "id"])).await?;
        manager.create_index(index("processes", &["heartbeat_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("processes")).await?;
        manager.drop_table(drop("jobs")).await
    }
}

fn jobs() -> TableCreateStatement {
    table("jobs")
        .col(pk_uuid("id"))
        .col(text("kind"))
        .col(text("unique_key"))
        .col(text("subject"))
        .col(text("payload"))
        .col(timestamp_with_time_zone("run_at"))
        .col(big_integer("attempt"))
        .col(timestamp_with_time_zone_null("lease_until"))
        .col(text("state"))
        .col(text_null("last_error"))
        .check(one_of("jobs", "state", &["pending", "done", "dead"]))
        .check(not_negative("jobs", "attempt"))
        .take()
}

fn processes() -> TableCreateStatement {
    table("processes").col(pk_uuid("id")).col(timestamp_with_time_zone("heartbeat_at")).take()
}
