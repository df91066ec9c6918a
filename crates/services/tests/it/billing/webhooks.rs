//! Messages of the payment provider.
use cape_domain::{
    audit::Action,
    billing::{
        CheckoutRequest, OrderState, PaymentProvider as _, PaymentProviderError, RemoteState,
        WebhookRefused,
    },
    ids::OrderId,
    time::Clock as _,
};
use cape_services::billing::WebhookError;
use cape_testkit::{
    fakes::ScriptedPayments,
    fixtures::{ACME, credits, dollars, id},
};
use chrono::TimeDelta;

use super::{COMPLETED, EXPIRED, SUCCEEDED, bought, checkout, deliver, ordered};
use crate::world::{Setup, World};

async fn run(world: &World) -> usize {
    world.jobs.run_due().await.expect("run")
}

#[tokio::test]
async fn a_message_that_is_not_the_providers_stores_nothing() {
    let world = World::new().await;
    let body = ScriptedPayments::webhook_body("evt_1", COMPLETED, "cs_1");
    for (body, signature, expected) in [
        (&body[..], "t=now,v1=forged", WebhookRefused::Signature),
        (&body, "", WebhookRefused::Signature),
        (&body, ScriptedPayments::STALE_SIGNATURE, WebhookRefused::Stale),
        (b"{}", ScriptedPayments::SIGNATURE, WebhookRefused::Malformed),
    ] {
        let answer = world.webhooks.receive(body, signature).await;
        assert!(
            matches!(answer, Err(WebhookError::Refused(refused)) if refused == expected),
            "{signature}",
        );
    }
    assert_eq!(world.backlog().await.waiting, 0);
    deliver(&world, "evt_1", COMPLETED, "cs_1").await.expect("the true one is new");
    assert_eq!(world.backlog().await.waiting, 1);
}

#[tokio::test]
async fn a_message_that_comes_twice_is_acted_on_once() {
    let world = World::new().await;
    for _ in 0..3 {
        deliver(&world, "evt_1", COMPLETED, "cs_1").await.expect("taken in");
    }
    assert_eq!(world.backlog().await.waiting, 1);
    assert_eq!(run(&world).await, 1);
    deliver(&world, "evt_1", COMPLETED, "cs_1").await.expect("taken in");
    assert_eq!(world.backlog().await.waiting, 0);
    assert_eq!(world.payments.calls(), 2, "of an order, and of a subscription");
}

