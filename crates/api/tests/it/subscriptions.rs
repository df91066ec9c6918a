//! Subscriptions, from the plan that an operator makes to the payment that does not come.
//!
//! The emulated Stripe's clock is advanced, the platform's is not: what is shown is what was stored,
//! not whether it is open at a time that has not come.
use std::sync::Arc;

use serde_json::{Value, json};

use crate::app::{
    Answer, Place, TestApp,
    caller::{Person, send},
    eventually, on_both_databases,
};

on_both_databases!(
    a_customer_subscribes_changes_its_mind_twice_and_is_free_again,
    a_renewal_that_fails_is_owed_until_it_is_paid,
    a_plan_is_changed_at_the_price_that_was_said_or_not_at_all,
    an_operator_makes_a_plan_that_is_sold_in_any_currency_and_keeps_its_promises,
    who_may_not_or_cannot_is_refused,
);

const MINE: &str = "/api/payment/subscriptions/me";
const SUBSCRIBE: &str = "/api/payment/subscribe";

async fn subscribe(person: &Person, plan: &str, currency: &str) -> Answer {
    let body = json!({ "plan": plan, "interval": "month", "currency": currency });
    person.post(SUBSCRIBE, &body).await
}

/// Subscribes and pays.
async fn subscribed(app: &TestApp, person: &Person, plan: &str, currency: &str) -> Value {
    let opened = subscribe(person, plan, currency).await.with(201);
    app.http.pay(opened["checkout_url"].as_str().expect("an address")).await;
    becomes(person, "active").await
}

/// Waits until the subscription stands so.
async fn becomes(person: &Person, status: &str) -> Value {
    eventually(&format!("the subscription is {status}"), async || {
        let answer = person.get(MINE).await;
        answer.status == 200 && answer.json()["status"] == status
    })
    .await;
    person.get(MINE).await.with(200)
}

async fn is_over(person: &Person) {
    eventually("the subscription is over", async || person.get(MINE).await.status == 404).await;
    person.get(MINE).await.problem(404, "billing.not_subscribed");
}

async fn steer(app: &TestApp, what: &str, body: &Value) {
    let path = format!("{}/_sandbox/stripe/{what}", app.sandbox());
    app.http.post(&path, body).await.with(200);
}

async fn days_pass(app: &TestApp, days: u32) {
    steer(app, "clock", &json!({ "advance_seconds": days * 86_400 })).await;
}

async fn plan_of(person: &Person) -> Value {
    person.get("/api/usage/quota").await.with(200)["plan"].clone()
}

