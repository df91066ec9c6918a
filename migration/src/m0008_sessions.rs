//! Sessions know where they come from, and end for more reasons.
//!
//! The reasons were a list in the table, and `SQLite` cannot change one: the rows move to a new
//! table. Which reasons there are is no longer said here, as with the actions of the trail: there
//! will be more, and the program refuses what it does not know.
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, blob, text, text_null, timestamp_with_time_zone, uuid},
};

use crate::schema::{drop, index, not_negative, one_of, refers, table};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const NEXT: &str = "sessions_next";

/// What both tables have, in the same words.
const KEPT: [&str; 12] = [
    "id",
    "user_id",
    "workspace_id",
    "epoch",
    "generation",
    "rotated_at",
    "used_generation",
    "salt",
    "authenticated_at",
    "state",
    "state_at",
    "version",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(after()).await?;
        manager
            .execute(moved(&[
                ("end_reason", Expr::col("end_reason")),
                ("created_at", Expr::col("authenticated_at")),
                ("last_seen_at", Expr::col("rotated_at")),
            ]))
            .await?;
        take_its_place(manager).await?;
        for index in [
            index("sessions", &["user_id", "state", "state_at"]),
            index("sessions", &["user_id", "device"]),
            index("sessions", &["user_id", "network"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    /// Reasons that nobody knew before become the one that says least.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let reason = || Expr::col("end_reason");
        let known = reason().is_null().or(reason().is_in(REASONS_BEFORE));
        let reason = Expr::case(known, reason()).finally("logged_out");
        manager.create_table(before()).await?;
        manager.execute(moved(&[("end_reason", reason.into())])).await?;
        take_its_place(manager).await?;
        manager.create_index(index("sessions", &["user_id"])).await
    }
}

/// All rows, from the table that is there to the next one.
fn moved(changed: &[(&'static str, Expr)]) -> InsertStatement {
    let mut rows = Query::select();
    rows.columns(KEPT).from("sessions").exprs(changed.iter().map(|(_, value)| value.clone()));
    let columns = KEPT.into_iter().chain(changed.iter().map(|(column, _)| *column));
    let mut insert = Query::insert();
    insert.into_table(NEXT).columns(columns);
    insert.select_from(rows).expect("as many values as columns");
    insert
}

/// Nothing refers to sessions, so the table can go.
async fn take_its_place(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager.drop_table(drop("sessions")).await?;
    manager.rename_table(Table::rename().table(NEXT, "sessions").take()).await
}

fn after() -> TableCreateStatement {
    sessions("pk_sessions")
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("last_seen_at"))
        .col(text_null("device"))
        .col(text_null("address"))
        .col(text_null("network"))
        .take()
}

const REASONS_BEFORE: [&str; 2] = ["logged_out", "theft"];

/// Its key has the name that the database gave it.
fn before() -> TableCreateStatement {
    sessions("sessions_pkey").check(one_of("sessions", "end_reason", &REASONS_BEFORE)).take()
}

fn sessions(key: &'static str) -> TableCreateStatement {
    table(NEXT)
        .col(uuid("id"))
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
        .primary_key(Index::create().name(key).col("id"))
        .foreign_key(&mut refers("sessions", "user_id", "users"))
        .foreign_key(&mut refers("sessions", "workspace_id", "workspaces"))
        .check(one_of("sessions", "state", &["live", "ended"]))
        .check(not_negative("sessions", "epoch"))
        .check(not_negative("sessions", "generation"))
        .check(not_negative("sessions", "used_generation"))
        .check(not_negative("sessions", "version"))
        .take()
}