#[tokio::test]
async fn an_order_that_was_paid_is_granted() {
    let world = World::new().await;
    let order = bought(&world, "small").await;
    let OrderState::Paid { payment, at, .. } = order.state else { panic!("{order:?}") };
    assert_eq!(at, world.clock.now());
    let stored = world.payment(order.id).await.expect("a payment");
    assert_eq!((stored.id, stored.amount, stored.workspace), (payment, dollars(500), ACME));
    assert_eq!(world.micros().await, [500_000_000, 0, 0]);
    let actions = [Action::OrderPlaced, Action::OrderPaid, Action::CreditsGranted];
    assert_eq!(world.actions().await, actions);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_message_is_not_believed_for_what_it_says() {
    let world = World::new().await;
    let order = ordered(&world, "small").await;
    deliver(&world, "evt_1", COMPLETED, &checkout(&world, order.id)).await.expect("taken in");
    assert_eq!(run(&world).await, 1);
    assert!(matches!(world.order(order.id).await.state, OrderState::Open { .. }));
    assert_eq!(world.micros().await, [0, 0, 0], "nobody has paid");
}

#[tokio::test]
async fn a_message_about_the_payment_is_as_good_as_one_about_the_checkout() {
    let world = World::new().await;
    let order = ordered(&world, "small").await;
    let reference = world.payments.pay(order.id);
    deliver(&world, "evt_1", SUCCEEDED, &reference).await.expect("taken in");
    run(&world).await;
    assert_eq!(world.balance(ACME).await.available, credits(500));
    assert_eq!(world.payment(order.id).await.expect("a payment").reference, reference);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_is_none_of_ours_is_ignored() {
    let world = World::new().await;
    let elsewhere = OrderId::new(id(77));
    let request = CheckoutRequest {
        order: elsewhere,
        workspace: ACME,
        customer: "cus_1".to_owned(),
        description: "of another installation".to_owned(),
        price: dollars(500),
    };
    world.payments.open_checkout(&request).await.expect("opened");
    world.payments.pay(elsewhere);
    deliver(&world, "evt_1", COMPLETED, &checkout(&world, elsewhere)).await.expect("taken in");
    deliver(&world, "evt_2", COMPLETED, "cs_unknown").await.expect("taken in");
    assert_eq!(run(&world).await, 2);
    let calls = world.payments.calls();
    deliver(&world, "evt_3", "customer.created", "cus_1").await.expect("taken in");
    assert_eq!(run(&world).await, 1);
    assert_eq!(world.payments.calls(), calls, "nobody asks about what concerns nobody");
    assert_eq!((world.backlog().await.waiting, world.micros().await), (0, [0, 0, 0]));
    assert_eq!(world.entries().await, []);
}

#[tokio::test]
async fn another_amount_than_was_ordered_grants_nothing_and_alarms() {
    let world = World::new().await;
    let order = ordered(&world, "small").await;
    for (event, amount) in [("evt_1", dollars(499)), ("evt_2", dollars(50_000))] {
        world.payments.pay_amount(order.id, amount);
        deliver(&world, event, COMPLETED, &checkout(&world, order.id)).await.expect("taken in");
        run(&world).await;
    }
    assert!(matches!(world.order(order.id).await.state, OrderState::Open { .. }));
    assert_eq!((world.payment(order.id).await, world.micros().await), (None, [0, 0, 0]));
    for _ in 0..12 {
        world.clock.advance(TimeDelta::hours(2));
        run(&world).await;
    }
    assert_eq!(world.backlog().await.dead, 1, "somebody has to look");
    assert_eq!(world.micros().await, [0, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn while_the_provider_is_away_a_message_waits() {
    let world = World::new().await;
    let order = ordered(&world, "small").await;
    world.payments.pay(order.id);
    deliver(&world, "evt_1", COMPLETED, &checkout(&world, order.id)).await.expect("taken in");
    world.payments.fail_next(PaymentProviderError::Unavailable("no answer".into()));
    assert_eq!(run(&world).await, 1);
    assert_eq!(run(&world).await, 0, "not before its delay is over");
    assert_eq!(world.micros().await, [0, 0, 0]);
    world.clock.advance(TimeDelta::seconds(2));
    assert_eq!(run(&world).await, 1);
    assert_eq!(world.balance(ACME).await.available, credits(500));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_checkout_that_ran_out_of_time_ends_its_order() {
    let world = World::new().await;
    let order = ordered(&world, "small").await;
    world.payments.expire(order.id);
    let object = checkout(&world, order.id);
    deliver(&world, "evt_1", EXPIRED, &object).await.expect("taken in");
    run(&world).await;
    let (checkout, at) = (object, world.clock.now());
    assert_eq!(world.order(order.id).await.state, OrderState::Expired { checkout, at });
    assert_eq!(world.actions().await, [Action::OrderPlaced, Action::OrderExpired]);
}

#[tokio::test]
async fn who_paid_at_the_last_moment_gets_its_credits_though_the_order_had_ended() {
    let world = World::new().await;
    let order = ordered(&world, "small").await;
    let object = checkout(&world, order.id);
    world.payments.expire(order.id);
    deliver(&world, "evt_1", EXPIRED, &object).await.expect("taken in");
    run(&world).await;
    world.payments.pay(order.id);
    deliver(&world, "evt_2", COMPLETED, &object).await.expect("taken in");
    run(&world).await;
    assert_eq!(world.order(order.id).await.state.name(), "paid");
    assert_eq!(world.balance(ACME).await.available, credits(500));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_paid_order_stays_paid_whatever_comes_after() {
    let world = World::new().await;
    let order = bought(&world, "small").await;
    for (event, state) in [
        ("evt_a", RemoteState::Expired),
        ("evt_b", RemoteState::Unknown("on_hold".to_owned())),
        ("evt_c", RemoteState::Open { url: "https://pay.example/again".to_owned() }),
    ] {
        world.payments.becomes(order.id, state);
        deliver(&world, event, EXPIRED, &checkout(&world, order.id)).await.expect("taken in");
        run(&world).await;
    }
    assert_eq!(world.order(order.id).await, order);
    assert_eq!(world.micros().await, [500_000_000, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn where_nobody_takes_money_no_message_is_taken_in() {
    let world = World::with(Setup { sells: false, ..Setup::default() }).await;
    let answer = deliver(&world, "evt_1", COMPLETED, "cs_1").await;
    assert!(matches!(answer, Err(WebhookError::Disabled)), "{answer:?}");
}

#[tokio::test]
async fn a_message_that_cannot_be_stored_is_not_said_to_be_taken_in() {
    let world = World::new().await;
    world.unsteady.set_down(true);
    assert!(deliver(&world, "evt_1", COMPLETED, "cs_1").await.is_err());
    world.unsteady.set_down(false);
    world.unsteady.conflict(2);
    deliver(&world, "evt_1", COMPLETED, "cs_1").await.expect("taken in");
    assert_eq!(world.backlog().await.waiting, 1);
}
