//! Calls of models that are answered in pieces.
use std::sync::Arc;

use super::{
    CHAT, MESSAGES, ask, ask_until_answered, calls, client, in_pieces, is_replayed, keyed,
    paid_once, stored,
};
use crate::app::{
    Answer, Place, TestApp,
    caller::{Person, Program},
    eventually, on_both_databases, soon,
};

on_both_databases!(
    a_stream_is_given_again_byte_by_byte,
    who_left_in_the_middle_gets_the_whole_answer_and_pays_once,
);

/// How a stream ends that ended well.
fn last_event(path: &str) -> &'static str {
    if path == CHAT { "data: [DONE]\n\n" } else { "data: {\"type\":\"message_stop\"}\n\n" }
}

#[track_caller]
fn assert_whole(path: &str, answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert!(answer.text.ends_with(last_event(path)), "{}", answer.text);
}

async fn a_stream_is_given_again_byte_by_byte(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    for (path, name) in [(CHAT, "ada"), (MESSAGES, "bob")] {
        let (_, program) = app.program(name).await;
        let asked = in_pieces(path, "hello [[sandbox: chunk_delay=2ms]]");
        let first = ask(&program, path, "request-1", &asked).await;
        assert_whole(path, &first);
        assert!(!is_replayed(&first));
        // Whoever has read the end gets it again at once.
        let again = ask(&program, path, "request-1", &asked).await;
        assert_whole(path, &again);
        assert!(is_replayed(&again) && again.text == first.text);
        for header in ["x-cape-call-id", "x-accel-buffering"] {
            assert_eq!(again.header(header), first.header(header), "{header}");
        }
    }
    assert_eq!(calls(&app).await, 2);
    app.finish().await;
}

/// Asks, reads the first piece and hangs up. Says which call it was.
async fn ask_and_leave(program: &Program, path: &str, key: &str, text: &str) -> String {
    let request = keyed(program, path, key, &in_pieces(path, text)).build().expect("a request");
    let client = client();
    let mut response = soon(client.execute(request)).await.expect("an answer");
    assert_eq!(response.status(), 200);
    let call = response.headers().get("x-cape-call-id").expect("a call");
    let call = call.to_str().expect("a text").to_owned();
    soon(response.chunk()).await.expect("it goes on").expect("a piece");
    call
}

async fn who_left_in_the_middle_gets_the_whole_answer_and_pays_once(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    leave_and_return(&app, &ada, &program, CHAT).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_does_who_left_an_answer_in_anthropics_format() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    leave_and_return(&app, &ada, &program, MESSAGES).await;
    app.finish().await;
}

async fn leave_and_return(app: &TestApp, ada: &Person, program: &Program, path: &str) {
    let text = "count [[sandbox: chunk_delay=25ms, output_tokens=40]]";
    let call = ask_and_leave(program, path, "request-1", text).await;
    let asked = in_pieces(path, text);
    let while_it_runs = ask(program, path, "request-1", &asked).await;
    assert_eq!(while_it_runs.status, 409, "{}", while_it_runs.text);
    let again = ask_until_answered(program, path, "request-1", &asked).await;
    assert_whole(path, &again);
    assert!(is_replayed(&again));
    assert_eq!(again.header("x-cape-call-id"), Some(&*call));
    paid_once(app, ada, &call).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_whose_caller_left_is_kept_before_the_platform_stops() {
    let place = Place::sqlite().await;
    let app = TestApp::at(place.clone(), &[]).await;
    let (_, program) = app.program("ada").await;
    let text = "count [[sandbox: chunk_delay=20ms, output_tokens=20]]";
    let call = ask_and_leave(&program, CHAT, "request-1", text).await;
    assert!(app.instance.platform.tasks.running() > 0, "it is being answered");
    app.instance.stop().await.expect("it stops");
    let app = TestApp::at(place, &[]).await;
    let again = ask(&program.at(&app), CHAT, "request-1", &in_pieces(CHAT, text)).await;
    assert_whole(CHAT, &again);
    assert!(is_replayed(&again) && again.header("x-cape-call-id") == Some(&*call));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_broke_off_is_not_given_again() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    for (number, path) in (1..).zip([CHAT, MESSAGES]) {
        let asked = in_pieces(path, "hello [[sandbox: cut_after=3]]");
        for _ in 0..2 {
            let cut = ask_until_answered(&program, path, "request-1", &asked).await;
            assert_eq!(cut.status, 200, "{}", cut.text);
            assert!(!is_replayed(&cut) && !cut.text.ends_with(last_event(path)), "{}", cut.text);
            eventually("the key is free", async || stored(&app).await == 0).await;
        }
        assert_eq!(calls(&app).await, 2 * number);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_too_large_is_not_kept_and_not_paid_for_twice() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let mut asked = in_pieces(CHAT, "hello [[sandbox: output_tokens=8000]]");
    asked["max_tokens"] = 8_000.into();
    let first = ask(&program, CHAT, "request-1", &asked).await;
    assert_whole(CHAT, &first);
    assert!(first.text.len() > 1 << 20, "{}", first.text.len());
    let call = first.header("x-cape-call-id").expect("a call");
    for _ in 0..2 {
        let again = ask(&program, CHAT, "request-1", &asked).await;
        again.error(422, "idempotency.answer_not_kept");
        assert_eq!(again.header("x-cape-call-id"), Some(call), "its receipt can be looked up");
    }
    paid_once(&app, &ada, call).await;
    app.finish().await;
}
