//! Limits over short, sliding windows. Monthly quotas are not limits: they are kept in the
//! database, as money is.
use std::{str::FromStr, time::Duration};

use async_trait::async_trait;

use crate::{
    ids::{ApiKeyId, LimitRuleId, UserId, WorkspaceId},
    store::BoxError,
    time::Timestamp,
    usage::RuleName,
};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Calls.
    Requests,
    /// Tokens, in and out.
    Tokens,
    /// Tokens that go in, however they are read.
    InputTokens,
    /// Tokens that come out, those that a model writes to itself too.
    OutputTokens,
    /// What is charged, in millionths of a credit.
    MicroCredits,
}

/// A text that names nothing that is counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`requests`, `tokens`, `input_tokens`, `output_tokens` or `micro_credits` are counted, not `{0}`"
)]
pub struct UnknownMeasure(String);

/// A text that names no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a window is a `second`, `minute`, `hour` or `day`, not a `{0}`")]
pub struct UnknownWindow(String);

/// Over how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Window {
    /// Any second.
    Second,
    /// Any sixty seconds.
    Minute,
    /// Any sixty minutes.
    Hour,
    /// Any twenty-four hours.
    Day,
}

/// Whose use is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Everybody's.
    Platform,
    /// That of a tenant.
    Workspace(WorkspaceId),
    /// That of a person, whichever keys of his are used.
    User(UserId),
    /// That of an API key.
    Key(ApiKeyId),
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Requests, Self::Tokens, Self::InputTokens, Self::OutputTokens, Self::MicroCredits];

    /// The stable name, as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::MicroCredits => "micro_credits",
        }
    }
}

impl FromStr for Measure {
    type Err = UnknownMeasure;

    fn from_str(name: &str) -> Result<Self, UnknownMeasure> {
        let named = Self::ALL.into_iter().find(|measure| measure.name() == name);
        named.ok_or_else(|| UnknownMeasure(name.to_owned()))
    }
}

impl FromStr for Window {
    type Err = UnknownWindow;

    fn from_str(name: &str) -> Result<Self, UnknownWindow> {
        let named = Self::ALL.into_iter().find(|window| window.name() == name);
        named.ok_or_else(|| UnknownWindow(name.to_owned()))
    }
}

impl Window {
    /// All of them, the shortest first.
    pub const ALL: [Self; 4] = [Self::Second, Self::Minute, Self::Hour, Self::Day];

    /// The stable name, as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// How long it is.
    #[must_use]
    pub const fn length(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_mins(1),
            Self::Hour => Duration::from_hours(1),
            Self::Day => Duration::from_hours(24),
        }
    }
}

impl Subject {
    /// What kind it is, as shown.
    #[must_use]
    pub const fn scope(&self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Workspace(_) => "workspace",
            Self::User(_) => "user",
            Self::Key(_) => "key",
        }
    }
}

/// How much of what somebody may use in how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which rule of the operators' it is. None: one of the plan.
    pub id: Option<LimitRuleId>,
    /// What operators call it. None: one of the plan, which is called by what it counts.
    pub name: Option<RuleName>,
    /// Whose use is counted.
    pub subject: Subject,
    /// What is counted.
    pub measure: Measure,
    /// Over how long.
    pub window: Window,
    /// The most there may be in any window.
    pub limit: u64,
}

/// What is counted together. The limit is no part of it: where that changes, what was used was
/// used.
pub type Counted = (Option<LimitRuleId>, Subject, Measure, Window);

impl Rule {
    /// What it is counted with.
    #[must_use]
    pub const fn counted(&self) -> Counted {
        (self.id, self.subject, self.measure, self.window)
    }

    /// The stable name, as refusals show it: `requests_per_minute`, or what operators call it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.name {
            Some(name) => name.to_string(),
            None => format!("{}_per_{}", self.measure.name(), self.window.name()),
        }
    }
}

/// What a call wants of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The rule.
    pub rule: Rule,
    /// How much.
    pub amount: u64,
}

/// Where a rule stands after a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The rule.
    pub rule: Rule,
    /// What is used of it.
    pub used: u64,
    /// How long until all that is used now is forgotten.
    pub reset: Duration,
}

impl Standing {
    /// What is left of it.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.rule.limit.saturating_sub(self.used)
    }
}

/// A claim that a rule does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{used} of {limit} {what} a {window} per {scope} are used, and {wanted} more are wanted",
    used = standing.used, limit = standing.rule.limit, what = standing.rule.measure.name(),
    window = standing.rule.window.name(), scope = standing.rule.subject.scope())]
pub struct Refusal {
    /// The rule, and where it stands.
    pub standing: Standing,
    /// What was wanted.
    pub wanted: u64,
    /// When the same claim may succeed, if nothing else is claimed. Nothing, if it never can.
    pub retry_after: Option<Duration>,
}

/// What becomes of a call's claims.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a refused call must not be made"]
pub enum Decision {
    /// All are counted. The standings are in the order of the claims.
    Admitted(Vec<Standing>),
    /// None is counted.
    Refused(Refusal),
}

/// The limiter cannot tell. Paid calls are closed then.
#[derive(Debug, thiserror::Error)]
#[error("the limiter is not available")]
pub struct LimiterError(#[source] pub BoxError);

/// Counts calls and tokens over sliding windows. What was admitted in any window is never more
/// than the limit; a claim may be refused up to a sixtieth of a window longer than needed.
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Decides on all claims of a call at once: all are counted or none is.
    ///
    /// # Errors
    ///
    /// [`LimiterError`] when it cannot tell.
    async fn admit(&self, claims: &[Claim], now: Timestamp) -> Result<Decision, LimiterError>;

    /// Where rules stand, in their order. Nothing is counted by it.
    ///
    /// # Errors
    ///
    /// [`LimiterError`] when it cannot tell.
    async fn standings(
        &self,
        rules: &[Rule],
        now: Timestamp,
    ) -> Result<Vec<Standing>, LimiterError> {
        // Nothing is always admitted, and counts nowhere.
        let nothing: Vec<_> = rules.iter().map(|rule| Claim { rule: *rule, amount: 0 }).collect();
        match self.admit(&nothing, now).await? {
            Decision::Admitted(standings) => Ok(standings),
            Decision::Refused(refusal) => Err(LimiterError(refusal.into())),
        }
    }

    /// Replaces what was claimed at `claimed_at` by what was really used, whether more or less.
    ///
    /// # Errors
    ///
    /// [`LimiterError`] when it cannot be told.
    async fn correct(
        &self,
        claim: Claim,
        claimed_at: Timestamp,
        used: u64,
        now: Timestamp,
    ) -> Result<(), LimiterError>;
}
