//! Credits set aside for one call.
//!
//! ```text
//! Open ──settle──▶ Settled        what was used is paid, the rest goes back
//!   └────release─▶ Released       all of it goes back
//! ```
//!
//! Whether there is enough to hold is *not* decided here: that takes one statement in the
//! store, or two calls would overspend together.
use crate::{
    billing::{Account, Allocation, Credits, GrantMove, OutOfRange, Transaction},
    ids::{GrantId, HoldId, ProcessId, WorkspaceId},
    time::Timestamp,
};

/// Credits set aside for one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its identity.
    pub id: HoldId,
    /// The tenant that pays.
    pub workspace: WorkspaceId,
    /// The worst case of the call: what the allocations add up to.
    pub amount: Credits,
    /// The lots it was reserved from, in the order in which they are used.
    pub allocations: Vec<Allocation>,
    /// The process that makes the call. If it dies, the hold is swept.
    pub process: ProcessId,
    /// When the hold was placed.
    pub created_at: Timestamp,
    /// When the hold is swept even if the process lives.
    pub deadline: Timestamp,
    /// Where it is in its life.
    pub state: HoldState,
}

/// Each state carries exactly the facts that exist in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// The call has not come back yet.
    Open,
    /// The call is paid for.
    Settled {
        /// When.
        at: Timestamp,
        /// What it cost, even where that is more than was held.
        used: Credits,
    },
    /// The call cost nothing.
    Released {
        /// When.
        at: Timestamp,
    },
}

impl HoldState {
    /// The stable name, as stored.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled { .. } => "settled",
            Self::Released { .. } => "released",
        }
    }
}

/// A hold that makes no sense, or that is asked for more than it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHold {
    /// Nothing to hold: a hold on less than nothing would hand out credit.
    #[error("a hold is for more than nothing")]
    Nothing,
    /// A call that costs less than nothing.
    #[error("a call costs nothing or more")]
    NegativeUse,
    /// An amount does not fit.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}

/// What a call really used of one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantUse {
    /// The lot.
    pub grant: GrantId,
    /// What was used of what had been reserved.
    pub used: Credits,
    /// What goes back.
    pub released: Credits,
}

/// The end of a hold, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// What the call cost.
    pub used: Credits,
    /// What of it the hold pays.
    pub from_hold: Credits,
    /// What goes back.
    pub released: Credits,
    /// What the hold did not cover.
    pub beyond: Credits,
    /// The same, lot by lot.
    pub grants: Vec<GrantUse>,
}

/// A hold that has ended, and what the end moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedHold {
    /// The hold, no longer open.
    pub hold: Hold,
    /// What moved.
    pub settlement: Settlement,
}

/// Who pays for what the hold did not cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overage {
    /// Taken from what is available.
    pub from_available: Credits,
    /// Owed.
    pub owed: Credits,
}

impl Hold {
    /// Checks that there is something to hold.
    ///
    /// # Errors
    ///
    /// [`InvalidHold`] unless the amount is above zero and the allocations add up to it.
    pub fn check(&self) -> Result<(), InvalidHold> {
        let sum = self.allocations.iter().try_fold(Credits::ZERO, |sum, a| sum.plus(a.amount))?;
        if self.amount.is_positive() && sum == self.amount {
            Ok(())
        } else {
            Err(InvalidHold::Nothing)
        }
    }

    /// Replaces the hold by what was used, even if that is more than was held: the tokens are
    /// there and the provider bills them. For a hold that has ended there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`InvalidHold`] when `used` is below zero or a sum does not fit.
    pub fn settle(self, used: Credits, now: Timestamp) -> Result<Option<EndedHold>, InvalidHold> {
        if used < Credits::ZERO {
            return Err(InvalidHold::NegativeUse);
        }
        self.end(used, HoldState::Settled { at: now, used })
    }

    /// Gives everything back. For a hold that has ended there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`InvalidHold`] when a sum does not fit.
    pub fn release(self, now: Timestamp) -> Result<Option<EndedHold>, InvalidHold> {
        self.end(Credits::ZERO, HoldState::Released { at: now })
    }

