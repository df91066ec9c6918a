//! Which calls a report is about.
use std::str::FromStr;

use chrono::TimeDelta;

use crate::{
    ids::{ApiKeyId, UserId},
    time::Timestamp,
    usage::{Call, CallState, Provider, QuotaPeriod},
};

/// Which calls: those that are all of this. What is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Made with a key of this user.
    pub user: Option<UserId>,
    /// Made with this key.
    pub key: Option<ApiKeyId>,
    /// To this model, by the name of the catalogue.
    pub model: Option<String>,
    /// To a model of this provider.
    pub provider: Option<Provider>,
    /// In this state.
    pub state: Option<CallPhase>,
    /// Admitted at this moment or later.
    pub from: Option<Timestamp>,
    /// Admitted before this moment.
    pub until: Option<Timestamp>,
}

/// Where a call is in its life, without the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallPhase {
    /// The provider is being asked.
    Running,
    /// It is paid for.
    Settled,
    /// It came to nothing.
    Failed,
}

/// A text that names no state of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be running, settled or failed")]
pub struct UnknownPhase;

/// A period that no report is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPeriod {
    /// It ends before it begins, or as it begins.
    #[error("must be before `until`")]
    Empty,
    /// It is too long.
    #[error("a report is of {} days at most", CallFilter::LONGEST.num_days())]
    TooLong,
}

impl CallPhase {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Running, Self::Settled, Self::Failed];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Settled => "settled",
            Self::Failed => "failed",
        }
    }
}

impl From<&CallState> for CallPhase {
    fn from(state: &CallState) -> Self {
        match state {
            CallState::Running { .. } => Self::Running,
            CallState::Settled { .. } => Self::Settled,
            CallState::Failed { .. } => Self::Failed,
        }
    }
}

impl FromStr for CallPhase {
    type Err = UnknownPhase;

    fn from_str(name: &str) -> Result<Self, UnknownPhase> {
        Self::ALL.into_iter().find(|phase| phase.name() == name).ok_or(UnknownPhase)
    }
}

impl CallFilter {
    /// The longest period that a report adds up.
    pub const LONGEST: TimeDelta = TimeDelta::days(366);

    /// Whether a call is among them.
    #[must_use]
    pub fn admits(&self, call: &Call) -> bool {
        self.user.is_none_or(|user| user == call.user)
            && self.key.is_none_or(|key| key == call.key)
            && self.model.as_ref().is_none_or(|model| *model == call.model)
            && self.provider.as_ref().is_none_or(|provider| *provider == call.provider)
            && self.state.is_none_or(|state| state == CallPhase::from(&call.state))
            && self.from.is_none_or(|from| from <= call.started_at)
            && self.until.is_none_or(|until| call.started_at < until)
    }

