//! Invariants about transactions that are found by their keys. A key spells an id out as text,
//! and databases spell differently, so rows and transactions meet here and not in a join; some
//! at a time, so that a ledger of any size can be proven.
use std::collections::HashMap;

use cape_domain::{
    billing::Violation,
    ids::{HoldId, OrderId},
    store::StoreError,
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, prelude::Uuid,
};

use super::{
    super::{
        ledger::{hold, transfer},
        orders,
    },
    WHAT,
    invariants::PAID_ORDER_NAME,
};
use crate::{error, store::SqlWork, usage::call};

/// How many rows are looked at together.
const BATCH: u64 = 500;

/// Transfers, by the workspace and the key of their transaction.
struct Posted(HashMap<(Uuid, String), Vec<transfer::Model>>);

/// What a transaction should be: its kind, and what it adds to some of the accounts. The sums are
/// wide: a wrong ledger must not break its own proof.
struct Due {
    kind: &'static str,
    changes: Vec<(&'static str, i128)>,
}

/// What a call was charged in the end, and whether that is a correction.
#[derive(FromQueryResult)]
struct Charged {
    hold_id: Uuid,
    charge_micros: i64,
    correction_id: Option<Uuid>,
}

/// Holds that were not posted as they are, once, or whose end or correction was not.
pub(super) async fn holds(work: &SqlWork) -> Result<Vec<Violation>, StoreError> {
    let mut found = Vec::new();
    let mut last = Uuid::nil();
    loop {
        let rows = hold::Entity::find()
            .filter(work.within(hold::Column::WorkspaceId))
            .filter(hold::Column::Id.gt(last))
            .order_by_asc(hold::Column::Id)
            .limit(BATCH)
            .all(&work.transaction)
            .await
            .map_err(error::on(WHAT))?;
        let Some(newest) = rows.last() else { return Ok(found) };
        last = newest.id;
        let keys = rows.iter().flat_map(|row| [hold_key(row), end_key(row), correction_key(row)]);
        let posted = posted(work, keys.collect()).await?;
        let charged = charged(work, &rows).await?;
        for row in &rows {
            let begin = Some(Due { kind: "hold", changes: vec![("held", row.amount.into())] });
            let correction = charged.get(&row.id).and_then(|call| due_correction(row, call));
            for (key, due) in [
                (hold_key(row), begin),
                (end_key(row), due_end(row)?),
                (correction_key(row), correction),
            ] {
                found.extend(posted.fault(row.workspace_id, key, due).map(|detail| Violation {
                    invariant: "hold_has_its_transactions",
                    subject: HoldId::new(row.id).to_string(),
                    detail,
                }));
            }
        }
    }
}

fn due_end(row: &hold::Model) -> Result<Option<Due>, StoreError> {
    let held = ("held", -i128::from(row.amount));
    Ok(match row.state.as_str() {
        "open" => None,
        "settled" => {
            let used = ("revenue", row.used.unwrap_or_default().into());
            Some(Due { kind: "settlement", changes: vec![held, used] })
        }
        "released" => Some(Due { kind: "release", changes: vec![held] }),
        other => return Err(error::unknown(WHAT, "state of a hold", other)),
    })
}

/// What the calls that these holds cover were charged.
async fn charged(
    work: &SqlWork,
    holds: &[hold::Model],
) -> Result<HashMap<Uuid, Charged>, StoreError> {
    let calls = call::Entity::find()
        .select_only()
        .columns([call::Column::HoldId, call::Column::ChargeMicros, call::Column::CorrectionId])
        .filter(call::Column::HoldId.is_in(holds.iter().map(|row| row.id)))
        .into_model::<Charged>()
        .all(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    Ok(calls.into_iter().map(|call| (call.hold_id, call)).collect())
}

/// A correction adds what a call was charged in the end to what its hold was settled with.
fn due_correction(row: &hold::Model, call: &Charged) -> Option<Due> {
    call.correction_id?;
    let settled = i128::from(row.used.unwrap_or_default());
    let difference = i128::from(call.charge_micros) - settled;
    Some(Due { kind: "correction", changes: vec![("revenue", difference)] })
}

/// Orders whose credits were not posted as ordered, once, or were though nobody paid.
pub(super) async fn orders(work: &SqlWork) -> Result<Vec<Violation>, StoreError> {
    let mut found = Vec::new();
    let mut last = Uuid::nil();
    loop {
        let rows = orders::row::Entity::find()
            .filter(work.within(orders::row::Column::WorkspaceId))
            .filter(orders::row::Column::Id.gt(last))
            .order_by_asc(orders::row::Column::Id)
            .limit(BATCH)
            .all(&work.transaction)
            .await
            .map_err(error::on(WHAT))?;
        let Some(newest) = rows.last() else { return Ok(found) };
        last = newest.id;
        let keys = rows.iter().flat_map(|row| [purchase_key(row), bonus_key(row)]);
        let posted = posted(work, keys.collect()).await?;
        for row in &rows {
            let given = |kind, amount: i64| {
                let due = row.state == "paid" && amount > 0;
                due.then(|| Due { kind, changes: vec![("available", amount.into())] })
            };
            let purchase = (purchase_key(row), given("purchase", row.credits));
            let bonus = (bonus_key(row), given("bonus", row.bonus));
            for (key, due) in [purchase, bonus] {
                found.extend(posted.fault(row.workspace_id, key, due).map(|detail| Violation {
                    invariant: PAID_ORDER_NAME,
                    subject: OrderId::new(row.id).to_string(),
                    detail,
                }));
            }
        }
    }
}

async fn posted(work: &SqlWork, keys: Vec<String>) -> Result<Posted, StoreError> {
    let rows = transfer::Entity::find()
        .filter(transfer::Column::Key.is_in(keys))
        .all(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    let mut posted = HashMap::<_, Vec<_>>::new();
    for row in rows {
        posted.entry((row.workspace_id, row.key.clone())).or_default().push(row);
    }
    Ok(Posted(posted))
}

impl Posted {
    /// Says what is wrong with the transaction of a key, if something is.
    fn fault(&self, workspace: Uuid, key: String, due: Option<Due>) -> Option<String> {
        let place = (workspace, key);
        let (rows, key) = (self.0.get(&place), &place.1);
        let (rows, due) = match (rows, due) {
            (None, None) => return None,
            (None, Some(_)) => return Some(format!("{key} is not posted")),
            (Some(_), None) => return Some(format!("{key} is posted; should not be")),
            (Some(rows), Some(due)) => (rows, due),
        };
        if let Some(row) = rows.iter().find(|row| row.kind != due.kind) {
            return Some(format!("{key} is a {}; should be a {}", row.kind, due.kind));
        }
        due.changes.into_iter().find_map(|(account, should)| {
            let does = net(rows, account);
            let differs = does != should;
            differs.then(|| format!("{key} adds {does} to {account}; should add {should}"))
        })
    }
}

/// What transfers do to an account, all in all.
fn net(rows: &[transfer::Model], account: &str) -> i128 {
    let change = |row: &transfer::Model| {
        let amount = i128::from(row.amount);
        let given = if row.to_account == account { amount } else { 0 };
        let taken = if row.from_account == account { amount } else { 0 };
        given - taken
    };
    rows.iter().map(change).sum()
}

fn hold_key(row: &hold::Model) -> String {
    format!("hold:{}", HoldId::new(row.id))
}

fn end_key(row: &hold::Model) -> String {
    format!("end:{}", HoldId::new(row.id))
}

fn correction_key(row: &hold::Model) -> String {
    format!("correction:{}", HoldId::new(row.id))
}

fn purchase_key(row: &orders::row::Model) -> String {
    format!("purchase:{}", OrderId::new(row.id))
}

fn bonus_key(row: &orders::row::Model) -> String {
    format!("bonus:{}", OrderId::new(row.id))
}
