//! Lots of credits.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{CreditGrant, Credits, GrantMove, GrantSource},
    ids::GrantId,
    store::{Durability, Scope, Store},
    time::Timestamp,
};
use chrono::TimeDelta;

use super::{
    super::{OWN, conflicts::is_conflict},
    steps::{find_hold, grants, move_grants, place, release},
};
use crate::fixtures::{ACME, RIVAL, at, credits, give, grant, id, order};

/// Whether something remains or not; nobody else's, and none that is whole or only held.
pub async fn lots_of_which_something_was_used_are_found_until_it_came_back(store: &dyn Store) {
    let whole = grant(10, GrantSource::Purchase, credits(5));
    let held = CreditGrant {
        remaining: credits(2),
        held: credits(3),
        ..grant(11, GrantSource::Purchase, credits(5))
    };
    let empty =
        CreditGrant { remaining: Credits::ZERO, ..grant(12, GrantSource::Bonus, credits(5)) };
    let begun = CreditGrant {
        remaining: credits(1),
        held: credits(3),
        expires_at: Some(at(1)),
        ..grant(13, GrantSource::Purchase, credits(5))
    };
    let foreign = CreditGrant { workspace: RIVAL, id: GrantId::new(id(14)), ..empty.clone() };
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    for lot in [&whole, &held, &empty, &begun, &foreign] {
        work.ledger().insert_grant(lot).await.expect("insert");
    }
    work.commit().await.expect("commit");
    let used = async |scope, workspace| {
        let mut work = store.read(scope).await.expect("read");
        let mut found = work.ledger().used_grants(workspace).await.expect("grants");
        found.sort_by_key(|lot| lot.id);
        found
    };
    assert_eq!(used(OWN, ACME).await, [empty.clone(), begun.clone()]);
    assert_eq!(used(Scope::Platform, RIVAL).await, [foreign]);
    assert_eq!(used(OWN, RIVAL).await, []);
    let back = GrantMove { grant: begun.id, remaining: credits(1), held: Credits::ZERO };
    move_grants(store, &[back]).await.expect("moved");
    assert_eq!(used(OWN, ACME).await, [empty]);
}

/// Expired or not, in part held or not; an empty one is not listed. One is stored once.
pub async fn lots_are_read_back_until_nothing_remains(store: &dyn Store) {
    let bought = CreditGrant {
        order: Some(order(10).id),
        remaining: Credits::from_micros(1),
        held: credits(3),
        expires_at: Some(at(0) - TimeDelta::microseconds(1)),
        ..grant(10, GrantSource::Purchase, credits(10))
    };
    let bonus = CreditGrant {
        order: Some(order(10).id),
        expires_at: Some(at(1_000)),
        ..grant(11, GrantSource::Bonus, credits(2))
    };
    let gift = grant(12, GrantSource::Promotion, credits(1));
    let empty =
        CreditGrant { remaining: Credits::ZERO, ..grant(13, GrantSource::Bonus, credits(1)) };
    let foreign = CreditGrant { workspace: RIVAL, ..grant(14, GrantSource::Bonus, credits(1)) };
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.orders().insert(&order(10)).await.expect("insert");
    for lot in [&bought, &bonus, &gift, &empty, &foreign] {
        work.ledger().insert_grant(lot).await.expect("insert");
    }
    let mut seen = work.ledger().grants(ACME).await.expect("grants");
    work.commit().await.expect("commit");
    seen.sort_by_key(|lot| lot.id);
    assert_eq!(seen, [bought.clone(), bonus.clone(), gift.clone()]);
    assert_eq!(grants(store).await, [bought, bonus, gift.clone()]);
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    let again = work.ledger().insert_grant(&gift).await;
    assert!(is_conflict(&again), "{again:?}");
}

