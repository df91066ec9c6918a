use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use cape_domain::{
    billing::{
        Balance, BalanceChange, CreditGrant, Credits, GrantMove, Hold, HoldState, LedgerReads,
        LedgerRepository, Posted, Transaction,
    },
    ids::{GrantId, HoldId, ProcessId, TransactionId, WorkspaceId},
    page::{Cursor, Page, PageRequest},
    store::StoreError,
    time::Timestamp,
};

use super::{MemoryRead, MemoryUnitOfWork, Tables, corrupt, insert_new, newest_first};

const BALANCE: &str = "balance";
const TRANSACTION: &str = "transaction";
const GRANT: &str = "grant";
const HOLD: &str = "hold";

/// A hold that is said to have ended, but is open.
#[derive(Debug)]
struct StillOpen;

impl std::fmt::Display for StillOpen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the hold has not ended")
    }
}

impl std::error::Error for StillOpen {}

impl MemoryRead {
    fn open_holds(&self, limit: u32, wanted: impl Fn(&Hold) -> bool) -> Vec<Hold> {
        let holds = self.tables.billing.holds.values();
        let mut found: Vec<_> = holds
            .filter(|hold| self.admits(hold.workspace) && hold.state == HoldState::Open)
            .filter(|hold| wanted(hold))
            .cloned()
            .collect();
        found.sort_by_key(|hold| (hold.created_at, hold.id));
        found.truncate(limit as usize);
        found
    }
}

#[async_trait]
impl LedgerReads for MemoryRead {
    async fn balance(&mut self, workspace: WorkspaceId) -> Result<Balance, StoreError> {
        let balance = self.tables.billing.balances.get(&workspace);
        Ok(balance.filter(|_| self.admits(workspace)).copied().unwrap_or_default())
    }

    async fn grants(&mut self, workspace: WorkspaceId) -> Result<Vec<CreditGrant>, StoreError> {
        let grants = self.tables.billing.grants.values();
        let mut found: Vec<_> = grants
            .filter(|grant| grant.workspace == workspace && self.admits(workspace))
            .filter(|grant| grant.remaining.is_positive())
            .cloned()
            .collect();
        found.sort_by_key(|grant| (grant.created_at, grant.id));
        Ok(found)
    }

