//! Credits that are set aside, and what becomes of them.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{Allocation, CreditGrant, Credits, GrantSource, Hold, HoldState},
    ids::ProcessId,
    store::{Durability, Scope, Store},
    time::Timestamp,
};
use futures_util::future::join_all;

use super::{
    super::{
        OWN,
        conflicts::{is_conflict, retried},
    },
    steps::{balance, find_hold, grants, place, release, settle, whole},
};
use crate::fixtures::{ACME, EVE, PROCESS, RIVAL, at, credits, fund, give, grant, hold, id};

/// What is held is not available any more, and what was given goes before what was bought.
pub async fn a_hold_takes_from_what_is_available(store: &dyn Store) {
    give(store, &grant(10, GrantSource::Purchase, credits(6))).await.expect("give");
    give(store, &grant(11, GrantSource::Promotion, credits(4))).await.expect("give");
    let placed = place(store, 20, credits(7)).await.expect("place").expect("admitted");
    let (gift, bought) = (allocation(11, 4), allocation(10, 3));
    assert_eq!(placed.allocations, [gift, bought]);
    assert_eq!(balance(store).await, whole(3, 7, 0));
    assert_eq!(find_hold(store, 20).await, Some(placed));
    let left = CreditGrant {
        remaining: credits(3),
        held: credits(3),
        ..grant(10, GrantSource::Purchase, credits(6))
    };
    assert_eq!(grants(store).await, [left]);
    assert_eq!(find_hold(store, 21).await, None);
}

/// A refusal takes nothing, and leaves the number free.
pub async fn a_hold_beyond_the_credit_is_short_and_takes_nothing(store: &dyn Store) {
    let lot = fund(store, ACME, 10, credits(10)).await.expect("fund");
    let beyond = Credits::from_micros(credits(10).micros() + 1);
    assert_eq!(place(store, 20, beyond).await.expect("place"), None);
    assert_eq!(balance(store).await, whole(10, 0, 0));
    assert_eq!(grants(store).await, [lot]);
    assert_eq!(find_hold(store, 20).await, None);
    assert!(place(store, 20, credits(10)).await.expect("place").is_some());
    assert_eq!(balance(store).await, whole(0, 10, 0));
}

/// However many ask at once, nobody overspends, and the lots tell the same.
pub async fn of_sixty_four_holds_on_credit_for_ten_ten_are_admitted(store: &dyn Store) {
    fund(store, ACME, 10, credits(4)).await.expect("fund");
    fund(store, ACME, 11, credits(6)).await.expect("fund");
    let asks =
        (100..164).map(|number| retried(async move || place(store, number, credits(1)).await));
    let outcomes = join_all(asks).await;
    let admitted = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Some(_)))).count();
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Ok(None))).count();
    assert_eq!((admitted, refused), (10, 54), "{outcomes:?}");
    assert_eq!(balance(store).await, whole(0, 10, 0));
    assert_eq!(grants(store).await, []);
    let mut work = store.read(OWN).await.expect("read");
    assert_eq!(work.ledger().holds_of(PROCESS, 100).await.expect("holds").len(), 10);
    assert_eq!(work.ledger_audit().violations().await.expect("violations"), []);
}

/// Whatever came first stands: its state, its time and its amount.
pub async fn a_hold_ends_once(store: &dyn Store) {
    fund(store, ACME, 10, credits(10)).await.expect("fund");
    let paid = place(store, 20, credits(4)).await.expect("place").expect("admitted");
    settle(store, &paid, 30, credits(3), 5).await.expect("settle");
    let returned = place(store, 21, credits(5)).await.expect("place").expect("admitted");
    release(store, &returned, 31).await.expect("release");
    for (number, placed) in (40..).step_by(2).zip([&paid, &returned]) {
        let again = settle(store, placed, number, credits(1), 0).await;
        assert!(is_conflict(&again), "{again:?}");
        let again = release(store, placed, number + 1).await;
        assert!(is_conflict(&again), "{again:?}");
    }
    let settled = HoldState::Settled { at: at(30), used: credits(3) };
    assert_eq!(find_hold(store, 20).await, Some(Hold { state: settled, ..paid }));
    let released = HoldState::Released { at: at(31) };
    assert_eq!(find_hold(store, 21).await, Some(Hold { state: released, ..returned }));
    assert_eq!(balance(store).await, whole(7, 0, 0));
    let unknown = release(store, &hold(99, vec![allocation(10, 1)]), 50).await;
    assert!(is_conflict(&unknown), "{unknown:?}");
}

