//! Calls to models, and how many of them a workspace made in a period.
//!
//! A call is written when it is admitted and changed at its end, so everything that is known
//! only then may be missing.
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, boolean, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid, uuid_null,
    },
};

use crate::schema::{drop, index, not_negative, one_of, table, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(calls()).await?;
        manager.create_table(quotas()).await?;
        manager.create_index(unique("calls", &["hold_id"])).await?;
        manager.create_index(index("calls", &["workspace_id", "started_at", "id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("quotas")).await?;
        manager.drop_table(drop("calls")).await
    }
}

/// Costs are in million-millionths of a dollar, charges in millionths of a credit, durations in
/// microseconds.
fn calls() -> TableCreateStatement {
    table("calls")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(uuid("key_id"))
        .col(uuid("user_id"))
        .col(uuid("request_id"))
        .col(text("model_asked"))
        .col(text("model"))
        .col(text("provider"))
        .col(boolean("streamed"))
        .col(text("price_version"))
        .col(big_integer("markup_bp"))
        .col(uuid_null("hold_id"))
        .col(timestamp_with_time_zone("started_at"))
        .col(text("state"))
        .col(big_integer("input"))
        .col(big_integer("cached_input"))
        .col(big_integer("cache_write"))
        .col(big_integer("output"))
        .col(big_integer("reasoning"))
        .col(big_integer("cost_pico"))
        .col(big_integer("charge_micros"))
        .col(boolean("estimated"))
        .col(uuid_null("transaction_id"))
        .col(big_integer_null("total_us"))
        .col(big_integer_null("provider_us"))
        .col(big_integer_null("first_token_us"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(text_null("failure"))
        .check(one_of("calls", "state", &["running", "settled", "failed"]))
        .check(not_negative("calls", "cost_pico"))
        .check(not_negative("calls", "charge_micros"))
        .take()
}

fn quotas() -> TableCreateStatement {
    table("quotas")
        .col(uuid("workspace_id"))
        .col(timestamp_with_time_zone("period_start"))
        .col(timestamp_with_time_zone("period_end"))
        .col(big_integer("used"))
        .check(not_negative("quotas", "used"))
        .primary_key(Index::create().col("workspace_id").col("period_start"))
        .take()
}
