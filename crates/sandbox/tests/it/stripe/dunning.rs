//! Renewals, and what happens when they are not paid.
use serde_json::{Value, json};

use super::{changes::subscribed, control, days, get, good, id, kinds, post, refused};
use crate::{BEGINNING, Bench, send};

const DAY: i64 = 86_400;
/// When the first period ends.
const RENEWAL: i64 = BEGINNING + 31 * DAY;

async fn subscription(bench: &Bench, subscription: &Value) -> Value {
    let path = format!("/subscriptions/{}?expand[]=latest_invoice", id(subscription));
    good(get(bench, &path)).await
}

/// What happened since then, the first first.
async fn told_since(bench: &Bench, since: i64) -> Vec<(i64, String)> {
    let list = good(get(bench, &format!("/events?limit=100&created[gte]={since}"))).await;
    let events = list["data"].as_array().expect("events").iter().rev();
    let told = |event: &Value| {
        let at = event["created"].as_i64().expect("a time");
        (at, event["type"].as_str().expect("a type").to_owned())
    };
    events.map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_renews_in_order_however_far_time_jumps() {
    let bench = Bench::start();
    let (_, made) = subscribed(&bench, "1000", "month").await;
    days(&bench, 100).await;
    let renewed = subscription(&bench, &made).await;
    let item = &renewed["items"]["data"][0];
    // From 15 January 2027: 15 February, 15 March and 15 April.
    assert_eq!(item["current_period_start"], BEGINNING + (31 + 28 + 31) * DAY);
    assert_eq!(item["current_period_end"], BEGINNING + (31 + 28 + 31 + 30) * DAY);
    assert_eq!(renewed["latest_invoice"]["status"], "paid");
    let invoices = good(get(&bench, &format!("/invoices?subscription={}", id(&made)))).await;
    let invoices = invoices["data"].as_array().expect("invoices");
    let numbers: Vec<&str> = invoices
        .iter()
        .map(|invoice| invoice["number"].as_str().expect("a number"))
        .map(|number| number.rsplit('-').next().expect("digits"))
        .collect();
    assert_eq!(numbers, ["0004", "0003", "0002", "0001"]);
    let told = told_since(&bench, RENEWAL).await;
    let expected = [
        (0, "customer.subscription.updated"),
        (0, "invoice.created"),
        (3600, "payment_intent.created"),
        (3600, "invoice.finalized"),
        (3600, "payment_intent.succeeded"),
        (3600, "charge.succeeded"),
        (3600, "invoice.paid"),
        (3600, "invoice.payment_succeeded"),
        (3600, "invoice_payment.paid"),
    ];
    let expected = expected.map(|(after, kind)| (RENEWAL + after, kind.to_owned()));
    assert_eq!(told[..9], expected);
    assert_eq!(told.len(), 27, "three renewals");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_starters_clock_renews_as_well() {
    let bench = Bench::start();
    let (_, made) = subscribed(&bench, "1000", "month").await;
    bench.advance(32 * DAY);
    let renewed = subscription(&bench, &made).await;
    assert_eq!(renewed["items"]["data"][0]["current_period_start"], RENEWAL);
    assert_eq!(renewed["latest_invoice"]["created"], RENEWAL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_fails_is_tried_again_until_the_subscription_is_canceled() {
    let bench = Bench::start();
    let (customer, made) = subscribed(&bench, "1000", "month").await;
    let outcome = json!({"customer": id(&customer), "outcome": "insufficient_funds"});
    control(&bench, "/cards", outcome).await;
    let first = RENEWAL + 3600;
    days(&bench, 32).await;
    let late = subscription(&bench, &made).await;
    assert_eq!(late["status"], "past_due");
    let invoice = &late["latest_invoice"];
    assert_eq!((&invoice["status"], &invoice["attempt_count"]), (&"open".into(), &1.into()));
    assert_eq!(invoice["next_payment_attempt"], first + 3 * DAY);
    days(&bench, 30).await;
    let ended = good(get(&bench, &format!("/subscriptions/{}", id(&made)))).await;
    assert_eq!(ended["status"], "canceled");
    assert_eq!(ended["cancellation_details"]["reason"], "payment_failed");
    let failures: Vec<i64> = told_since(&bench, RENEWAL)
        .await
        .into_iter()
        .filter(|(_, kind)| kind == "invoice.payment_failed")
        .map(|(at, _)| at)
        .collect();
    let tries = [0, 3, 8, 15].map(|day| first + day * DAY);
    assert_eq!(failures, tries);
    assert_eq!(ended["ended_at"], tries[3]);
    let event = good(get(&bench, "/events?type=customer.subscription.updated&limit=100")).await;
    let late = event["data"]
        .as_array()
        .expect("events")
        .iter()
        .find(|event| event["data"]["object"]["status"] == "past_due");
    let late = late.expect("it is told");
    assert_eq!(late["data"]["previous_attributes"], json!({"status": "active"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_the_last_try_can_be_chosen() {
    for (chosen, status) in [("unpaid", "unpaid"), ("past_due", "past_due")] {
        let bench = Bench::start();
        let told = json!({"retry_days": [1], "after_retries": chosen, "draft_seconds": 60});
        let shown = control(&bench, "/billing", told).await;
        assert_eq!(shown["after_retries"], chosen);
        let (customer, made) = subscribed(&bench, "1000", "month").await;
        let declined = json!({"customer": id(&customer), "outcome": "card_declined"});
        control(&bench, "/cards", declined).await;
        days(&bench, 40).await;
        let kept = subscription(&bench, &made).await;
        assert_eq!(kept["status"], status);
        assert_eq!(kept["latest_invoice"]["attempt_count"], 2);
        assert_eq!(kept["latest_invoice"]["next_payment_attempt"], Value::Null);
        let pay = format!("/invoices/{}/pay", id(&kept["latest_invoice"]));
        good(post(&bench, &pay, &[("payment_method", "pm_card_visa")])).await;
        assert_eq!(subscription(&bench, &made).await["status"], "active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_works_again_pays_at_the_next_try() {
    let bench = Bench::start();
    let (customer, made) = subscribed(&bench, "1000", "month").await;
    let outcome = |outcome| json!({"customer": id(&customer), "outcome": outcome});
    control(&bench, "/cards", outcome("insufficient_funds")).await;
    days(&bench, 32).await;
    control(&bench, "/cards", outcome("succeeds")).await;
    days(&bench, 3).await;
    let paid = subscription(&bench, &made).await;
    assert_eq!(
        (&paid["status"], &paid["latest_invoice"]["status"]),
        (&"active".into(), &"paid".into())
    );
    assert_eq!(paid["latest_invoice"]["attempt_count"], 2);
    assert_eq!(paid["items"]["data"][0]["current_period_start"], RENEWAL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_must_be_approved_waits_for_that() {
    let bench = Bench::start();
    let (customer, made) = subscribed(&bench, "1000", "month").await;
    let outcome = json!({"customer": id(&customer), "outcome": "authentication_required"});
    control(&bench, "/cards", outcome).await;
    days(&bench, 32).await;
    let late = subscription(&bench, &made).await;
    assert_eq!(late["status"], "past_due");
    let told = kinds(&bench).await;
    for kind in ["invoice.payment_action_required", "payment_intent.requires_action"] {
        assert!(told.iter().any(|told| told == kind), "{kind}");
    }
    let path = format!(
        "/invoices/{}?expand[]=payments.data.payment.payment_intent",
        id(&late["latest_invoice"])
    );
    let invoice = good(get(&bench, &path)).await;
    let intent = &invoice["payments"]["data"][0]["payment"]["payment_intent"];
    assert_eq!(intent["status"], "requires_action");
    let page = intent["next_action"]["redirect_to_url"]["url"].as_str().expect("a page").to_owned();
    assert_eq!(send(bench.client.post(format!("{page}/refuse"))).await.status(), 402);
    let asked = post(&bench, &format!("/invoices/{}/pay", id(&invoice)), &[]);
    assert_eq!(refused(asked).await, (402, "invoice_payment_intent_requires_action".into()));
    assert_eq!(send(bench.client.post(format!("{page}/approve"))).await.status(), 303);
    let paid = subscription(&bench, &made).await;
    assert_eq!(
        (&paid["status"], &paid["latest_invoice"]["status"]),
        (&"active".into(), &"paid".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_is_paid_on_the_page_of_the_invoice() {
    let bench = Bench::start();
    let (customer, made) = subscribed(&bench, "1000", "month").await;
    let outcome = json!({"customer": id(&customer), "outcome": "expired_card"});
    control(&bench, "/cards", outcome).await;
    days(&bench, 32).await;
    let late = subscription(&bench, &made).await;
    let page = late["latest_invoice"]["hosted_invoice_url"].as_str().expect("a page").to_owned();
    let shown = send(bench.client.get(&page)).await.text().await.expect("a page");
    assert!(shown.contains("Pay 10.00 USD"), "{shown}");
    let pay = |number: &str| bench.client.post(&page).form(&[("card_number", number)]);
    assert_eq!(send(pay("4000000000000002")).await.status(), 402);
    assert_eq!(send(pay("5555555555554444")).await.status(), 200);
    assert_eq!(send(pay("5555555555554444")).await.status(), 409);
    assert_eq!(subscription(&bench, &made).await["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_collection_renews_without_money() {
    for (behavior, status) in
        [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")]
    {
        let bench = Bench::start();
        let (_, made) = subscribed(&bench, "1000", "month").await;
        let until = (RENEWAL + 5 * DAY).to_string();
        let form =
            [("pause_collection[behavior]", behavior), ("pause_collection[resumes_at]", &until)];
        let path = format!("/subscriptions/{}", id(&made));
        let paused = good(post(&bench, &path, &form)).await;
        assert_eq!(paused["pause_collection"]["behavior"], behavior);
        days(&bench, 32).await;
        let renewed = subscription(&bench, &made).await;
        assert_eq!(
            (&renewed["status"], &renewed["latest_invoice"]["status"]),
            (&"active".into(), &status.into())
        );
        days(&bench, 40).await;
        let renewed = subscription(&bench, &made).await;
        assert_eq!(renewed["pause_collection"], Value::Null);
        assert_eq!(renewed["latest_invoice"]["status"], "paid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_never_goes_back() {
    let bench = Bench::start();
    let clock = |told: Value| bench.post("/_sandbox/stripe/clock").json(&told);
    for told in [
        json!({"advance_seconds": -1}),
        json!({"to": BEGINNING - 1}),
        json!({"advance_seconds": 1, "to": RENEWAL}),
        json!({"advance_seconds": "1 day"}),
        json!({"advance_seconds": 400_000_000}),
    ] {
        assert_eq!(send(clock(told)).await.status(), 400);
    }
    let moved: Value = send(clock(json!({"to": RENEWAL}))).await.json().await.expect("JSON");
    assert_eq!(moved, json!({"now": RENEWAL, "ahead_seconds": 31 * DAY}));
}
