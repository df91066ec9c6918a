//! The proof of the ledger finds whatever is changed behind the store's back.
use std::collections::BTreeSet;

use cape_domain::{
    billing::{
        Allocation, Correction, CreditGrant, Credits, GrantMove, GrantSource, Order, OrderState,
        Overage, Posted, Transaction, Violation, bonus, correction, hold as hold_posting, purchase,
        release, settlement,
    },
    ids::{CallId, HoldId, PaymentId},
    store::{Durability, Scope, Store as _, UnitOfWork},
    usage::{Call, FailureKind, Metered},
};
use cape_testkit::fixtures::{
    ACME, RIVAL, at, call, credits, fund, grant, head, hold, id, metered, order, payment, timing,
    tokens,
};
use sea_orm::{ConnectionTrait as _, Database};

use crate::databases::{TestStore, postgres, sqlite};

const PURCHASED: u32 = 40;
const ON_TOP: u32 = 41;
const SETTLED: u32 = 50;
const RELEASED: u32 = 52;
const OPEN: u32 = 54;
const CORRECTED: u32 = 56;

/// A change, the invariants it breaks, and the id of what breaks the first of them.
type Break = (&'static str, &'static [&'static str], fn() -> String);

const BREAKS: [Break; 26] = [
    (
        "UPDATE balances SET available = available + 1 WHERE held > 0",
        &["balance_equals_transfers", "grants_equal_balance"],
        own,
    ),
    (
        "UPDATE balances SET receivable = receivable + 1 WHERE held > 0",
        &["balance_equals_transfers"],
        own,
    ),
    (
        "DELETE FROM ledger_transfers WHERE kind = 'release'",
        &["balance_equals_transfers", "hold_has_its_transactions"],
        own,
    ),
    (
        "DELETE FROM balances WHERE held > 0",
        &["balance_equals_transfers", "grants_equal_balance", "open_holds_equal_held"],
        own,
    ),
    (
        "UPDATE credit_grants SET remaining = remaining - 1 WHERE source = 'purchase'",
        &["grants_equal_balance"],
        own,
    ),
    (
        "UPDATE holds SET amount = amount + 1 WHERE state = 'open'",
        &["open_holds_equal_held", "allocations_equal_hold", "hold_has_its_transactions"],
        own,
    ),
    ("DELETE FROM hold_allocations WHERE amount = 10000000", &["allocations_equal_hold"], || {
        HoldId::new(id(SETTLED.into())).to_string()
    }),
    (
        "UPDATE hold_allocations SET amount = amount + 1 WHERE amount = 50000000",
        &["grant_held_equals_open_allocations", "allocations_equal_hold"],
        lot_on_top,
    ),
    (
        "UPDATE credit_grants SET held = held + 1, remaining = remaining - 1 WHERE held > 0",
        &["grant_held_equals_open_allocations", "grants_equal_balance"],
        lot_on_top,
    ),
    (
        "DELETE FROM credit_grants WHERE held > 0",
        &[
            "grant_held_equals_open_allocations",
            "grants_equal_balance",
            "paid_order_has_payment_and_grant",
        ],
        lot_on_top,
    ),
    (
        "UPDATE ledger_transfers SET kind = 'release' WHERE kind = 'hold'",
        &["hold_has_its_transactions"],
        || HoldId::new(id(OPEN.into())).to_string(),
    ),
    (
        "UPDATE ledger_transfers SET key = 'lost ' || key WHERE kind = 'settlement'",
        &["hold_has_its_transactions"],
        || HoldId::new(id(SETTLED.into())).to_string(),
    ),
    (
        "UPDATE holds SET used = used + 1 WHERE used IS NOT NULL",
        &["ended_hold_has_ended_call", "hold_has_its_transactions"],
        || HoldId::new(id(SETTLED.into())).to_string(),
    ),
    (
        "UPDATE calls SET charge_micros = charge_micros + 1
            WHERE state = 'settled' AND correction_id IS NULL",
        &["ended_hold_has_ended_call"],
        || HoldId::new(id(SETTLED.into())).to_string(),
    ),
    (
        "UPDATE calls SET state = 'running' WHERE state = 'failed'",
        &["ended_hold_has_ended_call"],
        || HoldId::new(id(RELEASED.into())).to_string(),
    ),
    (
        "UPDATE calls SET state = 'failed' WHERE state = 'running'",
        &["ended_hold_has_ended_call"],
        || HoldId::new(id(OPEN.into())).to_string(),
    ),
    ("DELETE FROM holds WHERE state = 'released'", &["ended_hold_has_ended_call"], || {
        CallId::new(id(RELEASED.into())).to_string()
    }),
    (
        "UPDATE ledger_transfers SET key = 'lost' WHERE kind = 'correction'",
        &["hold_has_its_transactions"],
        || HoldId::new(id(CORRECTED.into())).to_string(),
    ),
    (
        "UPDATE calls SET charge_micros = charge_micros + 1 WHERE correction_id IS NOT NULL",
        &["hold_has_its_transactions"],
        || HoldId::new(id(CORRECTED.into())).to_string(),
    ),
    (
        "UPDATE calls SET correction_id = NULL",
        &["hold_has_its_transactions", "ended_hold_has_ended_call"],
        || HoldId::new(id(CORRECTED.into())).to_string(),
    ),
    ("DELETE FROM payments", &["paid_order_has_payment_and_grant"], ordered),
    ("UPDATE payments SET currency = 'ZAR'", &["paid_order_has_payment_and_grant"], ordered),
    ("UPDATE payments SET amount_minor = 499", &["paid_order_has_payment_and_grant"], ordered),
    ("UPDATE orders SET state = 'expired'", &["paid_order_has_payment_and_grant"], ordered),
    ("UPDATE orders SET credits = credits - 1", &["paid_order_has_payment_and_grant"], ordered),
    (
        "UPDATE ledger_transfers SET key = 'lost' WHERE kind = 'bonus'",
        &["paid_order_has_payment_and_grant"],
        ordered,
    ),
];

/// Such a change, where a rule of the table has to be broken first.
const BROKEN_RULES: [(&str, &str, Break); 2] = [
    (
        "balances",
        "ck_balances_available",
        (
            "UPDATE balances SET available = -1 WHERE held > 0",
            &["no_negative_amount", "balance_equals_transfers", "grants_equal_balance"],
            own,
        ),
    ),
    (
        "credit_grants",
        "ck_credit_grants_amount",
        (
            "UPDATE credit_grants SET remaining = amount WHERE held > 0",
            &["no_negative_amount", "grants_equal_balance"],
            lot_on_top,
        ),
    ),
];

/// The tables that are changed, to be put back afterwards.
const TABLES: [&str; 8] = [
    "balances",
    "ledger_transfers",
    "credit_grants",
    "holds",
    "hold_allocations",
    "calls",
    "orders",
    "payments",
];

#[tokio::test]
async fn every_broken_invariant_is_named_on_sqlite() {
    let store = sqlite().await.expect("a file");
    let without = |_: &str, _: &str| "PRAGMA ignore_check_constraints = ON;".to_owned();
    assert_every_break_is_named(&store, without).await;
}

#[tokio::test]
async fn every_broken_invariant_is_named_on_postgres() {
    let Some(store) = postgres().await else { return };
    let without = |table: &str, rule: &str| format!("ALTER TABLE {table} DROP CONSTRAINT {rule};");
    assert_every_break_is_named(&store, without).await;
}

async fn assert_every_break_is_named(store: &TestStore, without: impl Fn(&str, &str) -> String) {
    fund(&**store, RIVAL, 10, credits(3)).await.expect("fund");
    let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    do_everything(&mut *work).await;
    work.commit().await.expect("commit");
    let save = TABLES.map(|table| format!("CREATE TABLE saved_{table} AS SELECT * FROM {table};"));
    tamper(store, &save.concat()).await;

    for each in BREAKS {
        assert_named(store, "", each).await;
    }
    for (table, rule, each) in BROKEN_RULES {
        assert_named(store, &without(table, rule), each).await;
    }
}

async fn assert_named(store: &TestStore, first: &str, (change, expected, subject): Break) {
    assert_eq!(violations(store, Scope::Platform).await, []);
    tamper(store, &format!("{first}{change}")).await;
    for scope in [Scope::Platform, Scope::Workspace(ACME)] {
        let found = violations(store, scope).await;
        assert_eq!(names(&found), expected.iter().copied().collect(), "{change}: {found:?}");
        let named = |violation: &Violation| {
            violation.invariant == expected[0] && violation.subject == subject()
        };
        assert!(found.iter().any(named), "{change}: {found:?}");
        assert!(found.iter().all(|violation| !violation.detail.is_empty()), "{found:?}");
    }
    assert_eq!(violations(store, Scope::Workspace(RIVAL)).await, []);
    let restore = TABLES.map(|table| {
        format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table};")
    });
    tamper(store, &restore.concat()).await;
}

#[tokio::test]
async fn what_is_wrong_is_found_in_a_ledger_of_any_size() {
    for store in [sqlite().await, postgres().await].into_iter().flatten() {
        let lot = fund(&*store, ACME, 10, credits(1_001)).await.expect("fund");
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        let taken = Allocation { grant: lot.id, amount: credits(1) };
        let holds: Vec<_> = (1_000..2_001).map(|number| hold(number, vec![taken])).collect();
        let posting = |number, hold| hold_posting(head(number), hold, credits(1)).expect("sound");
        let all = (1_000..).zip(&holds).map(|(number, hold)| posting(number, hold.id));
        post(&mut *work, &all.collect::<Vec<_>>()).await;
        for hold in &holds {
            work.ledger().insert_hold(hold).await.expect("insert");
        }
        let all = GrantMove { grant: lot.id, remaining: credits(-1_001), held: credits(1_001) };
        work.ledger().move_grants(&[all]).await.expect("move");
        work.commit().await.expect("commit");
        assert_eq!(violations(&store, Scope::Platform).await, []);

        let last = holds.last().expect("many").id;
        tamper(
            &store,
            &format!("UPDATE ledger_transfers SET kind = '?' WHERE key = 'hold:{last}'"),
        )
        .await;
        let found = violations(&store, Scope::Platform).await;
        assert_eq!(names(&found), BTreeSet::from(["hold_has_its_transactions"]));
        assert_eq!(found[0].subject, last.to_string());
    }
}

fn names(found: &[Violation]) -> BTreeSet<&'static str> {
    found.iter().map(|violation| violation.invariant).collect()
}

