//! What API keys are good for, and what those with a cap have spent.
//!
//! Keys that are there may do what they could do before: everything, from anywhere, for ever.
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, boolean, pk_uuid, text, timestamp_with_time_zone_null,
    },
};

use crate::schema::{add, drop, drop_column, index, not_negative, table};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in rules() {
            manager.alter_table(add("api_keys", column)).await?;
        }
        manager.create_index(index("api_keys", &["owner_id"])).await?;
        manager.create_table(key_spending()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("key_spending")).await?;
        let index = Index::drop().name("ix_api_keys_owner_id").table("api_keys").to_owned();
        manager.drop_index(index).await?;
        for column in rules() {
            manager.alter_table(drop_column("api_keys", column.get_column_name())).await?;
        }
        Ok(())
    }
}

/// Lists are texts: names of scopes and networks with a comma between them, and names of models,
/// which may have commas, with a line break. The cap is in millionths of a credit.
fn rules() -> [ColumnDef; 7] {
    [
        text("scopes").default("chat,models").take(),
        timestamp_with_time_zone_null("expires_at"),
        text("models").default("").take(),
        text("networks").default("").take(),
        big_integer_null("spending_cap").check(not_negative("api_keys", "spending_cap")).take(),
        boolean("ends_with_password").default(false).take(),
        timestamp_with_time_zone_null("last_used_at"),
    ]
}

/// In millionths of a credit.
fn key_spending() -> TableCreateStatement {
    table("key_spending")
        .col(pk_uuid("key_id"))
        .col(big_integer("spent"))
        .check(not_negative("key_spending", "spent"))
        .take()
}