    async fn used_grants(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Vec<CreditGrant>, StoreError> {
        let grants = self.tables.billing.grants.values();
        let own = grants.filter(|grant| grant.workspace == workspace && self.admits(workspace));
        Ok(own.filter(|grant| grant.used().is_positive()).cloned().collect())
    }

    async fn expired_grants(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<CreditGrant>, StoreError> {
        let grants = self.tables.billing.grants.values();
        let mut found: Vec<_> = grants
            .filter(|grant| self.admits(grant.workspace) && grant.expired(now).is_positive())
            .cloned()
            .collect();
        found.sort_by_key(|grant| (grant.expires_at, grant.id));
        found.truncate(limit as usize);
        Ok(found)
    }

    async fn hold(&mut self, id: HoldId) -> Result<Option<Hold>, StoreError> {
        let hold = self.tables.billing.holds.get(&id);
        Ok(hold.filter(|hold| self.admits(hold.workspace)).cloned())
    }

    async fn holds_of(&mut self, process: ProcessId, limit: u32) -> Result<Vec<Hold>, StoreError> {
        Ok(self.open_holds(limit, |hold| hold.process == process))
    }

    async fn overdue_holds(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Hold>, StoreError> {
        Ok(self.open_holds(limit, |hold| hold.deadline < now))
    }

    async fn lots(&mut self, ids: &[GrantId]) -> Result<Vec<CreditGrant>, StoreError> {
        let lots = ids.iter().filter_map(|id| self.tables.billing.grants.get(id));
        Ok(lots.filter(|lot| self.admits(lot.workspace)).cloned().collect())
    }

    async fn transaction(&mut self, id: TransactionId) -> Result<Option<Transaction>, StoreError> {
        let mut transactions = self.tables.billing.transactions.values();
        let found = transactions.find(|transaction| transaction.id == id);
        Ok(found.filter(|found| self.admits(found.workspace)).cloned())
    }

    async fn transactions(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Transaction>, StoreError> {
        let transactions = self.tables.billing.transactions.values();
        let own = transactions.filter(|t| t.workspace == workspace && self.admits(workspace));
        Ok(newest_first(page, own.cloned(), |t| Cursor { at: t.at, id: t.id.raw() }))
    }
}

#[async_trait]
impl LedgerReads for MemoryUnitOfWork {
    async fn balance(&mut self, workspace: WorkspaceId) -> Result<Balance, StoreError> {
        self.copy.balance(workspace).await
    }

    async fn grants(&mut self, workspace: WorkspaceId) -> Result<Vec<CreditGrant>, StoreError> {
        self.copy.grants(workspace).await
    }

    async fn used_grants(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Vec<CreditGrant>, StoreError> {
        self.copy.used_grants(workspace).await
    }

    async fn expired_grants(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<CreditGrant>, StoreError> {
        self.copy.expired_grants(now, limit).await
    }

    async fn hold(&mut self, id: HoldId) -> Result<Option<Hold>, StoreError> {
        self.copy.hold(id).await
    }

    async fn holds_of(&mut self, process: ProcessId, limit: u32) -> Result<Vec<Hold>, StoreError> {
        self.copy.holds_of(process, limit).await
    }

    async fn overdue_holds(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Hold>, StoreError> {
        self.copy.overdue_holds(now, limit).await
    }

    async fn lots(&mut self, ids: &[GrantId]) -> Result<Vec<CreditGrant>, StoreError> {
        self.copy.lots(ids).await
    }

    async fn transaction(&mut self, id: TransactionId) -> Result<Option<Transaction>, StoreError> {
        self.copy.transaction(id).await
    }

    async fn transactions(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Transaction>, StoreError> {
        self.copy.transactions(workspace, page).await
    }
}

#[async_trait]
impl LedgerRepository for MemoryUnitOfWork {
    /// Nobody else writes while this unit of work is open.
    async fn lock(&mut self, workspace: WorkspaceId) -> Result<Balance, StoreError> {
        self.copy.admit(BALANCE, workspace)?;
        self.copy.balance(workspace).await
    }

    async fn post(&mut self, transactions: &[Transaction]) -> Result<Posted, StoreError> {
        for transaction in transactions {
            self.copy.admit(TRANSACTION, transaction.workspace)?;
            transaction.check().map_err(|error| corrupt(TRANSACTION, error))?;
        }
        self.copy.tables.billing.post(transactions)
    }

    async fn insert_grant(&mut self, grant: &CreditGrant) -> Result<(), StoreError> {
        self.copy.admit(GRANT, grant.workspace)?;
        insert_new(&mut self.copy.tables.billing.grants, GRANT, grant.id, grant.clone())
    }

    async fn move_grants(&mut self, moves: &[GrantMove]) -> Result<(), StoreError> {
        let mut grants = self.copy.tables.billing.grants.clone();
        for change in moves {
            let grant = grants.get_mut(&change.grant);
            let Some(grant) = grant.filter(|grant| self.copy.admits(grant.workspace)) else {
                return Err(StoreError::Conflict { what: GRANT });
            };
            let out_of_range = |error| corrupt(GRANT, error);
            grant.remaining = grant.remaining.plus(change.remaining).map_err(out_of_range)?;
            grant.held = grant.held.plus(change.held).map_err(out_of_range)?;
            if grant.remaining < Credits::ZERO || grant.held < Credits::ZERO {
                return Err(StoreError::Conflict { what: GRANT });
            }
        }
        self.copy.tables.billing.grants = grants;
        Ok(())
    }

    async fn insert_holds(&mut self, holds: &[Hold]) -> Result<(), StoreError> {
        for hold in holds {
            self.copy.admit(HOLD, hold.workspace)?;
            hold.check().map_err(|error| corrupt(HOLD, error))?;
            insert_new(&mut self.copy.tables.billing.holds, HOLD, hold.id, hold.clone())?;
        }
        Ok(())
    }

    async fn end_holds(&mut self, holds: &[Hold]) -> Result<(), StoreError> {
        let mut stored = self.copy.tables.billing.holds.clone();
        for hold in holds {
            self.copy.admit(HOLD, hold.workspace)?;
            if hold.state == HoldState::Open {
                return Err(corrupt(HOLD, StillOpen));
            }
            let open = stored.get_mut(&hold.id).filter(|open| open.state == HoldState::Open);
            open.ok_or(StoreError::Conflict { what: HOLD })?.state = hold.state;
        }
        self.copy.tables.billing.holds = stored;
        Ok(())
    }
}

impl Tables {
    fn post(&mut self, transactions: &[Transaction]) -> Result<Posted, StoreError> {
        let (mut keys, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for Transaction { id, key, .. } in transactions {
            let known = self.keys.contains_key(key) || self.transactions.contains_key(id);
            if known || !keys.insert(key) || !ids.insert(id) {
                return Err(StoreError::Conflict { what: TRANSACTION });
            }
        }
        let mut after = Vec::new();
        for (workspace, change) in changes(transactions)? {
            let balance = self.balances.get(&workspace).copied().unwrap_or_default();
            match balance.apply(change).map_err(|error| corrupt(BALANCE, error))? {
                None => return Ok(Posted::Short { balance }),
                Some(changed) => after.push((workspace, changed)),
            }
        }
        self.balances.extend(after);
        for transaction in transactions {
            self.keys.insert(transaction.key.clone(), transaction.id);
            self.transactions.insert(transaction.id, transaction.clone());
        }
        Ok(Posted::Done)
    }
}

/// What transactions do to each workspace, all in all.
fn changes(
    transactions: &[Transaction],
) -> Result<BTreeMap<WorkspaceId, BalanceChange>, StoreError> {
    let mut changes = BTreeMap::<_, BalanceChange>::new();
    for transaction in transactions {
        let change = transaction.balance_change().map_err(|error| corrupt(BALANCE, error))?;
        let sum = changes.entry(transaction.workspace).or_default();
        *sum = sum.plus(change).map_err(|error| corrupt(BALANCE, error))?;
    }
    Ok(changes)
}
