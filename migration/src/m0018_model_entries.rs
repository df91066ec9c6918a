//! What operators say of models and of their prices.
//!
//! A model without a description is one of the price book that the program came with: what stands
//! here of it is said over that. `model_turns` has one row, for which those who change anything wait.
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, boolean_null, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null,
    },
};

use crate::schema::{drop, not_negative, refers, table, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const NUMBERS: [&str; 10] = [
    "input",
    "cached_input",
    "cache_write",
    "output",
    "request",
    "up_to",
    "long_input",
    "long_cached_input",
    "long_cache_write",
    "long_output",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(entries()).await?;
        manager.create_table(prices()).await?;
        manager.create_index(unique("model_prices", &["model_id", "effective_at"])).await?;
        manager.create_table(turns()).await?;
        let mut first = Query::insert();
        first.into_table("model_turns").columns(["id", "taken"]);
        first.values_panic([1_i64.into(), 0_i64.into()]);
        manager.execute(first).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("model_turns")).await?;
        manager.drop_table(drop("model_prices")).await?;
        manager.drop_table(drop("model_entries")).await
    }
}

/// All of a description is there or nothing of it; the program refuses anything between. Aliases
/// stand each on a line.
fn entries() -> TableCreateStatement {
    table("model_entries")
        .col(text("id"))
        .col(text_null("provider"))
        .col(text_null("upstream"))
        .col(text_null("aliases"))
        .col(text_null("class"))
        .col(text_null("kind"))
        .col(big_integer_null("dimensions"))
        .col(big_integer_null("context_window"))
        .col(big_integer_null("output_cap"))
        .col(big_integer_null("image_tokens"))
        .col(boolean_null("tools"))
        .col(timestamp_with_time_zone_null("released_at"))
        .col(timestamp_with_time_zone_null("retired_at"))
        .primary_key(Index::create().name("pk_model_entries").col("id"))
        .take()
}

/// Million-millionths of a dollar per token, and per request. Kinds are not listed here.
fn prices() -> TableCreateStatement {
    let mut prices = table("model_prices");
    prices
        .col(text("model_id"))
        .col(text("version"))
        .col(timestamp_with_time_zone("effective_at"))
        .col(text("kind"));
    for number in NUMBERS {
        prices.col(big_integer_null(number)).check(not_negative("model_prices", number));
    }
    prices
        .primary_key(Index::create().name("pk_model_prices").col("model_id").col("version"))
        .foreign_key(&mut refers("model_prices", "model_id", "model_entries"))
        .take()
}

fn turns() -> TableCreateStatement {
    table("model_turns")
        .col(big_integer("id"))
        .col(big_integer("taken"))
        .primary_key(Index::create().name("pk_model_turns").col("id"))
        .take()
}
