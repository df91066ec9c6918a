//! The store, in memory: a unit of work edits a copy and commit swaps it in.
//!
//! Not here: a place where anything survives the process.
mod access;
mod accounts;
mod audit;
mod billing;
mod idempotency;
mod jobs;
mod processes;
mod usage;

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use cape_domain::{
    idempotency::{IdempotencyReads, IdempotencyRepository},
    ids::WorkspaceId,
    jobs::{JobReads, JobRepository},
    page::{Cursor, Page, PageRequest},
    processes::{ProcessReads, ProcessRepository},
    store::{Durability, ReadWork, Scope, Store, StoreError, UnitOfWork},
};
use tokio::sync::{Mutex as Turns, OwnedMutexGuard as Turn};

/// Committed state, shared by all work on it and by all clones. One writer at a time, in the
/// order of asking.
#[derive(Clone, Default)]
pub struct MemoryStore {
    committed: Arc<Mutex<Tables>>,
    turns: Arc<Turns<()>>,
}

/// Everything that is stored. Each area has tables of its own.
#[derive(Clone, Default)]
pub(crate) struct Tables {
    pub(crate) access: access::Tables,
    pub(crate) accounts: accounts::Tables,
    pub(crate) audit: audit::Tables,
    pub(crate) billing: billing::Tables,
    pub(crate) idempotency: idempotency::Tables,
    pub(crate) jobs: jobs::Tables,
    pub(crate) processes: processes::Tables,
    pub(crate) usage: usage::Tables,
}

/// A copy to look at.
pub(crate) struct MemoryRead {
    scope: Scope,
    pub(crate) tables: Tables,
}

/// A copy to change. What it reads, it reads as [`MemoryRead`] does.
pub(crate) struct MemoryUnitOfWork {
    pub(crate) copy: MemoryRead,
    committed: Arc<Mutex<Tables>>,
    _turn: Turn<()>,
}

impl MemoryStore {
    fn copy(&self, scope: Scope) -> MemoryRead {
        let committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        MemoryRead { scope, tables: committed.clone() }
    }
}

impl MemoryRead {
    /// Whether rows of `workspace` may be seen.
    pub(crate) fn admits(&self, workspace: WorkspaceId) -> bool {
        self.scope.admit(workspace).is_ok()
    }

    /// Refuses to write a row of a workspace that is out of scope.
    pub(crate) fn admit(
        &self,
        what: &'static str,
        workspace: WorkspaceId,
    ) -> Result<(), StoreError> {
        self.scope
            .admit(workspace)
            .map_err(|source| StoreError::Corrupt { what, source: source.into() })
    }
}

/// Adds a row, unless there is one with this key.
pub(crate) fn insert_new<K: Ord, V>(
    table: &mut BTreeMap<K, V>,
    what: &'static str,
    key: K,
    row: V,
) -> Result<(), StoreError> {
    if table.contains_key(&key) {
        return Err(StoreError::Conflict { what });
    }
    table.insert(key, row);
    Ok(())
}

/// The asked page of a list, newest first.
pub(crate) fn newest_first<T>(
    page: PageRequest,
    rows: impl IntoIterator<Item = T>,
    cursor: impl Fn(&T) -> Cursor,
) -> Page<T> {
    let place = |Cursor { at, id }: Cursor| (at, id);
    let mut rows: Vec<T> = rows
        .into_iter()
        .filter(|row| page.after.is_none_or(|after| place(cursor(row)) < place(after)))
        .collect();
    rows.sort_by_key(|row| Reverse(place(cursor(row))));
    page.page(rows, cursor)
}

#[async_trait]
impl Store for MemoryStore {
    async fn read(&self, scope: Scope) -> Result<Box<dyn ReadWork>, StoreError> {
        Ok(Box::new(self.copy(scope)))
    }

    async fn look(&self, scope: Scope) -> Result<Box<dyn ReadWork>, StoreError> {
        self.read(scope).await
    }

    /// Whatever the durability, it is gone with the process: this is a store for tests.
    async fn begin(&self, scope: Scope, _: Durability) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let turn = self.turns.clone().lock_owned().await;
        Ok(Box::new(MemoryUnitOfWork {
            copy: self.copy(scope),
            committed: self.committed.clone(),
            _turn: turn,
        }))
    }
}

impl ReadWork for MemoryRead {
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
impl UnitOfWork for MemoryUnitOfWork {
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
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner) = self.copy.tables;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::fixtures::{at, process};

    #[tokio::test]
    async fn writers_get_their_turns_in_the_order_of_asking() {
        let store = MemoryStore::default();
        let written = Mutex::new(Vec::new());
        let write = async |number: u32| {
            let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
            written.lock().expect("unpoisoned").push(number);
            work.processes().beat(&process(number)).await.expect("beat");
            tokio::task::yield_now().await;
            work.commit().await.expect("commit");
        };
        join_all((0..64).map(write)).await;
        assert!(written.into_inner().expect("unpoisoned").is_sorted());
        let mut read = store.read(Scope::Platform).await.expect("read");
        assert_eq!(read.processes().silent(at(1)).await.expect("silent").len(), 64);
    }
}
