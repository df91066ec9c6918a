//! Beginning, stopping, and callers who leave.
use std::{sync::Arc, time::Duration};

use cape_api::{
    instance::{Duty, Instance},
    telemetry,
};
use serde_json::json;

use crate::app::{
    Place, TestApp,
    caller::{Credits, saying},
    config, eventually, on_both_databases, soon,
};

on_both_databases!(
    a_stop_finishes_streams_that_run_and_lets_no_new_call_in,
    a_caller_who_hangs_up_in_the_middle_of_a_stream_pays_for_all_of_it,
    a_caller_who_does_not_wait_for_the_answer_pays_for_it,
);

const WELCOME: i64 = 100_000_000;

async fn a_stop_finishes_streams_that_run_and_lets_no_new_call_in(place: Arc<Place>) {
    let TestApp { instance, http, place } = TestApp::at(place, &[]).await;
    http.register("ada@example.com").await.with(201);
    let ada = http.sign_in("ada@example.com").await;
    let program = ada.program().await;
    let text = "hello [[sandbox: output_tokens=20, chunk_delay=100ms]]";
    let mut stream = program.stream(&saying("gpt-4o-mini", text)).await;
    let call = stream.call.clone();
    // Its connection stays open for the next request, and there is one beside it.
    stream.next_json().await;
    program.models().await.with(200);
    let (stopped, told) = tokio::join!(instance.stop(), async {
        program.say("gpt-4o-mini", "hello").await.error(503, "stopping");
        stream.rest().await
    });
    stopped.expect("it stops in peace");
    assert!(told.done, "the stream came to its end: {told:?}");
    assert_eq!((told.finish(), told.usage()), (Some("stop"), Some((7, 20))));

    let app = TestApp::at(place, &[]).await;
    let ada = ada.at(&app);
    let record = ada.record(&call).await;
    // 120 x (7 x 0.15 + 20 x 0.60)
    assert_eq!((&record["state"], &record["charge"]), (&json!("settled"), &json!("0.001566")));
    assert_eq!(record["estimated"], false);
    assert_eq!(ada.credits().await, Credits::free(WELCOME - 1_566));
    assert_eq!(ada.get("/api/usage/summary").await.with(200)["calls"], 1);
    assert_eq!(app.place.count("SELECT count(*) FROM processes").await, 1, "it took its leave");
    app.finish().await;
}

async fn a_caller_who_hangs_up_in_the_middle_of_a_stream_pays_for_all_of_it(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let mut balance = WELCOME;
    for (model, charge) in [
        // 120 x (7 x 0.15 + 15 x 0.60)
        ("gpt-4o-mini", 1_206),
        // 120 x (7 x 0.25 + 15 x 1.25)
        ("claude-3-haiku", 2_460),
        // 120 x (7 x 0.075 + 15 x 0.30)
        ("gemini-1.5-flash", 603),
    ] {
        let text = "hello [[sandbox: output_tokens=15, chunk_delay=20ms]]";
        let mut stream = program.stream(&saying(model, text)).await;
        let call = stream.call.clone();
        stream.next_json().await;
        drop(stream);
        let record = ada.ended(&call).await;
        assert_eq!((&record["state"], &record["estimated"]), (&json!("settled"), &json!(false)));
        assert_eq!(record["tokens"]["output"], 15);
        balance -= charge;
        assert_eq!(ada.credits().await, Credits::free(balance), "{model}");
    }
    app.finish().await;
}

async fn a_caller_who_does_not_wait_for_the_answer_pays_for_it(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let asked = saying("gpt-4o-mini", "hello [[sandbox: latency=1500ms]]");
    tokio::select! {
        answer = program.chat(&asked) => panic!("too fast: {answer:?}"),
        () = eventually("it is admitted", async || ada.credits().await.held > 0) => {}
    }
    // 120 x (6 x 0.15 + 20 x 0.60)
    ada.has(WELCOME - 1_548).await;
    let records = ada.get("/api/usage/records").await.with(200);
    assert_eq!(records["data"][0]["state"], "settled");
    app.finish().await;
}

async fn begin(place: &Place, variables: &[(&str, &str)]) -> anyhow::Result<Instance> {
    let metrics = telemetry::metrics().expect("metrics");
    let page = Arc::new(move || metrics.render());
    Instance::start(&config(place, variables), Duty::Serve, page).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_for_one_instance_at_a_time() {
    let app = TestApp::on_sqlite(&[]).await;
    let second = begin(&app.place, &[]).await.err().expect("a refusal");
    assert!(second.to_string().contains("another process is using this database"), "{second}");
    let place = Arc::clone(&app.place);
    app.finish().await;
    // A program that another test starts holds what was open here for a moment.
    let begun = soon(Box::pin(async {
        loop {
            match Box::pin(begin(&place, &[])).await {
                Ok(third) => return third,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }));
    begun.await.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_does_not_begin_on_a_schema_that_is_not_there() {
    let place = Place::sqlite().await;
    let elsewhere = format!("sqlite://{}", place.file("empty.db").display());
    let other = [("DATABASE_URL", elsewhere.as_str()), ("CAPE_DATABASE__MIGRATE", "false")];
    let refused = begin(&place, &other).await.err().expect("a refusal");
    assert!(refused.to_string().contains("--migrate"), "{refused}");
    let migrated = [other[0], ("CAPE_DATABASE__MIGRATE", "true")];
    begin(&place, &migrated).await.expect("an instance").stop().await.expect("it stops");
    begin(&place, &other).await.expect("an instance").stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_is_ready_at_once() {
    let place = Place::sqlite().await;
    let begun = std::time::Instant::now();
    let app = TestApp::at(place, &[]).await;
    app.http.get("/healthz/ready").await.with(200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    app.finish().await;
}
