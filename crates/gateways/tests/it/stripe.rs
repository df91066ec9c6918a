//! What is sent to Stripe, to the letter, and what becomes of its answers.
use std::time::{Duration, Instant};

use cape_domain::{
    billing::{
        CheckoutRequest, Currency, Money, PaymentProvider, PaymentProviderError, ProviderName,
        RemoteCheckout, RemoteState,
    },
    ids::{OrderId, WorkspaceId},
    secret::Secret,
};
use cape_gateways::billing::{InvalidStripeOptions, StripeGateway, StripeOptions};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Asked, Reply, Server};

const KEY: &str = "sk_test_51secret";
const ORDER: &str = "ord_00000000000000000000000000000007";
const WORKSPACE: &str = "wsp_00000000000000000000000000000004";

fn options(base_url: &str) -> StripeOptions {
    StripeOptions {
        base_url: base_url.to_owned(),
        secret_key: Secret::new(KEY),
        webhook_secrets: vec![Secret::new("whsec_hidden")],
        success_url: "https://cape.example/paid?session={CHECKOUT_SESSION_ID}".to_owned(),
        cancel_url: "https://cape.example/pricing".to_owned(),
        timeout: Duration::from_secs(20),
        backoff: Duration::from_millis(1),
        ..StripeOptions::default()
    }
}

fn gateway(server: &Server) -> StripeGateway {
    StripeGateway::new(options(&format!("{}/stripe", server.url))).expect("a gateway")
}

fn request() -> CheckoutRequest {
    CheckoutRequest {
        order: OrderId::new(Uuid::from_u128(7)),
        workspace: WorkspaceId::new(Uuid::from_u128(4)),
        customer: "cus_1".to_owned(),
        description: "500 credits & more".to_owned(),
        price: Money::from_minor(9_500, Currency::ZAR),
    }
}

fn session() -> Value {
    json!({
        "id": "cs_1", "object": "checkout.session", "status": "open", "payment_status": "unpaid",
        "url": "https://pay", "metadata": { "order_id": ORDER }, "brand_new": [1],
    })
}

async fn create_customer(server: &Server) -> Result<String, PaymentProviderError> {
    let email = "ada@example.com".parse().expect("an address");
    gateway(server).create_customer(request().workspace, &email, None).await
}

fn code(outcome: Result<String, PaymentProviderError>) -> String {
    match outcome {
        Err(PaymentProviderError::Refused { code }) => code,
        other => panic!("not refused: {other:?}"),
    }
}

fn is_unavailable<T>(outcome: &Result<T, PaymentProviderError>) -> bool {
    matches!(outcome, Err(PaymentProviderError::Unavailable(_)))
}

/// The form, decoded, in the order it was sent.
fn form(asked: &Asked) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://form/?{}", asked.body)).expect("a form");
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

#[tokio::test]
async fn a_customer_is_made_once_for_each_workspace() {
    let server = Server::start([Reply::json(200, json!({ "id": "cus_1", "x": null }))]).await;
    assert_eq!(create_customer(&server).await.expect("made"), "cus_1");
    let [asked] = &server.asked()[..] else { panic!("asked once") };
    assert_eq!(asked.line, "POST /stripe/v1/customers");
    assert_eq!(
        asked.body,
        format!("email=ada%40example.com&metadata%5Bworkspace_id%5D={WORKSPACE}")
    );
    for (name, value) in [
        ("authorization", format!("Bearer {KEY}")),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("idempotency-key", format!("customer:{WORKSPACE}")),
        ("stripe-version", "2026-10-28.endive".to_owned()),
    ] {
        assert_eq!(asked.header(name), Some(value.as_str()), "{name}");
    }
    assert_eq!(gateway(&server).name(), ProviderName::Stripe);
}

