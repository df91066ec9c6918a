//! Requests that come again with the same `Idempotency-Key`: done once, paid once, answered alike.
mod calls;
mod formats;
mod money;
mod streams;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::app::{
    Answer, TestApp,
    caller::{Credits, Person, Program, micros, saying, send},
};

/// What a newcomer has, in millionths of a credit.
const WELCOME: i64 = 100_000_000;

/// What "hello" costs: 4 tokens in, 20 out, at 0.15 and 0.60 dollars a million, and a fifth on top.
const HELLO: i64 = 1_512;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

/// One question, in the format of the path.
fn question(path: &str, text: &str) -> Value {
    let mut asked = saying("gpt-4o-mini", text);
    if path == MESSAGES {
        asked["max_tokens"] = json!(1_000);
    }
    asked
}

/// The same, to be answered in pieces.
fn in_pieces(path: &str, text: &str) -> Value {
    let mut asked = question(path, text);
    asked["stream"] = true.into();
    asked
}

fn keyed(program: &Program, path: &str, key: &str, body: &Value) -> RequestBuilder {
    program.request("POST", path).header("Idempotency-Key", key).json(body)
}

/// Asks under a key. Where paid routes are closed for a moment, it asks again.
async fn ask(program: &Program, path: &str, key: &str, body: &Value) -> Answer {
    loop {
        let answer = send(keyed(program, path, key, body)).await;
        if answer.status != 503 || !answer.text.contains("paid_calls_closed") {
            return answer;
        }
    }
}

/// Asks until the request is not being carried out any more.
async fn ask_until_answered(program: &Program, path: &str, key: &str, body: &Value) -> Answer {
    let begun = std::time::Instant::now();
    loop {
        let answer = ask(program, path, key, body).await;
        if answer.status != 409 {
            return answer;
        }
        assert!(begun.elapsed() < crate::app::PATIENCE, "it is never answered");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Whether an answer was given before.
fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

async fn calls(app: &TestApp) -> i64 {
    app.place.count("SELECT count(*) FROM calls").await
}

async fn stored(app: &TestApp) -> i64 {
    app.place.count("SELECT count(*) FROM idempotency_entries").await
}

/// There was one call, and it was paid for once.
async fn paid_once(app: &TestApp, person: &Person, call: &str) {
    assert_eq!(calls(app).await, 1);
    let charge = micros(&person.ended(call).await["charge"]);
    assert!(charge > 0);
    assert_eq!(person.credits().await, Credits::free(WELCOME - charge));
}

/// A client whose connections are its own: dropping it hangs up.
fn client() -> Client {
    Client::builder().no_proxy().tls_certs_only([]).build().expect("a client")
}
