//! Workspaces' own keys at providers of models, and under which key a call was made.
use sea_orm_migration::{
    prelude::*,
    schema::{blob, text, timestamp_with_time_zone, uuid, uuid_null},
};

use crate::schema::{add, drop, drop_column, refers, table};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(provider_credentials()).await?;
        // Calls that are there were made under the platform's. A key may go, and its calls stay:
        // no foreign key.
        manager.alter_table(add("calls", uuid_null("credential_id").take())).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(drop_column("calls", "credential_id")).await?;
        manager.drop_table(drop("provider_credentials")).await
    }
}

/// Providers bear names that are configured: no list of them.
fn provider_credentials() -> TableCreateStatement {
    table("provider_credentials")
        .col(uuid("workspace_id"))
        .col(text("provider"))
        .col(uuid("id"))
        .col(blob("sealed"))
        .col(text("ending"))
        .col(timestamp_with_time_zone("created_at"))
        .col(uuid("created_by"))
        .primary_key(
            Index::create().name("pk_provider_credentials").col("workspace_id").col("provider"),
        )
        .foreign_key(&mut refers("provider_credentials", "workspace_id", "workspaces"))
        .foreign_key(&mut refers("provider_credentials", "created_by", "users"))
        .take()
}