async fn a_customer_subscribes_changes_its_mind_twice_and_is_free_again(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    assert_eq!(plan_of(&ada).await, "free");
    ada.get(MINE).await.problem(404, "billing.not_subscribed");

    let keyed = |plan: &str| {
        let body = json!({ "plan": plan, "interval": "month" });
        send(ada.request("POST", SUBSCRIBE).header("Idempotency-Key", "once").json(&body))
    };
    let first = keyed("basic").await;
    let opened = first.with(201);
    assert_eq!(keyed("basic").await.text, first.text);
    keyed("pro").await.problem(422, "idempotency_key_reused");
    let waiting = ada.get(MINE).await.with(200);
    assert_eq!((&waiting["status"], &waiting["plan"]), (&json!("incomplete"), &json!("basic")));
    assert_eq!(waiting["checkout_url"], opened["checkout_url"]);

    // Another one makes the first one go.
    let active = subscribed(&app, &ada, "pro", "USD").await;
    assert_eq!(active["price"], json!({ "amount_minor": 2_900, "currency": "USD" }));
    let abandoned = app.http.get(opened["checkout_url"].as_str().expect("an address")).await;
    assert!(!abandoned.text.contains("4242"), "nobody pays it any more: {}", abandoned.text);
    eventually("the plan is open", async || plan_of(&ada).await == "pro").await;
    subscribe(&ada, "basic", "USD").await.problem(409, "billing.already_subscribed");

    let id = active["id"].as_str().expect("an id");
    let path = format!("/api/payment/subscriptions/{id}");
    let canceling = ada.delete(&path).await.with(200);
    assert_eq!(canceling["status"], "canceling");
    assert_eq!(canceling["current_period_end"], active["current_period_end"]);
    ada.delete(&path).await.problem(409, "billing.already_canceling");
    let resumed = ada.post(&format!("{path}/resume"), &json!({})).await.with(200);
    assert_eq!(resumed["status"], "active");
    ada.post(&format!("{path}/resume"), &json!({})).await.problem(409, "billing.not_canceling");
    ada.delete(&path).await.with(200);
    days_pass(&app, 32).await;
    is_over(&ada).await;
    eventually("the plan is closed", async || plan_of(&ada).await == "free").await;

    let all = ada.get("/api/payment/subscriptions").await.with(200);
    let line = |one: &Value| format!("{} {} {}", one["plan"], one["status"], one["end_reason"]);
    let lines: Vec<_> = all["data"].as_array().expect("a list").iter().map(line).collect();
    assert_eq!(lines, [r#""pro" "ended" "canceled""#, r#""basic" "ended" "abandoned""#]);
    app.jobs_are_done().await;
    app.finish().await;
}

async fn a_renewal_that_fails_is_owed_until_it_is_paid(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let active = subscribed(&app, &ada, "pro", "ZAR").await;
    assert_eq!(active["price"], json!({ "amount_minor": 52_900, "currency": "ZAR" }));
    days_pass(&app, 32).await;
    eventually("it is renewed", async || {
        let now = ada.get(MINE).await.with(200);
        now["current_period_start"] == active["current_period_end"]
    })
    .await;

    let subscriptions = format!("{}/stripe/v1/subscriptions", app.sandbox());
    let known = send(app.http.request("GET", &subscriptions).bearer_auth("sk_test_any")).await;
    let customer = known.with(200)["data"][0]["customer"].clone();
    steer(&app, "cards", &json!({ "customer": customer, "outcome": "insufficient_funds" })).await;
    days_pass(&app, 31).await;
    let owing = becomes(&ada, "past_due").await;
    assert!(owing["grace_until"].is_string(), "{owing}");
    let id = owing["id"].as_str().expect("an id");
    let dun = "SELECT count(*) FROM jobs WHERE kind = 'subscription.dun' AND state = 'pending'";
    assert_eq!(app.place.count(dun).await, 1);

    steer(&app, "cards", &json!({ "customer": customer, "outcome": "succeeds" })).await;
    days_pass(&app, 4).await;
    let paid = becomes(&ada, "active").await;
    assert_eq!((&paid["id"], &paid["grace_until"]), (&json!(id), &Value::Null));
    app.jobs_are_done().await;
    app.finish().await;
}

/// What the customer of the emulated Stripe was charged so far, newest first.
async fn charged(app: &TestApp) -> Vec<i64> {
    let path = format!("{}/stripe/v1/charges", app.sandbox());
    let charges = send(app.http.request("GET", &path).bearer_auth("sk_test_any")).await;
    let charges = charges.with(200);
    let charges = charges["data"].as_array().expect("a list").iter();
    let paid = charges.filter(|charge| charge["status"] == "succeeded");
    paid.map(|charge| charge["amount"].as_i64().expect("an amount")).collect()
}

async fn a_plan_is_changed_at_the_price_that_was_said_or_not_at_all(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let active = subscribed(&app, &ada, "basic", "USD").await;
    let path = format!("/api/payment/subscriptions/{}", active["id"].as_str().expect("an id"));
    let quote = async |plan: &str, interval: &str| {
        ada.post(&format!("{path}/quote"), &json!({ "plan": plan, "interval": interval })).await
    };
    let change = |said: &Value, key: &str| {
        let body = json!({ "quote_id": said["id"] });
        let request = ada.request("POST", &format!("{path}/change"));
        send(request.header("Idempotency-Key", key).json(&body))
    };
    quote("basic", "month").await.problem(409, "billing.same_plan");
    quote("free", "month").await.problem(400, "billing.unknown_plan");

    let said = quote("pro", "month").await.with(201);
    assert_eq!(said["renews_at"], active["current_period_end"]);
    let due = said["due"]["amount_minor"].as_i64().expect("an amount");
    assert!((1_990..=2_000).contains(&due), "29.00 less 9.00, but for some seconds: {said}");
    let changed = change(&said, "change-1").await;
    assert_eq!(changed.with(200)["plan"], "pro");
    assert_eq!(charged(&app).await, [due, 900], "what was said");
    assert_eq!(change(&said, "change-1").await.text, changed.text);
    assert_eq!(charged(&app).await.len(), 2, "once");
    eventually("the plan is open", async || plan_of(&ada).await == "pro").await;

    // Another interval: a new period begins at once.
    let said = quote("pro", "year").await.with(201);
    let yearly = change(&said, "change-2").await.with(200);
    assert_eq!((&yearly["plan"], &yearly["interval"]), (&json!("pro"), &json!("year")));
    assert_eq!(yearly["current_period_end"], said["renews_at"]);
    assert_eq!(charged(&app).await[0], said["due"]["amount_minor"]);
    change(&json!({ "id": format!("qte_{}", "0".repeat(32)) }), "change-3")
        .await
        .problem(404, "billing.quote_not_found");

    // Not paid: nothing changes.
    let said = quote("enterprise", "year").await.with(201);
    let subscriptions = format!("{}/stripe/v1/subscriptions", app.sandbox());
    let known = send(app.http.request("GET", &subscriptions).bearer_auth("sk_test_any")).await;
    let customer = known.with(200)["data"][0]["customer"].clone();
    steer(&app, "cards", &json!({ "customer": customer, "outcome": "insufficient_funds" })).await;
    change(&said, "change-4").await.problem(402, "billing.payment_failed");
    app.jobs_are_done().await;
    let kept = ada.get(MINE).await.with(200);
    assert_eq!((&kept["plan"], &kept["status"]), (&json!("pro"), &json!("active")));
    assert_eq!(charged(&app).await.len(), 3);
    app.finish().await;
}

async fn an_operator_makes_a_plan_that_is_sold_in_any_currency_and_keeps_its_promises(
    place: Arc<Place>,
) {
    let app = TestApp::at(place, &[]).await;
    let (operator, ada) = (app.operator("root").await, app.person("ada").await);
    let limits = json!({ "requests_per_month": 77, "requests_per_minute": 7,
        "requests_per_hour": 70, "tokens_per_hour": 7_000 });
    let price = |currency: &str, minor: i64| json!({ "interval": "month", "currency": currency, "amount_minor": minor });
    let body = json!({ "code": "team", "name": "Team", "features": ["For seven"],
        "prices": [price("JPY", 1_500), price("KWD", 3_250)], "limits": limits,
        "models": ["small"] });
    let made = operator.post("/api/billing/plans", &body).await.with(201);
    assert_eq!((&made["version"], &made["retired_at"]), (&json!(1), &Value::Null));
    operator.post("/api/billing/plans", &body).await.problem(409, "billing.plan_taken");
    let sold = app.http.get("/api/payment/pricing").await.with(200);
    let team = sold["plans"].as_array().expect("plans").last().expect("a plan").clone();
    assert_eq!((&team["code"], &team["features"]), (&json!("team"), &json!(["For seven"])));

    subscribe(&ada, "team", "USD").await.problem(400, "billing.currency_not_sold");
    let active = subscribed(&app, &ada, "team", "JPY").await;
    assert_eq!(active["price"], json!({ "amount_minor": 1_500, "currency": "JPY" }));

    let path = "/api/billing/plans/team";
    let change = json!({ "prices": [price("JPY", 1_800)],
        "limits": { "requests_per_month": 99, "requests_per_minute": 9,
            "requests_per_hour": 90, "tokens_per_hour": 9_000 } });
    let revised = send(operator.request("PATCH", path).json(&change)).await.with(200);
    assert_eq!((&revised["version"], &revised["name"]), (&json!(2), &json!("Team")));
    eventually("what it allows is felt", async || {
        ada.get("/api/usage/quota").await.with(200)["monthly_quota"] == 99
    })
    .await;
    let kept = ada.get(MINE).await.with(200);
    assert_eq!(kept["price"]["amount_minor"], 1_500, "what it was sold at");

    assert_eq!(operator.delete(path).await.status, 204);
    operator.delete(path).await.problem(409, "billing.plan_withdrawn");
    operator.delete("/api/billing/plans/free").await.problem(409, "billing.plan_in_need");
    subscribe(&operator, "team", "JPY").await.problem(400, "billing.unknown_plan");
    let shown = operator.get(path).await.with(200);
    assert!(shown["retired_at"].is_string(), "{shown}");
    assert_eq!(plan_of(&ada).await, "team", "whoever has it keeps it");
    let trail = "SELECT count(*) FROM audit_entries WHERE action IN ('plan.created',
        'plan.changed', 'plan.retired')";
    assert_eq!(app.place.count(trail).await, 3);
    app.finish().await;
}

async fn who_may_not_or_cannot_is_refused(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (operator, ada) = (app.operator("root").await, app.person("ada").await);
    for (body, field) in [
        (json!({ "plan": "pro", "interval": "week" }), "interval"),
        (json!({ "plan": "pro", "interval": "month", "currency": "usd" }), "currency"),
        (json!({ "plan": "pro", "interval": "month", "provider": "cash" }), "provider"),
    ] {
        let refused = ada.post(SUBSCRIBE, &body).await.problem(422, "request.invalid_fields");
        assert!(refused["errors"][field].is_string(), "{refused}");
    }
    for plan in ["free", "gold"] {
        subscribe(&ada, plan, "USD").await.problem(400, "billing.unknown_plan");
    }
    for (field, value) in [
        ("prices", json!([{ "interval": "month", "currency": "USD", "amount_minor": 0 }])),
        ("models", json!(["huge"])),
        ("code", json!("No Code")),
    ] {
        let mut body = json!({ "code": "tin", "name": "Tin", "models": ["small"],
            "prices": [], "limits": { "requests_per_month": 1, "requests_per_minute": 1,
                "requests_per_hour": 1, "tokens_per_hour": 1 } });
        body[field] = value;
        operator.post("/api/billing/plans", &body).await.with(422);
        ada.post("/api/billing/plans", &body).await.problem(403, "access.forbidden");
    }

    let active = subscribed(&app, &ada, "pro", "USD").await;
    let id = active["id"].as_str().expect("an id");
    let path = format!("/api/payment/subscriptions/{id}");
    let eve = app.person("eve").await;
    eve.delete(&path).await.problem(404, "billing.subscription_not_found");
    eve.post(&format!("{path}/resume"), &json!({}))
        .await
        .problem(404, "billing.subscription_not_found");
    ada.delete(&format!("{path}?at=now")).await.problem(403, "access.forbidden");
    operator.delete(&path).await.problem(404, "billing.subscription_not_found");
    let ended = operator.delete(&format!("{path}?at=now")).await.with(200);
    assert_eq!((&ended["status"], &ended["end_reason"]), (&json!("ended"), &json!("canceled")));
    is_over(&ada).await;
    operator.delete(&format!("{path}?at=now")).await.problem(409, "billing.subscription_ended");
    app.finish().await;
}
