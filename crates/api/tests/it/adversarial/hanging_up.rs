//! Answers whose callers have left and that are hung up on: because it is set so for the provider,
//! or because too many are read on already, or for too long.
use std::sync::Arc;

use serde_json::{Value, json};

use super::{MODELS, adds_up, open_streams};
use crate::app::{
    Place, TestApp,
    caller::{Person, Program, saying},
    eventually, on_both_databases,
};

on_both_databases!(
    a_provider_that_is_not_to_be_drained_is_hung_up_on_and_what_came_is_charged_as_an_estimate,
    more_than_may_be_drained_at_once_are_hung_up_on,
    what_is_drained_for_too_long_is_hung_up_on,
);

/// A word now, and the next one in a minute.
const SILENT: &str = "hello [[sandbox: chunk_delay=60s, output_tokens=20]]";

/// Reads the first word of an answer, and leaves. Says which call it was.
async fn leave(program: &Program, model: &str, text: &str) -> String {
    let own =
        Program { http: crate::app::Http::to(program.http.base().to_owned()), ..program.clone() };
    let mut stream = own.stream(&saying(model, text)).await;
    while stream.next_json().await["choices"][0]["delta"]["content"]
        .as_str()
        .is_none_or(str::is_empty)
    {}
    stream.call.clone()
}

async fn are_open(app: &TestApp, streams: u64) {
    let what = format!("the provider sees {streams} connections");
    eventually(&what, async || open_streams(app).await == streams).await;
}

async fn settled(person: &Person) -> Vec<Value> {
    let all = super::records(person).await;
    all.into_iter().filter(|record| record["state"] == "settled").collect()
}

#[track_caller]
fn is_estimate(record: &Value) {
    assert_eq!((&record["state"], &record["estimated"]), (&json!("settled"), &json!(true)));
    let count = |class: &str| record["tokens"][class].as_u64().expect("a count");
    // 4 bytes of an answer, and what is likely to have been asked or was told to be.
    assert!(count("output") == 1 && count("input") > 0, "{record}");
}

async fn a_provider_that_is_not_to_be_drained_is_hung_up_on_and_what_came_is_charged_as_an_estimate(
    place: Arc<Place>,
) {
    let app = TestApp::at(
        place,
        &[
            ("CAPE_USAGE__LIMITS", "off"),
            ("CAPE_USAGE__OPENAI__ABANDONED", "abort"),
            ("CAPE_USAGE__ANTHROPIC__ABANDONED", "abort"),
        ],
    )
    .await;
    let (ada, program) = app.program("ada").await;
    for model in &MODELS[..2] {
        let call = leave(&program, model, SILENT).await;
        are_open(&app, 0).await;
        is_estimate(&ada.ended(&call).await);
    }
    let drained = leave(&program, MODELS[2], "hello [[sandbox: chunk_delay=100ms]]").await;
    assert_eq!(ada.record(&drained).await["state"], "running", "it is read on");
    let record = ada.ended(&drained).await;
    assert_eq!((&record["estimated"], &record["tokens"]["output"]), (&json!(false), &json!(20)));
    adds_up(&app, &ada).await;
    app.finish().await;
}

async fn more_than_may_be_drained_at_once_are_hung_up_on(place: Arc<Place>) {
    let settings = [
        ("CAPE_USAGE__LIMITS", "off"),
        ("CAPE_USAGE__ABANDONED_STREAMS", "2"),
        ("CAPE_USAGE__ABANDONED_FOR", "3s"),
    ];
    let app = TestApp::at(place, &settings).await;
    let (ada, program) = app.program("ada").await;
    for model in &MODELS[..2] {
        leave(&program, model, SILENT).await;
    }
    let third = leave(&program, MODELS[2], SILENT).await;
    are_open(&app, 2).await;
    is_estimate(&ada.ended(&third).await);
    assert_eq!(settled(&ada).await.len(), 1, "the others are read on");
    are_open(&app, 0).await;
    for record in adds_up(&app, &ada).await {
        is_estimate(&record);
    }
    app.finish().await;
}

async fn what_is_drained_for_too_long_is_hung_up_on(place: Arc<Place>) {
    let settings = [("CAPE_USAGE__LIMITS", "off"), ("CAPE_USAGE__ABANDONED_FOR", "500ms")];
    let app = TestApp::at(place, &settings).await;
    let (ada, program) = app.program("ada").await;
    for model in MODELS {
        leave(&program, model, SILENT).await;
    }
    are_open(&app, 0).await;
    for record in adds_up(&app, &ada).await {
        is_estimate(&record);
    }
    app.finish().await;
}
