//! Delivery of events to an endpoint.
use std::{
    collections::VecDeque,
    net::TcpListener,
    sync::{Arc, Mutex},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::StatusCode,
    web::{Bytes, Data, post},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio_util::task::TaskTracker;

use crate::{
    BEGINNING, Bench, eventually, json, read,
    stripe::{get, post as call, session, submit},
};

pub(crate) const SECRET: &str = "whsec_of_the_test";

#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) signature: String,
    pub(crate) body: String,
}

/// An endpoint that answers as it is told, then with 200.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    seen: Arc<Seen>,
    pub(crate) server: ServerHandle,
}

#[derive(Default)]
struct Seen {
    deliveries: Mutex<Vec<Delivery>>,
    answers: Mutex<VecDeque<u16>>,
}

impl Endpoint {
    pub(crate) fn start(answers: &[u16]) -> Self {
        let seen = Arc::new(Seen {
            answers: Mutex::new(answers.iter().copied().collect()),
            ..Seen::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let data = Data::from(Arc::clone(&seen));
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).route("/hook", post().to(take))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .expect("a server")
        .run();
        let handle = server.handle();
        TaskTracker::new().spawn(server);
        Self { url, seen, server: handle }
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.seen.deliveries.lock().expect("seen").clone()
    }

    pub(crate) async fn receives(&self, number: usize) -> Vec<Delivery> {
        eventually("all deliveries come", || async { self.deliveries().len() >= number }).await;
        self.deliveries()
    }
}

async fn take(seen: Data<Seen>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let signature = request.headers().get("stripe-signature").expect("a signature");
    let signature = signature.to_str().expect("a text").to_owned();
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    seen.deliveries.lock().expect("seen").push(Delivery { signature, body });
    let status = seen.answers.lock().expect("seen").pop_front().unwrap_or(200);
    HttpResponse::build(StatusCode::from_u16(status).expect("a status")).finish()
}

/// HMAC-SHA256 by its definition, for secrets that fit a block.
fn hmac(secret: &str, message: &str) -> String {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(secret.bytes()).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    hex::encode(Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
}

/// What a body is signed with.
pub(crate) fn signature(secret: &str, at: i64, body: &str) -> String {
    hmac(secret, &format!("{at}.{body}"))
}

pub(crate) fn assert_signed(delivery: &Delivery, secret: &str, at: i64) {
    let expected = format!("t={at},v1={}", signature(secret, at, &delivery.body));
    assert_eq!(delivery.signature, expected);
}

pub(crate) fn kinds(deliveries: &[Delivery]) -> Vec<String> {
    let kind = |delivery: &Delivery| json(&delivery.body)["type"].to_string().replace('"', "");
    let mut kinds: Vec<String> = deliveries.iter().map(kind).collect();
    kinds.sort_unstable();
    kinds
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_told_in_three_signed_events() {
    let (bench, endpoint) = (Bench::start(), Endpoint::start(&[]));
    bench.sandbox.set_webhook(&endpoint.url, SECRET);
    let session = session(&bench).await;
    submit(&bench, &session, "").await;
    let deliveries = endpoint.receives(3).await;
    let expected = ["charge.succeeded", "checkout.session.completed", "payment_intent.succeeded"];
    assert_eq!(kinds(&deliveries), expected);
    for delivery in &deliveries {
        assert_signed(delivery, SECRET, BEGINNING);
        assert!(delivery.body.contains("\n  \"object\": \"event\""), "{}", delivery.body);
        let event = json(&delivery.body);
        let path = format!("/events/{}", event["id"].as_str().expect("an id"));
        eventually("the event is noted as delivered", || async {
            read(get(&bench, &path)).await.1["pending_webhooks"] == 0
        })
        .await;
        let (_, stored) = read(get(&bench, &path)).await;
        assert_eq!(stored["data"], event["data"]);
    }
    endpoint.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_is_sent_again_until_it_is_taken() {
    let (bench, endpoint) = (Bench::start(), Endpoint::start(&[500, 404, 302]));
    bench.sandbox.set_webhook(&endpoint.url, SECRET);
    let session = session(&bench).await;
    submit(&bench, &session, "/decline").await;
    let mut bodies: Vec<String> =
        endpoint.receives(5).await.into_iter().map(|delivery| delivery.body).collect();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), 2, "a failed charge and a failed intent, whatever the tries");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(endpoint.deliveries().len(), 5);
    endpoint.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_comes_up_late_gets_its_event_with_a_new_signature() {
    let bench = Bench::start();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    bench.sandbox.set_webhook(format!("http://{address}/hook"), SECRET);
    let session = session(&bench).await;
    submit(&bench, &session, "/decline").await;
    bench.advance(7);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let seen = Data::new(Seen::default());
    let data = seen.clone();
    let server =
        HttpServer::new(move || App::new().app_data(data.clone()).route("/hook", post().to(take)))
            .workers(1)
            .disable_signals()
            .bind(address)
            .expect("the port again")
            .run();
    let handle = server.handle();
    TaskTracker::new().spawn(server);
    eventually("it comes", || async { seen.deliveries.lock().expect("seen").len() == 2 }).await;
    for delivery in seen.deliveries.lock().expect("seen").iter() {
        assert_signed(delivery, SECRET, BEGINNING + 7);
    }
    handle.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_endpoints_get_what_they_asked_for_under_their_own_secret() {
    let (bench, all, some) = (Bench::start(), Endpoint::start(&[]), Endpoint::start(&[]));
    let mut made: Vec<Value> = Vec::new();
    for (endpoint, kind) in [(&all, "*"), (&some, "charge.succeeded")] {
        let form = [("url", endpoint.url.as_str()), ("enabled_events[]", kind)];
        let (status, body) = read(call(&bench, "/webhook_endpoints", &form)).await;
        assert_eq!(status, 200, "{body}");
        made.push(body);
    }
    let (_, list) = read(get(&bench, "/webhook_endpoints")).await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    assert!(list["data"][0].get("secret").is_none());

    let first = session(&bench).await;
    submit(&bench, &first, "").await;
    let deliveries = all.receives(3).await;
    assert_signed(&deliveries[0], made[0]["secret"].as_str().expect("a secret"), BEGINNING);
    let deliveries = some.receives(1).await;
    assert_signed(&deliveries[0], made[1]["secret"].as_str().expect("a secret"), BEGINNING);
    assert_eq!(kinds(&deliveries), ["charge.succeeded"]);

    let path = format!("/stripe/v1/webhook_endpoints/{}", made[1]["id"].as_str().expect("an id"));
    let delete = || {
        let url = format!("{}{path}", bench.sandbox.base_url());
        bench.client.delete(url).bearer_auth("sk_test_1")
    };
    assert_eq!(read(delete()).await.1["deleted"], true);
    assert_eq!(read(delete()).await.0, 404);
    let second = session(&bench).await;
    submit(&bench, &second, "").await;
    all.receives(6).await;
    assert_eq!(some.deliveries().len(), 1);
    all.server.stop(false).await;
    some.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_deliveries_that_fail() {
    let bench = Bench::start();
    bench.sandbox.set_webhook("http://127.0.0.1:1/hook", SECRET);
    let session = session(&bench).await;
    submit(&bench, &session, "").await;
    let stopping = tokio::time::timeout(std::time::Duration::from_secs(2), bench.sandbox.stop());
    assert!(stopping.await.is_ok());
}
