//! A call to a model: the record of what was used and what it cost.
//!
//! ```text
//! Running ──settle──▶ Settled     the provider told what was used, or it was estimated
//!    │                   └─correct─▶ Settled    an estimate, once what was used is known
//!    └──────fail────▶ Failed      nothing was used, nothing is charged
//! ```
use std::time::Duration;

use crate::{
    billing::{BasisPoints, Credits},
    ids::{ApiKeyId, CallId, HoldId, RequestId, TransactionId, UserId, WorkspaceId},
    time::Timestamp,
    usage::{
        CredentialUsed, Price, PriceOutOfRange, Provider, TokenCounts, UsdAmount, charge, surcharge,
    },
};

/// A call to a model. One that costs something is written when it is admitted, so that it is
/// never lost; one to a free model when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its identity.
    pub id: CallId,
    /// The tenant that pays.
    pub workspace: WorkspaceId,
    /// The key it was made with.
    pub key: ApiKeyId,
    /// Who made the key.
    pub user: UserId,
    /// The request it was made through.
    pub request: RequestId,
    /// The name the caller asked for.
    pub model_asked: String,
    /// The model that was called.
    pub model: String,
    /// Who runs it.
    pub provider: Provider,
    /// Under whose key.
    pub credential: CredentialUsed,
    /// Whether the answer came in pieces.
    pub streamed: bool,
    /// The version of the price it is charged by.
    pub price_version: String,
    /// What is added to the cost.
    pub markup: BasisPoints,
    /// The hold that covers it. A free model needs none.
    pub hold: Option<HoldId>,
    /// When it was admitted.
    pub started_at: Timestamp,
    /// Where it is in its life.
    pub state: CallState,
}

/// Each state carries exactly the facts that exist in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallState {
    /// The provider is being asked.
    Running {
        /// What is charged if nothing more is ever heard of it: the input as estimated, and
        /// the output up to the last checkpoint.
        so_far: Metered,
    },
    /// It is paid for.
    Settled {
        /// What was used and what it cost.
        metered: Metered,
        /// The ledger transaction that paid for it. None, for a free model that cost nothing.
        transaction: Option<TransactionId>,
        /// The ledger transaction that corrected what had been paid by an estimate.
        correction: Option<TransactionId>,
        /// How long it took.
        timing: Timing,
        /// When.
        at: Timestamp,
    },
    /// It came to nothing.
    Failed {
        /// Why.
        kind: FailureKind,
        /// How long it took.
        timing: Timing,
        /// When.
        at: Timestamp,
    },
}

/// What a call used and what it cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// The tokens.
    pub tokens: TokenCounts,
    /// What they cost us: nothing, where the caller pays the provider itself.
    pub cost: UsdAmount,
    /// What the caller is charged.
    pub charge: Credits,
    /// Whether the tokens are our estimate, because the provider did not tell.
    pub estimated: bool,
}

/// How long the parts of a call took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// From the admission to the settlement.
    pub total: Duration,
    /// Of it, waiting for the provider.
    pub provider: Duration,
    /// Until the first piece of the answer came.
    pub first_token: Option<Duration>,
}

/// Why a call came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The provider refused the request as wrong.
    Rejected,
    /// The provider refused because we ask too often.
    RateLimited,
    /// The provider does not accept our key.
    Credentials,
    /// The provider failed or could not be reached.
    Unavailable,
    /// The provider did not answer in time.
    Timeout,
    /// The provider's answer cannot be read.
    Malformed,
    /// It was stopped before anything came of it: by an operator, or with its key.
    Stopped,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Rejected,
        Self::RateLimited,
        Self::Credentials,
        Self::Unavailable,
        Self::Timeout,
        Self::Malformed,
        Self::Stopped,
    ];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::RateLimited => "rate_limited",
            Self::Credentials => "credentials",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Malformed => "malformed",
            Self::Stopped => "stopped",
        }
    }
}

impl Metered {
    /// What tokens cost us, and what their caller is charged: cost and mark-up, or the mark-up
    /// alone where it pays the provider itself.
    ///
    /// # Errors
    ///
    /// [`PriceOutOfRange`] when it does not fit.
    pub fn of(
        price: &Price,
        markup: BasisPoints,
        credential: CredentialUsed,
        tokens: TokenCounts,
        estimated: bool,
    ) -> Result<Self, PriceOutOfRange> {
        let listed = price.cost(&tokens)?;
        let (cost, charge) = match credential {
            CredentialUsed::Platform => (listed, charge(listed, markup)?),
            CredentialUsed::Workspace(_) => (UsdAmount::ZERO, surcharge(listed, markup)?),
        };
        Ok(Self { tokens, cost, charge, estimated })
    }
}

