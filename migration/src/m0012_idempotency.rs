//! Requests that carried an idempotency key, and how they were answered.
//!
//! Of the key there is its SHA-256 alone. An answer is encrypted for a person; while there is
//! none, there is a lease.
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob, blob_null, pk_uuid, text, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid, uuid_null,
    },
};

use crate::schema::{drop, index, not_negative, refers, table, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(idempotency_entries()).await?;
        let scope = unique("idempotency_entries", &["workspace_id", "requester", "key_digest"]);
        manager.create_index(scope).await?;
        manager.create_index(index("idempotency_entries", &["expires_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("idempotency_entries")).await
    }
}

fn idempotency_entries() -> TableCreateStatement {
    table("idempotency_entries")
        .col(pk_uuid("id"))
        .col(uuid("workspace_id"))
        .col(text("requester"))
        .col(blob("key_digest"))
        .col(blob("fingerprint"))
        .col(big_integer("attempt"))
        .col(timestamp_with_time_zone("begun_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("leased_until"))
        .col(uuid_null("sealed_for"))
        .col(blob_null("sealed"))
        .foreign_key(&mut refers("idempotency_entries", "workspace_id", "workspaces"))
        .check(not_negative("idempotency_entries", "attempt"))
        .take()
}