/// The row decides, not who was first to look.
pub async fn of_eight_who_end_a_hold_one_succeeds(store: &dyn Store) {
    fund(store, ACME, 10, credits(10)).await.expect("fund");
    let placed = place(store, 20, credits(4)).await.expect("place").expect("admitted");
    let end = async |number: u32| {
        let at = at(number.into());
        let ended = Hold { state: HoldState::Released { at }, ..placed.clone() };
        let mut work = store.begin(OWN, Durability::Process).await?;
        work.ledger().end_hold(&ended).await?;
        work.commit().await.map(|()| ended)
    };
    let outcomes = join_all((30..38).map(&end)).await;
    let told = outcomes.iter().filter(|outcome| is_conflict(outcome)).count();
    assert_eq!(told, 7, "{outcomes:?}");
    let won = outcomes.into_iter().find_map(Result::ok).expect("one");
    assert_eq!(find_hold(store, 20).await, Some(won));
}

/// The whole truth is recorded: first what is available pays, then a debt remains.
pub async fn what_was_used_beyond_the_hold_is_owed(store: &dyn Store) {
    fund(store, ACME, 10, credits(5)).await.expect("fund");
    let placed = place(store, 20, credits(4)).await.expect("place").expect("admitted");
    settle(store, &placed, 30, credits(7), 0).await.expect("settle");
    assert_eq!(balance(store).await, whole(0, 0, 2));
    let settled = HoldState::Settled { at: at(30), used: credits(7) };
    assert_eq!(find_hold(store, 20).await.map(|hold| hold.state), Some(settled));
    let mut work = store.read(OWN).await.expect("read");
    assert_eq!(work.ledger_audit().violations().await.expect("violations"), []);
}

/// Open ones alone, of this process alone, whoever pays.
pub async fn open_holds_of_a_process_are_found_the_oldest_first(store: &dyn Store) {
    let process = ProcessId::new(EVE.raw());
    let mine = |number| Hold { process, ..hold(number, vec![allocation(10, 1)]) };
    let mut holds = [mine(22), mine(20), mine(21), mine(23), hold(24, vec![allocation(10, 1)])];
    holds[2].workspace = RIVAL;
    insert(store, &holds).await;
    end(store, &holds[3]).await;
    let [newest, oldest, foreign, _, _] = holds;
    let all = [oldest.clone(), foreign, newest.clone()];
    let found = async |scope, process, limit| {
        let mut work = store.read(scope).await.expect("read");
        work.ledger().holds_of(process, limit).await.expect("holds")
    };
    assert_eq!(found(Scope::Platform, process, 10).await, all);
    assert_eq!(found(Scope::Platform, process, 2).await, all[..2]);
    assert_eq!(found(OWN, process, 10).await, [oldest, newest]);
    assert_eq!(found(OWN, ProcessId::new(id(99)), 10).await, []);
}

/// Open ones alone; at the deadline itself a hold is still good.
pub async fn overdue_holds_are_found_the_oldest_first(store: &dyn Store) {
    let mut holds = [22, 20, 21, 23, 19].map(|number| hold(number, vec![allocation(10, 1)]));
    holds[2].workspace = RIVAL;
    insert(store, &holds).await;
    end(store, &holds[4]).await;
    let now = holds[3].deadline;
    let [newest, oldest, foreign, _, _] = holds;
    let all = [oldest.clone(), foreign, newest.clone()];
    let found = async |scope, now: Timestamp, limit| {
        let mut work = store.read(scope).await.expect("read");
        work.ledger().overdue_holds(now, limit).await.expect("holds")
    };
    assert_eq!(found(Scope::Platform, now, 10).await, all);
    assert_eq!(found(Scope::Platform, now, 2).await, all[..2]);
    assert_eq!(found(OWN, now, 10).await, [oldest, newest]);
    assert_eq!(found(OWN, at(0), 10).await, []);
}

fn allocation(number: u32, amount: i64) -> Allocation {
    Allocation {
        grant: grant(number, GrantSource::Purchase, Credits::ZERO).id,
        amount: credits(amount),
    }
}

/// Stores holds, of whichever workspace, with the lot that they are taken from.
async fn insert(store: &dyn Store, holds: &[Hold]) {
    let lot =
        CreditGrant { remaining: Credits::ZERO, ..grant(10, GrantSource::Purchase, credits(100)) };
    let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    work.ledger().insert_grant(&lot).await.expect("insert");
    for hold in holds {
        work.ledger().insert_hold(hold).await.expect("insert");
    }
    work.commit().await.expect("commit");
}

async fn end(store: &dyn Store, hold: &Hold) {
    let ended = Hold { state: HoldState::Released { at: at(99) }, ..hold.clone() };
    let mut work = store.begin(OWN, Durability::Process).await.expect("begin");
    work.ledger().end_hold(&ended).await.expect("end");
    work.commit().await.expect("commit");
}
