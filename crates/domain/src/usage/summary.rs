//! What a workspace used over a period, by whom and of what.
use std::{fmt, str::FromStr};

use crate::{
    billing::{Credits, OutOfRange},
    ids::{ApiKeyId, UserId},
    usage::{CallState, Provider, QuotaPeriod, TokenCounts, UsdAmount},
};

/// What was used over a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageSummary {
    /// The period, by the moment of admission.
    pub period: QuotaPeriod,
    /// What the groups are made by.
    pub by: GroupBy,
    /// All of it.
    pub total: Usage,
    /// The same, group by group, what was charged the most first.
    pub groups: Vec<GroupUsage>,
}

/// What some calls used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls that were paid for.
    pub settled: u64,
    /// Calls that came to nothing.
    pub failed: u64,
    /// Calls that have not come back yet.
    pub running: u64,
    /// What the settled calls used.
    pub tokens: TokenCounts,
    /// What they cost us.
    pub cost: UsdAmount,
    /// What was charged for them.
    pub charge: Credits,
}

/// What calls are put into groups by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupBy {
    /// Whose keys they were made with.
    User,
    /// The keys they were made with.
    Key,
    /// The models that were called, with who runs them.
    Model,
    /// Who runs the models.
    Provider,
}

/// A text that names no way to make groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be user, key, model or provider")]
pub struct UnknownGroupBy;

/// What the calls of a group have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Whose keys they were made with.
    User(UserId),
    /// The key they were made with.
    Key(ApiKeyId),
    /// The model that was called.
    Model {
        /// The model.
        model: String,
        /// Who runs it.
        provider: Provider,
    },
    /// Who runs the models.
    Provider(Provider),
}

/// What the calls of a group used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupUsage {
    /// The group.
    pub group: Group,
    /// What was used.
    pub usage: Usage,
}

impl Usage {
    /// What one call in this state used. Only what is settled is certain, so nothing else has
    /// tokens, a cost or a charge.
    #[must_use]
    pub fn of(state: &CallState) -> Self {
        match state {
            CallState::Running { .. } => Self { running: 1, ..Self::default() },
            CallState::Failed { .. } => Self { failed: 1, ..Self::default() },
            CallState::Settled { metered, .. } => Self {
                settled: 1,
                tokens: metered.tokens,
                cost: metered.cost,
                charge: metered.charge,
                ..Self::default()
            },
        }
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, OutOfRange> {
        let count = |left: u64, right| left.checked_add(right).ok_or(OutOfRange);
        let cost = self.cost.pico().checked_add(other.cost.pico()).ok_or(OutOfRange)?;
        Ok(Self {
            settled: count(self.settled, other.settled)?,
            failed: count(self.failed, other.failed)?,
            running: count(self.running, other.running)?,
            tokens: self.tokens.plus(other.tokens)?,
            cost: UsdAmount::from_pico(cost).map_err(|_| OutOfRange)?,
            charge: self.charge.plus(other.charge)?,
        })
    }
}

impl GroupBy {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::User, Self::Key, Self::Model, Self::Provider];

    /// The stable name, as asked for and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Key => "key",
            Self::Model => "model",
            Self::Provider => "provider",
        }
    }
}

impl FromStr for GroupBy {
    type Err = UnknownGroupBy;

    fn from_str(name: &str) -> Result<Self, UnknownGroupBy> {
        Self::ALL.into_iter().find(|by| by.name() == name).ok_or(UnknownGroupBy)
    }
}

impl fmt::Display for GroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl GroupUsage {
    /// Puts what was charged the most first, and what was charged the same in the order of its
    /// groups.
    pub fn dearest_first(groups: &mut [Self]) {
        groups.sort_by(|a, b| {
            b.usage.charge.cmp(&a.usage.charge).then_with(|| a.group.cmp(&b.group))
        });
    }

    /// All of them together.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when the sum does not fit.
    pub fn total(groups: &[Self]) -> Result<Usage, OutOfRange> {
        groups.iter().try_fold(Usage::default(), |sum, group| sum.plus(group.usage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        time::Timestamp,
        usage::{FailureKind, Metered, Timing},
    };

    fn usage(settled: u64, charge: i64) -> Usage {
        Usage { settled, charge: Credits::from_micros(charge), ..Usage::default() }
    }

    fn of(provider: Provider, charge: i64) -> GroupUsage {
        GroupUsage { group: Group::Provider(provider), usage: usage(1, charge) }
    }

    #[test]
    fn only_what_is_settled_has_tokens_and_a_price() {
        let metered = Metered {
            tokens: TokenCounts { input: 3, output: 4, ..TokenCounts::default() },
            cost: UsdAmount::from_pico(5).expect("positive"),
            charge: Credits::from_micros(6),
            estimated: false,
        };
        let (timing, at) = (Timing::default(), Timestamp::UNIX_EPOCH);
        let settled =
            CallState::Settled { metered, transaction: None, correction: None, timing, at };
        let failed = CallState::Failed { kind: FailureKind::Timeout, timing, at };
        let running = CallState::Running { so_far: metered };
        let nothing = Usage::default();
        assert_eq!(Usage::of(&running), Usage { running: 1, ..nothing });
        assert_eq!(Usage::of(&failed), Usage { failed: 1, ..nothing });
        let Metered { tokens, cost, charge, .. } = metered;
        assert_eq!(Usage::of(&settled), Usage { settled: 1, tokens, cost, charge, ..nothing });
    }

    #[test]
    fn a_sum_that_does_not_fit_is_an_error_and_not_less() {
        assert_eq!(usage(1, 2).plus(usage(3, 4)), Ok(usage(4, 6)));
        let dear = UsdAmount::from_pico(i64::MAX).expect("positive");
        let most = Usage { cost: dear, ..Usage::default() };
        let least = UsdAmount::from_pico(1).expect("positive");
        for (left, right) in [
            (usage(u64::MAX, 0), usage(1, 0)),
            (usage(0, i64::MAX), usage(0, 1)),
            (most, Usage { cost: least, ..Usage::default() }),
        ] {
            assert_eq!(left.plus(right), Err(OutOfRange));
        }
    }

    #[test]
    fn the_dearest_group_is_first_and_equals_are_in_order() {
        let mut groups =
            vec![of(Provider::OPENAI, 5), of(Provider::GEMINI, 5), of(Provider::ANTHROPIC, 9)];
        GroupUsage::dearest_first(&mut groups);
        let expected =
            [of(Provider::ANTHROPIC, 9), of(Provider::GEMINI, 5), of(Provider::OPENAI, 5)];
        assert_eq!(groups, expected);
        assert_eq!(GroupUsage::total(&groups), Ok(usage(3, 19)));
        assert_eq!(GroupUsage::total(&[]), Ok(Usage::default()));
    }

    #[test]
    fn a_way_to_group_is_known_by_its_name_only() {
        for by in GroupBy::ALL {
            assert_eq!(by.name().parse(), Ok(by));
        }
        assert_eq!("workspace".parse::<GroupBy>(), Err(UnknownGroupBy));
    }
}
