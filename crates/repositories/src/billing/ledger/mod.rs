//! The ledger, as rows. What guards against concurrent writers is in the statements that write:
//! floors, keys and states are tested where they are changed, never before.
//!
//! Not here: what an event moves. Amounts arrive decided.
mod balances;
mod grants;
mod holds;
mod transfers;

use async_trait::async_trait;
use cape_domain::{
    billing::{
        Balance, CreditGrant, Credits, GrantMove, Hold, LedgerReads, LedgerRepository, Posted,
        Transaction,
    },
    ids::{GrantId, HoldId, ProcessId, TransactionId, WorkspaceId},
    page::{Page, PageRequest},
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{ColumnTrait, sea_query::Expr};

use crate::{error, store::SqlWork};

pub(super) use self::{holds::row as hold, transfers::row as transfer};

#[async_trait]
impl LedgerReads for SqlWork {
    async fn balance(&mut self, workspace: WorkspaceId) -> Result<Balance, StoreError> {
        balances::find(self, workspace).await
    }

    async fn grants(&mut self, workspace: WorkspaceId) -> Result<Vec<CreditGrant>, StoreError> {
        grants::open(self, workspace).await
    }

    async fn used_grants(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Vec<CreditGrant>, StoreError> {
        grants::used(self, workspace).await
    }

    async fn expired_grants(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<CreditGrant>, StoreError> {
        grants::expired(self, now, limit).await
    }

    async fn hold(&mut self, id: HoldId) -> Result<Option<Hold>, StoreError> {
        holds::find(self, id).await
    }

    async fn holds_of(&mut self, process: ProcessId, limit: u32) -> Result<Vec<Hold>, StoreError> {
        holds::of_process(self, process, limit).await
    }

    async fn overdue_holds(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Hold>, StoreError> {
        holds::overdue(self, now, limit).await
    }

    async fn lots(&mut self, ids: &[GrantId]) -> Result<Vec<CreditGrant>, StoreError> {
        grants::of_ids(self, ids).await
    }

    async fn transaction(&mut self, id: TransactionId) -> Result<Option<Transaction>, StoreError> {
        transfers::find(self, id).await
    }

    async fn transactions(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Transaction>, StoreError> {
        transfers::list(self, workspace, page).await
    }
}

#[async_trait]
impl LedgerRepository for SqlWork {
    async fn lock(&mut self, workspace: WorkspaceId) -> Result<Balance, StoreError> {
        self.admit(balances::WHAT, workspace)?;
        balances::lock(self, workspace).await
    }

    /// Balances move first: whoever posts for the same workspace waits there, and the rows that
    /// follow are all written in one statement. What was posted before is known by its key even
    /// where it would be short now.
    async fn post(&mut self, transactions: &[Transaction]) -> Result<Posted, StoreError> {
        for transaction in transactions {
            self.admit(transfers::WHAT, transaction.workspace)?;
            transaction.check().map_err(|e| error::corrupt(transfers::WHAT, e))?;
        }
        match balances::shift(self, balances::changes(transactions)?).await? {
            Posted::Done => {}
            Posted::Short { .. } if transfers::any_known(self, transactions).await? => {
                return Err(StoreError::Conflict { what: transfers::WHAT });
            }
            short @ Posted::Short { .. } => return Ok(short),
        }
        transfers::insert(self, transactions).await?;
        Ok(Posted::Done)
    }

    async fn insert_grant(&mut self, grant: &CreditGrant) -> Result<(), StoreError> {
        self.admit(grants::WHAT, grant.workspace)?;
        grants::insert(self, grant).await
    }

    async fn move_grants(&mut self, moves: &[GrantMove]) -> Result<(), StoreError> {
        grants::shift(self, moves).await
    }

    async fn insert_holds(&mut self, holds: &[Hold]) -> Result<(), StoreError> {
        for hold in holds {
            self.admit(holds::WHAT, hold.workspace)?;
            hold.check().map_err(|e| error::corrupt(holds::WHAT, e))?;
        }
        holds::insert(self, holds).await
    }

    async fn end_holds(&mut self, holds: &[Hold]) -> Result<(), StoreError> {
        for hold in holds {
            self.admit(holds::WHAT, hold.workspace)?;
        }
        holds::end(self, holds).await
    }
}

/// Whether the change keeps a column between zero and the most that fits. The limits are
/// computed here and not in the statement, where a sum could overflow before it is compared.
pub(crate) fn has_room(column: impl ColumnTrait, change: Credits) -> Expr {
    let change = change.micros();
    let (least, most) = (change.min(0).saturating_neg(), i64::MAX - change.max(0));
    column.between(least, most)
}