async fn violations(store: &TestStore, scope: Scope) -> Vec<Violation> {
    let mut read = store.read(scope).await.expect("read");
    read.ledger_audit().violations().await.expect("violations")
}

async fn tamper(store: &TestStore, statements: &str) {
    let database = Database::connect(&store.url).await.expect("a connection");
    database.execute_unprepared(statements).await.expect("a change behind the store's back");
    database.close().await.expect("closed");
}

/// An order that was paid, a call that was charged, one whose charge was corrected, one that failed, and one that is running.
async fn do_everything(work: &mut dyn UnitOfWork) {
    buy(work).await;
    let dear = begin(work, SETTLED, credits(10)).await;
    let ended = hold(SETTLED, vec![dear]).settle(credits(6), at(51)).expect("sound").expect("open");
    let paid = settlement(head(51), ended.hold.id, &ended.settlement, Overage::default(), 99_999);
    let paid = paid.expect("sound");
    let charged = metered(tokens(7, 8), 99_999, credits(6).micros());
    let settled = call(SETTLED).settle(charged, Some(paid.id), timing(), at(51));
    post(work, &[paid]).await;
    work.ledger().end_hold(&ended.hold).await.expect("end");
    let moves = ended.settlement.grant_moves().expect("in range");
    work.ledger().move_grants(&moves).await.expect("move");
    work.calls().end(&settled.expect("running")).await.expect("end");

    let vain = begin(work, RELEASED, credits(10)).await;
    let ended = hold(RELEASED, vec![vain]).release(at(53)).expect("sound").expect("open");
    post(work, &[release(head(53), ended.hold.id, vain.amount).expect("sound")]).await;
    work.ledger().end_hold(&ended.hold).await.expect("end");
    let moves = ended.settlement.grant_moves().expect("in range");
    work.ledger().move_grants(&moves).await.expect("move");
    let failed: Option<Call> = call(RELEASED).fail(FailureKind::Timeout, timing(), at(53));
    work.calls().end(&failed.expect("running")).await.expect("end");

    begin(work, OPEN, credits(50)).await;
    correct(work).await;
}

