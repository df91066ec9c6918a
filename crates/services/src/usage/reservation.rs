//! Setting the worst case of a call aside, and writing the call down: together or not at all.
use cape_domain::{
    access::{Permit, UseAi},
    billing::{
        self, Allocation, Credits, Hold, HoldState, InvalidTransaction, NotEnough, Plan, Posted,
        allocate,
    },
    ids::{HoldId, ProcessId, TransactionId},
    store::{BoxError, Durability, StoreError, UnitOfWork},
    usage::{Call, Metered, Quota},
};
use chrono::TimeDelta;

use super::{Admission, ChatError};
use crate::{Base, billing::post};

/// Reserves what calls need.
pub(super) struct Reserver {
    base: Base,
    process: ProcessId,
    longest_call: TimeDelta,
}

impl Reserver {
    /// Reserves for calls that this process makes, each of which may take so long.
    pub(super) const fn new(base: Base, process: ProcessId, longest_call: TimeDelta) -> Self {
        Self { base, process, longest_call }
    }

    /// Quota, hold and record, together or not at all. Without a hold there is nothing that could
    /// be swept: such a call is recorded when it ends.
    ///
    /// # Errors
    ///
    /// See [`ChatError`].
    pub(super) async fn reserve(
        &self,
        permit: &Permit<UseAi>,
        plan: &Plan,
        draft: &Admission,
    ) -> Result<Option<Hold>, ChatError> {
        let workspace = draft.call.workspace;
        let mut work = self.base.store.begin(permit.scope(), Durability::Process).await?;
        let hold = self.hold(&mut *work, draft).await?;
        if let (Some(hold), Some(cap)) = (&hold, draft.key_cap) {
            let key = draft.call.key;
            if !work.key_spending().take(key, hold.amount, cap).await? {
                let spent = work.key_spending().spent(key).await?;
                return Err(ChatError::KeyCapReached { cap, spent });
            }
        }
        if let Some(period) = draft.quota {
            let limit = plan.limits.requests_per_month;
            if !work.quotas().take(workspace, period, limit).await? {
                let used = work.quotas().used(workspace, period).await?;
                let quota = Quota { workspace, period, limit, used };
                return Err(ChatError::QuotaExceeded { quota });
            }
        }
        if let Some(hold) = &hold {
            let call = Call { hold: Some(hold.id), ..draft.call.clone() };
            work.calls().insert(&call).await?;
        }
        work.commit().await?;
        Ok(hold)
    }

    /// Sets the worst case of the call aside. A model that is explicitly free needs nothing.
    async fn hold(
        &self,
        work: &mut dyn UnitOfWork,
        draft: &Admission,
    ) -> Result<Option<Hold>, ChatError> {
        let (price, markup) = (&draft.price, draft.call.markup);
        let worst = Metered::of(price, markup, draft.estimate.most, true);
        let amount = worst.map_err(|_| ChatError::TooLarge)?.charge;
        if !amount.is_positive() {
            return Ok(None);
        }
        let (workspace, now) = (draft.call.workspace, draft.call.started_at);
        let id = HoldId::next(&*self.base.ids);
        let head = (TransactionId::next(&*self.base.ids), workspace, now);
        let transaction = billing::hold(head, id, amount).map_err(corrupt::<InvalidTransaction>)?;
        let insufficient =
            |available: Credits| ChatError::InsufficientCredits { needed: amount, available };
        let posted = post(work, &[transaction]).await?;
        let lots = work.ledger().grants(workspace).await?;
        let allocations = allocate(&lots, amount, now)
            .map_err(|NotEnough { spendable }| insufficient(spendable))?;
        match posted {
            Posted::Done => {}
            Posted::Short { balance } => return Err(insufficient(balance.available)),
        }
        let moves: Result<Vec<_>, _> = allocations.iter().map(Allocation::reserve).collect();
        work.ledger().move_grants(&moves.map_err(corrupt)?).await?;
        let hold = Hold {
            id,
            workspace,
            amount,
            allocations,
            process: self.process,
            created_at: now,
            deadline: now + self.longest_call,
            state: HoldState::Open,
        };
        work.ledger().insert_hold(&hold).await?;
        Ok(Some(hold))
    }
}

fn corrupt<E: Into<BoxError>>(error: E) -> ChatError {
    StoreError::Corrupt { what: "hold", source: error.into() }.into()
}
