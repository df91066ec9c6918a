//! The trail, and the keys of persons.
use sea_orm_migration::{
    prelude::*,
    schema::{
        blob, blob_null, pk_uuid, text, text_null, timestamp_with_time_zone, uuid, uuid_null,
    },
};

use crate::schema::{drop, index, one_of, table};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(audit_entries()).await?;
        manager.create_table(personal_keys()).await?;
        manager.create_index(index("audit_entries", &["workspace_id", "at", "id"])).await?;
        manager.create_index(index("audit_entries", &["at", "id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("personal_keys")).await?;
        manager.drop_table(drop("audit_entries")).await
    }
}

/// No foreign keys: the trail outlives whatever it tells of.
fn audit_entries() -> TableCreateStatement {
    table("audit_entries")
        .col(pk_uuid("id"))
        .col(uuid("workspace_id"))
        .col(timestamp_with_time_zone("at"))
        .col(text("principal"))
        .col(uuid_null("user_id"))
        .col(uuid_null("session_id"))
        .col(uuid_null("api_key_id"))
        .col(uuid_null("impersonated_by"))
        .col(uuid("request_id"))
        .col(text("action"))
        .col(text("subject"))
        .col(text_null("before"))
        .col(text_null("after"))
        .col(uuid_null("sealed_for"))
        .col(blob_null("sealed"))
        .check(one_of("audit_entries", "principal", &["user", "api_key", "visitor", "system"]))
        .take()
}

/// No foreign key either: a key is destroyed on its own, and the person's row may go first.
fn personal_keys() -> TableCreateStatement {
    table("personal_keys").col(pk_uuid("person_id")).col(blob("wrapped")).take()
}
