//! Killed in the middle of fifty streams: whatever was under way is in the books when the next
//! process has started.
//!
//! Platform and sandbox are processes of their own here, so that one survives the other.
pub(crate) mod program;

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use self::program::Program;
use crate::app::{
    Http, Place,
    caller::{self, Person, saying},
    on_both_databases,
    stream::Stream,
};

const STREAMS: i64 = 50;
const MODELS: [&str; 3] = ["gpt-4o-mini", "claude-3-haiku", "gemini-1.5-flash"];
/// Twenty seconds of it.
const SAY: &str = "Count. [[sandbox: chunk_delay=100ms, output_tokens=200]]";
/// Enough of each stream that a checkpoint, which comes every second, was written.
const PIECES: usize = 16;
/// What a workspace begins with, in millionths of a credit.
const WELCOME: i64 = 100_000_000;
/// A process is taken for dead after fifteen seconds where others may be working beside it, and it
/// is looked for every five.
const SWEPT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);

on_both_databases!(fifty_streams_that_a_kill_cut_are_in_the_books_after_the_restart);

async fn fifty_streams_that_a_kill_cut_are_in_the_books_after_the_restart(place: Arc<Place>) {
    let sandbox = Program::sandbox(&place);
    let platform = Program::platform(&place, &sandbox);
    let person = register(&platform).await;
    let streams = begin_streams(&person).await;
    assert_eq!(count(&place, "holds", "open").await, STREAMS);
    platform.kill();
    drop(streams);

    let platform = Program::platform(&place, &sandbox);
    let person = Person { http: Http::to(platform.url().to_owned()), ..person };
    until_nothing_is_held(&person).await;

    let charges = charges_of_estimates(&person).await;
    assert_eq!(i64::try_from(charges.len()), Ok(STREAMS), "every call is recorded once");
    assert!(charges.iter().all(|charge| *charge > 0), "what was produced is paid for");
    let left = WELCOME - charges.iter().sum::<i64>();
    assert_eq!(person.credits().await, caller::Credits::free(left));
    assert_eq!(count(&place, "holds", "open").await, 0);
    assert_eq!(count(&place, "calls", "running").await, 0);
    platform.stop();
    program::check_ledger(&place);
}

async fn register(platform: &Program) -> Person {
    let http = Http::to(platform.url().to_owned());
    http.register("ada@example.com").await.with(201);
    http.sign_in("ada@example.com").await
}

/// Fifty streams side by side, of each of which something has arrived.
async fn begin_streams(person: &Person) -> Vec<Stream> {
    let program = person.program().await;
    let mut reading = JoinSet::new();
    for model in MODELS.into_iter().cycle().zip(0..STREAMS).map(|(model, _)| model) {
        let program = program.clone();
        reading.spawn(async move {
            let mut stream = program.stream(&saying(model, SAY)).await;
            let mut pieces = 0;
            while pieces < PIECES {
                let event = stream.next_json().await;
                let text = event["choices"][0]["delta"]["content"].as_str();
                pieces += usize::from(text.is_some_and(|text| !text.is_empty()));
            }
            stream
        });
    }
    reading.join_all().await
}

async fn count(place: &Place, table: &str, state: &str) -> i64 {
    place.count(&format!("SELECT count(*) FROM {table} WHERE state = '{state}'")).await
}

async fn until_nothing_is_held(person: &Person) {
    let swept = tokio::time::timeout(SWEPT, async {
        while person.credits().await.held > 0 {
            tokio::time::sleep(PAUSE).await;
        }
    });
    swept.await.expect("what the dead process held is free");
}

/// What each call was charged, each by an estimate up to its last checkpoint.
async fn charges_of_estimates(person: &Person) -> Vec<i64> {
    let mut charges = Vec::new();
    let mut path = "/api/usage/records?limit=20".to_owned();
    loop {
        let page = person.get(&path).await.with(200);
        for record in page["data"].as_array().expect("a list") {
            assert_eq!(record["state"], "settled", "{record}");
            assert_eq!(record["estimated"], true, "{record}");
            let output = record["tokens"]["output"].as_u64().expect("a count");
            assert!((1..200).contains(&output), "{record}");
            charges.push(caller::micros(&record["charge"]));
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/usage/records?limit=20&cursor={cursor}"),
            None => return charges,
        }
    }
}
