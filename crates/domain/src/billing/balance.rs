//! What a workspace has, and what transfers do to it. Whether there is enough is *not* tested
//! here alone: the statement that writes tests it again.
use crate::billing::{Account, Credits, OutOfRange};

/// What a workspace has, has promised and owes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Free to be held. Never below zero.
    pub available: Credits,
    /// Set aside by open holds. Never below zero.
    pub held: Credits,
    /// Owed. Never below zero.
    pub receivable: Credits,
}

/// What transfers do to a workspace's balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BalanceChange {
    /// Added to what is available; may be below zero.
    pub available: Credits,
    /// Added to what is held; may be below zero.
    pub held: Credits,
    /// Added to what is owed; may be below zero.
    pub receivable: Credits,
}

/// Whether transactions found what they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "nothing is posted where something was short"]
pub enum Posted {
    /// They are in the ledger.
    Done,
    /// They are not: an account that has a floor would have gone below it.
    Short {
        /// What is there.
        balance: Balance,
    },
}

impl BalanceChange {
    pub(super) fn add(&mut self, account: Account, amount: Credits) -> Result<(), OutOfRange> {
        match account {
            Account::Available(_) => self.available = self.available.plus(amount)?,
            Account::Held(_) => self.held = self.held.plus(amount)?,
            Account::Receivable(_) => self.receivable = self.receivable.minus(amount)?,
            Account::Issued
            | Account::Promotions
            | Account::Revenue
            | Account::Breakage
            | Account::ProviderCost
            | Account::ProviderPayable => {}
        }
        Ok(())
    }

    /// What a workspace has gained by it, all in all: what only moves between available and held
    /// is nothing, and what is owed is less than nothing.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when a sum does not fit.
    pub fn net(self) -> Result<Credits, OutOfRange> {
        self.available.plus(self.held)?.minus(self.receivable)
    }

    /// Both changes, one after the other.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when a sum does not fit.
    pub fn plus(self, other: Self) -> Result<Self, OutOfRange> {
        Ok(Self {
            available: self.available.plus(other.available)?,
            held: self.held.plus(other.held)?,
            receivable: self.receivable.plus(other.receivable)?,
        })
    }
}

impl Balance {
    /// The balance after a change, or nothing when it would go below zero somewhere.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when a sum does not fit.
    pub fn apply(self, change: BalanceChange) -> Result<Option<Self>, OutOfRange> {
        let after = Self {
            available: self.available.plus(change.available)?,
            held: self.held.plus(change.held)?,
            receivable: self.receivable.plus(change.receivable)?,
        };
        let floor = [after.available, after.held, after.receivable];
        Ok(floor.iter().all(|amount| *amount >= Credits::ZERO).then_some(after))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        billing::{Transaction, TransactionKind, Transfer},
        ids::{TransactionId, WorkspaceId},
        time::Timestamp,
    };

    const OWN: WorkspaceId = WorkspaceId::new(Uuid::from_u128(1));

    fn change(from: Account, to: Account, amount: i64) -> BalanceChange {
        let transaction = Transaction {
            id: TransactionId::new(Uuid::nil()),
            workspace: OWN,
            kind: TransactionKind::Hold,
            key: String::new(),
            at: Timestamp::UNIX_EPOCH,
            transfers: vec![Transfer::new(from, to, amount).expect("sound")],
        };
        transaction.balance_change().expect("in range")
    }

    #[test]
    fn a_balance_never_goes_below_zero_and_never_wraps_around() {
        let take = |amount| change(Account::Available(OWN), Account::Held(OWN), amount);
        let ten = Balance { available: Credits::from_micros(10), ..Balance::default() };
        let expected = Balance {
            available: Credits::from_micros(6),
            held: Credits::from_micros(4),
            receivable: Credits::ZERO,
        };
        assert_eq!(ten.apply(take(4)), Ok(Some(expected)));
        assert_eq!(ten.apply(take(11)), Ok(None));
        let full = Balance { held: Credits::from_micros(i64::MAX), ..ten };
        assert_eq!(full.apply(take(1)), Err(OutOfRange));
    }

    #[test]
    fn what_is_set_aside_is_not_lost_and_what_is_owed_is() {
        let held = change(Account::Available(OWN), Account::Held(OWN), 4);
        let used = change(Account::Held(OWN), Account::Revenue, 3);
        let owed = change(Account::Receivable(OWN), Account::Revenue, 5);
        let nets = [held, used, owed].map(|change| change.net().map(Credits::micros));
        assert_eq!(nets, [Ok(0), Ok(-3), Ok(-5)]);
    }

    #[test]
    fn a_debt_is_a_receivable_above_zero() {
        let owed = change(Account::Receivable(OWN), Account::Revenue, 5);
        assert_eq!(owed.receivable, Credits::from_micros(5));
    }
}
