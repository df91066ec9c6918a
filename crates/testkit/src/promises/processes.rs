//! Running instances of the program.
//!
//! # Panics
//!
//! Every promise panics when the backend breaks it.
#![expect(clippy::missing_panics_doc, reason = "said once, above")]
use cape_domain::{
    processes::Process,
    store::{Durability, Scope, Store},
    time::Timestamp,
};

use crate::fixtures::{at, process};

/// A process is silent when its last heartbeat is before the asked moment, not in it.
pub async fn a_process_is_silent_when_its_last_heartbeat_is_before(store: &dyn Store) {
    let late = Process { heartbeat_at: at(5), ..process(11) };
    beat(store, &process(10)).await;
    beat(store, &late).await;
    assert_eq!(silent(store, at(0)).await, []);
    assert_eq!(silent(store, at(5)).await, [process(10)]);
    assert_eq!(silent(store, at(6)).await, [process(10), late]);
}

/// A later heartbeat replaces the one before.
pub async fn a_process_that_beats_again_is_not_silent(store: &dyn Store) {
    beat(store, &process(10)).await;
    let again = Process { heartbeat_at: at(9), ..process(10) };
    beat(store, &again).await;
    assert_eq!(silent(store, at(9)).await, []);
    assert_eq!(silent(store, at(10)).await, [again]);
}

/// A process that was removed is gone, and removing it again changes nothing.
pub async fn a_process_is_forgotten_once_and_for_all(store: &dyn Store) {
    beat(store, &process(10)).await;
    beat(store, &process(11)).await;
    for _ in 0..2 {
        let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        work.processes().remove(process(10).id).await.expect("remove");
        work.commit().await.expect("commit");
        assert_eq!(silent(store, at(1)).await, [process(11)]);
    }
}

async fn beat(store: &dyn Store, process: &Process) {
    let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    work.processes().beat(process).await.expect("beat");
    work.commit().await.expect("commit");
}

/// Those that are silent, by their ids: the port promises no order.
async fn silent(store: &dyn Store, since: Timestamp) -> Vec<Process> {
    let mut read = store.read(Scope::Platform).await.expect("read");
    let mut silent = read.processes().silent(since).await.expect("silent");
    silent.sort_by_key(|process| process.id);
    silent
}

/// The promises about processes, one test each.
#[doc(hidden)]
#[macro_export]
macro_rules! processes_promises {
    ($fresh:expr) => {
        $crate::each_promise!(processes, $fresh;
            a_process_is_silent_when_its_last_heartbeat_is_before
            a_process_that_beats_again_is_not_silent
            a_process_is_forgotten_once_and_for_all
        );
    };
}
