//! Stripe's API and payment page.
mod anything;
mod billing;
mod cards;
mod catalogue;
mod changes;
mod control;
mod dunning;
mod money;
mod portal;
mod shapes;
mod subscribing;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::{BEGINNING, Bench, read, send};

/// A pack for five dollars.
pub(crate) const PACK: [(&str, &str); 11] = [
    ("mode", "payment"),
    ("line_items[0][quantity]", "1"),
    ("line_items[0][price_data][currency]", "usd"),
    ("line_items[0][price_data][unit_amount]", "500"),
    ("line_items[0][price_data][product_data][name]", "500 credits"),
    ("metadata[order]", "ord_1"),
    ("client_reference_id", "ord_1"),
    ("payment_intent_data[metadata][order]", "ord_1"),
    ("payment_intent_data[metadata][pack]", "small"),
    ("success_url", "http://127.0.0.1:9/done?session={CHECKOUT_SESSION_ID}"),
    ("cancel_url", "http://127.0.0.1:9/cancelled"),
];

pub(crate) fn get(bench: &Bench, path: &str) -> RequestBuilder {
    bench.get(&format!("/stripe/v1{path}")).bearer_auth("sk_test_1")
}

pub(crate) fn post(bench: &Bench, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
    bench.post(&format!("/stripe/v1{path}")).bearer_auth("sk_test_1").form(form)
}

pub(crate) async fn session(bench: &Bench) -> Value {
    let (status, session) = read(post(bench, "/checkout/sessions", &PACK)).await;
    assert_eq!(status, 200, "{session}");
    session
}

pub(crate) fn remove(bench: &Bench, path: &str) -> RequestBuilder {
    let url = format!("{}/stripe/v1{path}", bench.sandbox.base_url());
    bench.client.delete(url).bearer_auth("sk_test_1")
}

/// What was made or shown, which must have worked.
pub(crate) async fn good(request: RequestBuilder) -> Value {
    let (status, body) = read(request).await;
    assert_eq!(status, 200, "{body:#}");
    body
}

/// The code of a refusal, or its type where it has none.
pub(crate) async fn refused(request: RequestBuilder) -> (u16, String) {
    let (status, body) = read(request).await;
    let error = &body["error"];
    let code = error["code"].as_str().or_else(|| error["type"].as_str());
    (status, code.unwrap_or_else(|| panic!("no refusal: {body:#}")).to_owned())
}

/// Tells the sandbox what no vendor would be told.
pub(crate) async fn control(bench: &Bench, path: &str, told: Value) -> Value {
    good(bench.post(&format!("/_sandbox/stripe{path}")).json(&told)).await
}

/// Lets days go by.
pub(crate) async fn days(bench: &Bench, days: i64) {
    control(bench, "/clock", json!({ "advance_seconds": days * 86_400 })).await;
}

/// The id of an object.
pub(crate) fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap_or_else(|| panic!("no id: {object:#}"))
}

/// Uses a form of a session's page: nothing for Pay, or `/cancel`, or `/decline`.
pub(crate) async fn submit(bench: &Bench, session: &Value, form: &str) -> Response {
    let url = session["url"].as_str().expect("a page");
    send(bench.client.post(format!("{url}{form}"))).await
}

