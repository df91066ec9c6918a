//! Promises that every [`Store`] keeps, one file per area.
//!
//! A backend instantiates all of them with [`store_promises!`](crate::store_promises); a promise
//! is added in one place, its area's list. Each begins with an empty store that is [inhabited]:
//! two workspaces exist with their owners.
//!
//! What a statement of SQL does to the rest of its transaction when it fails is not promised:
//! after an error a unit of work is dropped.
//!
//! [inhabited]: inhabit
pub mod access;
pub mod accounts;
pub mod audit;
pub mod billing;
mod conflicts;
pub mod idempotency;
pub mod jobs;
pub mod limiter;
pub mod processes;
pub mod store;
pub mod throttle;
pub mod usage;

use std::{ops::Deref, time::Duration};

use cape_domain::{
    page::{Page, PageRequest},
    store::{Scope, Store},
};

pub use crate::fixtures::inhabit;
use crate::{
    fixtures::{ACME, RIVAL},
    memory::MemoryStore,
};

/// The scope most promises work in.
pub(crate) const OWN: Scope = Scope::Workspace(ACME);

/// The scope that must not see what [`OWN`] sees.
pub(crate) const FOREIGN: Scope = Scope::Workspace(RIVAL);

/// How long a promise may take. One that waits for ever is broken.
const PATIENCE: Duration = Duration::from_mins(2);

/// A store that was made for one promise. Dropping it may remove its database.
pub trait Fresh {
    /// The store, unless this backend is not to be had here.
    fn store(&self) -> Option<&dyn Store>;
}

impl Fresh for MemoryStore {
    fn store(&self) -> Option<&dyn Store> {
        Some(self)
    }
}

/// A guard that owns the database and leads to the store; nothing where there is no database.
impl<G: Deref<Target: Store + Sized>> Fresh for Option<G> {
    fn store(&self) -> Option<&dyn Store> {
        self.as_deref().map(|store| store as &dyn Store)
    }
}

/// The longest page there is.
pub(crate) fn everything() -> PageRequest {
    PageRequest::new(None, PageRequest::MOST).expect("in range")
}

/// All rows of a list, read page by page. Every page but the last is full.
pub(crate) async fn pages<T>(limit: u32, list: impl AsyncFn(PageRequest) -> Page<T>) -> Vec<T> {
    const MOST_PAGES: usize = 1_000;
    let mut rows = Vec::new();
    let mut after = None;
    for _ in 0..MOST_PAGES {
        let page = list(PageRequest::new(after, limit).expect("in range")).await;
        let full = page.rows.len() == limit as usize;
        assert!(full || page.next.is_none(), "a page before the last is not full");
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return rows;
        }
    }
    panic!("the list does not end");
}

/// Waits until a promise is kept, but not for ever.
///
/// # Panics
///
/// After two minutes.
#[doc(hidden)]
pub async fn in_time(promise: impl Future<Output = ()>) {
    tokio::time::timeout(PATIENCE, promise).await.expect("the promise is kept in time");
}

/// Makes a test of every promise, in a module that is named after the backend.
///
/// The second argument is an expression that is awaited once for each test, and yields a
/// [`Fresh`] store with empty tables: a [`MemoryStore`](crate::memory::MemoryStore), an `Option`
/// of any guard that dereferences to a [`Store`](cape_domain::store::Store), or a type of the
/// caller's own. Where it yields `None`, the test ends without having tested anything. It sees
/// the names that are in scope where the macro is used, and must use at least one of them. The
/// caller depends on `tokio`.
///
/// ```text
/// cape_testkit::store_promises!(on_sqlite, sqlite());
/// cape_testkit::store_promises!(on_postgres, postgres());
/// ```
#[macro_export]
macro_rules! store_promises {
    ($backend:ident, $fresh:expr) => {
        mod $backend {
            use super::*;
            $crate::work_promises!($fresh);
            $crate::access_promises!($fresh);
            $crate::accounts_promises!($fresh);
            $crate::audit_promises!($fresh);
            $crate::billing_promises!($fresh);
            $crate::idempotency_promises!($fresh);
            $crate::jobs_promises!($fresh);
            $crate::processes_promises!($fresh);
            $crate::usage_promises!($fresh);
        }
    };
}

/// A test of each listed promise of one area, in a module that is named after the area.
#[doc(hidden)]
#[macro_export]
macro_rules! each_promise {
    ($area:ident, $fresh:expr; $($promise:ident)*) => {
        mod $area {
            use super::*;
            $(#[tokio::test]
            async fn $promise() {
                let fresh = $fresh.await;
                if let Some(store) = $crate::promises::Fresh::store(&fresh) {
                    $crate::promises::inhabit(store).await.expect("an empty store");
                    $crate::promises::in_time($crate::promises::$area::$promise(store)).await;
                }
            })*
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_may_come_as_a_guard_or_not_at_all() {
        assert!(MemoryStore::default().store().is_some());
        assert!(Some(Box::new(MemoryStore::default())).store().is_some());
        assert!(None::<Box<MemoryStore>>.store().is_none());
    }
}
