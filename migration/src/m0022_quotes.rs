//! What changes of plans were said to cost.
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, text, timestamp_with_time_zone, uuid},
};

use crate::schema::{drop, not_negative, one_of, refers, table};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(quotes()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(drop("subscription_quotes")).await
    }
}

/// A quote is never changed.
fn quotes() -> TableCreateStatement {
    table("subscription_quotes")
        .col(uuid("id"))
        .col(uuid("subscription_id"))
        .col(uuid("workspace_id"))
        .col(big_integer("version"))
        .col(text("plan"))
        .col(big_integer("plan_version"))
        .col(uuid("price_id"))
        .col(text("interval"))
        .col(big_integer("price_minor"))
        .col(text("currency"))
        .col(big_integer("credit_minor"))
        .col(big_integer("charge_minor"))
        .col(timestamp_with_time_zone("at"))
        .col(timestamp_with_time_zone("renews_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .primary_key(Index::create().name("pk_subscription_quotes").col("id"))
        .foreign_key(&mut refers("subscription_quotes", "subscription_id", "subscriptions"))
        .check(one_of("subscription_quotes", "interval", &["month", "year"]))
        .check(not_negative("subscription_quotes", "credit_minor"))
        .check(not_negative("subscription_quotes", "charge_minor"))
        .take()
}