impl CallState {
    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Running { .. } => "running",
            Self::Settled { .. } => "settled",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Call {
    /// Ends a running call with what it used. One that has ended stays as it is.
    #[must_use]
    pub fn settle(
        self,
        metered: Metered,
        transaction: Option<TransactionId>,
        timing: Timing,
        at: Timestamp,
    ) -> Option<Self> {
        let correction = None;
        self.end(CallState::Settled { metered, transaction, correction, timing, at })
    }

    /// What it was charged, if that was an estimate which may still be corrected: once.
    #[must_use]
    pub const fn correctable(&self) -> Option<Metered> {
        match &self.state {
            CallState::Settled { metered, correction: None, .. } if metered.estimated => {
                Some(*metered)
            }
            CallState::Running { .. } | CallState::Settled { .. } | CallState::Failed { .. } => {
                None
            }
        }
    }

    /// Replaces an estimate by what was really used, by whichever model answered. One that cannot
    /// be corrected stays as it is.
    #[must_use]
    pub fn correct(
        self,
        answered_by: &Self,
        metered: Metered,
        correction: Option<TransactionId>,
        timing: Timing,
    ) -> Option<Self> {
        self.correctable()?;
        let CallState::Settled { transaction, at, .. } = self.state else { return None };
        Some(Self {
            model: answered_by.model.clone(),
            provider: answered_by.provider,
            credential: answered_by.credential,
            price_version: answered_by.price_version.clone(),
            state: CallState::Settled { metered, transaction, correction, timing, at },
            ..self
        })
    }

    /// Ends a running call that came to nothing. One that has ended stays as it is.
    #[must_use]
    pub fn fail(self, kind: FailureKind, timing: Timing, at: Timestamp) -> Option<Self> {
        self.end(CallState::Failed { kind, timing, at })
    }

    fn end(self, state: CallState) -> Option<Self> {
        match self.state {
            CallState::Running { .. } => Some(Self { state, ..self }),
            CallState::Settled { .. } | CallState::Failed { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn call(state: CallState) -> Call {
        Call {
            id: CallId::new(Uuid::nil()),
            workspace: WorkspaceId::new(Uuid::nil()),
            key: ApiKeyId::new(Uuid::nil()),
            user: UserId::new(Uuid::nil()),
            request: RequestId::new(Uuid::nil()),
            model_asked: "fast".to_owned(),
            model: "gpt-4o-mini".to_owned(),
            provider: Provider::OPENAI,
            credential: CredentialUsed::Platform,
            streamed: false,
            price_version: "1".to_owned(),
            markup: BasisPoints(2_000),
            hold: None,
            started_at: Timestamp::UNIX_EPOCH,
            state,
        }
    }

    #[test]
    fn a_call_ends_once() {
        let (metered, timing, at) = (Metered::default(), Timing::default(), Timestamp::UNIX_EPOCH);
        let running = CallState::Running { so_far: metered };
        let settled = call(running.clone()).settle(metered, None, timing, at).expect("running");
        let failed = call(running).fail(FailureKind::Timeout, timing, at).expect("running");
        assert_eq!((settled.state.name(), failed.state.name()), ("settled", "failed"));
        for ended in [settled, failed] {
            assert_eq!(ended.clone().settle(metered, None, timing, at), None);
            assert_eq!(ended.fail(FailureKind::Timeout, timing, at), None);
        }
    }

    #[test]
    fn an_estimate_is_corrected_once_and_nothing_else_is() {
        let (timing, at) = (Timing::default(), Timestamp::UNIX_EPOCH);
        let estimate = Metered { estimated: true, ..Metered::default() };
        let told = Metered { charge: Credits::from_micros(7), ..Metered::default() };
        let running = call(CallState::Running { so_far: estimate });
        let of = |id: u128| Some(TransactionId::new(Uuid::from_u128(id)));
        let settled =
            |metered| running.clone().settle(metered, of(1), timing, at).expect("running");
        let corrected = |state: Option<TransactionId>, metered| {
            let state =
                CallState::Settled { metered, transaction: of(1), correction: state, timing, at };
            Call { model: "another".to_owned(), ..call(state) }
        };
        let failed = running.clone().fail(FailureKind::Timeout, timing, at).expect("running");
        for (before, expected) in [
            (settled(estimate), Some(corrected(of(2), told))),
            (settled(told), None),
            (corrected(of(2), told), None),
            (corrected(of(2), estimate), None),
            (running.clone(), None),
            (failed, None),
        ] {
            let answered_by = Call { model: "another".to_owned(), ..running.clone() };
            let after = before.clone().correct(&answered_by, told, of(2), timing);
            assert_eq!(after, expected, "{before:?}");
            assert_eq!(before.correctable().is_some(), expected.is_some());
        }
    }
}
