//! Users may be operators of the platform. Those that are there are none.
use sea_orm_migration::{prelude::*, schema::boolean};

use crate::schema::{add, drop_column};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(add("users", boolean("operator").default(false).take())).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(drop_column("users", "operator")).await
    }
}
