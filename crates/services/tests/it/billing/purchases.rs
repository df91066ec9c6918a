//! From the click to the page where it is paid.
use cape_domain::{
    access::{Actor, ManageBilling, Principal},
    audit::Action,
    billing::{
        Currency, Money, Order, OrderState, PaymentProvider as _, PaymentProviderError,
        ProviderName, RemoteState,
    },
    time::Clock as _,
};
use cape_services::billing::PurchaseError;
use cape_testkit::fixtures::{ACME, ADA, RIVAL, at, credits, dollars, owner, permit, person};

use super::ordered;
use crate::world::{Setup, World};

fn refused() -> PaymentProviderError {
    PaymentProviderError::Refused { code: "card_declined".to_owned() }
}

async fn purchase(world: &World, pack: &str, currency: &str) -> Result<Order, PurchaseError> {
    let currency: Currency = currency.parse().expect("a currency");
    world.purchases.purchase(permit(ACME), pack, currency).await.map(|opened| opened.order)
}

#[tokio::test]
async fn an_order_says_what_is_bought_and_where_it_is_paid() {
    let world = World::new().await;
    let opened = world.purchases.purchase(permit(ACME), "medium", Currency::USD).await;
    let opened = opened.expect("opened");
    let order = world.order(opened.order.id).await;
    let RemoteState::Open { url } = world.payments.checkout(order.id).state else { panic!("open") };
    assert_eq!(opened.url, url);
    let checkout = world.payments.checkout(order.id).id;
    assert_eq!(order.state, OrderState::Open { checkout, url });
    assert_eq!((order.workspace, order.user, order.pack.as_str()), (ACME, ADA, "medium"));
    assert_eq!((order.credits, order.bonus), (credits(2_000), credits(100)));
    assert_eq!((order.price, order.provider), (dollars(2_000), ProviderName::Stripe));
    assert_eq!(order.created_at, world.clock.now());
    assert_eq!(world.actions().await, [Action::OrderPlaced]);
}