/// Neither what remains nor what is held; then no part of any of the lots is moved.
pub async fn a_lot_never_goes_below_zero(store: &dyn Store) {
    let first = CreditGrant {
        remaining: credits(6),
        held: credits(4),
        ..grant(10, GrantSource::Promotion, credits(10))
    };
    let second = grant(11, GrantSource::Promotion, credits(10));
    for lot in [&first, &second] {
        insert(store, lot).await;
    }
    let fits = moved(11, -10, 10);
    for wrong in [moved(10, -7, 7), moved(10, 5, -5), moved(10, 0, -5), moved(99, 1, 0)] {
        let refused = move_grants(store, &[fits, wrong]).await;
        assert!(is_conflict(&refused), "{wrong:?}: {refused:?}");
    }
    let most = Credits::from_micros(i64::MAX);
    let beyond = GrantMove { remaining: most, ..moved(10, 0, 0) };
    let refused = move_grants(store, &[fits, beyond]).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(grants(store).await, [first.clone(), second.clone()]);

    move_grants(store, &[moved(10, -6, 6), moved(11, -9, 8)]).await.expect("move");
    move_grants(store, &[moved(10, 3, -10)]).await.expect("move");
    let first = CreditGrant { remaining: credits(3), held: Credits::ZERO, ..first };
    let second = CreditGrant { remaining: credits(1), held: credits(8), ..second };
    assert_eq!(grants(store).await, [first, second]);
}

/// Of every workspace in scope, if something remains; the end itself is too late.
pub async fn expired_lots_are_found_the_longest_ago_first(store: &dyn Store) {
    let ends = |number, end| CreditGrant {
        expires_at: Some(end),
        ..grant(number, GrantSource::Promotion, credits(1))
    };
    let (now, micro) = (at(100), TimeDelta::microseconds(1));
    let empty = CreditGrant { remaining: Credits::ZERO, held: credits(1), ..ends(15, at(10)) };
    let lots = [
        ends(10, now),
        ends(11, now + micro),
        CreditGrant { workspace: RIVAL, ..ends(12, at(20)) },
        ends(13, at(30)),
        grant(14, GrantSource::Purchase, credits(1)),
        empty,
    ];
    for lot in &lots {
        insert(store, lot).await;
    }
    let [last, _, foreign, own, _, _] = lots;
    let all = [foreign, own.clone(), last.clone()];
    assert_eq!(expired(store, Scope::Platform, now, 10).await, all);
    assert_eq!(expired(store, Scope::Platform, now, 2).await, all[..2]);
    assert_eq!(expired(store, OWN, now, 10).await, [own, last]);
    assert_eq!(expired(store, OWN, at(29), 10).await, []);
}

/// A call that began in time may still be paid with it, and what returns is found again.
pub async fn what_is_held_of_an_expired_lot_is_not_lost_before_it_returns(store: &dyn Store) {
    let end = at(50);
    let lot =
        CreditGrant { expires_at: Some(end), ..grant(10, GrantSource::Promotion, credits(10)) };
    give(store, &lot).await.expect("give");
    let placed = place(store, 20, credits(4)).await.expect("place").expect("admitted");
    let held = CreditGrant { remaining: credits(6), held: credits(4), ..lot };
    assert_eq!(expired(store, OWN, end, 10).await, std::slice::from_ref(&held));
    move_grants(store, &[moved(10, -6, 0)]).await.expect("lose what remains");
    assert_eq!(expired(store, OWN, end, 10).await, []);
    assert_eq!(find_hold(store, 20).await.as_ref(), Some(&placed));
    release(store, &placed, 60).await.expect("release");
    let returned = CreditGrant { remaining: credits(4), held: Credits::ZERO, ..held };
    assert_eq!(expired(store, OWN, end, 10).await, [returned]);
}

/// So many whole credits more, or less, of the lot with this number.
fn moved(number: u128, remaining: i64, held: i64) -> GrantMove {
    GrantMove {
        grant: GrantId::new(id(number)),
        remaining: credits(remaining),
        held: credits(held),
    }
}

async fn insert(store: &dyn Store, lot: &CreditGrant) {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.ledger().insert_grant(lot).await.expect("insert");
    work.commit().await.expect("commit");
}

async fn expired(store: &dyn Store, scope: Scope, now: Timestamp, limit: u32) -> Vec<CreditGrant> {
    let mut work = store.read(scope).await.expect("read");
    work.ledger().expired_grants(now, limit).await.expect("expired grants")
}
