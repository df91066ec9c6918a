//! The ledger: double entry, zero sum per unit, append only.
//!
//! A transaction is a list of transfers, each of which takes from one account what it gives to
//! another, so no unit is ever made or lost. Which transfers an event makes is in
//! [`postings`](super::postings); `docs/ledger.md` shows them as a table. *Not* here: balances
//! of the platform's own accounts, which are sums over the transfers.
use crate::{
    billing::{Credits, OutOfRange},
    ids::{TransactionId, WorkspaceId},
    time::Timestamp,
};

/// Where units are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// Credits a workspace can use. Never below zero.
    Available(WorkspaceId),
    /// Credits that its open holds have set aside. Never below zero.
    Held(WorkspaceId),
    /// Credits a workspace owes: an account that is below zero by the debt.
    Receivable(WorkspaceId),
    /// Credits that were sold: below zero by all that came into being.
    Issued,
    /// Credits that were given away: below zero likewise.
    Promotions,
    /// Credits that were used.
    Revenue,
    /// Credits that ran out of time.
    Breakage,
    /// What calls cost us, in United States dollars.
    ProviderCost,
    /// The counter-account of what calls cost us.
    ProviderPayable,
}

impl Account {
    /// The stable name of the kind of account.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Available(_) => "available",
            Self::Held(_) => "held",
            Self::Receivable(_) => "receivable",
            Self::Issued => "issued",
            Self::Promotions => "promotions",
            Self::Revenue => "revenue",
            Self::Breakage => "breakage",
            Self::ProviderCost => "provider_cost",
            Self::ProviderPayable => "provider_payable",
        }
    }

    /// Whose account it is; nobody's for the platform's own.
    #[must_use]
    pub const fn workspace(self) -> Option<WorkspaceId> {
        match self {
            Self::Available(workspace) | Self::Held(workspace) | Self::Receivable(workspace) => {
                Some(workspace)
            }
            Self::Issued
            | Self::Promotions
            | Self::Revenue
            | Self::Breakage
            | Self::ProviderCost
            | Self::ProviderPayable => None,
        }
    }

    /// What is counted in it.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::ProviderCost | Self::ProviderPayable => Unit::PicoUsd,
            Self::Available(_)
            | Self::Held(_)
            | Self::Receivable(_)
            | Self::Issued
            | Self::Promotions
            | Self::Revenue
            | Self::Breakage => Unit::MicroCredit,
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Millionths of a credit.
    MicroCredit,
    /// Million-millionths of a United States dollar.
    PicoUsd,
}

impl Unit {
    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MicroCredit => "micro_credit",
            Self::PicoUsd => "pico_usd",
        }
    }
}

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
}

impl TransactionKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
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

impl BalanceChange {
    fn add(&mut self, account: Account, amount: Credits) -> Result<(), OutOfRange> {
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

    #[test]
    fn a_balance_never_goes_below_zero_and_never_wraps_around() {
        let own = workspace(1);
        let take = |amount| {
            let transfer = Transfer::new(Account::Available(own), Account::Held(own), amount);
            transaction(vec![transfer.expect("sound")]).balance_change().expect("in range")
        };
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
    fn a_debt_is_a_receivable_above_zero() {
        let owed = Transfer::new(Account::Receivable(workspace(1)), Account::Revenue, 5);
        let change = transaction(vec![owed.expect("sound")]).balance_change().expect("in range");
        assert_eq!(change.receivable, Credits::from_micros(5));
    }
}
