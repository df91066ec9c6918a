//! Plans that are made, changed and withdrawn: versions, words for customers, prices that stay what
//! they are, and what payment providers call them.
//!
//! A price gets an identity, which `SQLite` cannot give to a table that is there: the rows move to
//! a new one.
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, text, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid},
    sea_orm::prelude::{DateTimeUtc, Uuid},
};

use crate::schema::{add, drop, drop_column, not_negative, one_of, table, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const NEXT: &str = "plan_prices_next";

/// Words for customers, one a line.
const FEATURES: [(&str, &str); 4] = [
    ("free", "Small models\nHelp from the community"),
    ("basic", "Small models\nHelp by mail"),
    ("pro", "Small and medium models\nHelp by mail and chat"),
    ("enterprise", "All models\nA person who knows you"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let features = ColumnDef::new("features").text().not_null().default("").to_owned();
        let version = ColumnDef::new("version").big_integer().not_null().default(1).to_owned();
        let retired = timestamp_with_time_zone_null("retired_at").take();
        for column in [features, version, retired] {
            manager.alter_table(add("plans", column)).await?;
        }
        for (plan, words) in FEATURES {
            let mut update = Query::update();
            update.table("plans").value("features", words).and_where(Expr::col("code").eq(plan));
            manager.execute(update).await?;
        }
        manager.create_table(plan_prices()).await?;
        for insert in identified() {
            manager.execute(insert).await?;
        }
        manager.drop_table(drop("plan_prices")).await?;
        manager.rename_table(Table::rename().table(NEXT, "plan_prices").take()).await?;
        let asked = Expr::col("until").is_null();
        let one = unique("plan_prices", &["plan", "interval", "currency"]).and_where(asked).take();
        manager.create_index(one).await?;
        manager.create_table(provider_products()).await?;
        manager.create_table(provider_prices()).await?;
        manager.create_index(unique("provider_prices", &["provider", "name"])).await
    }

    /// Prices that are not asked any more are forgotten.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("provider_prices")).await?;
        manager.drop_table(drop("provider_products")).await?;
        manager.create_table(plan_prices_before()).await?;
        manager.execute(moved_back()).await?;
        manager.drop_table(drop("plan_prices")).await?;
        manager.rename_table(Table::rename().table(NEXT, "plan_prices").take()).await?;
        for column in ["retired_at", "version", "features"] {
            manager.alter_table(drop_column("plans", column)).await?;
        }
        Ok(())
    }
}

fn plan_prices() -> TableCreateStatement {
    table(NEXT)
        .col(uuid("id"))
        .col(text("plan"))
        .col(text("interval"))
        .col(text("currency"))
        .col(big_integer("amount_minor"))
        .col(timestamp_with_time_zone("since"))
        .col(timestamp_with_time_zone_null("until"))
        .primary_key(Index::create().name("pk_plan_prices").col("id"))
        .check(one_of("plan_prices", "interval", &["month", "year"]))
        .check(not_negative("plan_prices", "amount_minor"))
        .take()
}

fn plan_prices_before() -> TableCreateStatement {
    table(NEXT)
        .col(text("plan"))
        .col(text("interval"))
        .col(text("currency"))
        .col(big_integer("amount_minor"))
        .check(one_of("plan_prices", "interval", &["month", "year"]))
        .check(not_negative("plan_prices", "amount_minor"))
        .primary_key(
            Index::create().name("plan_prices_pkey").col("plan").col("interval").col("currency"),
        )
        .take()
}

/// The prices that are there are those of the first day: each gets an identity of its own, the same
/// in every installation.
fn identified() -> Vec<InsertStatement> {
    let mut number = 0_u128;
    let mut inserts = Vec::new();
    for plan in ["free", "basic", "pro", "enterprise"] {
        for currency in ["USD", "ZAR"] {
            for interval in ["month", "year"] {
                number += 1;
                let id = Uuid::from_u128(number);
                let row = Query::select()
                    .expr(Expr::val(id))
                    .columns(["plan", "interval", "currency", "amount_minor"])
                    // Before anybody was there to pay them.
                    .expr(Expr::val(DateTimeUtc::UNIX_EPOCH))
                    .from("plan_prices")
                    .and_where(Expr::col("plan").eq(plan))
                    .and_where(Expr::col("currency").eq(currency))
                    .and_where(Expr::col("interval").eq(interval))
                    .take();
                let mut insert = Query::insert();
                insert.into_table(NEXT).columns([
                    "id",
                    "plan",
                    "interval",
                    "currency",
                    "amount_minor",
                    "since",
                ]);
                insert.select_from(row).expect("as many values as columns");
                inserts.push(insert);
            }
        }
    }
    inserts
}

fn moved_back() -> InsertStatement {
    let columns = ["plan", "interval", "currency", "amount_minor"];
    let asked = Query::select()
        .columns(columns)
        .from("plan_prices")
        .and_where(Expr::col("until").is_null())
        .take();
    let mut insert = Query::insert();
    insert.into_table(NEXT).columns(columns);
    insert.select_from(asked).expect("as many values as columns");
    insert
}

/// What a payment provider calls a plan.
fn provider_products() -> TableCreateStatement {
    table("provider_products")
        .col(text("plan"))
        .col(text("provider"))
        .col(text("name"))
        .primary_key(Index::create().name("pk_provider_products").col("plan").col("provider"))
        .take()
}

/// What a payment provider calls a price.
fn provider_prices() -> TableCreateStatement {
    table("provider_prices")
        .col(uuid("price_id"))
        .col(text("provider"))
        .col(text("name"))
        .primary_key(Index::create().name("pk_provider_prices").col("price_id").col("provider"))
        .take()
}
