//! Subscriptions in every state of their lives.
//!
//! The states were a list in the table, and `SQLite` cannot change one: the rows move to a new
//! table. That a workspace has one at most that has not ended stays an index. Nobody sold any
//! before, so rows that are there were made by hand: they are taken for what they say.
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, boolean_null, small_integer_null, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
    sea_orm::prelude::Uuid,
};

use crate::schema::{drop, index, not_negative, one_of, table, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const NEXT: &str = "subscriptions_next";

const STATES: [&str; 7] =
    ["incomplete", "trialing", "active", "past_due", "paused", "canceling", "ended"];

/// What both tables have.
const COMMON: [&str; 8] =
    ["id", "workspace_id", "plan", "state", "period_start", "period_end", "ended_at", "created_at"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(subscriptions()).await?;
        manager.execute(moved()).await?;
        manager.drop_table(drop("subscriptions")).await?;
        manager.rename_table(Table::rename().table(NEXT, "subscriptions").take()).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    /// Those in a state that nobody knew before are dropped.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(subscriptions_before()).await?;
        manager.execute(moved_back()).await?;
        manager.drop_table(drop("subscriptions")).await?;
        manager.rename_table(Table::rename().table(NEXT, "subscriptions").take()).await?;
        manager.create_index(one_goes_on()).await
    }
}

fn subscriptions() -> TableCreateStatement {
    table(NEXT)
        .col(uuid("id"))
        .col(uuid("workspace_id"))
        .col(uuid("user_id"))
        .col(text("plan"))
        .col(big_integer("plan_version"))
        .col(uuid("price_id"))
        .col(text("interval"))
        .col(big_integer("price_minor"))
        .col(text("currency"))
        .col(text("provider"))
        .col(text_null("remote"))
        .col(text("state"))
        .col(timestamp_with_time_zone_null("period_start"))
        .col(timestamp_with_time_zone_null("period_end"))
        .col(timestamp_with_time_zone_null("since"))
        .col(timestamp_with_time_zone_null("until"))
        .col(boolean_null("canceling"))
        .col(small_integer_null("reminded"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(text_null("end_reason"))
        .col(text_null("checkout"))
        .col(text_null("checkout_url"))
        .col(text_null("oddity"))
        .col(timestamp_with_time_zone("created_at"))
        .col(big_integer("version"))
        .primary_key(Index::create().name("pk_subscriptions").col("id"))
        .check(one_of("subscriptions", "state", &STATES))
        .check(one_of("subscriptions", "interval", &["month", "year"]))
        .check(one_of("subscriptions", "end_reason", &["canceled", "unpaid", "abandoned"]))
        .check(not_negative("subscriptions", "price_minor"))
        .take()
}

fn subscriptions_before() -> TableCreateStatement {
    table(NEXT)
        .col(uuid("id"))
        .col(uuid("workspace_id"))
        .col(text("plan"))
        .col(text("state"))
        .col(timestamp_with_time_zone_null("period_start"))
        .col(timestamp_with_time_zone_null("period_end"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().name("subscriptions_pkey").col("id"))
        .check(one_of("subscriptions", "state", &["active", "ended"]))
        .take()
}

/// They were made by hand and cost nothing: by nobody, at no price.
fn moved() -> InsertStatement {
    let nobody = || Expr::val(Uuid::nil());
    let ended = CaseStatement::new().case(Expr::col("state").eq("ended"), "canceled");
    let mut rows = Query::select();
    rows.columns(COMMON)
        .expr(nobody())
        .expr(Expr::val(1_i64))
        .expr(nobody())
        .expr(Expr::val("month"))
        .expr(Expr::val(0_i64))
        .expr(Expr::val("USD"))
        .expr(Expr::val("stripe"))
        .expr(ended)
        .expr(Expr::val(0_i64))
        .from("subscriptions");
    let more = [
        "user_id",
        "plan_version",
        "price_id",
        "interval",
        "price_minor",
        "currency",
        "provider",
        "end_reason",
        "version",
    ];
    let mut insert = Query::insert();
    insert.into_table(NEXT).columns(COMMON.into_iter().chain(more));
    insert.select_from(rows).expect("as many values as columns");
    insert
}

fn moved_back() -> InsertStatement {
    let known = Expr::col("state").is_in(["active", "ended"]);
    let rows = Query::select().columns(COMMON).from("subscriptions").and_where(known).take();
    let mut insert = Query::insert();
    insert.into_table(NEXT).columns(COMMON);
    insert.select_from(rows).expect("as many values as columns");
    insert
}

fn one_goes_on() -> IndexCreateStatement {
    let goes_on = Expr::col("state").ne("ended");
    unique("subscriptions", &["workspace_id"]).and_where(goes_on).take()
}

fn indexes() -> [IndexCreateStatement; 3] {
    [
        one_goes_on(),
        unique("subscriptions", &["provider", "remote"]),
        index("subscriptions", &["workspace_id", "created_at", "id"]),
    ]
}
