//! What else an `OpenAI` client sees: several answers, images, probabilities, responses,
//! moderations.
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{Bench, events, json, read};

fn post(bench: &Bench, path: &str, body: &Value) -> RequestBuilder {
    bench.post(&format!("/openai/v1/{path}")).bearer_auth("sk-sandbox").json(body)
}

fn saying(model: &str, content: Value, more: Value) -> Value {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": content}]});
    for (name, value) in more.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

fn responding(more: Value) -> Value {
    let mut body = json!({"model": "gpt-4o-mini", "input": "Hello there"});
    for (name, value) in more.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

fn weather() -> Value {
    json!([{"type": "function", "name": "weather", "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }}])
}

#[tokio::test(flavor = "multi_thread")]
async fn several_answers_are_counted_and_told_side_by_side() {
    let bench = Bench::start();
    let ask = saying("gpt-4o-mini", "Hi".into(), json!({"n": 3, "max_tokens": 2}));
    let (status, body) = read(post(&bench, "chat/completions", &ask)).await;
    assert_eq!((status, body["choices"].as_array().map(Vec::len)), (200, Some(3)));
    assert_eq!(
        (&body["choices"][2]["index"], &body["usage"]["completion_tokens"]),
        (&json!(2), &json!(6))
    );
    let mut ask = ask;
    ask["stream"] = true.into();
    let events = events(post(&bench, "chat/completions", &ask)).await;
    let places: Vec<u64> = events[..events.len() - 1]
        .iter()
        .map(|(_, data)| json(data)["choices"][0]["index"].as_u64().expect("a place"))
        .collect();
    assert_eq!(places, [0, 1, 2].repeat(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_counted_and_those_that_are_none_are_refused() {
    let bench = Bench::start();
    let image = |url: &str| json!([{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": url, "detail": "low"}}]);
    for url in ["https://example.com/a.png", "data:image/png;base64,iVBORw0KGgo="] {
        let ask = saying("gpt-4o", image(url), json!({}));
        let (status, body) = read(post(&bench, "chat/completions", &ask)).await;
        assert_eq!((status, &body["usage"]["prompt_tokens"]), (200, &json!(3 + 1 + 85)));
    }
    for url in ["a.png", "data:text/plain;base64,YQ==", "data:image/png;base64,"] {
        let ask = saying("gpt-4o", image(url), json!({}));
        let (status, body) = read(post(&bench, "chat/completions", &ask)).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!("invalid_value")), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn probabilities_are_told_where_they_are_asked_for() {
    let bench = Bench::start();
    let wish = json!({"logprobs": true, "top_logprobs": 2, "max_tokens": 3});
    let mut ask = saying("gpt-4o", "Hi".into(), wish);
    let (_, body) = read(post(&bench, "chat/completions", &ask)).await;
    let tokens = body["choices"][0]["logprobs"]["content"].as_array().expect("tokens").clone();
    assert_eq!(tokens.len(), 3);
    assert_eq!(
        (&tokens[1]["token"], tokens[1]["top_logprobs"].as_array().map(Vec::len)),
        (&json!(" is"), Some(2))
    );
    ask["stream"] = true.into();
    let events = events(post(&bench, "chat/completions", &ask)).await;
    let told: Vec<Value> = events[..events.len() - 1]
        .iter()
        .filter_map(|(_, data)| json(data)["choices"][0]["logprobs"]["content"].get(0).cloned())
        .collect();
    assert_eq!(told, tokens);
    for (model, wish) in [
        ("o3", json!({"logprobs": true})),
        ("gpt-4o", json!({"top_logprobs": 2})),
        ("gpt-4o", json!({"logprobs": true, "top_logprobs": 21})),
    ] {
        let ask = saying(model, "Hi".into(), wish);
        assert_eq!(read(post(&bench, "chat/completions", &ask)).await.0, 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_think_count_it_as_output() {
    let bench = Bench::start();
    for (wish, thought, told) in [
        (json!({}), 16, 20),
        (json!({"reasoning_effort": "high"}), 32, 20),
        (json!({"reasoning_effort": "none"}), 0, 20),
        (json!({"max_completion_tokens": 20}), 16, 4),
        (json!({"max_completion_tokens": 9}), 9, 0),
    ] {
        let ask = saying("gpt-5-mini", "Hi".into(), wish);
        let (_, body) = read(post(&bench, "chat/completions", &ask)).await;
        let usage = &body["usage"];
        assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], thought, "{ask}");
        assert_eq!(usage["completion_tokens"], thought + told, "{ask}");
    }
    for (model, wish) in [
        ("gpt-4o", json!({"reasoning_effort": "low"})),
        ("gpt-5", json!({"reasoning_effort": "huge"})),
        ("gpt-4o", json!({"verbosity": "low"})),
    ] {
        let ask = saying(model, "Hi".into(), wish);
        assert_eq!(read(post(&bench, "chat/completions", &ask)).await.0, 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_says_the_same_in_one_piece_and_in_events() {
    let bench = Bench::start();
    for wish in [
        json!({}),
        json!({"tools": weather()}),
        json!({"model": "gpt-5", "reasoning": {"effort": "low", "summary": "auto"}}),
        json!({"max_output_tokens": 2, "top_logprobs": 1}),
    ] {
        let mut ask = responding(wish);
        let (status, whole) = read(post(&bench, "responses", &ask)).await;
        assert_eq!(status, 200, "{whole}");
        ask["stream"] = true.into();
        let events = events(post(&bench, "responses", &ask)).await;
        let events: Vec<(String, Value)> =
            events.into_iter().map(|(name, data)| (name, json(&data))).collect();
        for (number, (name, data)) in events.iter().enumerate() {
            assert_eq!((&data["type"], &data["sequence_number"]), (&json!(name), &json!(number)));
        }
        let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..2], ["response.created", "response.in_progress"]);
        let (_, last) = events.last().expect("events");
        for field in ["status", "usage", "incomplete_details"] {
            assert_eq!(last["response"][field], whole[field], "{field}");
        }
        let kinds = |body: &Value| -> Vec<Value> {
            body["output"]
                .as_array()
                .expect("items")
                .iter()
                .map(|item| item["type"].clone())
                .collect()
        };
        assert_eq!(kinds(&last["response"]), kinds(&whole));
        let added: String = events
            .iter()
            .filter(|(name, _)| {
                name.ends_with("output_text.delta") || name.ends_with("arguments.delta")
            })
            .filter_map(|(_, data)| data["delta"].as_str())
            .collect();
        let item = whole["output"].as_array().and_then(|items| items.last()).expect("an item");
        let said = if item["type"] == "message" {
            &item["content"][0]["text"]
        } else {
            &item["arguments"]
        };
        assert_eq!(said, &added);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_takes_a_tools_result_and_keeps_nothing() {
    let bench = Bench::start();
    let ask = responding(json!({"tools": weather()}));
    let (_, body) = read(post(&bench, "responses", &ask)).await;
    let call = body["output"][0].clone();
    assert_eq!((&call["type"], &body["status"]), (&json!("function_call"), &json!("completed")));
    let result =
        json!({"type": "function_call_output", "call_id": call["call_id"], "output": "Sun"});
    let going_on = responding(json!({
        "tools": weather(), "input": [{"role": "user", "content": "Hi"}, call, result],
    }));
    let (_, body) = read(post(&bench, "responses", &going_on)).await;
    assert_eq!(body["output"][0]["type"], "message", "{body}");
    let (_, counted) = read(post(&bench, "responses/input_tokens", &going_on)).await;
    assert_eq!(counted["input_tokens"], body["usage"]["input_tokens"]);
    for (wish, param) in [
        (json!({"previous_response_id": "resp_1"}), "previous_response_id"),
        (json!({"input": []}), "input"),
        (
            json!({"input": [{"type": "function_call_output", "call_id": "x", "output": ""}]}),
            "input[0].call_id",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
            "input[0].content[0]",
        ),
        (json!({"text": {"format": {"type": "json_schema"}}}), "text.format.name"),
        (json!({"max_tokens": 3}), "max_tokens"),
    ] {
        let (status, body) = read(post(&bench, "responses", &responding(wish))).await;
        assert_eq!((status, &body["error"]["param"]), (400, &json!(param)), "{body}");
    }
    let ask = responding(json!({"input": "[[sandbox: status=503]]"}));
    assert_eq!(read(post(&bench, "responses", &ask)).await.0, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_flagged_for_what_it_names() {
    let bench = Bench::start();
    let ask = json!({"input": ["Love", "Violence, and hate."]});
    let (status, body) = read(post(&bench, "moderations", &ask)).await;
    assert_eq!((status, &body["model"]), (200, &json!("omni-moderation-latest")));
    let [good, bad] = body["results"].as_array().expect("results").as_slice() else {
        panic!("{body}");
    };
    assert_eq!((&good["flagged"], &bad["flagged"]), (&json!(false), &json!(true)));
    assert_eq!(
        (&bad["categories"]["violence"], &bad["categories"]["sexual"]),
        (&json!(true), &json!(false))
    );
    let part = json!([{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "https://x.test/a"}}]);
    let (_, body) = read(post(&bench, "moderations", &json!({"input": part}))).await;
    let kinds = &body["results"][0]["category_applied_input_types"];
    assert_eq!((&kinds["violence"], &kinds["hate"]), (&json!(["text", "image"]), &json!(["text"])));
    for (body, status) in [
        (json!({}), 400),
        (json!({"input": []}), 400),
        (json!({"input": "x", "model": "gpt-4o"}), 404),
        (json!({"input": "[[sandbox: status=500]]"}), 500),
    ] {
        assert_eq!(read(post(&bench, "moderations", &body)).await.0, status, "{body}");
    }
}
