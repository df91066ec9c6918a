//! Calls that come back after somebody else has ended them.
//!
//! Whoever swept a call charged an estimate. What comes back late knows what was really used: the
//! difference is posted once, and the record tells the truth.
use cape_domain::{
    store::{Durability, Scope, StoreError},
    usage::{Call, CallState, Metered},
};

use super::closing::Closing;
use crate::{
    Base,
    billing::{Charged, correct_charge},
};

/// Corrects a call that was ended with an estimate by what it really used: one unit of work for
/// the ledger, what its key has spent, and the record. One that was not charged an estimate, or
/// was corrected before, stays as it is.
///
/// # Errors
///
/// [`StoreError::Conflict`] when it has not ended, or somebody corrects it at the same time.
pub(super) async fn correct(
    base: &Base,
    late: &Closing,
    used: Metered,
) -> Result<Call, StoreError> {
    let call = &late.call;
    let scope = Scope::Workspace(call.workspace);
    let mut work = base.store.begin(scope, Durability::Process).await?;
    let stored = work.calls().find(call.id).await?;
    let stored = stored.ok_or(StoreError::Conflict { what: "call" })?;
    if let CallState::Running { .. } = stored.state {
        return Err(StoreError::Conflict { what: "call" });
    }
    let (Some(estimate), Some(hold)) = (stored.correctable(), &late.hold) else {
        return Ok(stored);
    };
    if estimate == used {
        return Ok(stored);
    }
    let amounts = |of: Metered| Charged { charge: of.charge, cost_pico_usd: of.cost.pico() };
    let (before, now) = (amounts(estimate), amounts(used));
    let correction = correct_charge(base, &mut *work, call.workspace, hold.id, before, now).await?;
    if late.counted.towards_key {
        work.key_spending().correct(call.key, before.charge, now.charge).await?;
    }
    let corrected = stored.correct(call, used, correction, late.timing);
    let corrected = corrected.ok_or(StoreError::Conflict { what: "call" })?;
    work.calls().correct(&corrected).await?;
    work.commit().await?;
    Ok(corrected)
}
