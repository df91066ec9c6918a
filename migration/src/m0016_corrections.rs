//! What corrected a call that had been charged an estimate.
//!
//! Calls that are there were corrected by nothing.
use sea_orm_migration::{prelude::*, schema::uuid_null};

use crate::schema::{add, drop_column};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(add("calls", uuid_null("correction_id"))).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(drop_column("calls", "correction_id")).await
    }
}
