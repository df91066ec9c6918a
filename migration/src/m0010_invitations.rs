//! People who were asked to join a workspace.
use sea_orm_migration::{
    prelude::*,
    schema::{blob, pk_uuid, text, timestamp_with_time_zone, uuid},
};

use crate::schema::{drop, index, one_of, refers, table, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(invitations()).await?;
        manager.create_index(unique("invitations", &["workspace_id", "email"])).await?;
        manager.create_index(index("invitations", &["workspace_id", "created_at", "id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("invitations")).await
    }
}

fn invitations() -> TableCreateStatement {
    table("invitations")
        .col(pk_uuid("id"))
        .col(uuid("workspace_id"))
        .col(text("email"))
        .col(text("role"))
        .col(uuid("invited_by"))
        .col(blob("salt"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .foreign_key(&mut refers("invitations", "workspace_id", "workspaces"))
        .foreign_key(&mut refers("invitations", "invited_by", "users"))
        .check(one_of("invitations", "role", &["owner", "member", "viewer"]))
        .take()
}
