//! Callers who leave after any piece of an answer: it is read to its end, and they are charged what
//! the provider tells.
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::Client;
use tokio::task::JoinSet;

use super::{Format, MODELS, adds_up, open_streams};
use crate::app::{
    Place, TestApp,
    caller::{Program, micros},
    eventually, on_both_databases, soon,
};

on_both_databases!(whoever_leaves_after_any_piece_is_charged_what_the_provider_tells);

/// An answer of five words, each in a piece of its own.
const PIECES: &str = "hello [[sandbox: chunk_delay=15ms, output_tokens=5]]";
/// All of it may take so long.
const LIMIT: Duration = Duration::from_mins(1);

/// Asks on a connection of its own, reads so many events and hangs up. Says which call it was, and
/// whether there was more.
async fn ask_and_leave(
    program: &Program,
    format: Format,
    model: &str,
    events: usize,
) -> (String, bool) {
    let body = format.body(model, PIECES, 100, true);
    let request = format.request(program, model, &body, true).build().expect("a request");
    let client = Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
    let mut response = soon(client.execute(request)).await.expect("an answer");
    assert_eq!(response.status(), 200);
    let call = response.headers().get("x-cape-call-id").expect("a call");
    let call = call.to_str().expect("a text").to_owned();
    let (mut read, mut more) = (String::new(), true);
    while more && read.matches("\n\n").count() < events {
        match soon(response.chunk()).await.expect("it goes on") {
            Some(chunk) => read.push_str(std::str::from_utf8(&chunk).expect("UTF-8")),
            None => more = false,
        }
    }
    (call, more)
}

/// Asks for an answer in one piece, and does not wait for it.
async fn ask_and_do_not_wait(program: &Program, format: Format, model: &str) {
    let body = format.body(model, "hello [[sandbox: latency=150ms]]", 100, false);
    let request = format.request(program, model, &body, false).build().expect("a request");
    let client = Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
    let answer = tokio::time::timeout(Duration::from_millis(100), client.execute(request));
    drop(answer.await);
}

async fn whoever_leaves_after_any_piece_is_charged_what_the_provider_tells(place: Arc<Place>) {
    let begun = Instant::now();
    let app = TestApp::at(place, &[("CAPE_USAGE__LIMITS", "off")]).await;
    let (ada, program) = app.program("ada").await;
    let mut whole = BTreeMap::new();
    for format in Format::ALL {
        for model in MODELS {
            let answer = format.ask(&program, model, PIECES, true).await;
            let record = ada.ended(answer.header("x-cape-call-id").expect("a call")).await;
            assert_eq!(
                (&record["estimated"], &record["tokens"]["output"]),
                (&false.into(), &5.into())
            );
            let events = answer.text.matches("\n\n").count();
            assert!(events >= 5, "{}", answer.text);
            whole.insert((format, model), (micros(&record["charge"]), events));
        }
    }
    let mut leaving = JoinSet::new();
    for ((format, model), (charge, events)) in whole {
        let program = program.clone();
        leaving.spawn(async move {
            let mut calls = Vec::new();
            for events in 0..=events {
                let (call, more) = ask_and_leave(&program, format, model, events).await;
                calls.push((call, charge, format!("{format:?} {model} {events} {more}")));
            }
            calls
        });
    }
    let calls = leaving.join_all().await.concat();
    assert!(calls.len() > 12 * 6, "after every piece: {}", calls.len());
    let all = adds_up(&app, &ada).await;
    for (call, charge, what) in calls {
        let record = all.iter().find(|record| record["id"] == *call).expect("recorded");
        assert_eq!((&record["state"], &record["estimated"]), (&"settled".into(), &false.into()));
        assert_eq!(micros(&record["charge"]), charge, "{what}");
    }
    assert_eq!(open_streams(&app).await, 0);

    for format in Format::ALL {
        for model in MODELS {
            ask_and_do_not_wait(&program, format, model).await;
        }
    }
    eventually("every call is over", async || app.instance.platform.tasks.running() == 0).await;
    let after = adds_up(&app, &ada).await;
    for record in &after[..after.len() - all.len()] {
        assert_eq!((&record["state"], &record["estimated"]), (&"settled".into(), &false.into()));
        assert_eq!(record["tokens"]["output"], 20, "{record}");
    }
    assert_eq!(after.len() - all.len(), 12, "each was made");
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    app.finish().await;
}
