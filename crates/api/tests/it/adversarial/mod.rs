//! Providers that answer what none should, and callers who leave: nothing falls over, whoever asked
//! is told in their own format, and the ledger is sound.
mod bodies;
mod figures;
pub(crate) mod format;
mod hanging_up;
mod leaving;
mod memory;
mod storms;

use serde_json::Value;

use self::format::Format;
use crate::app::{
    TestApp,
    caller::{Person, Program, micros},
    eventually,
};

/// What a workspace begins with, in millionths of a credit.
const WELCOME: i64 = 100_000_000;

/// One of each provider.
pub(crate) const MODELS: [&str; 3] = ["gpt-4o-mini", "claude-3-haiku", "gemini-1.5-flash"];

/// Each call is sent to its provider, once, whatever became of those before.
const ASKED_ALWAYS_AND_ONCE: [(&str, &str); 3] = [
    ("CAPE_USAGE__LIMITS", "off"),
    ("CAPE_USAGE__ATTEMPTS", "1"),
    ("CAPE_USAGE__CIRCUIT_FAILURES", "0"),
];

/// All records of a workspace, newest first.
async fn records(person: &Person) -> Vec<Value> {
    let mut all = Vec::new();
    let mut path = "/api/usage/records?limit=100".to_owned();
    loop {
        let page = person.get(&path).await.with(200);
        all.extend(page["data"].as_array().expect("a list").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/usage/records?limit=100&cursor={cursor}"),
            None => return all,
        }
    }
}

/// Waits until nothing runs any more. Then what was charged is what is missing, to the last
/// millionth. Gives the records, newest first.
async fn adds_up(app: &TestApp, person: &Person) -> Vec<Value> {
    eventually("every call is over", async || app.instance.platform.tasks.running() == 0).await;
    let all = records(person).await;
    let charged: i64 = all.iter().map(|record| micros(&record["charge"])).sum();
    let credits = person.credits().await;
    assert_eq!((credits.held, credits.balance - credits.owed), (0, WELCOME - charged));
    assert!(all.iter().all(|record| record["state"] != "running"));
    app.ledger_is_sound().await;
    all
}

/// Everybody is served as if nothing had happened.
async fn still_answers(program: &Program) {
    for format in Format::ALL {
        for model in MODELS {
            let answer = format.ask(program, model, "hello", false).await;
            assert_eq!(answer.status, 200, "{format:?} {model}: {}", answer.text);
        }
    }
}

/// How many answers the sandbox is sending in pieces.
async fn open_streams(app: &TestApp) -> u64 {
    let told = app.http.get(&format!("{}/_sandbox/streams", app.sandbox())).await.with(200);
    told["open"].as_u64().expect("a count")
}
