//! What is running ends, though the provider is silent, and what came is paid for.
use std::{sync::Arc, time::Instant};

use serde_json::json;

use super::{MODEL, UNLIMITED, all, release, stop, tells};
use crate::app::{
    Place, TestApp,
    caller::{Credits, Program, micros, saying},
    eventually, on_both_databases,
};

on_both_databases!(
    a_stream_ends_though_its_provider_is_silent,
    a_key_that_is_revoked_ends_its_streams,
);

const WELCOME: i64 = 100_000_000;

/// The first of 20 words, and the second in a minute.
const SILENT: &str = "hello [[sandbox: chunk_delay=60s, output_tokens=20]]";

async fn a_stream_ends_though_its_provider_is_silent(place: Arc<Place>) {
    let app = TestApp::at(place, &UNLIMITED).await;
    let (ada, program) = app.program("ada").await;
    let operator = app.operator("grace").await;
    let mut paid = 0;
    for target in all(&ada, &program).await {
        let mut stream = program.stream(&saying(MODEL, SILENT)).await;
        let call = stream.call.clone();
        while stream.next_json().await["choices"][0]["delta"]["content"] == json!("") {}
        stop(&operator, &target).await.with(200);
        let told = stream.rest().await;
        assert!(!told.done, "it does not look whole: {told:?}");
        tells(&told.events.last().expect("an event")["error"], &target);
        let record = ada.ended(&call).await;
        assert_eq!((&record["state"], &record["estimated"]), (&json!("settled"), &json!(true)));
        paid += micros(&record["charge"]);
        assert_eq!(ada.credits().await, Credits::free(WELCOME - paid));
        assert_eq!(release(&operator, &target).await.status, 204);
        until_it_calls_again(&program).await;
        paid += 1_512;
    }
    app.finish().await;
}

async fn until_it_calls_again(program: &Program) {
    eventually("it calls again", async || program.say(MODEL, "hello").await.status == 200).await;
}

async fn a_key_that_is_revoked_ends_its_streams(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let mut stream = program.stream(&saying(MODEL, SILENT)).await;
    let call = stream.call.clone();
    stream.next_json().await;
    let revoked = Instant::now();
    assert_eq!(ada.delete(&format!("/api/keys/{}", program.id)).await.status, 204);
    let told = stream.rest().await;
    assert!(revoked.elapsed().as_secs() < 20, "nobody waits for the provider");
    let error = &told.events.last().expect("an event")["error"];
    assert_eq!((told.done, &error["code"]), (false, &json!("invalid_api_key")), "{told:?}");
    ada.ended(&call).await;
    assert_eq!(ada.credits().await.held, 0);
    app.finish().await;
}