#[tokio::test]
async fn a_customer_made_instead_of_another_has_a_key_of_its_own() {
    let server = Server::start([Reply::json(200, json!({ "id": "cus_2" }))]).await;
    let email = "ada@example.com".parse().expect("an address");
    let gateway = gateway(&server);
    let made = gateway.create_customer(request().workspace, &email, Some("cus_1")).await;
    assert_eq!(made.expect("made"), "cus_2");
    let [asked] = &server.asked()[..] else { panic!("asked once") };
    let key = format!("customer:{WORKSPACE}:cus_1");
    assert_eq!(asked.header("idempotency-key"), Some(key.as_str()));
}

#[tokio::test]
async fn a_checkout_says_what_is_bought_for_how_much_and_whose_order_it_is() {
    let server = Server::start([Reply::json(200, session())]).await;
    let checkout = gateway(&server).open_checkout(&request()).await.expect("opened");
    let state = RemoteState::Open { url: "https://pay".to_owned() };
    let order = Some(request().order);
    assert_eq!(checkout, RemoteCheckout { id: "cs_1".to_owned(), order, state });
    let [asked] = &server.asked()[..] else { panic!("asked once") };
    assert_eq!(asked.line, "POST /stripe/v1/checkout/sessions");
    assert_eq!(asked.header("idempotency-key"), Some(format!("checkout:{ORDER}:cus_1").as_str()));
    let form = form(asked);
    let form: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        form,
        [
            ("mode", "payment"),
            ("customer", "cus_1"),
            ("client_reference_id", ORDER),
            ("success_url", "https://cape.example/paid?session={CHECKOUT_SESSION_ID}"),
            ("cancel_url", "https://cape.example/pricing"),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", "zar"),
            ("line_items[0][price_data][unit_amount]", "9500"),
            ("line_items[0][price_data][product_data][name]", "500 credits & more"),
            ("metadata[order_id]", ORDER),
            ("metadata[workspace_id]", WORKSPACE),
            ("payment_intent_data[metadata][order_id]", ORDER),
        ]
    );
}

#[tokio::test]
async fn whatever_fails_is_repeated_under_the_same_key() {
    for (what, failures) in [
        ("a broken connection", vec![Reply::HangUp, Reply::HangUp]),
        ("a server's failure", vec![Reply::json(500, ""), Reply::json(503, "<html>")]),
        ("contention", vec![Reply::json(409, json!({})), Reply::json(429, json!({}))]),
    ] {
        let replies = failures.into_iter().chain([Reply::json(200, session())]);
        let server = Server::start(replies).await;
        gateway(&server).open_checkout(&request()).await.expect(what);
        let asked = server.asked();
        assert_eq!(asked.len(), 3, "{what}");
        assert_eq!(
            asked[0].header("idempotency-key"),
            Some(format!("checkout:{ORDER}:cus_1").as_str())
        );
        assert!(asked.iter().all(|again| *again == asked[0]), "{what}");
    }
}

