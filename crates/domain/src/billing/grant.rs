//! Credits that were given at one time, for one reason: a lot of its own, which is used up in
//! its turn and may run out of time.
use std::str::FromStr;

use crate::{
    billing::{Credits, OutOfRange},
    ids::{GrantId, OrderId, WorkspaceId},
    time::Timestamp,
};

/// A lot of credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditGrant {
    /// Its identity.
    pub id: GrantId,
    /// The tenant it was given to.
    pub workspace: WorkspaceId,
    /// Why it was given.
    pub source: GrantSource,
    /// What it paid for, if it was bought or came with something that was.
    pub order: Option<OrderId>,
    /// What was given.
    pub amount: Credits,
    /// What is left of it and not held.
    pub remaining: Credits,
    /// What open holds have reserved of it.
    pub held: Credits,
    /// When what is left is lost.
    pub expires_at: Option<Timestamp>,
    /// When it was given.
    pub created_at: Timestamp,
}

/// Why credits were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantSource {
    /// They were paid for.
    Purchase,
    /// They came on top of a purchase.
    Bonus,
    /// They were given away.
    Promotion,
}

/// A name that is no source of credits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a source of credits")]
pub struct UnknownGrantSource(String);

impl GrantSource {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::Purchase, Self::Bonus, Self::Promotion];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Bonus => "bonus",
            Self::Promotion => "promotion",
        }
    }

    /// Which lots are used first: the lower, the sooner. What was given goes before what was
    /// paid for.
    #[must_use]
    pub const fn priority(self) -> u8 {
        match self {
            Self::Promotion | Self::Bonus => 10,
            Self::Purchase => 20,
        }
    }
}

impl FromStr for GrantSource {
    type Err = UnknownGrantSource;

    fn from_str(name: &str) -> Result<Self, UnknownGrantSource> {
        Self::ALL
            .into_iter()
            .find(|source| source.name() == name)
            .ok_or_else(|| UnknownGrantSource(name.to_owned()))
    }
}

impl CreditGrant {
    /// Whether it can still be used at `now`.
    #[must_use]
    pub fn is_spendable(&self, now: Timestamp) -> bool {
        self.remaining.is_positive() && self.expires_at.is_none_or(|end| now < end)
    }

    /// What calls used of it, and debts and its end took: what is neither left nor held.
    #[must_use]
    pub const fn used(&self) -> Credits {
        let there = self.remaining.micros().saturating_add(self.held.micros());
        Credits::from_micros(self.amount.micros().saturating_sub(there))
    }

    /// Its place among others: the lower, the sooner it is used.
    pub(super) fn turn(&self) -> (u8, Timestamp, Timestamp, GrantId) {
        let end = self.expires_at.unwrap_or(Timestamp::MAX_UTC);
        (self.source.priority(), end, self.created_at, self.id)
    }

    /// What is lost at `now`: what is left of a lot whose time is over. Held amounts are not.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> Credits {
        match self.expires_at {
            Some(end) if end <= now => self.remaining,
            Some(_) | None => Credits::ZERO,
        }
    }
}

/// What a hold, a settlement or an expiry takes from a lot or gives back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantMove {
    /// The lot.
    pub grant: GrantId,
    /// Added to what remains; may be below zero.
    pub remaining: Credits,
    /// Added to what is held; may be below zero.
    pub held: Credits,
}

/// What is taken from one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The lot.
    pub grant: GrantId,
    /// How much, above zero.
    pub amount: Credits,
}

/// The lots that can be used do not add up to what is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only {spendable} credits can be used")]
pub struct NotEnough {
    /// What they add up to.
    pub spendable: Credits,
}

