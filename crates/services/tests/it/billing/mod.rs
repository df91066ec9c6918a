//! Buying credits, being granted them, and losing them.
mod changing;
mod dunning;
mod expiry;
mod following;
mod grants;
mod plans;
mod purchases;
mod reconciling;
mod showing;
mod storm;
mod subscribing;
mod webhooks;

use cape_domain::{
    billing::{Currency, Order},
    ids::OrderId,
};
use cape_services::billing::WebhookError;
use cape_testkit::{
    fakes::ScriptedPayments,
    fixtures::{ACME, permit},
};

use crate::world::World;

const COMPLETED: &str = "checkout.session.completed";
const EXPIRED: &str = "checkout.session.expired";
const SUCCEEDED: &str = "payment_intent.succeeded";

/// ACME orders a pack, and can pay it.
async fn ordered(world: &World, pack: &str) -> Order {
    let opened = world.purchases.purchase(permit(ACME), pack, Currency::USD).await;
    opened.expect("opened").order
}

/// The provider's id of an order's checkout.
fn checkout(world: &World, order: OrderId) -> String {
    world.payments.checkout(order).id
}

async fn deliver(world: &World, event: &str, kind: &str, object: &str) -> Result<(), WebhookError> {
    let body = ScriptedPayments::webhook_body(event, kind, object);
    world.webhooks.receive(&body, ScriptedPayments::SIGNATURE).await
}

/// ACME orders a pack, pays it, and the provider's message is acted on.
async fn bought(world: &World, pack: &str) -> Order {
    let order = ordered(world, pack).await;
    world.payments.pay(order.id);
    let event = format!("evt_{}", order.id);
    deliver(world, &event, COMPLETED, &checkout(world, order.id)).await.expect("taken in");
    world.jobs.run_due().await.expect("run");
    world.order(order.id).await
}
