//! What is sold, as it is sold on the first day.
//!
//! Limits count calls and tokens; prices are in the smallest unit of their currency; credits
//! are in millionths.
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, text},
};

use crate::schema::{drop, not_negative, one_of, table};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Code, name, requests a month, a minute and an hour, tokens an hour, classes of models.
const PLANS: [(&str, &str, [i64; 4], &str); 4] = [
    ("free", "Free", [100, 10, 60, 50_000], "small"),
    ("basic", "Basic", [1_000, 20, 200, 150_000], "small"),
    ("pro", "Pro", [10_000, 50, 500, 500_000], "small,medium"),
    ("enterprise", "Enterprise", [100_000, 200, 2_000, 2_000_000], "small,medium,large"),
];

/// Plan, currency, price of a month and of a year.
const PLAN_PRICES: [(&str, &str, i64, i64); 8] = [
    ("free", "USD", 0, 0),
    ("free", "ZAR", 0, 0),
    ("basic", "USD", 900, 9_000),
    ("basic", "ZAR", 16_900, 169_000),
    ("pro", "USD", 2_900, 29_000),
    ("pro", "ZAR", 52_900, 499_000),
    ("enterprise", "USD", 10_000, 100_000),
    ("enterprise", "ZAR", 179_900, 1_719_000),
];

/// Code, credits that are bought, credits on top, price in dollars and in rands.
const PACKS: [(&str, i64, i64, i64, i64); 3] = [
    ("small", 500, 0, 500, 9_500),
    ("medium", 2_000, 100, 2_000, 37_900),
    ("large", 10_000, 1_000, 10_000, 189_900),
];

const MICROS_PER_CREDIT: i64 = 1_000_000;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [plans(), plan_prices(), packs(), pack_prices()] {
            manager.create_table(table).await?;
        }
        for rows in [plan_rows(), plan_price_rows(), pack_rows(), pack_price_rows()] {
            manager.execute(rows).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["pack_prices", "packs", "plan_prices", "plans"] {
            manager.drop_table(drop(name)).await?;
        }
        Ok(())
    }
}

fn plans() -> TableCreateStatement {
    table("plans")
        .col(text("code").primary_key())
        .col(big_integer("position"))
        .col(text("name"))
        .col(big_integer("requests_per_month"))
        .col(big_integer("requests_per_minute"))
        .col(big_integer("requests_per_hour"))
        .col(big_integer("tokens_per_hour"))
        .col(text("models"))
        .check(not_negative("plans", "requests_per_month"))
        .check(not_negative("plans", "requests_per_minute"))
        .check(not_negative("plans", "requests_per_hour"))
        .check(not_negative("plans", "tokens_per_hour"))
        .take()
}

fn plan_prices() -> TableCreateStatement {
    table("plan_prices")
        .col(text("plan"))
        .col(text("interval"))
        .col(text("currency"))
        .col(big_integer("amount_minor"))
        .check(one_of("plan_prices", "interval", &["month", "year"]))
        .check(not_negative("plan_prices", "amount_minor"))
        .primary_key(Index::create().col("plan").col("interval").col("currency"))
        .take()
}

fn packs() -> TableCreateStatement {
    table("packs")
        .col(text("code").primary_key())
        .col(big_integer("position"))
        .col(big_integer("credits_micros"))
        .col(big_integer("bonus_micros"))
        .check(not_negative("packs", "credits_micros"))
        .check(not_negative("packs", "bonus_micros"))
        .take()
}

fn pack_prices() -> TableCreateStatement {
    table("pack_prices")
        .col(text("pack"))
        .col(text("currency"))
        .col(big_integer("amount_minor"))
        .check(not_negative("pack_prices", "amount_minor"))
        .primary_key(Index::create().col("pack").col("currency"))
        .take()
}

fn plan_rows() -> InsertStatement {
    let mut rows = Query::insert();
    rows.into_table("plans").columns([
        "code",
        "position",
        "name",
        "requests_per_month",
        "requests_per_minute",
        "requests_per_hour",
        "tokens_per_hour",
        "models",
    ]);
    for (position, (code, name, [month, minute, hour, tokens], models)) in (0_i64..).zip(PLANS) {
        rows.values_panic([
            code.into(),
            position.into(),
            name.into(),
            month.into(),
            minute.into(),
            hour.into(),
            tokens.into(),
            models.into(),
        ]);
    }
    rows
}

fn plan_price_rows() -> InsertStatement {
    let mut rows = Query::insert();
    rows.into_table("plan_prices").columns(["plan", "interval", "currency", "amount_minor"]);
    for (plan, currency, month, year) in PLAN_PRICES {
        for (interval, amount) in [("month", month), ("year", year)] {
            rows.values_panic([plan.into(), interval.into(), currency.into(), amount.into()]);
        }
    }
    rows
}

fn pack_rows() -> InsertStatement {
    let mut rows = Query::insert();
    rows.into_table("packs").columns(["code", "position", "credits_micros", "bonus_micros"]);
    for (position, (code, credits, bonus, _, _)) in (0_i64..).zip(PACKS) {
        rows.values_panic([
            code.into(),
            position.into(),
            (credits * MICROS_PER_CREDIT).into(),
            (bonus * MICROS_PER_CREDIT).into(),
        ]);
    }
    rows
}

fn pack_price_rows() -> InsertStatement {
    let mut rows = Query::insert();
    rows.into_table("pack_prices").columns(["pack", "currency", "amount_minor"]);
    for (pack, _, _, dollars, rands) in PACKS {
        for (currency, amount) in [("USD", dollars), ("ZAR", rands)] {
            rows.values_panic([pack.into(), currency.into(), amount.into()]);
        }
    }
    rows
}
