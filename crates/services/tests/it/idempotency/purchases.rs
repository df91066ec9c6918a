//! Orders that are placed once, whatever happens in the middle.
use cape_domain::{
    billing::{Currency, OrderState, PaymentProviderError},
    idempotency::Answer,
};
use cape_services::{
    billing::{OpenedOrder, PurchaseError},
    idempotency::{Attempt, Ending, Once},
};
use cape_testkit::fixtures::{ACME, permit};
use chrono::TimeDelta;

use super::{ask, entry, proceeds, replays, service};
use crate::world::World;

fn render(opened: &OpenedOrder) -> Answer {
    Answer::new(201, Vec::new(), opened.url.clone().into_bytes())
}

async fn purchase(world: &World, attempt: &Attempt) -> Result<OpenedOrder, PurchaseError> {
    let once = Once::under(Some(attempt), &render);
    world.purchases.purchase_once(permit(ACME), "small", Currency::USD, once).await
}

/// ACME is a customer already: what is asked next is the checkout.
async fn given_a_customer(world: &World) {
    let opened = world.purchases.purchase(permit(ACME), "small", Currency::USD).await;
    opened.expect("opened");
}

#[tokio::test]
async fn an_order_and_its_answer_are_committed_together() {
    let world = World::new().await;
    let service = service(&world);
    let attempt = proceeds(ask(&service, 1).await);
    let opened = purchase(&world, &attempt).await.expect("opened");
    assert_eq!(opened.order.id.raw(), attempt.id().raw());
    // Nobody has said yet how the attempt ended: if the process died here, it would be known.
    assert_eq!(replays(ask(&service, 1).await), render(&opened));
    let before = entry(&world).await;
    attempt.answered(&Answer::new(201, Vec::new(), b"something else".to_vec())).await;
    assert_eq!(entry(&world).await, before, "it was kept already");
}

#[tokio::test]
async fn an_order_whose_checkout_was_lost_is_gone_on_with_by_the_next_attempt() {
    let world = World::new().await;
    let service = service(&world);
    given_a_customer(&world).await;
    let first = proceeds(ask(&service, 1).await);
    world.payments.lose_next_answer();
    purchase(&world, &first).await.expect_err("nothing is known");
    let placed = world.last_order().await;
    assert_eq!(placed.state, OrderState::Intended);
    first.ended(Ending::Unknown).await;

    let second = proceeds(ask(&service, 1).await);
    let opened = purchase(&world, &second).await.expect("opened");
    assert_eq!(opened.order.id, placed.id);
    assert_eq!(world.payments.checkouts(), 2, "one for each order");
    assert_eq!(replays(ask(&service, 1).await), render(&opened));
}

#[tokio::test]
async fn an_order_that_a_job_opened_meanwhile_is_answered_by_the_next_attempt() {
    let world = World::new().await;
    let service = service(&world);
    given_a_customer(&world).await;
    world.clock.advance(TimeDelta::minutes(5));
    world.jobs.run_due().await.expect("run");
    let died = proceeds(ask(&service, 1).await);
    world.payments.lose_next_answer();
    purchase(&world, &died).await.expect_err("nothing is known");
    drop(died);
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(world.jobs.run_due().await.expect("run"), 1);
    let opened = world.last_order().await;
    assert!(matches!(opened.state, OrderState::Open { .. }), "{opened:?}");

    let next = proceeds(ask(&service, 1).await);
    let again = purchase(&world, &next).await.expect("opened");
    assert_eq!((again.order.id, world.payments.checkouts()), (opened.id, 2));
    next.answered(&render(&again)).await;
    assert_eq!(replays(ask(&service, 1).await), render(&again));
}

#[tokio::test]
async fn an_order_that_was_refused_is_not_refused_for_ever() {
    let world = World::new().await;
    let service = service(&world);
    given_a_customer(&world).await;
    let first = proceeds(ask(&service, 1).await);
    world.payments.fail_next(PaymentProviderError::Refused { code: "no".to_owned() });
    purchase(&world, &first).await.expect_err("refused");
    let failed = world.last_order().await;
    assert!(matches!(failed.state, OrderState::Failed { .. }), "{failed:?}");
    first.ended(Ending::Nothing).await;

    let second = proceeds(ask(&service, 1).await);
    let opened = purchase(&world, &second).await.expect("opened");
    assert_ne!(opened.order.id, failed.id);
}
