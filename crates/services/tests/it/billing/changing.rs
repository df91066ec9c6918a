//! Changing the plan, at the price that was said.
use cape_domain::{
    audit::Action,
    billing::{
        Currency, Money, PaymentProviderError, PriceInterval, Quote, QuoteRefusal, Subscription,
    },
    ids::{QuoteId, SubscriptionId},
};
use cape_services::{
    billing::{SubscriptionError, Wanted},
    idempotency::Once,
};
use cape_testkit::fixtures::{ACME, RIVAL, dollars, id, permit};
use chrono::TimeDelta;

use super::subscribing::{current, plan, subscribed};
use crate::world::World;

const ENTERPRISE: Wanted<'_> =
    Wanted { plan: "enterprise", interval: PriceInterval::Month, currency: Currency::USD };

async fn quote(
    world: &World,
    subscription: SubscriptionId,
    wanted: Wanted<'_>,
) -> Result<Quote, SubscriptionError> {
    world.subscriptions.quote(permit(ACME), subscription, wanted).await
}

async fn change(
    world: &World,
    subscription: SubscriptionId,
    quote: QuoteId,
) -> Result<Subscription, SubscriptionError> {
    world.subscriptions.change(permit(ACME), subscription, quote, Once::unkeyed()).await
}

/// Ten of thirty days are left: 29.00 and 100.00 a month.
async fn quoted(world: &World) -> (SubscriptionId, Quote) {
    let (subscription, _) = subscribed(world).await;
    world.clock.advance(TimeDelta::days(20));
    world.payments.preview(dollars(3_333 - 967));
    let quote = quote(world, subscription, ENTERPRISE).await.expect("a quote");
    (subscription, quote)
}

fn refused(answer: &Result<impl std::fmt::Debug, SubscriptionError>, why: QuoteRefusal) -> bool {
    matches!(answer, Err(SubscriptionError::NoQuote(refusal)) if *refusal == why)
}

#[tokio::test]
async fn what_was_said_is_what_is_asked_of_the_provider_and_opens_the_plan() {
    let world = World::new().await;
    let (id, quote) = quoted(&world).await;
    let parts = [quote.credit, quote.charge, quote.due()].map(Money::minor);
    assert_eq!(parts, [967, 3_333, 2_366]);
    assert_eq!(plan(&world).await, "pro", "nothing has changed yet");
    let changed = change(&world, id, quote.id).await.expect("changed");
    assert_eq!(changed.terms, quote.to);
    assert_eq!(plan(&world).await, "enterprise");
    assert!(world.actions().await.contains(&Action::SubscriptionChangeAsked));
    let again = change(&world, id, quote.id).await.expect("it is done");
    assert_eq!((again.terms, world.payments.changes()), (quote.to, 1));
}

#[tokio::test]
async fn a_change_that_is_not_paid_leaves_everything_as_it_was() {
    let world = World::new().await;
    let (id, quote) = quoted(&world).await;
    world.payments.pays(false);
    let answer = change(&world, id, quote.id).await;
    assert!(matches!(answer, Err(SubscriptionError::NotPaid)), "{answer:?}");
    assert_eq!(plan(&world).await, "pro");
    assert_eq!(current(&world).await.expect("it goes on").state.name(), "active");
}

#[tokio::test]
async fn nothing_is_said_that_the_provider_would_not_charge() {
    let world = World::new().await;
    let (id, _) = subscribed(&world).await;
    world.payments.preview(dollars(7_101));
    let answer = quote(&world, id, ENTERPRISE).await;
    assert!(matches!(answer, Err(SubscriptionError::QuoteMismatch)), "{answer:?}");
}

#[tokio::test]
async fn a_quote_is_void_when_the_subscription_or_the_time_has_moved_on() {
    let world = World::new().await;
    let (id, quote) = quoted(&world).await;
    world.clock.advance(Quote::LIFE);
    let late = change(&world, id, quote.id).await;
    assert!(refused(&late, QuoteRefusal::Expired), "{late:?}");
    let world = World::new().await;
    let (id, quote) = quoted(&world).await;
    world.subscriptions.cancel(permit(ACME), id).await.expect("cancelled");
    world.subscriptions.resume(permit(ACME), id).await.expect("resumed");
    let stale = change(&world, id, quote.id).await;
    assert!(refused(&stale, QuoteRefusal::Stale), "{stale:?}");
    assert_eq!((world.payments.changes(), plan(&world).await.as_str()), (0, "pro"));
}

#[tokio::test]
async fn what_cannot_be_changed_to_has_no_price() {
    let world = World::new().await;
    let (own, _) = subscribed(&world).await;
    let same = quote(&world, own, Wanted { plan: "pro", ..ENTERPRISE }).await;
    assert!(refused(&same, QuoteRefusal::Same), "{same:?}");
    let rands = quote(&world, own, Wanted { currency: Currency::ZAR, ..ENTERPRISE }).await;
    assert!(refused(&rands, QuoteRefusal::OtherCurrency), "{rands:?}");
    for wanted in ["free", "gold"] {
        let answer = quote(&world, own, Wanted { plan: wanted, ..ENTERPRISE }).await;
        assert!(matches!(answer, Err(SubscriptionError::UnknownPlan(_))), "{answer:?}");
    }
    let foreign = world.subscriptions.quote(permit(RIVAL), own, ENTERPRISE).await;
    assert!(matches!(foreign, Err(SubscriptionError::Unknown)), "{foreign:?}");
    let unknown = change(&world, own, QuoteId::new(id(999))).await;
    assert!(matches!(unknown, Err(SubscriptionError::UnknownQuote)), "{unknown:?}");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_found_out_and_asking_again_charges_nothing_more() {
    let world = World::new().await;
    let (id, quote) = quoted(&world).await;
    world.payments.lose_next_answer();
    let lost = change(&world, id, quote.id).await;
    let away =
        matches!(lost, Err(SubscriptionError::Provider(PaymentProviderError::Unavailable(_))));
    assert!(away, "{lost:?}");
    let again = change(&world, id, quote.id).await.expect("changed");
    assert_eq!((again.terms, world.payments.changes()), (quote.to, 1));
}
