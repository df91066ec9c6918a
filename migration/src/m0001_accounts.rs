//! Users, profiles, workspaces, memberships, sessions.
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, blob, pk_uuid, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
};

use crate::schema::{drop, index, not_negative, one_of, refers, table, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [users(), profiles(), workspaces(), memberships(), sessions()] {
            manager.create_table(table).await?;
        }
        for index in [
            unique("users", &["email"]),
            index("memberships", &["user_id", "created_at"]),
            index("sessions", &["user_id"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["sessions", "memberships", "workspaces", "profiles", "users"] {
            manager.drop_table(drop(table)).await?;
        }
        Ok(())
    }
}

fn users() -> TableCreateStatement {
    table("users")
        .col(pk_uuid("id"))
        .col(text("email"))
        .col(text("password"))
        .col(text("user_type"))
        .col(timestamp_with_time_zone_null("verified_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(big_integer("version"))
        .check(one_of("users", "user_type", &["customer", "developer"]))
        .check(not_negative("users", "version"))
        .take()
}

fn profiles() -> TableCreateStatement {
    table("profiles")
        .col(pk_uuid("user_id"))
        .col(text_null("full_name"))
        .col(text_null("company"))
        .col(timestamp_with_time_zone("updated_at"))
        .foreign_key(&mut refers("profiles", "user_id", "users"))
        .take()
}

fn workspaces() -> TableCreateStatement {
    table("workspaces")
        .col(pk_uuid("id"))
        .col(text("name"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

fn memberships() -> TableCreateStatement {
    table("memberships")
        .col(uuid("workspace_id"))
        .col(uuid("user_id"))
        .col(text("role"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().name("pk_memberships").col("workspace_id").col("user_id"))
        .foreign_key(&mut refers("memberships", "workspace_id", "workspaces"))
        .foreign_key(&mut refers("memberships", "user_id", "users"))
        .check(one_of("memberships", "role", &["owner", "member", "viewer"]))
        .take()
}

fn sessions() -> TableCreateStatement {
    table("sessions")
        .col(pk_uuid("id"))
        .col(uuid("user_id"))
        .col(uuid("workspace_id"))
        .col(big_integer("epoch"))
        .col(big_integer("generation"))
        .col(timestamp_with_time_zone("rotated_at"))
        .col(big_integer("used_generation"))
        .col(blob("salt"))
        .col(timestamp_with_time_zone("authenticated_at"))
        .col(text("state"))
        .col(timestamp_with_time_zone("state_at"))
        .col(text_null("end_reason"))
        .col(big_integer("version"))
        .foreign_key(&mut refers("sessions", "user_id", "users"))
        .foreign_key(&mut refers("sessions", "workspace_id", "workspaces"))
        .check(one_of("sessions", "state", &["live", "ended"]))
        .check(one_of("sessions", "end_reason", &["logged_out", "theft"]))
        .check(not_negative("sessions", "epoch"))
        .check(not_negative("sessions", "generation"))
        .check(not_negative("sessions", "used_generation"))
        .check(not_negative("sessions", "version"))
        .take()
}