/// A call that was charged an estimate of six credits, and cost four.
async fn correct(work: &mut dyn UnitOfWork) {
    let taken = begin(work, CORRECTED, credits(9)).await;
    let ended = hold(CORRECTED, vec![taken]).settle(credits(6), at(57)).expect("sound");
    let ended = ended.expect("open");
    let paid = settlement(head(57), ended.hold.id, &ended.settlement, Overage::default(), 9);
    let paid = paid.expect("sound");
    let estimate = Metered { estimated: true, ..metered(tokens(7, 8), 9, credits(6).micros()) };
    let settled = call(CORRECTED).settle(estimate, Some(paid.id), timing(), at(57));
    let settled = settled.expect("running");
    let less = Correction { to_available: credits(2), ..Correction::default() };
    let corrects = correction(head(58), ended.hold.id, &less, -3).expect("sound");
    let used = metered(tokens(7, 4), 6, credits(4).micros());
    let corrected = settled.clone().correct(&settled, used, Some(corrects.id), timing());
    post(work, &[paid, corrects]).await;
    work.ledger().end_hold(&ended.hold).await.expect("end");
    let mut moves = ended.settlement.grant_moves().expect("in range");
    moves.push(Allocation { amount: credits(2), ..taken }.give_back());
    work.ledger().move_grants(&moves).await.expect("move");
    work.calls().end(&settled).await.expect("end");
    work.calls().correct(&corrected.expect("an estimate")).await.expect("corrected");
}

