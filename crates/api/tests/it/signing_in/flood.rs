//! Networks that send too much.
use serde_json::{Value, json};

use crate::app::{
    Answer, TestApp,
    caller::send,
    webhook::{SECRET, now, post, sign},
};

/// So few that a test uses them up, and so slowly that none comes back meanwhile.
const FEW: [(&str, &str); 5] = [
    ("CAPE_HTTP__FLOOD__ENABLED", "true"),
    ("CAPE_HTTP__FLOOD__REQUESTS", "1"),
    ("CAPE_HTTP__FLOOD__PER", "1h"),
    ("CAPE_HTTP__FLOOD__BURST", "6"),
    ("CAPE_HTTP__TRUSTED_PROXIES", "127.0.0.0/8"),
];

#[track_caller]
fn is_too_many(answer: &Answer) {
    answer.problem(429, "request.too_many");
    let seconds = answer.header("retry-after").expect("how long").parse::<u64>().expect("seconds");
    assert!((1..=3_600).contains(&seconds), "{seconds}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_sends_too_much_is_refused_but_not_who_shows_good_credentials() {
    let app = TestApp::on_sqlite(&FEW).await;
    // Two of the six: signing up and in.
    let (ada, program) = app.program("ada").await;
    for _ in 0..4 {
        app.http.get("/api/payment/pricing").await.with(200);
    }
    is_too_many(&app.http.get("/api/payment/pricing").await);
    is_too_many(&app.http.login("ada@example.com").await);
    is_too_many(&app.http.register("bob@example.com").await);
    is_too_many(&app.http.get("/no/such/page").await);
    let gateway = app.http.get("/v1/models").await;
    assert_eq!(gateway.error(429, "request.too_many")["type"], "rate_limit_error");

    ada.get("/api/user/profile").await.with(200);
    program.models().await.with(200);
    program.say("gpt-4o-mini", "hello").await.with(200);
    app.http.refresh(&ada.refresh).await.with(200);
    assert_eq!(app.http.get("/healthz").await.status, 200);
    let object = json!({ "id": "cus_1", "object": "customer" });
    let message = json!({
        "id": "evt_1", "object": "event", "type": "customer.created", "data": { "object": object },
    });
    let message = message.to_string();
    post(&app.http, &message, Some(&sign(SECRET, now(), &message))).await.with(200);

    // What is shown has to be good.
    for path in ["/api/user/profile", "/v1/models"] {
        let answer = send(app.http.request("GET", path).bearer_auth("x")).await;
        assert_eq!(answer.status, 429, "{path}");
    }
    is_too_many(&app.http.refresh("x").await);
    is_too_many(&post(&app.http, &message, Some("t=1,v1=2")).await);
    // And it opens no door that nobody has to show anything at.
    is_too_many(&ada.get("/api/payment/pricing").await);

    let elsewhere = app.http.request("GET", "/api/payment/pricing");
    let answer: Value = send(elsewhere.header("x-forwarded-for", "203.0.113.9")).await.with(200);
    assert!(answer.is_object(), "{answer}");
    app.finish().await;
}
