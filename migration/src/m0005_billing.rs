//! Money: the ledger, and what is bought.
//!
//! No row here refers to a row of another area: tenants are not deleted while they have money,
//! and the ledger is proven as a whole by its check, not row by row.
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, blob, boolean, small_integer, text, text_null,
        timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
    },
};

use crate::schema::{drop, index, not_negative, one_of, table, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            balances(),
            ledger_transfers(),
            credit_grants(),
            holds(),
            hold_allocations(),
            subscriptions(),
            customers(),
            orders(),
            payments(),
            webhooks(),
        ] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [
            "webhooks",
            "payments",
            "orders",
            "customers",
            "subscriptions",
            "hold_allocations",
            "holds",
            "credit_grants",
            "ledger_transfers",
            "balances",
        ] {
            manager.drop_table(drop(name)).await?;
        }
        Ok(())
    }
}

/// What a workspace has, in millionths of a credit.
fn balances() -> TableCreateStatement {
    table("balances")
        .col(uuid("workspace_id").primary_key())
        .col(big_integer("available"))
        .col(big_integer("held"))
        .col(big_integer("receivable"))
        .check(not_negative("balances", "available"))
        .check(not_negative("balances", "held"))
        .check(not_negative("balances", "receivable"))
        .take()
}

/// One row per transfer; a transaction is its rows. Nothing is ever changed here.
fn ledger_transfers() -> TableCreateStatement {
    table("ledger_transfers")
        .col(uuid("transaction_id"))
        .col(small_integer("line"))
        .col(uuid("workspace_id"))
        .col(text("kind"))
        .col(text("key"))
        .col(timestamp_with_time_zone("at"))
        .col(text("from_account"))
        .col(text("to_account"))
        .col(text("unit"))
        .col(big_integer("amount"))
        .check(Check::named("ck_ledger_transfers_amount", Expr::col("amount").gt(0)))
        .primary_key(Index::create().col("transaction_id").col("line"))
        .take()
}

/// Lots of credits.
fn credit_grants() -> TableCreateStatement {
    let taken = Expr::col("remaining").add(Expr::col("held"));
    table("credit_grants")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(text("source"))
        .col(uuid_null("order_id"))
        .col(big_integer("amount"))
        .col(big_integer("remaining"))
        .col(big_integer("held"))
        .col(timestamp_with_time_zone_null("expires_at"))
        .col(timestamp_with_time_zone("created_at"))
        .check(one_of("credit_grants", "source", &["purchase", "bonus", "promotion"]))
        .check(not_negative("credit_grants", "remaining"))
        .check(not_negative("credit_grants", "held"))
        .check(Check::named("ck_credit_grants_amount", taken.lte(Expr::col("amount"))))
        .take()
}

fn holds() -> TableCreateStatement {
    table("holds")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(big_integer("amount"))
        .col(uuid("process_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("deadline"))
        .col(text("state"))
        .col(big_integer_null("used"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .check(Check::named("ck_holds_amount", Expr::col("amount").gt(0)))
        .check(one_of("holds", "state", &["open", "settled", "released"]))
        .check(not_negative("holds", "used"))
        .take()
}

/// What a hold reserved of which lot, in the order in which the lots are used.
fn hold_allocations() -> TableCreateStatement {
    table("hold_allocations")
        .col(uuid("hold_id"))
        .col(small_integer("line"))
        .col(uuid("grant_id"))
        .col(big_integer("amount"))
        .check(Check::named("ck_hold_allocations_amount", Expr::col("amount").gt(0)))
        .primary_key(Index::create().col("hold_id").col("line"))
        .take()
}

fn subscriptions() -> TableCreateStatement {
    table("subscriptions")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(text("plan"))
        .col(text("state"))
        .col(timestamp_with_time_zone_null("period_start"))
        .col(timestamp_with_time_zone_null("period_end"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(timestamp_with_time_zone("created_at"))
        .check(one_of("subscriptions", "state", &["active", "ended"]))
        .take()
}

/// Who a workspace is at a payment provider.
fn customers() -> TableCreateStatement {
    table("customers")
        .col(uuid("workspace_id"))
        .col(text("provider"))
        .col(text("customer"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("workspace_id").col("provider"))
        .take()
}

fn orders() -> TableCreateStatement {
    table("orders")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(uuid("user_id"))
        .col(text("pack"))
        .col(big_integer("credits"))
        .col(big_integer("bonus"))
        .col(big_integer("price_minor"))
        .col(text("currency"))
        .col(text("provider"))
        .col(timestamp_with_time_zone("created_at"))
        .col(text("state"))
        .col(timestamp_with_time_zone_null("state_at"))
        .col(text_null("checkout"))
        .col(text_null("checkout_url"))
        .col(uuid_null("payment_id"))
        .col(big_integer("version"))
        .check(one_of("orders", "state", &["intended", "open", "paid", "expired", "failed"]))
        .check(not_negative("orders", "credits"))
        .check(not_negative("orders", "bonus"))
        .check(not_negative("orders", "price_minor"))
        .take()
}

fn payments() -> TableCreateStatement {
    table("payments")
        .col(uuid("id").primary_key())
        .col(uuid("order_id"))
        .col(uuid("workspace_id"))
        .col(text("provider"))
        .col(text("reference"))
        .col(big_integer("amount_minor"))
        .col(text("currency"))
        .col(timestamp_with_time_zone("at"))
        .check(not_negative("payments", "amount_minor"))
        .take()
}

/// The inbox. The body of a message is not kept, only its hash.
fn webhooks() -> TableCreateStatement {
    table("webhooks")
        .col(uuid("id").primary_key())
        .col(text("provider"))
        .col(text("event"))
        .col(text("kind"))
        .col(text("object"))
        .col(boolean("live"))
        .col(text_null("api_version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(blob("body_hash"))
        .col(timestamp_with_time_zone("received_at"))
        .col(text("state"))
        .col(text_null("outcome"))
        .col(timestamp_with_time_zone_null("handled_at"))
        .check(one_of("webhooks", "state", &["received", "handled"]))
        .check(one_of("webhooks", "outcome", &["applied", "unchanged", "ignored"]))
        .take()
}

/// One for every question that is asked of many rows. Those over parts of a table hold what is
/// still in motion, which is little.
fn indexes() -> [IndexCreateStatement; 10] {
    let remains = || Expr::col("remaining").gt(0);
    let open = || Expr::col("state").eq("open");
    let expires = Expr::col("expires_at").is_not_null();
    [
        unique("ledger_transfers", &["key", "line"]),
        index("ledger_transfers", &["workspace_id", "at", "transaction_id"])
            .and_where(Expr::col("line").eq(0))
            .take(),
        index("credit_grants", &["workspace_id"]).and_where(remains()).take(),
        index("credit_grants", &["expires_at"]).and_where(remains().and(expires)).take(),
        index("holds", &["process_id", "created_at"]).and_where(open()).take(),
        index("holds", &["deadline"]).and_where(open()).take(),
        unique("subscriptions", &["workspace_id"]).and_where(Expr::col("state").ne("ended")).take(),
        unique("payments", &["order_id"]),
        unique("payments", &["provider", "reference"]),
        unique("webhooks", &["provider", "event"]),
    ]
}
