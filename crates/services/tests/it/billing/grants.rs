//! What a payment grants, and what is owed before.
use cape_domain::billing::{GrantSource, TransactionKind};
use cape_testkit::fixtures::{ACME, RIVAL, completion, credits, tokens};

use super::bought;
use crate::{
    usage::{ask, given_a_debt, given_a_program},
    world::{Setup, World},
};

#[tokio::test]
async fn a_pack_without_a_bonus_is_one_lot() {
    let world = World::new().await;
    let order = bought(&world, "small").await;
    let lots = world.grants(ACME).await;
    let [lot] = &lots[..] else { panic!("{lots:?}") };
    assert_eq!((lot.source, lot.order), (GrantSource::Purchase, Some(order.id)));
    assert_eq!((lot.amount, lot.remaining, lot.expires_at), (credits(500), credits(500), None));
    assert_eq!(world.transactions(ACME).await[0].key, format!("purchase:{}", order.id));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_comes_on_top_is_a_lot_of_its_own() {
    let world = World::new().await;
    bought(&world, "large").await;
    let lots = world.grants(ACME).await;
    let given: Vec<_> = lots.iter().map(|lot| (lot.source, lot.remaining)).collect();
    let expected = [(GrantSource::Purchase, credits(10_000)), (GrantSource::Bonus, credits(1_000))];
    assert_eq!(given, expected);
    assert_eq!(world.balance(ACME).await.available, credits(11_000));
    let kinds: Vec<_> = world.transactions(ACME).await.into_iter().map(|t| t.kind).collect();
    assert_eq!(kinds, [TransactionKind::Purchase, TransactionKind::Bonus]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn every_order_grants_for_itself() {
    let world = World::new().await;
    for _ in 0..3 {
        bought(&world, "small").await;
    }
    assert_eq!(world.balance(ACME).await.available, credits(1_500));
    assert_eq!(world.grants(ACME).await.len(), 3);
    assert_eq!(world.balance(RIVAL).await.available, credits(0));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_debt_is_paid_first() {
    let world = given_a_program(Setup::default()).await;
    given_a_debt(&world).await;
    assert_eq!(world.micros().await, [0, 0, 44_000]);
    bought(&world, "small").await;
    assert_eq!(world.micros().await, [499_956_000, 0, 0]);
    let lots = world.grants(ACME).await;
    assert_eq!((lots[0].amount, lots[0].remaining.micros()), (credits(500), 499_956_000));
    let last = world.transactions(ACME).await.pop().expect("a transaction");
    assert_eq!(last.kind, TransactionKind::DebtRepaid);
    world.proves_its_ledger().await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    ask(&world, "hello").await.expect("what is left can be used");
    assert_eq!(world.micros().await, [499_956_000 - 900, 0, 0]);
    world.proves_its_ledger().await;
}