async fn buy(work: &mut dyn UnitOfWork) {
    let payment_id = PaymentId::new(id(PURCHASED.into()));
    let paid = OrderState::Paid { checkout: "cs_1".to_owned(), payment: payment_id, at: at(60) };
    let bought = Order { bonus: credits(100), state: paid, ..order(PURCHASED) };
    let lot = |number, source, amount| CreditGrant {
        order: Some(bought.id),
        ..grant(number, source, amount)
    };
    work.orders().insert(&bought).await.expect("insert");
    work.orders().pay(&payment(&bought, "pi_1")).await.expect("pay");
    let postings = [
        purchase(head(PURCHASED), bought.id, bought.credits).expect("sound"),
        bonus(head(ON_TOP), bought.id, bought.bonus).expect("sound"),
    ];
    post(work, &postings).await;
    for lot in [
        lot(PURCHASED, GrantSource::Purchase, bought.credits),
        lot(ON_TOP, GrantSource::Bonus, bought.bonus),
    ] {
        work.ledger().insert_grant(&lot).await.expect("insert");
    }
}

/// Admits a call, out of the lot that came on top.
async fn begin(work: &mut dyn UnitOfWork, number: u32, amount: Credits) -> Allocation {
    let lot = grant(ON_TOP, GrantSource::Bonus, Credits::ZERO).id;
    let taken = Allocation { grant: lot, amount };
    let placed = hold(number, vec![taken]);
    post(work, &[hold_posting(head(number), placed.id, amount).expect("sound")]).await;
    work.ledger().move_grants(&[taken.reserve().expect("in range")]).await.expect("move");
    work.ledger().insert_hold(&placed).await.expect("insert");
    work.calls().insert(&call(number)).await.expect("insert");
    taken
}

async fn post(work: &mut dyn UnitOfWork, transactions: &[Transaction]) {
    assert_eq!(work.ledger().post(transactions).await.expect("post"), Posted::Done);
}

fn own() -> String {
    ACME.to_string()
}

fn lot_on_top() -> String {
    grant(ON_TOP, GrantSource::Bonus, Credits::ZERO).id.to_string()
}

fn ordered() -> String {
    order(PURCHASED).id.to_string()
}