#[tokio::test]
async fn a_third_failure_is_the_last_and_nothing_is_known() {
    for status in [409, 429, 500, 502, 503, 504] {
        let failure = || Reply::json(status, json!({ "error": { "code": "lock_timeout" } }));
        let server = Server::start([failure(), failure(), failure(), failure()]).await;
        assert!(is_unavailable(&create_customer(&server).await), "{status}");
        assert_eq!(server.asked().len(), 3, "{status}");
    }
    let server = Server::start([]).await;
    assert!(is_unavailable(&create_customer(&server).await));
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn stripe_knows_best_whether_to_try_again() {
    let told = |status, headers| {
        let body = json!({ "error": { "code": "told" } }).to_string();
        Reply::Answer { status, headers, body }
    };
    let server = Server::start([told(500, &["stripe-should-retry: false"])]).await;
    assert!(is_unavailable(&create_customer(&server).await));
    assert_eq!(server.asked().len(), 1, "a failure that would be the same again");

    let success = Reply::json(200, json!({ "id": "cus_1" }));
    let server = Server::start([told(400, &["stripe-should-retry: true"]), success]).await;
    assert_eq!(create_customer(&server).await.expect("made"), "cus_1");

    let success = Reply::json(200, json!({ "id": "cus_1" }));
    let server = Server::start([told(429, &["retry-after: 1"]), success]).await;
    let begun = Instant::now();
    assert_eq!(create_customer(&server).await.expect("made"), "cus_1");
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_refusal_is_told_in_stripes_own_word_and_not_repeated() {
    for (status, body, expected) in [
        (
            400,
            json!({ "error": { "code": "parameter_unknown", "type": "x" } }),
            "parameter_unknown",
        ),
        (400, json!({ "error": { "type": "idempotency_error" } }), "idempotency_error"),
        (401, json!({ "error": { "message": "no" } }), "http_401"),
        (403, json!("<html>"), "http_403"),
        (404, json!({ "error": null }), "http_404"),
    ] {
        let server = Server::start([Reply::json(status, body)]).await;
        assert_eq!(code(create_customer(&server).await), expected);
        assert_eq!(server.asked().len(), 1, "{expected}");
    }
}

#[tokio::test]
async fn a_customer_that_stripe_does_not_know_is_told_apart_from_other_refusals() {
    let error = |code: &str, param: Value| json!({ "error": { "code": code, "param": param } });
    for status in [400, 404] {
        let missing = error("resource_missing", json!("customer"));
        let server = Server::start([Reply::json(status, missing)]).await;
        let opened = gateway(&server).open_checkout(&request()).await;
        assert!(matches!(opened, Err(PaymentProviderError::UnknownCustomer)), "{opened:?}");
        assert_eq!(server.asked().len(), 1, "{status}");
    }
    for (told, param) in [
        ("resource_missing", json!("line_items[0][price]")),
        ("resource_missing", json!(null)),
        ("parameter_invalid_empty", json!("customer")),
    ] {
        let server = Server::start([Reply::json(400, error(told, param))]).await;
        let opened = gateway(&server).open_checkout(&request()).await;
        assert_eq!(code(opened.map(|checkout| checkout.id)), told);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_open_whether_it_was_done() {
    let moved =
        Reply::Answer { status: 302, headers: &["location: /elsewhere"], body: String::new() };
    let long = format!("{{\"id\":\"cus_1\",\"x\":\"{}\"}}", "x".repeat(2 << 20));
    let long = || Reply::json(200, &long);
    for replies in [
        vec![Reply::json(200, "<html>")],
        vec![Reply::json(200, "")],
        vec![Reply::json(200, json!({}))],
        vec![Reply::json(200, json!({ "id": 7 }))],
        vec![moved],
        vec![long(), long(), long()],
    ] {
        let times = replies.len();
        let server = Server::start(replies).await;
        assert!(is_unavailable(&create_customer(&server).await));
        assert_eq!(server.asked().len(), times);
    }
}

#[tokio::test]
async fn a_checkout_is_found_by_its_own_id_or_by_its_payments() {
    let mut paid = session();
    paid["status"] = json!("complete");
    paid["payment_status"] = json!("paid");
    paid["payment_intent"] = json!("pi_1");
    paid["amount_total"] = json!(9_500);
    paid["currency"] = json!("zar");
    let list = json!({ "object": "list", "data": [paid], "has_more": false });
    let server = Server::start([Reply::json(200, &paid), Reply::json(200, list)]).await;
    let amount = Money::from_minor(9_500, Currency::ZAR);
    let state = RemoteState::Paid { reference: "pi_1".to_owned(), amount };
    let expected = RemoteCheckout { id: "cs_1".to_owned(), order: Some(request().order), state };
    for object in ["cs_1", "pi_1"] {
        let found = gateway(&server).find_checkout(object).await.expect("an answer");
        assert_eq!(found.as_ref(), Some(&expected), "{object}");
    }
    let asked = server.asked();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "GET /stripe/v1/checkout/sessions/cs_1",
            "GET /stripe/v1/checkout/sessions?payment_intent=pi_1&limit=1",
        ]
    );
    assert!(asked.iter().all(|asked| asked.header("idempotency-key").is_none()));
}

#[tokio::test]
async fn what_is_none_of_ours_is_not_found() {
    let missing =
        json!({ "error": { "code": "resource_missing", "type": "invalid_request_error" } });
    let mut foreign = session();
    foreign["metadata"] = json!({ "order_id": "6735" });
    for (object, reply) in [
        ("cs_1", Reply::json(404, &missing)),
        ("pi_1", Reply::json(400, &missing)),
        ("pi_1", Reply::json(200, json!({ "data": [] }))),
        ("cs_1", Reply::json(200, &foreign)),
        ("pi_1", Reply::json(200, json!({ "data": [foreign] }))),
    ] {
        let server = Server::start([reply]).await;
        assert_eq!(gateway(&server).find_checkout(object).await.expect("an answer"), None);
        assert_eq!(server.asked().len(), 1);
    }
    let server = Server::start([]).await;
    for object in ["", "cus_1", "evt_1", "cs", "cs_1/../../customers", "pi_1&x=y", "cs_ü", "CS_1"]
    {
        let found = gateway(&server).find_checkout(object).await.expect("no answer is needed");
        assert_eq!(found, None, "{object}");
    }
    assert_eq!(server.asked(), []);
}

#[tokio::test]
async fn a_search_that_fails_is_not_mistaken_for_nothing_found() {
    let wrong_address = Reply::json(404, json!({ "error": { "message": "Unrecognized URL" } }));
    let server = Server::start([wrong_address]).await;
    let found = gateway(&server).find_checkout("cs_1").await;
    assert!(matches!(found, Err(PaymentProviderError::Refused { code }) if code == "http_404"));
    for (object, body) in
        [("cs_1", json!({})), ("pi_1", json!({})), ("pi_1", json!({ "data": null }))]
    {
        let server = Server::start([Reply::json(200, body)]).await;
        assert!(is_unavailable(&gateway(&server).find_checkout(object).await), "{object}");
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_the_options_say() {
    let server = Server::start([Reply::Silence, Reply::Silence]).await;
    let timeout = Duration::from_millis(200);
    let options = StripeOptions { timeout, ..options(&server.url) };
    let gateway = StripeGateway::new(options).expect("a gateway");
    let begun = Instant::now();
    assert!(is_unavailable(&gateway.open_checkout(&request()).await));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn secrets_are_neither_printed_nor_told_in_errors() {
    let server = Server::start([]).await;
    let gateway = gateway(&server);
    let error = gateway.open_checkout(&request()).await.expect_err("nobody answers");
    let printed = format!("{gateway:?} {:?} {error:?}", options(&server.url));
    for secret in [KEY, "whsec_hidden"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn options_that_would_not_work_are_refused_at_once() {
    let built = |change: fn(&mut StripeOptions)| {
        let mut options = options("http://127.0.0.1:1");
        change(&mut options);
        StripeGateway::new(options)
    };
    assert!(built(|_| ()).is_ok());
    for key in ["", "sk_\n"] {
        let built = StripeGateway::new(StripeOptions {
            secret_key: Secret::new(key),
            ..options("http://127.0.0.1:1")
        });
        assert!(matches!(built, Err(InvalidStripeOptions::SecretKey)));
    }
    let built_with = |url: &str| StripeGateway::new(options(url));
    for url in ["", "api.stripe.com", "ftp://api.stripe.com", "http://127.0.0.1/?x=1"] {
        assert!(matches!(built_with(url), Err(InvalidStripeOptions::BaseUrl)), "{url}");
    }
    let built = built(|options| options.webhook_secrets.push(Secret::new("")));
    assert!(matches!(built, Err(InvalidStripeOptions::WebhookSecret)));
}