/// What happened, the last first.
pub(crate) async fn kinds(bench: &Bench) -> Vec<String> {
    let (_, list) = read(get(bench, "/events?limit=100")).await;
    let events = list["data"].as_array().expect("events").iter();
    events.map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_paid_on_its_page_and_everything_adds_up() {
    let bench = Bench::start();
    let (_, customer) = read(post(&bench, "/customers", &[("email", "a@example.com")])).await;
    let customer = customer["id"].as_str().expect("an id");
    assert!(customer.starts_with("cus_"));
    let form: Vec<_> = PACK.into_iter().chain([("customer", customer)]).collect();
    let (_, session) = read(post(&bench, "/checkout/sessions", &form)).await;
    assert_eq!(
        (&session["status"], &session["payment_status"]),
        (&"open".into(), &"unpaid".into())
    );
    assert_eq!((&session["amount_total"], &session["livemode"]), (&500.into(), &false.into()));
    assert_eq!(session["metadata"], json!({"order": "ord_1"}));
    assert_eq!(session["expires_at"], BEGINNING + 86_400);
    let id = session["id"].as_str().expect("an id");
    assert!(id.starts_with("cs_test_"));

    let page = send(bench.client.get(session["url"].as_str().expect("a page"))).await;
    assert_eq!(page.status(), 200);
    let html = page.text().await.expect("a page");
    assert!(html.contains("500 credits") && html.contains("5.00 USD"), "{html}");

    let paid = submit(&bench, &session, "").await;
    assert_eq!(paid.status(), 303);
    let expected = format!("http://127.0.0.1:9/done?session={id}");
    assert_eq!(paid.headers()["location"].to_str().ok(), Some(expected.as_str()));

    let path = format!(
        "/checkout/sessions/{id}?expand[]=line_items&expand[]=customer\
         &expand[]=payment_intent.latest_charge.balance_transaction"
    );
    let (status, session) = read(get(&bench, &path)).await;
    assert_eq!(status, 200, "{session}");
    assert_eq!(
        (&session["status"], &session["payment_status"]),
        (&"complete".into(), &"paid".into())
    );
    assert_eq!(session["customer"]["email"], "a@example.com");
    assert_eq!(session["customer_details"]["email"], "a@example.com");
    assert_eq!(session["line_items"]["data"][0]["amount_total"], 500);
    let intent = &session["payment_intent"];
    assert_eq!((&intent["status"], &intent["amount_received"]), (&"succeeded".into(), &500.into()));
    assert_eq!(intent["metadata"], json!({"order": "ord_1", "pack": "small"}));
    let charge = &intent["latest_charge"];
    assert_eq!((&charge["paid"], &charge["payment_intent"]), (&true.into(), &intent["id"]));
    let balance = &charge["balance_transaction"];
    assert_eq!((&balance["fee"], &balance["net"]), (&45.into(), &455.into()));
    for (path, id) in [("/payment_intents", intent), ("/charges", charge)] {
        let id = id["id"].as_str().expect("an id");
        assert_eq!(read(get(&bench, &format!("{path}/{id}"))).await.1["id"], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paying_twice_is_refused_and_emits_nothing_more() {
    let bench = Bench::start();
    let session = session(&bench).await;
    assert_eq!(submit(&bench, &session, "").await.status(), 303);
    let once = ["checkout.session.completed", "charge.succeeded", "payment_intent.succeeded"];
    assert_eq!(kinds(&bench).await, once);
    let again = submit(&bench, &session, "").await;
    assert_eq!(again.status(), 409);
    assert!(again.text().await.expect("a page").contains("paid already"));
    assert_eq!(submit(&bench, &session, "/decline").await.status(), 409);
    assert_eq!(kinds(&bench).await, once);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_payers_at_once_pay_once() {
    let bench = Bench::start();
    let session = session(&bench).await;
    let tries = futures_util::future::join_all((0..20).map(|_| submit(&bench, &session, ""))).await;
    assert_eq!(tries.iter().filter(|response| response.status() == 303).count(), 1);
    assert_eq!(kinds(&bench).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_cannot_be_paid() {
    let bench = Bench::start();
    let session = session(&bench).await;
    bench.advance(86_400);
    assert_eq!(submit(&bench, &session, "").await.status(), 410);
    assert_eq!(kinds(&bench).await, ["checkout.session.expired"]);
    let path = format!("/checkout/sessions/{}", session["id"].as_str().expect("an id"));
    let (_, session) = read(get(&bench, &path)).await;
    assert_eq!((&session["status"], &session["url"]), (&"expired".into(), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_and_a_cancellation_leave_the_session_open() {
    let bench = Bench::start();
    let session = session(&bench).await;
    let declined = submit(&bench, &session, "/decline").await;
    assert_eq!(declined.status(), 402);
    assert!(declined.text().await.expect("a page").contains("declined"));
    let cancelled = submit(&bench, &session, "/cancel").await;
    assert_eq!(cancelled.status(), 303);
    assert_eq!(cancelled.headers()["location"], "http://127.0.0.1:9/cancelled");
    assert_eq!(kinds(&bench).await, ["payment_intent.payment_failed", "charge.failed"]);
    assert_eq!(submit(&bench, &session, "").await.status(), 303);
    let (_, list) = read(get(&bench, "/events?type=payment_intent.succeeded")).await;
    let intent = &list["data"][0]["data"]["object"];
    let (_, failed) = read(get(&bench, "/events?type=payment_intent.payment_failed")).await;
    assert_eq!(intent["id"], failed["data"][0]["data"]["object"]["id"]);
    let error = &failed["data"][0]["data"]["object"]["last_payment_error"];
    assert_eq!(error["code"], "card_declined");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_success_url_the_payer_stays() {
    let bench = Bench::start();
    let form: Vec<_> = PACK.into_iter().filter(|(name, _)| !name.ends_with("_url")).collect();
    let (_, session) = read(post(&bench, "/checkout/sessions", &form)).await;
    let paid = submit(&bench, &session, "").await;
    assert_eq!(paid.status(), 200);
    assert!(paid.text().await.expect("a page").contains("The payment succeeded"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_repeats_the_answer_and_refuses_another_request() {
    let bench = Bench::start();
    let create =
        |form: &[(&str, &str)]| post(&bench, "/customers", form).header("Idempotency-Key", "key-1");
    let first = send(create(&[("email", "a@example.com"), ("name", "A")])).await;
    assert!(first.headers().get("idempotent-replayed").is_none());
    let first: Value = first.json().await.expect("a body");
    let again = send(create(&[("name", "A"), ("email", "a@example.com")])).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.json::<Value>().await.expect("a body"), first);
    let (status, other) = read(create(&[("email", "b@example.com")])).await;
    assert_eq!((status, &other["error"]["type"]), (400, &"idempotency_error".into()));
    let elsewhere = post(&bench, "/checkout/sessions", &PACK).header("Idempotency-Key", "key-1");
    assert_eq!(read(elsewhere).await.1["error"]["type"], "idempotency_error");
    let (_, list) = read(get(&bench, "/customers")).await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
    bench.advance(86_400);
    let (status, fresh) = read(create(&[("email", "b@example.com")])).await;
    assert_eq!((status, &fresh["email"]), (200, &"b@example.com".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_does_not_use_its_key_up() {
    let bench = Bench::start();
    let create =
        |form: &[(&str, &str)]| post(&bench, "/customers", form).header("Idempotency-Key", "key-1");
    assert_eq!(read(create(&[("mail", "a@example.com")])).await.0, 400);
    assert_eq!(read(create(&[("email", "a@example.com")])).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_parameters_are_named() {
    let bench = Bench::start();
    for (name, value, code) in [
        ("colour", "red", json!("parameter_unknown")),
        ("line_items[0][price_data][amount]", "5", json!("parameter_unknown")),
        ("mode", "donation", Value::Null),
        ("mode", "", json!("parameter_invalid_empty")),
        ("line_items[0][quantity]", "0", json!("parameter_invalid_integer")),
        ("line_items[0][quantity]", "many", json!("parameter_invalid_integer")),
        ("line_items[0][price_data][currency]", "dollars", Value::Null),
        ("success_url", "done", json!("url_invalid")),
        ("customer", "cus_nobody", json!("resource_missing")),
        ("expires_at", "1800000001", Value::Null),
    ] {
        let mut form: Vec<_> = PACK.into_iter().filter(|(known, _)| *known != name).collect();
        form.push((name, value));
        let (status, body) = read(post(&bench, "/checkout/sessions", &form)).await;
        let error = &body["error"];
        assert_eq!((status, &error["param"]), (400, &name.into()), "{body}");
        assert_eq!(error.get("code").unwrap_or(&Value::Null), &code, "{body}");
        assert_eq!(error["type"], "invalid_request_error");
    }
    let (status, body) = read(get(&bench, "/events?colour=red")).await;
    assert_eq!((status, &body["error"]["code"]), (400, &"parameter_unknown".into()));
    let missing: Vec<_> = PACK.into_iter().filter(|(name, _)| *name != "mode").collect();
    let (_, body) = read(post(&bench, "/checkout/sessions", &missing)).await;
    assert_eq!(body["error"]["code"], "parameter_missing");
    let huge = [("line_items[0][quantity]", "9223372036854775807")];
    let form: Vec<_> =
        PACK.into_iter().filter(|(name, _)| *name != huge[0].0).chain(huge).collect();
    let (_, body) = read(post(&bench, "/checkout/sessions", &form)).await;
    assert_eq!(body["error"]["code"], "amount_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_bodies_and_routes_are_checked() {
    let bench = Bench::start();
    let bare = || bench.get("/stripe/v1/customers");
    assert_eq!(read(bare()).await.0, 401);
    for key in ["sk_live_1", "sk_test_", "pk_test_1"] {
        let (status, body) = read(bare().bearer_auth(key)).await;
        assert_eq!((status, &body["error"]["type"]), (401, &"invalid_request_error".into()));
    }
    let body = json!({"email": "a@example.com"});
    let request = bench.post("/stripe/v1/customers").bearer_auth("sk_test_1").json(&body);
    assert_eq!(read(request).await.0, 400);
    let (status, body) = read(get(&bench, "/customers/cus_nobody")).await;
    assert_eq!((status, &body["error"]["code"]), (404, &"resource_missing".into()));
    assert_eq!(read(get(&bench, "/nothing")).await.0, 404);
    let response = send(get(&bench, "/events")).await;
    assert!(response.headers()["request-id"].to_str().is_ok_and(|id| id.starts_with("req_")));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_newest_first_in_pages() {
    let bench = Bench::start();
    for _ in 0..2 {
        let session = session(&bench).await;
        submit(&bench, &session, "").await;
        bench.advance(10);
    }
    let (_, first) = read(get(&bench, "/events?limit=4")).await;
    let events = first["data"].as_array().expect("events");
    assert_eq!((events.len(), &first["has_more"]), (4, &true.into()));
    assert_eq!(events[0]["type"], "checkout.session.completed");
    assert_eq!(events[0]["created"], BEGINNING + 10);
    assert_eq!(events[0]["api_version"], cape_sandbox::STRIPE_API_VERSION);
    let last = events[3]["id"].as_str().expect("an id");
    let (_, rest) = read(get(&bench, &format!("/events?limit=4&starting_after={last}"))).await;
    assert_eq!(
        (rest["data"].as_array().map(Vec::len), &rest["has_more"]),
        (Some(2), &false.into())
    );
    let (_, one) = read(get(&bench, &format!("/events/{last}"))).await;
    assert_eq!(one, events[3]);
    let recent = format!("/events?created[gte]={}", BEGINNING + 10);
    let (_, recent) = read(get(&bench, &recent)).await;
    assert_eq!(recent["data"].as_array().map(Vec::len), Some(3));
}
