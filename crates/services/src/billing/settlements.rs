//! Ending holds: what was used is paid, the rest goes back.
use cape_domain::{
    billing::{
        self, Credits, EndedHold, GrantMove, Hold, InvalidHold, InvalidTransaction, NotEnough,
        OutOfRange, Overage, Posted, Transaction, allocate, merge_moves,
    },
    ids::{TransactionId, WorkspaceId},
    store::{BoxError, StoreError, UnitOfWork},
    time::Timestamp,
};

use crate::Base;

/// A hold that is to end.
pub(crate) struct Ending {
    /// The hold, open.
    pub(crate) hold: Hold,
    /// What was used. None, when the call came to nothing.
    pub(crate) used: Option<Credits>,
    /// What it cost us, in million-millionths of a dollar.
    pub(crate) cost_pico_usd: i64,
}

/// Ends a hold with what was used, and gives the transaction that paid for it: see
/// [`close_holds`].
pub(crate) async fn close_hold(
    base: &Base,
    work: &mut dyn UnitOfWork,
    hold: Hold,
    used: Option<Credits>,
    cost_pico_usd: i64,
) -> Result<TransactionId, StoreError> {
    let closed = close_holds(base, work, vec![Ending { hold, used, cost_pico_usd }]).await?;
    closed.into_iter().next().ok_or(StoreError::Conflict { what: "hold" })
}

/// Ends holds with what was used, and gives the transactions that paid for them, in their order.
/// What a hold did not cover is taken from what is available, and the rest is owed. Of two who
/// end the same hold, the second meets a conflict.
pub(crate) async fn close_holds(
    base: &Base,
    work: &mut dyn UnitOfWork,
    endings: Vec<Ending>,
) -> Result<Vec<TransactionId>, StoreError> {
    let now = base.now();
    let mut closed = Vec::new();
    for Ending { hold, used, cost_pico_usd } in endings {
        let head = (TransactionId::next(&*base.ids), hold.workspace, now);
        let ended = match used {
            Some(used) => hold.settle(used, now),
            None => hold.release(now),
        };
        let Some(ended) = ended.map_err(corrupt::<InvalidHold>)? else {
            return Err(StoreError::Conflict { what: "hold" });
        };
        closed.push(Closed { head, ended, used, cost_pico_usd });
    }
    let holds: Vec<Hold> = closed.iter().map(|closed| closed.ended.hold.clone()).collect();
    work.ledger().end_holds(&holds).await?;
    let ids = closed.iter().map(|closed| closed.head.0).collect();
    // What is covered by its hold moves together; the rest one after the other, since what one
    // of them takes, the next one does not find.
    let (beyond, covered): (Vec<_>, Vec<_>) =
        closed.into_iter().partition(|c| c.ended.settlement.beyond.is_positive());
    enter(work, covered.iter().map(|closed| (closed, Overage::default())), Vec::new()).await?;
    for closed in &beyond {
        let mut moves = Vec::new();
        let overage = cover(work, closed, now, &mut moves).await?;
        enter(work, std::iter::once((closed, overage)), moves).await?;
    }
    Ok(ids)
}

/// A hold that has ended, and the transaction that is to say so.
struct Closed {
    head: (TransactionId, WorkspaceId, Timestamp),
    ended: EndedHold,
    used: Option<Credits>,
    cost_pico_usd: i64,
}

impl Closed {
    fn transaction(&self, overage: Overage) -> Result<Transaction, InvalidTransaction> {
        let EndedHold { hold, settlement } = &self.ended;
        match self.used {
            Some(_) => {
                billing::settlement(self.head, hold.id, settlement, overage, self.cost_pico_usd)
            }
            None => billing::release(self.head, hold.id, hold.amount),
        }
    }
}

/// Posts what was decided, and moves the lots.
async fn enter(
    work: &mut dyn UnitOfWork,
    closed: impl Iterator<Item = (&Closed, Overage)> + Send,
    mut moves: Vec<GrantMove>,
) -> Result<(), StoreError> {
    let mut transactions = Vec::new();
    for (closed, overage) in closed {
        transactions.push(closed.transaction(overage).map_err(corrupt)?);
        moves.extend(closed.ended.settlement.grant_moves().map_err(corrupt::<OutOfRange>)?);
    }
    if transactions.is_empty() {
        return Ok(());
    }
    match super::post(work, &transactions).await? {
        Posted::Done => {}
        Posted::Short { .. } => return Err(StoreError::Conflict { what: "balance" }),
    }
    let moves = merge_moves(moves).map_err(corrupt::<OutOfRange>)?;
    work.ledger().move_grants(&moves).await
}

/// Decides who pays for what the hold did not cover.
async fn cover(
    work: &mut dyn UnitOfWork,
    closed: &Closed,
    now: Timestamp,
    moves: &mut Vec<GrantMove>,
) -> Result<Overage, StoreError> {
    let EndedHold { hold, settlement } = &closed.ended;
    work.ledger().lock(hold.workspace).await?;
    let grants = work.ledger().grants(hold.workspace).await?;
    let spendable = match allocate(&grants, settlement.beyond, now) {
        Ok(_) => settlement.beyond,
        Err(NotEnough { spendable }) => spendable,
    };
    let overage = Overage::split(settlement.beyond, spendable).map_err(corrupt::<OutOfRange>)?;
    let taken = allocate(&grants, overage.from_available, now).map_err(corrupt::<NotEnough>)?;
    for allocation in taken {
        moves.push(allocation.spend().map_err(corrupt::<OutOfRange>)?);
    }
    Ok(overage)
}

fn corrupt<E: Into<BoxError>>(error: E) -> StoreError {
    StoreError::Corrupt { what: "hold", source: error.into() }
}