    /// What each lot paid of a call that is paid for, in their order. Lots that paid nothing are
    /// left out, and so is what the hold did not cover.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when a sum does not fit.
    pub fn paid(&self) -> Result<Vec<Allocation>, OutOfRange> {
        let mut unpaid = match self.state {
            HoldState::Settled { used, .. } => used,
            HoldState::Open | HoldState::Released { .. } => Credits::ZERO,
        };
        let mut paid = Vec::new();
        for allocation in &self.allocations {
            let amount = allocation.amount.min(unpaid);
            unpaid = unpaid.minus(amount)?;
            if amount.is_positive() {
                paid.push(Allocation { amount, ..*allocation });
            }
        }
        Ok(paid)
    }

    fn end(self, used: Credits, state: HoldState) -> Result<Option<EndedHold>, InvalidHold> {
        match self.state {
            HoldState::Settled { .. } | HoldState::Released { .. } => return Ok(None),
            HoldState::Open => {}
        }
        let mut unpaid = used;
        let mut grants = Vec::with_capacity(self.allocations.len());
        for allocation in &self.allocations {
            let used = allocation.amount.min(unpaid);
            let released = allocation.amount.minus(used)?;
            grants.push(GrantUse { grant: allocation.grant, used, released });
            unpaid = unpaid.minus(used)?;
        }
        let from_hold = used.minus(unpaid)?;
        let released = self.amount.minus(from_hold)?;
        let settlement = Settlement { used, from_hold, released, beyond: unpaid, grants };
        Ok(Some(EndedHold { hold: Self { state, ..self }, settlement }))
    }
}

impl Settlement {
    /// What the end of the hold does to its lots.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when a sum does not fit.
    pub fn grant_moves(&self) -> Result<Vec<GrantMove>, OutOfRange> {
        self.grants
            .iter()
            .map(|GrantUse { grant, used, released }| {
                let held = Credits::ZERO.minus(used.plus(*released)?)?;
                Ok(GrantMove { grant: *grant, remaining: *released, held })
            })
            .collect()
    }
}

impl Overage {
    /// Divides what a hold did not cover: first from what can be used, the rest is owed.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when a sum does not fit.
    pub fn split(beyond: Credits, spendable: Credits) -> Result<Self, OutOfRange> {
        let from_available = beyond.min(spendable).max(Credits::ZERO);
        Ok(Self { from_available, owed: beyond.minus(from_available)? })
    }

