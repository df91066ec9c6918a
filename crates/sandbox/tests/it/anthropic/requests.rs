//! Images, what is kept, counts and failures in the middle, as an Anthropic client sees them.
use serde_json::{Value, json};

use super::{ask, hello, picture};
use crate::{Bench, events, json, read};

#[tokio::test(flavor = "multi_thread")]
async fn images_are_taken_and_counted() {
    let bench = Bench::start();
    let mut body = hello();
    body["messages"][0]["content"] = json!([{"type": "text", "text": "Look"}, picture(),
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]);
    let (status, answer) = read(ask(&bench, &body)).await;
    assert_eq!((status, &answer["usage"]["input_tokens"]), (200, &(3 + 3 + 3 + 1 + 170).into()));
    for (path, value) in [
        ("/messages/0/content/1/source/media_type", json!("image/bmp")),
        ("/messages/0/content/1/source/data", json!("?")),
        ("/messages/0/content/2/source/url", json!("http://example.com/a.png")),
        ("/messages/0/role", json!("assistant")),
    ] {
        let mut wrong = body.clone();
        *wrong.pointer_mut(path).expect("there") = value;
        assert_eq!(read(ask(&bench, &wrong)).await.0, 400, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_is_read_from_the_cache_the_next_time() {
    let bench = Bench::start();
    let mut body = hello();
    body["system"] = json!([{"type": "text", "text": "one two three",
        "cache_control": {"type": "ephemeral"}}]);
    let told = |answer: &Value| {
        let usage = &answer["usage"];
        let count = |name: &str| usage[name].as_u64().expect("a count");
        [
            count("input_tokens"),
            count("cache_creation_input_tokens"),
            count("cache_read_input_tokens"),
        ]
    };
    // Three for each of the two messages; three words, and two.
    assert_eq!(told(&read(ask(&bench, &body)).await.1), [5, 6, 0]);
    assert_eq!(told(&read(ask(&bench, &body)).await.1), [5, 0, 6]);
    body["messages"][0]["content"] =
        json!([{"type": "text", "text": "Hello there", "cache_control": {"type": "ephemeral"}}]);
    let (_, answer) = read(ask(&bench, &body)).await;
    assert_eq!(told(&answer), [0, 5, 6]);
    let kept = &answer["usage"]["cache_creation"];
    assert_eq!(*kept, json!({"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 0}));
    body["system"][0]["text"] = "one two four".into();
    assert_eq!(told(&read(ask(&bench, &body)).await.1), [0, 11, 0]);
    for mark in [json!({"type": "eternal"}), json!({"type": "ephemeral", "ttl": "1h"}), json!(1)] {
        body["system"][0]["cache_control"] = mark;
        assert_eq!(read(ask(&bench, &body)).await.0, 400);
    }
    let block = json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}});
    body["system"] = vec![block; 5].into();
    assert_eq!(read(ask(&bench, &body)).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted_as_an_answer_would_tell_them() {
    let bench = Bench::start();
    let count = |body: &Value| {
        let request = bench.post("/anthropic/v1/messages/count_tokens");
        let request = request.header("x-api-key", "sk-ant-sandbox");
        request.header("anthropic-version", "2023-06-01").json(body)
    };
    let mut body = hello();
    let (status, refused) = read(count(&body)).await;
    assert!(status == 400 && refused.to_string().contains("max_tokens"), "{refused}");
    let (_, answer) = read(ask(&bench, &body)).await;
    body.as_object_mut().expect("an object").remove("max_tokens");
    body["thinking"] = json!({"type": "enabled", "budget_tokens": 2_048});
    let (status, counted) = read(count(&body)).await;
    assert_eq!((status, &counted["input_tokens"]), (200, &answer["usage"]["input_tokens"]));
    body["messages"][0]["content"] = "Hello [[sandbox: status=529]]".into();
    let (status, refused) = read(count(&body)).await;
    assert_eq!((status, &refused["error"]["type"]), (529, &"overloaded_error".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_can_fail_in_the_middle() {
    let bench = Bench::start();
    for (after, heard) in [(0, 0), (3, 3)] {
        let mut body = hello();
        body["stream"] = true.into();
        body["messages"][0]["content"] = format!("Hello [[sandbox: fail_after={after}]]").into();
        let events = events(ask(&bench, &body)).await;
        let deltas = events.iter().filter(|(kind, _)| kind == "content_block_delta").count();
        assert_eq!(deltas, heard);
        let (kind, data) = events.last().expect("events");
        let error = json!({"type": "overloaded_error", "message": "Overloaded"});
        assert_eq!((kind.as_str(), &json(data)["error"]), ("error", &error));
    }
}
