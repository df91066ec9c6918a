//! API keys, and the control feed.
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer_null, blob, pk_uuid, text, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
};

use crate::schema::{drop, index, not_negative, one_of, refers, table};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(api_keys()).await?;
        manager.create_table(control_changes()).await?;
        manager.create_index(index("api_keys", &["workspace_id", "created_at", "id"])).await?;
        manager.create_index(index("control_changes", &["at", "id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("control_changes")).await?;
        manager.drop_table(drop("api_keys")).await
    }
}

fn api_keys() -> TableCreateStatement {
    table("api_keys")
        .col(pk_uuid("id"))
        .col(uuid("workspace_id"))
        .col(uuid("owner_id"))
        .col(text("name"))
        .col(blob("secret_hash"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .foreign_key(&mut refers("api_keys", "workspace_id", "workspaces"))
        .foreign_key(&mut refers("api_keys", "owner_id", "users"))
        .take()
}

/// The subject is a session, a key or a workspace, as the kind says: no foreign key.
fn control_changes() -> TableCreateStatement {
    let kinds = ["session_epoch", "api_key_revoked", "plan_changed"];
    table("control_changes")
        .col(pk_uuid("id"))
        .col(timestamp_with_time_zone("at"))
        .col(text("kind"))
        .col(uuid("subject"))
        .col(big_integer_null("epoch"))
        .check(one_of("control_changes", "kind", &kinds))
        .check(not_negative("control_changes", "epoch"))
        .take()
}
