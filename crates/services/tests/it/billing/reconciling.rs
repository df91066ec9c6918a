//! Orders whose answer never came.
use cape_domain::{
    billing::{Currency, OrderState, PaymentProviderError},
    jobs::Backlog,
    time::Clock as _,
};
use cape_services::billing::PurchaseError;
use cape_testkit::fixtures::{ACME, permit};
use chrono::TimeDelta;

use super::ordered;
use crate::world::World;

fn unavailable() -> PaymentProviderError {
    PaymentProviderError::Unavailable("no answer".into())
}

async fn unanswered(world: &World) {
    let answer = world.purchases.purchase(permit(ACME), "small", Currency::USD).await;
    let unavailable =
        matches!(answer, Err(PurchaseError::Provider(PaymentProviderError::Unavailable(_))));
    assert!(unavailable, "{answer:?}");
    assert_eq!(world.last_order().await.state, OrderState::Intended);
}

async fn state_after_a_minute(world: &World) -> OrderState {
    assert_eq!(world.jobs.run_due().await.expect("run"), 0, "it is not due yet");
    world.clock.advance(TimeDelta::seconds(60));
    assert_eq!(world.jobs.run_due().await.expect("run"), 1);
    world.last_order().await.state
}

#[tokio::test]
async fn an_order_without_an_answer_is_asked_about_again_with_the_same_key() {
    let world = World::new().await;
    ordered(&world, "small").await;
    world.clock.advance(TimeDelta::minutes(5));
    world.jobs.run_due().await.expect("run");
    world.payments.lose_next_answer();
    unanswered(&world).await;
    assert_eq!(world.payments.checkouts(), 2, "the provider did as it was asked");
    let state = state_after_a_minute(&world).await;
    assert!(matches!(state, OrderState::Open { .. }), "{state:?}");
    assert_eq!(world.payments.checkouts(), 2);
    assert_eq!(world.backlog().await, Backlog::default());
}

#[tokio::test]
async fn a_provider_that_never_heard_of_the_order_is_asked_again_too() {
    let world = World::new().await;
    world.payments.fail_next(unavailable());
    unanswered(&world).await;
    let state = state_after_a_minute(&world).await;
    assert!(matches!(state, OrderState::Open { .. }), "{state:?}");
    assert_eq!((world.payments.customers(), world.payments.checkouts()), (1, 1));
}

#[tokio::test]
async fn while_the_provider_is_away_the_order_stays_intended_and_is_asked_about_later() {
    let world = World::new().await;
    world.payments.fail_next(unavailable());
    unanswered(&world).await;
    world.payments.fail_next(unavailable());
    assert_eq!(state_after_a_minute(&world).await, OrderState::Intended);
    assert_eq!(world.backlog().await.waiting, 1);
    world.clock.advance(TimeDelta::seconds(2));
    assert_eq!(world.jobs.run_due().await.expect("run"), 1);
    assert!(matches!(world.last_order().await.state, OrderState::Open { .. }));
    assert_eq!(world.backlog().await, Backlog::default());
}

#[tokio::test]
async fn an_order_that_is_refused_when_asked_about_has_failed() {
    let world = World::new().await;
    ordered(&world, "small").await;
    world.clock.advance(TimeDelta::minutes(5));
    world.jobs.run_due().await.expect("run");
    world.payments.fail_next(unavailable());
    unanswered(&world).await;
    world.payments.fail_next(PaymentProviderError::Refused { code: "gone".to_owned() });
    let state = state_after_a_minute(&world).await;
    assert_eq!(state, OrderState::Failed { at: world.clock.now() });
    assert_eq!(world.backlog().await, Backlog::default());
}

#[tokio::test]
async fn a_forgotten_customer_whose_replacement_was_not_answered_is_replaced_by_the_same_one() {
    let world = World::new().await;
    let first = ordered(&world, "small").await;
    world.clock.advance(TimeDelta::minutes(5));
    world.jobs.run_due().await.expect("run");
    world.payments.forget_customers();
    world.payments.fail_next(PaymentProviderError::UnknownCustomer);
    world.payments.lose_next_answer();
    unanswered(&world).await;
    assert_eq!(world.payments.customers(), 1, "the provider did as it was asked");
    let state = state_after_a_minute(&world).await;
    assert!(matches!(state, OrderState::Open { .. }), "{state:?}");
    assert_eq!((world.payments.customers(), world.payments.checkouts()), (1, 2));
    let order = world.last_order().await.id;
    let customer = |order| world.payments.request(order).customer;
    assert_ne!(customer(order), customer(first.id));
    assert_eq!(world.backlog().await, Backlog::default());
}

#[tokio::test]
async fn nobody_asks_about_an_order_that_was_answered() {
    let world = World::new().await;
    let order = ordered(&world, "small").await;
    let calls = world.payments.calls();
    assert!(matches!(state_after_a_minute(&world).await, OrderState::Open { .. }));
    assert_eq!((world.payments.calls(), world.last_order().await.id), (calls, order.id));
    assert_eq!(world.backlog().await, Backlog::default());
}