    /// Checks that the period, if there is one, does not end before it begins.
    ///
    /// # Errors
    ///
    /// [`InvalidPeriod::Empty`].
    pub fn check(&self) -> Result<(), InvalidPeriod> {
        match (self.from, self.until) {
            (Some(from), Some(until)) if until <= from => Err(InvalidPeriod::Empty),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    /// The period, which is the calendar month of `now` where nothing is said: each end of it
    /// stands for the one that is missing.
    ///
    /// # Errors
    ///
    /// See [`InvalidPeriod`].
    pub fn period(&self, now: Timestamp) -> Result<QuotaPeriod, InvalidPeriod> {
        let month = QuotaPeriod::month_of(now);
        let (start, end) = (self.from.unwrap_or(month.start), self.until.unwrap_or(month.end));
        if end <= start {
            return Err(InvalidPeriod::Empty);
        }
        if end - start > Self::LONGEST {
            return Err(InvalidPeriod::TooLong);
        }
        Ok(QuotaPeriod { start, end })
    }

    /// The same, over this period.
    #[must_use]
    pub fn over(self, period: QuotaPeriod) -> Self {
        Self { from: Some(period.start), until: Some(period.end), ..self }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        billing::BasisPoints,
        ids::{CallId, RequestId, WorkspaceId},
        usage::{CredentialUsed, Metered},
    };

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn call() -> Call {
        Call {
            id: CallId::new(Uuid::nil()),
            workspace: WorkspaceId::new(Uuid::nil()),
            key: ApiKeyId::new(Uuid::nil()),
            user: UserId::new(Uuid::nil()),
            request: RequestId::new(Uuid::nil()),
            model_asked: "fast".to_owned(),
            model: "m".to_owned(),
            provider: Provider::OPENAI,
            credential: CredentialUsed::Platform,
            streamed: false,
            price_version: "1".to_owned(),
            markup: BasisPoints(0),
            hold: None,
            started_at: at("2026-11-21T05:00:00Z"),
            state: CallState::Running { so_far: Metered::default() },
        }
    }

    #[test]
    fn a_call_is_among_those_that_are_all_of_what_is_said() {
        let any = CallFilter::default;
        let other = Uuid::max();
        let moment = |text| Some(at(text));
        for (filter, admitted) in [
            (any(), true),
            (CallFilter { user: Some(UserId::new(Uuid::nil())), ..any() }, true),
            (CallFilter { user: Some(UserId::new(other)), ..any() }, false),
            (CallFilter { key: Some(ApiKeyId::new(Uuid::nil())), ..any() }, true),
            (CallFilter { key: Some(ApiKeyId::new(other)), ..any() }, false),
            (CallFilter { model: Some("m".to_owned()), ..any() }, true),
            (CallFilter { model: Some("fast".to_owned()), ..any() }, false),
            (CallFilter { provider: Some(Provider::OPENAI), ..any() }, true),
            (CallFilter { provider: Some(Provider::GEMINI), ..any() }, false),
            (CallFilter { state: Some(CallPhase::Running), ..any() }, true),
            (CallFilter { state: Some(CallPhase::Settled), ..any() }, false),
            (CallFilter { from: moment("2026-11-21T05:00:00Z"), ..any() }, true),
            (CallFilter { from: moment("2026-11-21T05:00:00.000001Z"), ..any() }, false),
            (CallFilter { until: moment("2026-11-21T05:00:00.000001Z"), ..any() }, true),
            (CallFilter { until: moment("2026-11-21T05:00:00Z"), ..any() }, false),
        ] {
            assert_eq!(filter.admits(&call()), admitted, "{filter:?}");
        }
        let both =
            CallFilter { model: Some("m".to_owned()), key: Some(ApiKeyId::new(other)), ..any() };
        assert!(!both.admits(&call()), "one thing that is otherwise is enough");
    }

    #[test]
    fn a_missing_end_of_a_period_is_that_of_this_month() {
        let now = at("2026-11-21T05:00:00Z");
        let (november, december) = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        for (from, until, expected) in [
            (None, None, Ok((november, december))),
            (Some("2026-10-01T12:00:00Z"), None, Ok(("2026-10-01T12:00:00Z", december))),
            (None, Some("2026-11-02T00:00:00Z"), Ok((november, "2026-11-02T00:00:00Z"))),
            (None, Some(november), Err(InvalidPeriod::Empty)),
            (Some(december), None, Err(InvalidPeriod::Empty)),
            (Some(november), Some("2026-10-01T00:00:00Z"), Err(InvalidPeriod::Empty)),
            (Some("2025-11-30T00:00:00Z"), None, Ok(("2025-11-30T00:00:00Z", december))),
            (Some("2025-11-29T23:59:59Z"), None, Err(InvalidPeriod::TooLong)),
        ] {
            let filter =
                CallFilter { from: from.map(at), until: until.map(at), ..CallFilter::default() };
            let expected =
                expected.map(|(start, end)| QuotaPeriod { start: at(start), end: at(end) });
            assert_eq!(filter.period(now), expected, "{from:?} {until:?}");
        }
    }

    #[test]
    fn a_period_that_ends_before_it_begins_is_refused_wherever_it_is() {
        let between = |from: &str, until: &str| CallFilter {
            from: Some(at(from)),
            until: Some(at(until)),
            ..CallFilter::default()
        };
        let (one, two) = ("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
        assert_eq!(between(one, two).check(), Ok(()), "a list may be as long as it likes");
        assert_eq!(between(two, one).check(), Err(InvalidPeriod::Empty));
        assert_eq!(between(one, one).check(), Err(InvalidPeriod::Empty));
        assert_eq!(CallFilter::default().check(), Ok(()));
    }

    #[test]
    fn a_phase_is_known_by_its_name_only() {
        for phase in CallPhase::ALL {
            assert_eq!(phase.name().parse(), Ok(phase));
        }
        assert_eq!("done".parse::<CallPhase>(), Err(UnknownPhase));
        assert_eq!(CallPhase::from(&call().state).name(), call().state.name());
    }
}
