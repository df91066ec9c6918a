//! The proof of the ledger: what is stored twice must agree. Read-only, and nothing is cached.
//!
//! Not here: repairs. Somebody has to understand first what happened.
mod invariants;
mod keyed;

use async_trait::async_trait;
use cape_domain::{
    billing::{LedgerAudit, Violation},
    store::{Scope, StoreError},
};
use sea_orm::{ConnectionTrait as _, FromQueryResult, Statement, prelude::Uuid};

use self::invariants::{INVARIANTS, Invariant};
use crate::{error, store::SqlWork};

const WHAT: &str = "ledger";

/// One broken invariant, as the queries tell it.
#[derive(FromQueryResult)]
struct Row {
    subject: Uuid,
    detail: String,
}

/// Their names, which stay as they are:
///
/// - `balance_equals_transfers`: what a workspace has is the sum of its transfers;
/// - `grants_equal_balance`: its lots hold exactly that;
/// - `open_holds_equal_held`: what is set aside is the sum of its open holds;
/// - `allocations_equal_hold`: a hold is the sum of what it reserved;
/// - `grant_held_equals_open_allocations`: a lot has set aside what open holds reserved of it;
/// - `no_negative_amount`: nothing is below zero, and no lot holds more than it was given;
/// - `hold_has_its_transactions`: a hold was posted once, and so was its end, and what corrected
///   it if its call was corrected;
/// - `ended_hold_has_ended_call`: a hold and its call are at the same point of their lives, and
///   the call was charged what the hold was settled with, unless it was corrected;
/// - `paid_order_has_payment_and_grant`: an order that is paid has one payment of its price and
///   one transaction and one lot of its credits, and likewise of its bonus; no other has any.
#[async_trait]
impl LedgerAudit for SqlWork {
    async fn violations(&mut self) -> Result<Vec<Violation>, StoreError> {
        let mut found = Vec::new();
        for invariant in &INVARIANTS {
            found.extend(broken(self, invariant).await?);
        }
        found.extend(keyed::holds(self).await?);
        found.extend(keyed::orders(self).await?);
        Ok(found)
    }
}

async fn broken(work: &SqlWork, invariant: &Invariant) -> Result<Vec<Violation>, StoreError> {
    let (within, values) = match work.scope {
        Scope::Platform => ("", vec![]),
        Scope::Workspace(own) => ("WHERE workspace_id = $1", vec![own.raw().into()]),
    };
    let query = format!(
        "SELECT subject, detail FROM ({}) AS broken {within} ORDER BY subject",
        invariant.broken,
    );
    let backend = work.transaction.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, query, values);
    let rows =
        Row::find_by_statement(statement).all(&work.transaction).await.map_err(error::on(WHAT))?;
    let violation = |row: Row| Violation {
        invariant: invariant.name,
        subject: (invariant.subject)(row.subject),
        detail: row.detail,
    };
    Ok(rows.into_iter().map(violation).collect())
}
