//! The sandbox over HTTP, on a free port of the loopback.
mod anthropic;
mod embeddings;
mod faults;
mod gemini;
mod lifecycle;
mod mailbox;
mod openai;
mod openai_more;
mod stripe;
mod webhooks;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use cape_sandbox::{Sandbox, SandboxOptions};
use chrono::{DateTime, Utc};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

/// When every test begins, in seconds since 1970.
const BEGINNING: i64 = 1_800_000_000;

/// A sandbox, whoever asks it, and its time.
struct Bench {
    sandbox: Sandbox,
    client: Client,
    seconds: Arc<AtomicI64>,
}

impl Bench {
    fn start() -> Self {
        let seconds = Arc::new(AtomicI64::new(BEGINNING));
        let clock = Arc::clone(&seconds);
        let read = move || at(clock.load(Ordering::Relaxed));
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let sandbox = Sandbox::start(SandboxOptions::new(listen, read)).expect("a sandbox");
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { sandbox, client: client.build().expect("a client"), seconds }
    }

    fn advance(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.sandbox.base_url()))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.sandbox.base_url()))
    }

    async fn count(&self, path: &str, name: &str) -> u64 {
        let (_, body) = read(self.get(path)).await;
        body[name].as_u64().expect("a count")
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

async fn read(request: RequestBuilder) -> (u16, Value) {
    let response = send(request).await;
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}")))
}

/// The events of a stream that ended as it should: their names, if they have any, and their data.
async fn events(request: RequestBuilder) -> Vec<(String, String)> {
    let response = send(request).await;
    assert_eq!(response.status().as_u16(), 200);
    let kind = response.headers()["content-type"].to_str().expect("a type").to_owned();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    let text = response.text().await.expect("a whole stream").replace("\r\n", "\n");
    let blocks = text.split_terminator("\n\n").map(|block| {
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().to_owned()
        };
        (field("event: "), field("data: "))
    });
    blocks.collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// Waits up to ten seconds for something to become true.
async fn eventually<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    for _ in 0..1_000 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen that {what}");
}