/// Takes `amount` from lots: the lowest priority number first, among equals what expires the
/// soonest, among equals the oldest.
///
/// # Errors
///
/// [`NotEnough`] when they do not add up to it; what has expired does not count.
pub fn allocate(
    grants: &[CreditGrant],
    amount: Credits,
    now: Timestamp,
) -> Result<Vec<Allocation>, NotEnough> {
    let mut lots: Vec<_> = grants.iter().filter(|grant| grant.is_spendable(now)).collect();
    lots.sort_by_key(|grant| grant.turn());
    let mut missing = amount;
    let mut taken = Vec::new();
    for lot in lots {
        let amount = lot.remaining.min(missing);
        if !amount.is_positive() {
            break;
        }
        taken.push(Allocation { grant: lot.id, amount });
        missing = Credits::from_micros(missing.micros() - amount.micros());
    }
    if missing.is_positive() {
        let spendable = Credits::from_micros(amount.micros() - missing.micros());
        return Err(NotEnough { spendable });
    }
    Ok(taken)
}

impl Allocation {
    /// Moves the amount from what remains to what is held.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] for an amount that has no opposite.
    pub fn reserve(&self) -> Result<GrantMove, OutOfRange> {
        let remaining = Credits::ZERO.minus(self.amount)?;
        Ok(GrantMove { grant: self.grant, remaining, held: self.amount })
    }

    /// Gives the amount back to what remains.
    #[must_use]
    pub const fn give_back(&self) -> GrantMove {
        GrantMove { grant: self.grant, remaining: self.amount, held: Credits::ZERO }
    }

    /// Takes the amount from what remains.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] for an amount that has no opposite.
    pub fn spend(&self) -> Result<GrantMove, OutOfRange> {
        Ok(GrantMove { held: Credits::ZERO, ..self.reserve()? })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;

    fn at(days: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(days)
    }

    fn lot(number: u128, source: GrantSource, remaining: i64, expires: Option<i64>) -> CreditGrant {
        CreditGrant {
            id: GrantId::new(Uuid::from_u128(number)),
            workspace: WorkspaceId::new(Uuid::nil()),
            source,
            order: None,
            amount: Credits::from_micros(100),
            remaining: Credits::from_micros(remaining),
            held: Credits::ZERO,
            expires_at: expires.map(at),
            created_at: at(0) + TimeDelta::seconds(i64::try_from(number).expect("small")),
        }
    }

    #[test]
    fn gifts_go_first_then_what_expires_soonest_then_the_oldest() {
        let lots = [
            lot(1, GrantSource::Purchase, 10, None),
            lot(2, GrantSource::Purchase, 10, None),
            lot(3, GrantSource::Purchase, 10, Some(9)),
            lot(4, GrantSource::Promotion, 10, None),
            lot(5, GrantSource::Bonus, 10, Some(5)),
            lot(6, GrantSource::Promotion, 10, Some(2)),
            lot(7, GrantSource::Promotion, 0, Some(4)),
        ];
        let order = |amount, now| {
            allocate(&lots, Credits::from_micros(amount), at(now)).map(|taken| {
                let each = |a: &Allocation| (a.grant.raw().as_u128(), a.amount.micros());
                taken.iter().map(each).collect::<Vec<_>>()
            })
        };
        assert_eq!(order(15, 3), Ok(vec![(5, 10), (4, 5)]));
        assert_eq!(order(60, 0), Ok(vec![(6, 10), (5, 10), (4, 10), (3, 10), (1, 10), (2, 10)]));
        assert_eq!(order(61, 0), Err(NotEnough { spendable: Credits::from_micros(60) }));
        assert_eq!(order(51, 2), Err(NotEnough { spendable: Credits::from_micros(50) }));
        assert_eq!(order(0, 0), Ok(vec![]));
    }

    #[test]
    fn only_what_is_left_expires() {
        let held = Credits::from_micros(40);
        let lot = CreditGrant { held, ..lot(1, GrantSource::Promotion, 60, Some(2)) };
        assert_eq!(lot.expired(at(1)), Credits::ZERO);
        assert_eq!(lot.expired(at(2)), Credits::from_micros(60));
    }
}
