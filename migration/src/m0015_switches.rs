//! What operators have stopped, and news of it in the control feed.
//!
//! The kinds of news were a list in the table, and `SQLite` cannot change one: the rows move to a
//! new table. Which kinds there are is no longer said here, as with the ends of sessions: the
//! program refuses what it does not know.
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer_null, text, timestamp_with_time_zone, uuid},
};

use crate::schema::{drop, index, not_negative, one_of, refers, table};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const NEXT: &str = "control_changes_next";

const COLUMNS: [&str; 5] = ["id", "at", "kind", "subject", "epoch"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(control_changes("pk_control_changes").take()).await?;
        manager.execute(moved(Condition::all())).await?;
        take_its_place(manager).await?;
        manager.create_table(switches()).await
    }

    /// News that nobody knew before are dropped: they are about what is dropped, too.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("switches")).await?;
        let known = one_of("control_changes", "kind", &KINDS_BEFORE);
        let before = control_changes("control_changes_pkey").check(known).take();
        manager.create_table(before).await?;
        let known = Condition::all().add(Expr::col("kind").is_in(KINDS_BEFORE));
        manager.execute(moved(known)).await?;
        take_its_place(manager).await
    }
}

const KINDS_BEFORE: [&str; 3] = ["session_epoch", "api_key_revoked", "plan_changed"];

/// Those rows, from the table that is there to the next one.
fn moved(which: Condition) -> InsertStatement {
    let rows = Query::select().columns(COLUMNS).from("control_changes").cond_where(which).take();
    let mut insert = Query::insert();
    insert.into_table(NEXT).columns(COLUMNS);
    insert.select_from(rows).expect("as many values as columns");
    insert
}

/// Nothing refers to news, so the table can go.
async fn take_its_place(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager.drop_table(drop("control_changes")).await?;
    manager.rename_table(Table::rename().table(NEXT, "control_changes").take()).await?;
    manager.create_index(index("control_changes", &["at", "id"])).await
}

/// The subject is a session, a key or a workspace, as the kind says, or nothing: no foreign key.
fn control_changes(key: &'static str) -> TableCreateStatement {
    table(NEXT)
        .col(uuid("id"))
        .col(timestamp_with_time_zone("at"))
        .col(text("kind"))
        .col(uuid("subject"))
        .col(big_integer_null("epoch"))
        .primary_key(Index::create().name(key).col("id"))
        .check(not_negative("control_changes", "epoch"))
        .take()
}

/// The target is an id or a name, as its kind says: no foreign key. Kinds are not listed either.
fn switches() -> TableCreateStatement {
    table("switches")
        .col(text("kind"))
        .col(text("target"))
        .col(text("reason"))
        .col(timestamp_with_time_zone("since"))
        .col(uuid("stopped_by"))
        .primary_key(Index::create().name("pk_switches").col("kind").col("target"))
        .foreign_key(&mut refers("switches", "stopped_by", "users"))
        .take()
}
