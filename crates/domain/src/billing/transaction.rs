//! The ledger: double entry, zero sum per unit, append only.
//!
//! A transaction is a list of transfers, each of which takes from one account what it gives to
//! another, so no unit is ever made or lost. Which transfers an event makes is in
//! [`postings`](super::postings); `docs/ledger.md` shows them as a table. *Not* here: balances
//! of the platform's own accounts, which are sums over the transfers.
use crate::{
    billing::{Account, BalanceChange, Credits, OutOfRange},
    ids::{TransactionId, WorkspaceId},
    time::Timestamp,
};

/// Takes from one account what it gives to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    from: Account,
    to: Account,
    amount: i64,
}

/// A transfer or a transaction that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTransaction {
    /// Less than one unit, or nothing at all.
    #[error("a transfer moves at least one unit")]
    Nothing,
    /// From an account to itself, or between different units.
    #[error("a transfer is between two accounts of one unit")]
    Accounts,
    /// Accounts of different tenants meet.
    #[error("a transaction concerns one workspace")]
    Workspaces,
    /// An amount does not fit.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}

impl Transfer {
    /// A transfer of `amount` of the accounts' unit.
    ///
    /// # Errors
    ///
    /// [`InvalidTransaction`] unless there is something to move between two accounts of one unit.
    pub fn new(from: Account, to: Account, amount: i64) -> Result<Self, InvalidTransaction> {
        if amount <= 0 {
            return Err(InvalidTransaction::Nothing);
        }
        if from == to || from.unit() != to.unit() {
            return Err(InvalidTransaction::Accounts);
        }
        Ok(Self { from, to, amount })
    }

    /// The account it takes from.
    #[must_use]
    pub const fn from(&self) -> Account {
        self.from
    }

    /// The account it gives to.
    #[must_use]
    pub const fn to(&self) -> Account {
        self.to
    }

    /// How much, above zero, in the accounts' unit.
    #[must_use]
    pub const fn amount(&self) -> i64 {
        self.amount
    }
}

/// What a transaction is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransactionKind {
    /// Credits were paid for.
    Purchase,
    /// Credits came on top of a purchase.
    Bonus,
    /// Credits were given away.
    Promotion,
    /// A debt was paid with credits that had just arrived.
    DebtRepaid,
    /// Credits were set aside for a call.
    Hold,
    /// A call was paid for.
    Settlement,
    /// A hold ended and nothing was used.
    Release,
    /// Credits ran out of time.
    Expiry,
    /// Credits were taken back because their price was.
    Refund,
    /// A call cost us something, and its caller nothing.
    ProviderCost,
    /// A call that was charged an estimate turned out to have cost something else.
    Correction,
}

impl TransactionKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Purchase,
        Self::Bonus,
        Self::Promotion,
        Self::DebtRepaid,
        Self::Hold,
        Self::Settlement,
        Self::Release,
        Self::Expiry,
        Self::Refund,
        Self::ProviderCost,
        Self::Correction,
    ];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Bonus => "bonus",
            Self::Promotion => "promotion",
            Self::DebtRepaid => "debt_repaid",
            Self::Hold => "hold",
            Self::Settlement => "settlement",
            Self::Release => "release",
            Self::Expiry => "expiry",
            Self::Refund => "refund",
            Self::ProviderCost => "provider_cost",
            Self::Correction => "correction",
        }
    }
}

/// Transfers that happen together, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its identity.
    pub id: TransactionId,
    /// The tenant it concerns.
    pub workspace: WorkspaceId,
    /// What it is about.
    pub kind: TransactionKind,
    /// The business key: there is never a second transaction with the same one.
    pub key: String,
    /// When it happened.
    pub at: Timestamp,
    /// What moves.
    pub transfers: Vec<Transfer>,
}

impl Transaction {
    /// Checks that the transaction moves something, and accounts of one tenant only.
    ///
    /// # Errors
    ///
    /// [`InvalidTransaction`] says what is wrong.
    pub fn check(&self) -> Result<(), InvalidTransaction> {
        if self.transfers.is_empty() {
            return Err(InvalidTransaction::Nothing);
        }
        let foreign = |account: Account| account.workspace().is_some_and(|w| w != self.workspace);
        if self.transfers.iter().any(|t| foreign(t.from) || foreign(t.to)) {
            return Err(InvalidTransaction::Workspaces);
        }
        self.balance_change().map(|_| ())
    }

    /// What it does to the balance of its workspace.
    ///
    /// # Errors
    ///
    /// [`InvalidTransaction::OutOfRange`] when a sum does not fit.
    pub fn balance_change(&self) -> Result<BalanceChange, InvalidTransaction> {
        let mut change = BalanceChange::default();
        for transfer in &self.transfers {
            let amount = Credits::from_micros(transfer.amount);
            change.add(transfer.from, Credits::ZERO.minus(amount)?)?;
            change.add(transfer.to, amount)?;
        }
        Ok(change)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn workspace(number: u128) -> WorkspaceId {
        WorkspaceId::new(Uuid::from_u128(number))
    }

    fn transaction(transfers: Vec<Transfer>) -> Transaction {
        Transaction {
            id: TransactionId::new(Uuid::nil()),
            workspace: workspace(1),
            kind: TransactionKind::Hold,
            key: String::new(),
            at: Timestamp::UNIX_EPOCH,
            transfers,
        }
    }

    #[test]
    fn a_transfer_moves_something_between_two_accounts_of_one_unit() {
        let available = Account::Available(workspace(1));
        for (to, amount, expected) in [
            (Account::Revenue, 0, InvalidTransaction::Nothing),
            (Account::Revenue, -1, InvalidTransaction::Nothing),
            (available, 1, InvalidTransaction::Accounts),
            (Account::ProviderCost, 1, InvalidTransaction::Accounts),
        ] {
            assert_eq!(Transfer::new(available, to, amount), Err(expected));
        }
        assert!(Transfer::new(available, Account::Revenue, 1).is_ok());
    }

    #[test]
    fn a_transaction_concerns_one_workspace_and_moves_something() {
        let foreign = Transfer::new(Account::Available(workspace(2)), Account::Revenue, 1);
        let foreign = transaction(vec![foreign.expect("sound")]);
        assert_eq!(foreign.check(), Err(InvalidTransaction::Workspaces));
        assert_eq!(transaction(vec![]).check(), Err(InvalidTransaction::Nothing));
    }
}
