//! What turns can hold: images, results that failed, and marks for the cache.
use serde_json::{Value, json};

use super::{MODELS, THINKER, asking, offering, picture, with, with_tool};
use crate::app::{TestApp, caller::micros};

fn turn(content: Value) -> Value {
    json!([{ "role": "user", "content": content }])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_shown_to_a_model_whoever_runs_it() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (owner, program) = app.program(&model.replace('.', "-")).await;
        let without = program.message(&asking(model, "Look")).await.with(200);
        let content = json!([{ "type": "text", "text": "Look" }, picture()]);
        let body = with(asking(model, "Look"), "messages", turn(content));
        let answer = program.message(&body).await;
        let message = answer.with(200);
        let read = |message: &Value| message["usage"]["input_tokens"].as_u64().expect("a count");
        assert!(read(&message) > read(&without), "{model}: {message}");
        let record = owner.record(answer.header("x-cape-call-id").expect("a call")).await;
        assert_eq!(record["tokens"]["input"], message["usage"]["input_tokens"]);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_may_be_elsewhere_and_may_be_what_a_tool_came_to() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let source = json!({ "type": "url", "url": "https://example.com/a.png" });
    let elsewhere = json!({ "type": "image", "source": source });
    let body = with(asking(THINKER, ""), "messages", turn(json!([elsewhere])));
    program.message(&body).await.with(200);

    let body = with_tool(asking(THINKER, "How is the weather?"));
    let asked = program.message(&body).await.with(200);
    let mut going_on = offering(body);
    let result = json!({
        "type": "tool_result", "tool_use_id": asked["content"][0]["id"], "is_error": true,
        "content": [{ "type": "text", "text": "broken" }, picture()],
    });
    going_on["tool_choice"] = json!({ "type": "auto" });
    let turns = going_on["messages"].as_array_mut().expect("turns");
    turns.push(json!({ "role": "assistant", "content": asked["content"] }));
    turns.push(json!({ "role": "user", "content": [result, { "type": "text", "text": "Hm?" }] }));
    let answer = program.message(&going_on).await.with(200);
    assert_eq!(answer["stop_reason"], "end_turn", "{answer}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_marked_is_written_to_the_cache_once_and_read_from_it_after_that() {
    let app = TestApp::on_sqlite(&[]).await;
    let (owner, program) = app.program("ada").await;
    let mark = json!({ "type": "ephemeral" });
    let mut body = offering(asking(THINKER, "hello"));
    body["tool_choice"] = json!({ "type": "none" });
    body["system"] = json!([
        { "type": "text", "text": "one two three" },
        { "type": "text", "text": "four five", "cache_control": { "type": "ephemeral", "ttl": "5m" } },
    ]);
    body["tools"][0]["cache_control"] = mark.clone();
    let told = |usage: &Value| {
        let count = |name: &str| usage[name].as_u64().expect("a count");
        let names = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
        names.map(count)
    };
    // Three for each of two messages; five words, and one. 120 x 1.25, 0.10 and 1.00; 20 x 5.00.
    let first = program.message(&body).await;
    assert_eq!(told(&first.with(200)["usage"]), [4, 8, 0]);
    let second = program.message(&body).await;
    assert_eq!(told(&second.with(200)["usage"]), [4, 0, 8]);
    for (answer, input) in [(&first, 8 * 150), (&second, 8 * 12)] {
        let record = owner.record(answer.header("x-cape-call-id").expect("a call")).await;
        assert_eq!(micros(&record["charge"]), input + 4 * 120 + 20 * 600, "{record}");
    }
    body["messages"][0]["content"] =
        json!([{ "type": "text", "text": "hello", "cache_control": mark.clone() }]);
    let (_, events) = program.events(&body).await;
    assert_eq!(told(&events[events.len() - 2].1["usage"]), [0, 4, 8]);
    let whole =
        with(with(asking(THINKER, "all of it"), "cache_control", mark), "system", json!("x"));
    assert_eq!(told(&program.message(&whole).await.with(200)["usage"]), [0, 10, 0]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_keeps_by_itself_passes_over_marks() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    for model in [MODELS[0], MODELS[2]] {
        let mut body = asking(model, "hello");
        let plain = program.message(&body).await.with(200);
        body["cache_control"] = json!({ "type": "ephemeral" });
        let marked = program.message(&body).await.with(200);
        assert_eq!(marked["usage"], plain["usage"], "{model}");
    }
    app.finish().await;
}
