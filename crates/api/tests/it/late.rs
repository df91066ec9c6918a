//! Calls that come back after they were given up: what they had been charged as an estimate is
//! corrected, once, by what they really used.
use std::{process::Command, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    app::{
        Http, PATIENCE, Place, TestApp,
        caller::{Credits, Person, micros, saying},
        eventually, on_both_databases,
        stream::Stream,
    },
    kill::program::{self, Program},
};

/// What a workspace begins with, in millionths of a credit.
const WELCOME: i64 = 100_000_000;
const MODELS: [&str; 3] = ["gpt-4o-mini", "claude-3-haiku", "gemini-1.5-flash"];
/// A process is taken for dead after fifteen seconds, and it is looked for every five.
const SWEPT: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(200);

on_both_databases!(a_call_that_outlives_its_hold_is_charged_what_it_really_used);

async fn a_call_that_outlives_its_hold_is_charged_what_it_really_used(place: Arc<Place>) {
    let app = TestApp::at(
        place,
        &[
            ("CAPE_USAGE__LONGEST_CALL", "3s"),
            ("CAPE_USAGE__OPENAI__ANSWER_TIMEOUT", "1s"),
            ("CAPE_USAGE__ANTHROPIC__ANSWER_TIMEOUT", "1s"),
            ("CAPE_USAGE__GEMINI__ANSWER_TIMEOUT", "1s"),
        ],
    )
    .await;
    let (ada, program) = app.program("ada").await;
    // They begin late, and so they end after their time, though none of them takes that long.
    let mut beginning = JoinSet::new();
    for model in MODELS {
        let program = program.clone();
        beginning.spawn(async move {
            let slowly = "hello [[sandbox: latency=2s, chunk_delay=120ms, output_tokens=20]]";
            let mut stream = program.stream(&saying(model, slowly)).await;
            stream.next_json().await;
            stream
        });
    }
    let streams = beginning.join_all().await;
    eventually("every hold is swept", async || {
        app.instance.platform.sweeper.run_due().await.expect("swept");
        ada.credits().await.held == 0
    })
    .await;
    let mut balance = WELCOME;
    let mut estimates = Vec::new();
    for stream in &streams {
        let swept = ada.record(&stream.call).await;
        assert_eq!((&swept["state"], &swept["estimated"]), (&json!("settled"), &json!(true)));
        assert_eq!(swept["correction_id"], Value::Null);
        balance -= micros(&swept["charge"]);
        estimates.push(swept);
    }
    assert_eq!(ada.credits().await, Credits::free(balance));
    let mut corrected = WELCOME;
    for (stream, estimate) in streams.into_iter().zip(&estimates) {
        let call = stream.call.clone();
        assert!(stream.rest().await.done, "whoever reads along is told all of it");
        corrected -= is_corrected(&ada, &call, estimate).await;
    }
    assert_eq!(ada.credits().await, Credits::free(corrected));
    app.finish().await;
}

/// The call is no estimate any more, and its receipt adds up. Says what it was charged.
async fn is_corrected(person: &Person, call: &str, estimate: &Value) -> i64 {
    eventually("the estimate is corrected", async || {
        person.record(call).await["estimated"] == false
    })
    .await;
    let receipt = person.record(call).await;
    assert_eq!(receipt["tokens"]["output"], 20, "{receipt}");
    assert_eq!(receipt["transaction_id"], estimate["transaction_id"], "what paid first stays");
    let correction = receipt["correction_id"].as_str().expect("a transaction");
    let account = person.get("/api/payment/credits").await.with(200);
    let all = account["recent_transactions"].as_array().expect("a list");
    let shown = all.iter().find(|transaction| transaction["id"] == correction);
    let shown = shown.expect("it is shown");
    assert_eq!(shown["type"], "correction", "{account}");
    let difference = micros(&estimate["charge"]) - micros(&receipt["charge"]);
    assert_eq!(micros(&shown["amount"]), difference, "{shown}");
    let sum = |part: &Value, names: &[&str]| -> i64 {
        names.iter().map(|name| micros(&part[*name])).sum()
    };
    let lots = receipt["paid_by"].as_array().expect("a list");
    let paid = lots.iter().map(|lot| micros(&lot["amount"])).sum::<i64>()
        + sum(&receipt["beyond_hold"], &["from_available", "owed"])
        + sum(&receipt["correction"], &["from_available", "owed"])
        - sum(&receipt["correction"], &["to_available", "to_debt"]);
    assert_eq!(paid, micros(&receipt["charge"]), "{receipt}");
    assert_ne!(receipt["charge"], estimate["charge"]);
    paid
}

/// The process stands still for longer than others wait for a sign of life, and then goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_taken_for_dead_and_comes_back_corrects_what_it_was_charged() {
    let Some(place) = Place::postgres().await else { return };
    let sandbox = Program::sandbox(&place);
    let [still, survivor] = [0, 1].map(|_| Program::platform(&place, &sandbox));
    let http = Http::to(still.url().to_owned());
    http.register("ada@example.com").await.with(201);
    let ada = http.sign_in("ada@example.com").await;
    let program = ada.program().await;
    let mut streams = Vec::<Stream>::new();
    for model in MODELS {
        let ask = saying(model, "hello [[sandbox: chunk_delay=100ms, output_tokens=20]]");
        let mut stream = program.stream(&ask).await;
        stream.next_json().await;
        streams.push(stream);
    }
    signal(&still, "-STOP");
    let elsewhere = Person { http: Http::to(survivor.url().to_owned()), ..ada.clone() };
    let swept = tokio::time::timeout(SWEPT, async {
        while elsewhere.credits().await.held > 0 {
            tokio::time::sleep(PAUSE).await;
        }
    });
    swept.await.expect("what the process held is swept");
    let mut estimates = Vec::new();
    for stream in &streams {
        let estimate = elsewhere.record(&stream.call).await;
        assert_eq!(estimate["estimated"], true, "{estimate}");
        estimates.push(estimate);
    }
    signal(&still, "-CONT");
    let mut balance = WELCOME;
    for (stream, estimate) in streams.into_iter().zip(&estimates) {
        let call = stream.call.clone();
        let rest = tokio::time::timeout(PATIENCE, stream.rest()).await.expect("an end");
        assert!(rest.done, "{rest:?}");
        balance -= is_corrected(&elsewhere, &call, estimate).await;
    }
    assert_eq!(elsewhere.credits().await, Credits::free(balance));
    still.stop();
    survivor.stop();
    program::check_ledger(&place);
}

fn signal(program: &Program, signal: &str) {
    let sent = Command::new("kill").args([signal, &program.id().to_string()]).status();
    assert!(sent.expect("kill").success());
}
