//! Versions of the API: what moved in one of them, in answers and in events.
use serde_json::{Value, json};

use super::{changes::subscribed, control, get, good, id, post, refused};
use crate::{BEGINNING, Bench, json as parsed, webhooks::Endpoint};

const OLD: &str = "2024-06-20";
const MONTH: i64 = 31 * 86_400;

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_has_the_period_on_the_subscription_and_the_payment_on_the_invoice() {
    let bench = Bench::start();
    let (_, made) = subscribed(&bench, "1000", "month").await;
    let path = format!("/subscriptions/{}?expand[]=latest_invoice.payment_intent", id(&made));
    let old = good(get(&bench, &path).header("Stripe-Version", OLD)).await;
    assert_eq!(old["current_period_end"], BEGINNING + MONTH);
    assert!(old["items"]["data"][0].get("current_period_end").is_none());
    let invoice = &old["latest_invoice"];
    assert_eq!((&invoice["subscription"], &invoice["paid"]), (&made["id"], &true.into()));
    assert!(invoice.get("parent").is_none());
    assert_eq!(invoice["payment_intent"]["invoice"], invoice["id"]);
    let line = &invoice["lines"]["data"][0];
    assert_eq!((&line["type"], &line["proration"]), (&"subscription".into(), &false.into()));
    assert_eq!(line["price"]["unit_amount"], 1000);
    let new = get(&bench, &path).header("Stripe-Version", "2025-03-31.basil");
    assert_eq!(refused(new).await.0, 400, "that cannot be expanded any more");
    let nonsense = get(&bench, "/events").header("Stripe-Version", "newest");
    assert_eq!(refused(nonsense).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_the_version_of_their_endpoint_and_are_kept_in_the_accounts() {
    let (bench, endpoint) = (Bench::start(), Endpoint::start(&[]));
    let form = [
        ("url", endpoint.url.as_str()),
        ("enabled_events[]", "customer.subscription.updated"),
        ("api_version", OLD),
    ];
    let made = good(post(&bench, "/webhook_endpoints", &form)).await;
    assert_eq!(made["api_version"], OLD);
    let (_, subscription) = subscribed(&bench, "1000", "month").await;
    let path = format!("/subscriptions/{}", id(&subscription));
    good(post(&bench, &path, &[("metadata[a]", "b")])).await;
    for delivery in endpoint.receives(2).await {
        let event = parsed(&delivery.body);
        assert_eq!(event["api_version"], OLD);
        assert_eq!(event["data"]["object"]["current_period_end"], BEGINNING + MONTH);
        let kept = good(get(&bench, &format!("/events/{}", id(&event)))).await;
        assert_eq!(kept["api_version"], cape_sandbox::STRIPE_API_VERSION);
        assert!(kept["data"]["object"].get("current_period_end").is_none());
    }
    control(&bench, "/billing", json!({"api_version": OLD})).await;
    good(post(&bench, &path, &[("metadata[a]", "c")])).await;
    let list = good(get(&bench, "/events?limit=1")).await;
    assert_eq!(list["data"][0]["api_version"], OLD);
    assert_eq!(list["data"][0]["data"]["previous_attributes"], json!({"metadata": {"a": "b"}}));
    let wrong =
        [("url", endpoint.url.as_str()), ("enabled_events[]", "*"), ("api_version", "newest")];
    assert_eq!(refused(post(&bench, "/webhook_endpoints", &wrong)).await.0, 400);
    let path = format!("/webhook_endpoints/{}", id(&made));
    let off = good(post(&bench, &path, &[("disabled", "true")])).await;
    assert_eq!((&off["status"], off.get("secret")), (&"disabled".into(), None::<&Value>));
    endpoint.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payments_of_an_invoice_are_found_from_both_ends() {
    let bench = Bench::start();
    let (_, made) = subscribed(&bench, "1000", "month").await;
    let invoice = made["latest_invoice"].as_str().expect("an id");
    let by_invoice = good(get(&bench, &format!("/invoice_payments?invoice={invoice}"))).await;
    let payment = &by_invoice["data"][0];
    let intent = payment["payment"]["payment_intent"].as_str().expect("an intent");
    let query =
        format!("/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={intent}");
    assert_eq!(good(get(&bench, &query)).await["data"], by_invoice["data"]);
    assert_eq!((&payment["status"], &payment["amount_paid"]), (&"paid".into(), &1000.into()));
    let other = good(get(&bench, "/invoice_payments?invoice=in_nobody")).await;
    assert_eq!(other["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_finalized_voided_or_given_up_once() {
    let bench = Bench::start();
    let (customer, _) = subscribed(&bench, "1000", "month").await;
    control(&bench, "/billing", json!({"retry_days": [], "after_retries": "past_due"})).await;
    control(&bench, "/cards", json!({"customer": id(&customer), "outcome": "card_declined"})).await;
    control(&bench, "/clock", json!({"advance_seconds": MONTH})).await;
    let drafts = good(get(&bench, "/invoices?status=draft")).await;
    let path = format!("/invoices/{}", id(&drafts["data"][0]));
    assert_eq!(refused(post(&bench, &format!("{path}/void"), &[])).await.0, 400);
    let open = good(post(&bench, &format!("{path}/finalize"), &[])).await;
    assert_eq!(open["status"], "open");
    assert_eq!(refused(post(&bench, &format!("{path}/finalize"), &[])).await.0, 400);
    let given_up = good(post(&bench, &format!("{path}/mark_uncollectible"), &[])).await;
    assert_eq!(given_up["status"], "uncollectible");
    assert_eq!(good(post(&bench, &format!("{path}/void"), &[])).await["status"], "void");
    assert_eq!(refused(post(&bench, &format!("{path}/pay"), &[])).await.0, 400);
    let page = open["hosted_invoice_url"].as_str().expect("a page");
    assert_eq!(crate::send(bench.client.post(page)).await.status(), 409);
}
