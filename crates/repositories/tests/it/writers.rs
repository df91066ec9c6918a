//! How writers get along with each other, and with readers.
use std::{
    cell::{Cell, RefCell},
    thread,
    time::Duration,
};

use cape_domain::{
    processes::Process,
    store::{Durability, Scope, Store},
};
use cape_repositories::SqlStore;
use cape_testkit::{
    fixtures::{ACME, ADA, at, process, session},
    promises::inhabit,
};
use futures_util::{FutureExt as _, future::join_all};
use tokio::{
    runtime::Builder,
    time::{sleep, timeout},
};

use crate::databases::{TestStore, postgres, sqlite};

const WRITERS: u32 = 64;

async fn beat(store: &dyn Store, number: u32, durability: Durability) {
    let mut work = store.begin(Scope::Platform, durability).await.expect("begin");
    work.processes().beat(&process(number)).await.expect("beat");
    work.commit().await.expect("commit");
}

async fn alive(store: &dyn Store) -> Vec<Process> {
    let mut read = store.read(Scope::Platform).await.expect("read");
    let mut alive = read.processes().silent(at(1)).await.expect("silent");
    alive.sort_by_key(|process| process.id);
    alive
}

#[tokio::test]
async fn sixty_four_writers_take_turns_in_the_order_of_asking_and_none_starves() {
    let store = sqlite().await.expect("a file");
    let (asked, served) = (Cell::new(0), RefCell::new(Vec::new()));
    join_all((0..WRITERS).map(async |writer| {
        for _ in 0..10 {
            let turn = asked.replace(asked.get() + 1);
            let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("a turn");
            served.borrow_mut().push(turn);
            work.processes().beat(&process(writer)).await.expect("beat");
            work.commit().await.expect("commit");
        }
    }))
    .await;
    let served = served.into_inner();
    assert_eq!(served.len(), 640);
    // Who asks first is served first: nobody is ever passed over.
    assert!(served.is_sorted(), "{served:?}");
    assert_eq!(alive(&*store).await.len(), 64);
}

#[tokio::test]
async fn work_that_is_dropped_anywhere_is_undone_and_holds_nobody_up_on_sqlite() {
    abandon_anywhere(&sqlite().await.expect("a file")).await;
}

#[tokio::test]
async fn work_that_is_dropped_anywhere_is_undone_and_holds_nobody_up_on_postgres() {
    let Some(store) = postgres().await else { return };
    abandon_anywhere(&store).await;
}

/// Even ones commit. Odd ones are dropped, each at another place: after a statement, in the
/// middle of one, while they begin, while they wait for their turn.
async fn abandon_anywhere(store: &TestStore) {
    let durability = |number| if number % 3 == 0 { Durability::Power } else { Durability::Process };
    let all = join_all((0..4 * WRITERS).map(async |number| {
        if number % 2 == 0 {
            return beat(&**store, number, durability(number)).await;
        }
        if number % 8 == 1 {
            let asking = store.begin(Scope::Platform, durability(number));
            drop(timeout(Duration::from_micros(u64::from(number) * 50), asking).await);
            return;
        }
        let mut work = store.begin(Scope::Platform, durability(number)).await.expect("begin");
        let process = process(number);
        if number % 8 == 3 {
            // Asked once and never again: the statement is on its way to the database.
            drop(work.processes().beat(&process).now_or_never());
            return;
        }
        work.processes().beat(&process).await.expect("beat");
        if number % 8 == 5 {
            let next = Duration::from_micros(u64::from(number));
            drop(timeout(next, work.processes().silent(at(1))).await);
        }
    }));
    timeout(Duration::from_mins(1), all).await.expect("nobody waits for ever");

    let expected: Vec<_> = (0..4 * WRITERS).filter(|number| number % 2 == 0).map(process).collect();
    assert_eq!(alive(&**store).await, expected);
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_happens_or_does_not_and_the_next_writer_goes_on() {
    for store in [sqlite().await, postgres().await].into_iter().flatten() {
        for number in 0..WRITERS {
            let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
            work.processes().beat(&process(2 * number)).await.expect("beat");
            let patience = Duration::from_micros(u64::from(number) * 4);
            drop(timeout(patience, work.commit()).await);
            beat(&*store, 2 * number + 1, Durability::Process).await;
        }
        let alive = alive(&*store).await;
        let second = |number| alive.contains(&process(2 * number + 1));
        assert!((0..WRITERS).all(second), "{alive:?}");
    }
}

/// Takes as many connections at once as there are for readers.
async fn look_from_everywhere(store: &SqlStore) {
    let looks = join_all((0..4).map(|_| store.read(Scope::Platform))).await;
    for look in looks {
        let mut look = look.expect("a connection");
        assert_eq!(look.processes().silent(at(1)).await.expect("an answer"), []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_outlives_the_runtime_that_first_needed_it() {
    for store in [sqlite().await, postgres().await].into_iter().flatten() {
        let store: &SqlStore = &store;
        thread::scope(|scope| {
            scope.spawn(|| {
                let passing = Builder::new_current_thread().enable_all().build();
                passing.expect("a runtime").block_on(async {
                    look_from_everywhere(store).await;
                    // Connections are given back after a moment.
                    sleep(Duration::from_millis(200)).await;
                });
            });
        });
        look_from_everywhere(store).await;
    }
}

#[tokio::test]
async fn a_reader_does_not_wait_for_a_writer() {
    for store in [sqlite().await, postgres().await].into_iter().flatten() {
        beat(&*store, 1, Durability::Process).await;
        let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        work.processes().beat(&process(2)).await.expect("beat");
        let readers = join_all((0..16).map(|_| alive(&*store)));
        let seen = timeout(Duration::from_secs(10), readers).await.expect("nobody waits");
        assert!(seen.iter().all(|seen| *seen == [process(1)]), "{seen:?}");
        work.commit().await.expect("commit");
        assert_eq!(alive(&*store).await, [process(1), process(2)]);
    }
}

#[tokio::test]
async fn who_locks_a_user_or_its_workspace_holds_nobody_up_who_refers_to_them() {
    let Some(store) = postgres().await else { return };
    inhabit(&*store).await.expect("inhabited");
    let mut locks = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    locks.users().lock(ADA).await.expect("lock").expect("somebody");
    assert_eq!(locks.workspaces().lock_members(ACME).await.expect("lock").len(), 1);

    let signing_in = async {
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        work.sessions().insert(&session(1)).await.expect("insert");
        work.commit().await.expect("commit");
    };
    timeout(Duration::from_secs(10), signing_in).await.expect("nobody waits");
    let mut waiting = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    let mut waiting = Box::pin(async move { waiting.users().lock(ADA).await });
    timeout(Duration::from_millis(200), &mut waiting).await.expect_err("somebody has the lock");
    locks.commit().await.expect("commit");
    let locked = timeout(Duration::from_secs(10), waiting).await.expect("it is free");
    locked.expect("lock").expect("somebody");
}
