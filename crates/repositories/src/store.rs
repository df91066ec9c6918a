//! One database transaction is one piece of work. The repositories are implemented on it, one
//! per file; whoever only reads gets to see only the reading half.
use async_trait::async_trait;
use cape_domain::{
    idempotency::{IdempotencyReads, IdempotencyRepository},
    ids::WorkspaceId,
    jobs::{JobReads, JobRepository},
    processes::{ProcessReads, ProcessRepository},
    store::{ReadWork, Scope, StoreError, UnitOfWork},
};
use sea_orm::{ColumnTrait, Condition};

use crate::{connection::Turn, error, transaction::Transaction};

/// An open transaction. Its turn comes last: the next writer waits until it is rolled back.
pub(crate) struct SqlWork {
    pub(crate) transaction: Transaction,
    pub(crate) scope: Scope,
    pub(crate) turn: Turn,
}

impl SqlWork {
    /// The rows within reach, by the column that says whose they are.
    pub(crate) fn within(&self, workspace: impl ColumnTrait) -> Condition {
        match self.scope {
            Scope::Workspace(own) => Condition::all().add(workspace.eq(own.raw())),
            Scope::Platform => Condition::all(),
        }
    }

    /// Fails unless rows of `workspace` are within reach.
    pub(crate) fn admit(
        &self,
        what: &'static str,
        workspace: WorkspaceId,
    ) -> Result<(), StoreError> {
        self.scope.admit(workspace).map_err(|refusal| error::corrupt(what, refusal))
    }
}

impl ReadWork for SqlWork {
    fn idempotency(&mut self) -> &mut dyn IdempotencyReads {
        self
    }

    fn jobs(&mut self) -> &mut dyn JobReads {
        self
    }

    fn processes(&mut self) -> &mut dyn ProcessReads {
        self
    }
}

#[async_trait]
impl UnitOfWork for SqlWork {
    fn idempotency(&mut self) -> &mut dyn IdempotencyRepository {
        self
    }

    fn jobs(&mut self) -> &mut dyn JobRepository {
        self
    }

    fn processes(&mut self) -> &mut dyn ProcessRepository {
        self
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { transaction, turn, .. } = *self;
        transaction.commit().await.map_err(error::on("transaction"))?;
        if let Some(turn) = turn {
            turn.committed();
        }
        Ok(())
    }
}