#[tokio::test]
async fn nothing_is_granted_by_an_order() {
    let world = World::new().await;
    ordered(&world, "small").await;
    assert_eq!(world.micros().await, [0, 0, 0]);
    assert_eq!(world.transactions(ACME).await, []);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn the_provider_is_told_what_the_pack_costs_in_the_currency_that_was_asked_for() {
    let world = World::new().await;
    let order = purchase(&world, "small", "ZAR").await.expect("opened");
    let asked = world.payments.request(order.id);
    assert_eq!(asked.price, Money::from_minor(9_500, Currency::ZAR));
    assert_eq!((asked.order, asked.workspace), (order.id, ACME));
    assert_eq!(asked.description, "500.000000 credits");
}

#[tokio::test]
async fn the_order_is_committed_as_intended_before_the_provider_is_asked() {
    let world = World::new().await;
    let order = ordered(&world, "small").await;
    let seen = world.watched.orders();
    let [Some(seen)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((seen.id, &seen.state), (order.id, &OrderState::Intended));
}

#[tokio::test]
async fn an_order_that_the_provider_refuses_has_failed() {
    let world = World::new().await;
    ordered(&world, "small").await;
    world.payments.fail_next(refused());
    let answer = purchase(&world, "small", "USD").await;
    let code = match answer {
        Err(PurchaseError::Provider(PaymentProviderError::Refused { code })) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code, "card_declined");
    let at = world.clock.now();
    assert_eq!(world.last_order().await.state, OrderState::Failed { at });
}

#[tokio::test]
async fn an_order_whose_customer_the_provider_refuses_has_failed() {
    let world = World::new().await;
    world.payments.fail_next(refused());
    let answer = purchase(&world, "small", "USD").await;
    assert!(matches!(answer, Err(PurchaseError::Provider(_))), "{answer:?}");
    let at = world.clock.now();
    assert_eq!(world.last_order().await.state, OrderState::Failed { at });
}

#[tokio::test]
async fn a_workspace_is_made_a_customer_once() {
    let world = World::new().await;
    for pack in ["small", "medium", "large"] {
        ordered(&world, pack).await;
    }
    assert_eq!((world.payments.customers(), world.payments.checkouts()), (1, 3));
    assert_eq!(world.payments.calls(), 4);
    let rival = world.purchases.purchase(permit(RIVAL), "small", Currency::USD).await;
    rival.expect("opened");
    assert_eq!(world.payments.customers(), 2);
}

#[tokio::test]
async fn a_customer_that_the_provider_forgot_is_made_anew_and_buys() {
    let world = World::new().await;
    let first = ordered(&world, "small").await;
    world.payments.forget_customers();
    let second = ordered(&world, "medium").await;
    assert!(matches!(second.state, OrderState::Open { .. }), "{second:?}");
    let customer = |order: &Order| world.payments.request(order.id).customer;
    assert_ne!(customer(&second), customer(&first));
    assert_eq!((world.payments.customers(), world.payments.checkouts()), (1, 2));

    let calls = world.payments.calls();
    let third = ordered(&world, "large").await;
    assert_eq!(customer(&third), customer(&second), "the new one is remembered");
    assert_eq!(world.payments.calls(), calls + 1);

    world.payments.forget_customers();
    let fourth = ordered(&world, "small").await;
    assert_ne!(customer(&fourth), customer(&second), "however often it forgets");
}

#[tokio::test]
async fn a_customer_is_replaced_once_and_an_order_whose_second_is_unknown_too_has_failed() {
    let world = World::new().await;
    let first = ordered(&world, "small").await;
    let first = world.payments.request(first.id).customer;
    let email = "ada@example.com".parse().expect("an address");
    let second = world.payments.create_customer(ACME, &email, Some(&first)).await;
    let second = second.expect("made");
    world.payments.forget_customers();
    let calls = world.payments.calls();
    let answer = purchase(&world, "small", "USD").await;
    let unknown =
        matches!(answer, Err(PurchaseError::Provider(PaymentProviderError::UnknownCustomer)));
    assert!(unknown, "{answer:?}");
    assert_eq!(world.payments.calls(), calls + 3);
    let at = world.clock.now();
    assert_eq!(world.last_order().await.state, OrderState::Failed { at });

    let next = ordered(&world, "small").await;
    let third = world.payments.request(next.id).customer;
    assert!(third != first && third != second, "{third}");
}

#[tokio::test]
async fn what_is_not_sold_is_not_ordered() {
    let world = World::new().await;
    let unknown = purchase(&world, "gigantic", "USD").await;
    assert!(matches!(&unknown, Err(PurchaseError::UnknownPack(pack)) if pack == "gigantic"));
    let yen = purchase(&world, "small", "JPY").await;
    assert!(matches!(yen, Err(PurchaseError::CurrencyNotSold(_))), "{yen:?}");
    assert_eq!((world.payments.calls(), world.entries().await), (0, vec![]));
    assert_eq!(world.backlog().await.waiting, 0);
}

#[tokio::test]
async fn where_nobody_takes_money_nothing_is_ordered() {
    let world = World::with(Setup { sells: false, ..Setup::default() }).await;
    let answer = purchase(&world, "small", "USD").await;
    assert!(matches!(answer, Err(PurchaseError::Disabled)), "{answer:?}");
    assert_eq!(world.entries().await, []);
}

#[tokio::test]
async fn only_a_person_buys() {
    let world = World::new().await;
    let actor = Actor { principal: Principal::System, ..person(ACME) };
    let permit = owner().permit::<ManageBilling>(actor, at(0)).expect("permitted");
    let answer = world.purchases.purchase(permit, "small", Currency::USD).await;
    assert!(matches!(answer, Err(PurchaseError::NotAPerson)), "{answer:?}");
    assert_eq!((world.payments.calls(), world.entries().await), (0, vec![]));
}

#[tokio::test]
async fn a_lost_race_is_run_again_and_places_one_order() {
    let world = World::new().await;
    world.unsteady.conflict(2);
    ordered(&world, "small").await;
    assert_eq!(world.actions().await, [Action::OrderPlaced]);
    assert_eq!(world.backlog().await.waiting, 1);
}
