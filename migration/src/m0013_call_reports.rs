//! Calls found by who made them and with what, as reports ask for them.
//!
//! A workspace may have many users and keys, most of which make few of its calls. It has few
//! models, providers and states, so those need no index of their own.
use sea_orm_migration::prelude::*;

use crate::schema::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for whose in ["key_id", "user_id"] {
            let columns = ["workspace_id", whose, "started_at", "id"];
            manager.create_index(index("calls", &columns)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for whose in ["key_id", "user_id"] {
            let name = format!("ix_calls_workspace_id_{whose}_started_at_id");
            manager.drop_index(Index::drop().name(name).table("calls").to_owned()).await?;
        }
        Ok(())
    }
}