    /// What a settlement took beyond its hold, as it was posted.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when a sum does not fit.
    pub fn of(settlement: &Transaction) -> Result<Self, OutOfRange> {
        let mut overage = Self::default();
        for transfer in &settlement.transfers {
            if transfer.to() != Account::Revenue {
                continue;
            }
            let amount = Credits::from_micros(transfer.amount());
            if transfer.from() == Account::Available(settlement.workspace) {
                overage.from_available = overage.from_available.plus(amount)?;
            } else if transfer.from() == Account::Receivable(settlement.workspace) {
                overage.owed = overage.owed.plus(amount)?;
            }
        }
        Ok(overage)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{billing::settlement, ids::TransactionId};

    fn micros(micros: i64) -> Credits {
        Credits::from_micros(micros)
    }

    fn hold(parts: &[i64]) -> Hold {
        let allocations = parts.iter().zip(1..).map(|(amount, number)| Allocation {
            grant: GrantId::new(Uuid::from_u128(number)),
            amount: micros(*amount),
        });
        Hold {
            id: HoldId::new(Uuid::nil()),
            workspace: WorkspaceId::new(Uuid::nil()),
            amount: micros(parts.iter().sum()),
            allocations: allocations.collect(),
            process: ProcessId::new(Uuid::nil()),
            created_at: Timestamp::UNIX_EPOCH,
            deadline: Timestamp::UNIX_EPOCH,
            state: HoldState::Open,
        }
    }

    #[test]
    fn nothing_and_less_than_nothing_cannot_be_held() {
        assert_eq!(hold(&[]).check(), Err(InvalidHold::Nothing));
        assert_eq!(hold(&[-1]).check(), Err(InvalidHold::Nothing));
        let wrong_sum = Hold { amount: micros(9), ..hold(&[10]) };
        assert_eq!(wrong_sum.check(), Err(InvalidHold::Nothing));
        assert_eq!(hold(&[4, 6]).check(), Ok(()));
    }

    #[test]
    fn what_is_used_is_taken_from_the_lots_in_their_order() {
        // used -> (from hold, released, beyond, [(used, released)])
        for (used, expected) in [
            (0, (0, 10, 0, vec![(0, 4), (0, 6)])),
            (3, (3, 7, 0, vec![(3, 1), (0, 6)])),
            (4, (4, 6, 0, vec![(4, 0), (0, 6)])),
            (7, (7, 3, 0, vec![(4, 0), (3, 3)])),
            (10, (10, 0, 0, vec![(4, 0), (6, 0)])),
            (12, (10, 0, 2, vec![(4, 0), (6, 0)])),
        ] {
            let ended = hold(&[4, 6]).settle(micros(used), Timestamp::UNIX_EPOCH);
            let s = ended.expect("in range").expect("open").settlement;
            let grants: Vec<_> =
                s.grants.iter().map(|g| (g.used.micros(), g.released.micros())).collect();
            let found = (s.from_hold.micros(), s.released.micros(), s.beyond.micros(), grants);
            assert_eq!(found, expected, "{used}");
            let moves = s.grant_moves().expect("in range");
            let held: i64 = moves.iter().map(|m| m.held.micros()).sum();
            assert_eq!(held, -10, "every reservation ends");
        }
    }

    #[test]
    fn a_hold_ends_once() {
        let now = Timestamp::UNIX_EPOCH;
        let settled = hold(&[10]).settle(micros(1), now).expect("in range").expect("open").hold;
        assert_eq!(settled.state, HoldState::Settled { at: now, used: micros(1) });
        assert_eq!(settled.clone().settle(micros(2), now), Ok(None));
        assert_eq!(settled.release(now), Ok(None));
        let released = hold(&[10]).release(now).expect("in range").expect("open");
        assert_eq!(released.settlement.released, micros(10));
        assert_eq!(released.hold.settle(micros(2), now), Ok(None));
        assert_eq!(hold(&[10]).settle(micros(-1), now), Err(InvalidHold::NegativeUse));
    }

    #[test]
    fn what_each_lot_paid_can_be_told_afterwards() {
        let now = Timestamp::UNIX_EPOCH;
        for (used, expected) in
            [(0, &[][..]), (3, &[3]), (4, &[4]), (7, &[4, 3]), (10, &[4, 6]), (12, &[4, 6])]
        {
            let ended = hold(&[4, 6]).settle(micros(used), now).expect("in range").expect("open");
            let paid = ended.hold.paid().expect("in range");
            let amounts: Vec<_> = paid.iter().map(|part| part.amount.micros()).collect();
            assert_eq!(amounts, expected, "{used}");
            let moved = ended.settlement.grants.iter().filter(|part| part.used.is_positive());
            assert!(
                paid.iter()
                    .map(|part| (part.grant, part.amount))
                    .eq(moved.map(|part| (part.grant, part.used)))
            );
        }
        let released = hold(&[4, 6]).release(now).expect("in range").expect("open").hold;
        assert_eq!((hold(&[4, 6]).paid(), released.paid()), (Ok(vec![]), Ok(vec![])));
    }

    #[test]
    fn what_was_taken_beyond_a_hold_is_read_from_its_posting() {
        let now = Timestamp::UNIX_EPOCH;
        for (used, spendable) in [(3, 0), (10, 0), (12, 5), (12, 1), (12, 0)] {
            let placed = hold(&[4, 6]);
            let ended = placed.clone().settle(micros(used), now).expect("in range").expect("open");
            let overage = Overage::split(ended.settlement.beyond, micros(spendable));
            let overage = overage.expect("in range");
            let head = (TransactionId::new(Uuid::nil()), placed.workspace, now);
            let posted = settlement(head, placed.id, &ended.settlement, overage, 77);
            assert_eq!(Overage::of(&posted.expect("sound")), Ok(overage), "{used} {spendable}");
        }
    }

    #[test]
    fn what_the_hold_did_not_cover_is_paid_or_owed() {
        for (beyond, spendable, from_available, owed) in
            [(5, 9, 5, 0), (5, 5, 5, 0), (5, 2, 2, 3), (5, 0, 0, 5), (0, 9, 0, 0), (5, -1, 0, 5)]
        {
            assert_eq!(
                Overage::split(micros(beyond), micros(spendable)),
                Ok(Overage { from_available: micros(from_available), owed: micros(owed) }),
            );
        }
    }
}
