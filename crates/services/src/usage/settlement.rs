//! Ending calls: what was used is paid, or everything goes back.
use std::sync::Arc;

use cape_domain::{
    store::{Durability, Scope, StoreError},
    usage::{Call, CallState, FailureKind, Metered, Timing, TokenCounts},
};

use super::{
    Admission, ChatError, Gate,
    closing::{Closer, Closing, Counted, End},
    late::correct,
    limits::Used,
};
use crate::{Base, Tasks, retry::retry};

/// Ends calls that were admitted.
pub struct Settler {
    base: Base,
    gate: Arc<Gate>,
    closer: Closer,
}

impl Settler {
    /// Ends calls that this gate admitted. Workspaces are dealt out to so many lanes, which write
    /// beside each other.
    #[must_use]
    pub fn new(base: Base, tasks: Tasks, gate: Arc<Gate>, lanes: usize) -> Self {
        let closer = Closer::new(base.clone(), tasks, lanes);
        Self { base, gate, closer }
    }

    /// Pays for a call: one unit of work for the ledger and the record. One that was swept in the
    /// meantime is corrected.
    ///
    /// # Errors
    ///
    /// See [`ChatError`]; the hold stays open then, and is swept.
    pub async fn settle<A>(
        &self,
        admission: &Admission<A>,
        tokens: TokenCounts,
        estimated: bool,
        timing: Timing,
    ) -> Result<Call, ChatError> {
        let metered = metered(admission, tokens, estimated)?;
        let end = End::Settled(metered);
        let call = match self.end(admission, end, timing).await {
            Err(StoreError::Conflict { .. }) => self.late(admission, metered, timing).await?,
            outcome => outcome?,
        };
        let micros = u64::try_from(metered.charge.micros()).unwrap_or_default();
        self.gate.limits().correct(admission, Used { calls: 1, tokens, micros }).await;
        measure(&call, timing, "settled");
        Ok(call)
    }

    /// Gives everything back for a call that came to nothing.
    ///
    /// # Errors
    ///
    /// See [`ChatError`]; the hold stays open then, and is swept.
    pub async fn fail<A>(
        &self,
        admission: &Admission<A>,
        kind: FailureKind,
        timing: Timing,
    ) -> Result<Call, ChatError> {
        let end = End::Failed(kind);
        let call = self.end(admission, end, timing).await?;
        self.gate.limits().uncount(admission).await;
        measure(&call, timing, kind.name());
        Ok(call)
    }

    /// Writes down what a running call used so far, in case nothing more is heard of it.
    ///
    /// # Errors
    ///
    /// See [`ChatError`].
    pub async fn checkpoint<A>(
        &self,
        admission: &Admission<A>,
        tokens: TokenCounts,
    ) -> Result<(), ChatError> {
        let so_far = metered(admission, tokens, true)?;
        let scope = Scope::Workspace(admission.call.workspace);
        let mut work = self.base.store.begin(scope, Durability::Process).await?;
        work.calls().checkpoint(admission.call.id, &so_far).await?;
        Ok(work.commit().await?)
    }

    /// Corrects a call whose hold was swept before it came back.
    async fn late<A>(
        &self,
        admission: &Admission<A>,
        used: Metered,
        timing: Timing,
    ) -> Result<Call, ChatError> {
        let late = closing(admission, End::Settled(used), timing);
        metrics::counter!("cape_late_settlements_total").increment(1);
        tracing::warn!(call.id = %late.call.id, "a call came back after its hold was swept");
        Ok(retry!(correct(&self.base, &late, used))?)
    }

    async fn end<A>(
        &self,
        admission: &Admission<A>,
        end: End,
        timing: Timing,
    ) -> Result<Call, StoreError> {
        self.closer.close(closing(admission, end, timing)).await
    }
}

fn closing<A>(admission: &Admission<A>, end: End, timing: Timing) -> Closing {
    let counted = Counted { quota: admission.quota, towards_key: admission.key_cap.is_some() };
    Closing { call: admission.call.clone(), hold: admission.hold.clone(), counted, end, timing }
}

fn metered<A>(
    admission: &Admission<A>,
    tokens: TokenCounts,
    estimated: bool,
) -> Result<Metered, ChatError> {
    let (call, price) = (&admission.call, &admission.candidate.price);
    Metered::of(price, call.markup, call.credential, tokens, estimated)
        .map_err(|_| ChatError::TooLarge)
}

/// Own time and the provider's, apart.
fn measure(call: &Call, timing: Timing, outcome: &'static str) {
    let provider = call.provider.to_string();
    metrics::counter!("cape_calls_total", "provider" => provider.clone(), "outcome" => outcome)
        .increment(1);
    metrics::histogram!("cape_call_provider_seconds", "provider" => provider.clone())
        .record(timing.provider.as_secs_f64());
    let own = timing.total.saturating_sub(timing.provider);
    metrics::histogram!("cape_call_own_seconds", "provider" => provider.clone())
        .record(own.as_secs_f64());
    if let CallState::Settled { metered, .. } = &call.state {
        let micros = u64::try_from(metered.charge.micros()).unwrap_or_default();
        metrics::counter!("cape_charged_micro_credits_total", "provider" => provider)
            .increment(micros);
    }
}
