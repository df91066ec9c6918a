//! Ending calls and their holds: what ends at the same time ends in one unit of work.
use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use cape_domain::{
    billing::{Credits, Hold},
    ids::{ApiKeyId, TransactionId, WorkspaceId},
    store::{BoxError, Durability, Scope, StoreError, UnitOfWork},
    usage::{Call, FailureKind, Metered, QuotaPeriod, Timing},
};

use super::reservation::lane_of;
use crate::{
    Base, Tasks,
    batch::{Batches, Write, away},
    billing::{Ending, close_holds},
    retry::retry,
};

/// A call that is to end.
#[derive(Clone)]
pub(super) struct Closing {
    /// The call, running.
    pub(super) call: Call,
    /// The hold that covers it.
    pub(super) hold: Option<Hold>,
    /// Where else it was counted.
    pub(super) counted: Counted,
    /// How it ends.
    pub(super) end: End,
    /// How long it took.
    pub(super) timing: Timing,
}

/// Where else a call was counted.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    /// In the quota of a period.
    pub(super) quota: Option<QuotaPeriod>,
    /// Towards the spending cap of its key, as far as is known.
    pub(super) towards_key: bool,
}

/// How a call ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// It is paid for.
    Settled(Metered),
    /// It came to nothing.
    Failed(FailureKind),
}

impl End {
    const fn used(self) -> Option<Credits> {
        match self {
            Self::Settled(metered) => Some(metered.charge),
            Self::Failed(_) => None,
        }
    }

    const fn cost_pico_usd(self) -> i64 {
        match self {
            Self::Settled(metered) => metered.cost.pico(),
            Self::Failed(_) => 0,
        }
    }
}

/// Ends calls.
pub(super) struct Closer(Arc<Batches<Counter>>);

impl Closer {
    /// Ends calls in so many lanes, which write beside each other.
    pub(super) fn new(base: Base, tasks: Tasks, lanes: usize) -> Self {
        Self(Batches::new(Counter(base), tasks, lanes))
    }

    /// Ends a call and its hold in one unit of work.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when somebody else has ended it.
    pub(super) async fn close(&self, closing: Closing) -> Result<Call, StoreError> {
        let outcome = self.0.submit(lane_of(closing.call.workspace), closing).await;
        outcome.map_err(|lost| StoreError::Unavailable(lost.into()))?
    }
}

struct Counter(Base);

#[async_trait]
impl Write for Counter {
    type Item = Closing;
    type Outcome = Result<Call, StoreError>;

    async fn write(&self, all: Vec<Closing>) -> Vec<Self::Outcome> {
        if all.len() > 1 {
            match retry!(close_all(&self.0, &all)) {
                Ok(ended) => return ended.into_iter().map(Ok).collect(),
                // Each would be waited for as long again.
                Err(StoreError::Unavailable(error)) => {
                    return all.iter().map(|_| Err(away(&error))).collect();
                }
                Err(StoreError::Conflict { .. } | StoreError::Corrupt { .. }) => {}
            }
        }
        // What goes wrong for one of them is nothing to the others.
        let mut outcomes = Vec::new();
        for closing in &all {
            outcomes.push(retry!(close(&self.0, closing)));
        }
        outcomes
    }
}

/// Ends a call and its hold in one unit of work.
///
/// # Errors
///
/// [`StoreError::Conflict`] when somebody else has ended it.
pub(super) async fn close(base: &Base, closing: &Closing) -> Result<Call, StoreError> {
    let ended = close_all(base, std::slice::from_ref(closing)).await?;
    ended.into_iter().next().ok_or(StoreError::Conflict { what: "call" })
}

/// Ends calls and their holds in one unit of work, all or none.
async fn close_all(base: &Base, all: &[Closing]) -> Result<Vec<Call>, StoreError> {
    let first = all.first().map(|closing| closing.call.workspace);
    let scope = match first.filter(|first| all.iter().all(|each| each.call.workspace == *first)) {
        Some(workspace) => Scope::Workspace(workspace),
        None => Scope::Platform,
    };
    let mut work = base.store.begin(scope, Durability::Process).await?;
    let transactions = pay(base, &mut *work, all).await?;
    // After the workspaces' accounts, as when it was reserved: in another order a call that begins
    // and one that ends would wait for each other.
    correct_keys(&mut *work, all).await?;
    give_back(&mut *work, all).await?;
    let now = base.now();
    let ended = all.iter().zip(transactions).map(|(closing, transaction)| {
        let (call, timing) = (closing.call.clone(), closing.timing);
        let ended = match closing.end {
            End::Settled(metered) => call.settle(metered, transaction, timing, now),
            End::Failed(kind) => call.fail(kind, timing, now),
        };
        ended.ok_or(StoreError::Conflict { what: "call" })
    });
    let ended: Vec<Call> = ended.collect::<Result<_, _>>()?;
    // One without a hold was not written when it began.
    let (recorded, free): (Vec<Call>, Vec<Call>) =
        ended.iter().cloned().partition(|call| call.hold.is_some());
    if !recorded.is_empty() {
        work.calls().end_all(&recorded).await?;
    }
    work.calls().insert_all(&free).await?;
    work.commit().await?;
    Ok(ended)
}

/// Ends the holds, and gives the transactions that paid for them. A call without a hold has none.
async fn pay(
    base: &Base,
    work: &mut dyn UnitOfWork,
    all: &[Closing],
) -> Result<Vec<Option<TransactionId>>, StoreError> {
    let endings = all.iter().filter_map(|closing| {
        let (used, cost_pico_usd) = (closing.end.used(), closing.end.cost_pico_usd());
        Some(Ending { hold: closing.hold.clone()?, used, cost_pico_usd })
    });
    let endings: Vec<Ending> = endings.collect();
    if endings.is_empty() {
        return Ok(vec![None; all.len()]);
    }
    let mut paid = close_holds(base, work, endings).await?.into_iter();
    Ok(all.iter().map(|closing| closing.hold.as_ref().and_then(|_| paid.next())).collect())
}

/// What keys with a cap were charged instead of what was set aside.
async fn correct_keys(work: &mut dyn UnitOfWork, all: &[Closing]) -> Result<(), StoreError> {
    let mut keys = BTreeMap::<ApiKeyId, (Credits, Credits)>::new();
    for closing in all.iter().filter(|closing| closing.counted.towards_key) {
        let Some(hold) = &closing.hold else { continue };
        let (counted, actual) = keys.entry(closing.call.key).or_default();
        *counted = counted.plus(hold.amount).map_err(corrupt)?;
        *actual = actual.plus(closing.end.used().unwrap_or(Credits::ZERO)).map_err(corrupt)?;
    }
    for (key, (counted, actual)) in keys {
        work.key_spending().correct(key, counted, actual).await?;
    }
    Ok(())
}

/// Calls that came to nothing do not count.
async fn give_back(work: &mut dyn UnitOfWork, all: &[Closing]) -> Result<(), StoreError> {
    let mut quotas = BTreeMap::<(WorkspaceId, QuotaPeriod), u64>::new();
    for closing in all {
        if let (End::Failed(_), Some(period)) = (closing.end, closing.counted.quota) {
            *quotas.entry((closing.call.workspace, period)).or_default() += 1;
        }
    }
    for ((workspace, period), calls) in quotas {
        work.quotas().give_back(workspace, period, calls).await?;
    }
    Ok(())
}

fn corrupt<E: Into<BoxError>>(error: E) -> StoreError {
    StoreError::Corrupt { what: "key spending", source: error.into() }
}
