//! Ending calls: what was used is paid, or everything goes back.
use std::sync::Arc;

use cape_domain::{
    billing::{Credits, Hold},
    store::{Durability, Scope, StoreError},
    usage::{Call, CallState, FailureKind, Metered, QuotaPeriod, Timing, TokenCounts},
};

use super::{Admission, ChatError, Gate};
use crate::{Base, billing::close_hold, retry::retry};

/// Ends calls that were admitted.
pub struct Settler {
    base: Base,
    gate: Arc<Gate>,
}

impl Settler {
    /// Ends calls that this gate admitted.
    #[must_use]
    pub fn new(base: Base, gate: Arc<Gate>) -> Self {
        Self { base, gate }
    }

    /// Pays for a call: one unit of work for the ledger and the record.
    ///
    /// # Errors
    ///
    /// See [`ChatError`]; the hold stays open then, and is swept.
    pub async fn settle(
        &self,
        admission: &Admission,
        tokens: TokenCounts,
        estimated: bool,
        timing: Timing,
    ) -> Result<Call, ChatError> {
        let metered = metered(admission, tokens, estimated)?;
        let end = End::Settled(metered);
        let call = match retry!(self.end(admission, end, timing)) {
            Err(StoreError::Conflict { .. }) => self.swept(admission).await?,
            outcome => outcome?,
        };
        let total = tokens.total().map_err(|_| ChatError::TooLarge)?;
        self.gate.limits().correct(admission, 1, total).await;
        measure(&call, timing, "settled");
        Ok(call)
    }

    /// Gives everything back for a call that came to nothing.
    ///
    /// # Errors
    ///
    /// See [`ChatError`]; the hold stays open then, and is swept.
    pub async fn fail(
        &self,
        admission: &Admission,
        kind: FailureKind,
        timing: Timing,
    ) -> Result<Call, ChatError> {
        let end = End::Failed(kind);
        let call = retry!(self.end(admission, end, timing))?;
        self.gate.limits().uncount(admission).await;
        measure(&call, timing, kind.name());
        Ok(call)
    }

    /// Writes down what a running call used so far, in case nothing more is heard of it.
    ///
    /// # Errors
    ///
    /// See [`ChatError`].
    pub async fn checkpoint(
        &self,
        admission: &Admission,
        tokens: TokenCounts,
    ) -> Result<(), ChatError> {
        let so_far = metered(admission, tokens, true)?;
        let scope = Scope::Workspace(admission.call.workspace);
        let mut work = self.base.store.begin(scope, Durability::Process).await?;
        work.calls().checkpoint(admission.call.id, &so_far).await?;
        Ok(work.commit().await?)
    }

    /// The record of a call whose hold was swept before it came back. What the sweeper charged
    /// stands.
    async fn swept(&self, admission: &Admission) -> Result<Call, ChatError> {
        let id = admission.call.id;
        let mut work = self.base.store.read(Scope::Workspace(admission.call.workspace)).await?;
        let call = work.calls().find(id).await?;
        let call = call.ok_or(StoreError::Conflict { what: "call" })?;
        metrics::counter!("cape_late_settlements_total").increment(1);
        tracing::error!(call.id = %id, "a call came back after its hold was swept");
        Ok(call)
    }

    async fn end(
        &self,
        admission: &Admission,
        end: End,
        timing: Timing,
    ) -> Result<Call, StoreError> {
        let counted = Counted { quota: admission.quota, towards_key: admission.key_cap.is_some() };
        let (call, hold) = (admission.call.clone(), admission.hold.clone());
        close(&self.base, call, hold, counted, end, timing).await
    }
}

fn metered(
    admission: &Admission,
    tokens: TokenCounts,
    estimated: bool,
) -> Result<Metered, ChatError> {
    Metered::of(&admission.price, admission.call.markup, tokens, estimated)
        .map_err(|_| ChatError::TooLarge)
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

/// Ends a call and its hold in one unit of work. Of two who try, the second meets a conflict.
pub(super) async fn close(
    base: &Base,
    call: Call,
    hold: Option<Hold>,
    counted: Counted,
    end: End,
    timing: Timing,
) -> Result<Call, StoreError> {
    let scope = Scope::Workspace(call.workspace);
    let mut work = base.store.begin(scope, Durability::Process).await?;
    let (used, cost) = match end {
        End::Settled(metered) => (Some(metered.charge), metered.cost.pico()),
        End::Failed(_) => (None, 0),
    };
    let recorded = hold.is_some();
    let reserved = hold.as_ref().map(|hold| hold.amount);
    let transaction = match hold {
        Some(hold) => Some(close_hold(base, &mut *work, hold, used, cost).await?),
        None => None,
    };
    // After the workspace's account, as when it was reserved: in another order a call that begins
    // and one that ends would wait for each other.
    if let (Some(reserved), true) = (reserved, counted.towards_key) {
        let actual = used.unwrap_or(Credits::ZERO);
        work.key_spending().correct(call.key, reserved, actual).await?;
    }
    let (workspace, now) = (call.workspace, base.now());
    let ended = match end {
        End::Settled(metered) => call.settle(metered, transaction, timing, now),
        End::Failed(kind) => call.fail(kind, timing, now),
    };
    let ended = ended.ok_or(StoreError::Conflict { what: "call" })?;
    if recorded {
        work.calls().end(&ended).await?;
    } else {
        work.calls().insert(&ended).await?;
    }
    if let (End::Failed(_), Some(period)) = (end, counted.quota) {
        work.quotas().give_back(workspace, period).await?;
    }
    work.commit().await?;
    Ok(ended)
}

/// Own time and the provider's, apart.
fn measure(call: &Call, timing: Timing, outcome: &'static str) {
    let provider = call.provider.name();
    metrics::counter!("cape_calls_total", "provider" => provider, "outcome" => outcome)
        .increment(1);
    metrics::histogram!("cape_call_provider_seconds", "provider" => provider)
        .record(timing.provider.as_secs_f64());
    let own = timing.total.saturating_sub(timing.provider);
    metrics::histogram!("cape_call_own_seconds", "provider" => provider).record(own.as_secs_f64());
    if let CallState::Settled { metered, .. } = &call.state {
        let micros = u64::try_from(metered.charge.micros()).unwrap_or_default();
        metrics::counter!("cape_charged_micro_credits_total", "provider" => provider)
            .increment(micros);
    }
}
