//! Chat completions.
use serde_json::{Value, json};

use super::{PIXEL, SEEING, THINKING, WELCOME, with};
use crate::app::{
    TestApp,
    caller::{Credits, micros, saying},
};

fn showing(url: &str) -> Value {
    let image = json!({ "type": "image_url", "image_url": { "url": url, "detail": "low" } });
    let text = json!({ "type": "text", "text": "Look" });
    json!({ "model": SEEING, "messages": [{ "role": "user", "content": [text, image] }] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn images_are_shown_by_their_address_or_as_they_are() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let mut balance = WELCOME;
    for url in [PIXEL, "https://example.com/a.png"] {
        let answer = program.chat(&showing(url)).await;
        let body = answer.with(200);
        // Three for the message, a word, and what an image counts there.
        assert_eq!(body["usage"]["prompt_tokens"], 3 + 1 + 85, "{body}");
        let record = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
        balance -= micros(&record["charge"]);
    }
    ada.has(balance).await;
    let told = |role: &str, url: &str| {
        let image = json!([{ "type": "image_url", "image_url": { "url": url } }]);
        let call = json!({ "id": "c", "function": { "name": "f", "arguments": "{}" } });
        let before = json!({ "role": "assistant", "tool_calls": [call] });
        let told = json!({ "role": role, "content": image, "tool_call_id": "c" });
        json!({ "model": SEEING, "messages": [before, told] })
    };
    for (body, code, param) in [
        (showing("x"), "invalid_request", "messages[0].content[1].image_url.url"),
        (showing("file:///etc/passwd"), "invalid_request", "messages[0].content[1].image_url.url"),
        (
            showing("data:text/plain;base64,YQ=="),
            "invalid_request",
            "messages[0].content[1].image_url.url",
        ),
        (
            showing("data:image/png;base64,$"),
            "invalid_request",
            "messages[0].content[1].image_url.url",
        ),
        (told("system", PIXEL), "unsupported_parameter", "messages[1].content[0]"),
        (told("assistant", PIXEL), "unsupported_parameter", "messages[1].content[0]"),
        (told("tool", PIXEL), "unsupported_parameter", "messages[1].content[0]"),
    ] {
        let refused = program.chat(&body).await;
        assert_eq!(refused.error(400, code)["param"], param, "{}", refused.text);
    }
    let mut closely = showing(PIXEL);
    closely["messages"][0]["content"][1]["image_url"]["detail"] = "very".into();
    let refused = program.chat(&closely).await;
    let param = "messages[0].content[1].image_url.detail";
    assert_eq!(refused.error(400, "invalid_request")["param"], param);
    assert_eq!(ada.credits().await, Credits::free(balance));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_answers_come_each_at_its_own_place_and_are_paid_for() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let ask = with(saying("gpt-4o-mini", "hello"), json!({ "n": 3, "max_tokens": 5 }));
    let answer = program.chat(&ask).await;
    let body = answer.with(200);
    let choices = body["choices"].as_array().expect("choices");
    assert_eq!(choices.len(), 3);
    for (place, choice) in choices.iter().enumerate() {
        assert_eq!((&choice["index"], &choice["finish_reason"]), (&json!(place), &json!("length")));
        assert_eq!(choice["message"]["content"], "This is a sandbox answer");
    }
    assert_eq!(body["usage"]["completion_tokens"], 15);
    let record = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
    assert_eq!(record["tokens"]["output"], 15);

    let stream = program.stream(&ask).await;
    let call = stream.call.clone();
    let told = stream.rest().await;
    assert!(told.done);
    for place in 0..3_u64 {
        let of_place: Vec<&Value> = told
            .events
            .iter()
            .filter_map(|event| event["choices"].get(0))
            .filter(|choice| choice["index"] == place)
            .collect();
        assert_eq!(of_place[0]["delta"]["role"], "assistant");
        let text: String =
            of_place.iter().filter_map(|choice| choice["delta"]["content"].as_str()).collect();
        assert_eq!(text, "This is a sandbox answer");
        let ends = of_place.iter().filter(|choice| choice["finish_reason"].is_string());
        assert_eq!(ends.count(), 1);
        assert_eq!(of_place.last().expect("an end")["finish_reason"], "length");
    }
    assert_eq!(told.usage(), Some((4, 15)));
    let streamed = ada.ended(&call).await;
    assert_eq!(streamed["charge"], record["charge"]);
    ada.has(WELCOME - 2 * micros(&record["charge"])).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_likely_each_token_was_is_told_beside_it() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let wish = json!({ "logprobs": true, "top_logprobs": 2, "max_tokens": 4 });
    let ask = with(saying("gpt-4o-mini", "hello"), wish);
    let whole = program.chat(&ask).await.with(200);
    let tokens = &whole["choices"][0]["logprobs"]["content"];
    assert_eq!(tokens.as_array().map(Vec::len), Some(4), "{whole}");
    assert_eq!(tokens[1]["top_logprobs"].as_array().map(Vec::len), Some(2));
    let told = program.stream(&ask).await.rest().await;
    let choices = told.events.iter().map(|event| &event["choices"][0]);
    let mut streamed = Vec::new();
    for choice in choices.filter(|choice| choice["logprobs"].is_object()) {
        let token = choice["logprobs"]["content"][0].clone();
        assert_eq!(choice["delta"]["content"], token["token"], "{choice}");
        streamed.push(token);
    }
    assert_eq!(&Value::from(streamed), tokens);
    let without = program.say("gpt-4o-mini", "hello").await.with(200);
    assert_eq!(without["choices"][0]["logprobs"], Value::Null);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_model_thought_is_counted_and_paid_for() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let wish = json!({ "reasoning_effort": "low", "verbosity": "low" });
    let ask = with(saying(THINKING, "hello"), wish);
    let answer = program.chat(&ask).await;
    let usage = answer.with(200)["usage"].clone();
    let thought = &usage["completion_tokens_details"]["reasoning_tokens"];
    assert_eq!((thought, &usage["completion_tokens"]), (&json!(8), &json!(28)), "{usage}");
    let record = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
    let tokens = &record["tokens"];
    assert_eq!((&tokens["reasoning"], &tokens["output"]), (&json!(8), &json!(20)));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_can_be_told_back_with_what_was_thought() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let telling = |role: &str| {
        let mut body = saying("gpt-4o-mini", "hello");
        let told = json!({ "role": role, "content": "Hi", "reasoning_content": "Hm." });
        body["messages"].as_array_mut().expect("messages").insert(0, told);
        body
    };
    program.chat(&telling("assistant")).await.with(200);
    for role in ["user", "system"] {
        let refused = program.chat(&telling(role)).await;
        let error = refused.error(400, "unsupported_parameter");
        assert_eq!(error["param"], "messages[0].reasoning_content");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_carried_out_is_refused_by_name_and_costs_nothing() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    for (model, fields, code, param) in [
        ("gpt-4o-mini", json!({ "n": 0 }), "invalid_request", "n"),
        ("gpt-4o-mini", json!({ "n": 9 }), "invalid_request", "n"),
        ("gpt-4o-mini", json!({ "top_logprobs": 2 }), "invalid_request", "top_logprobs"),
        (
            "gpt-4o-mini",
            json!({ "logprobs": true, "top_logprobs": 21 }),
            "invalid_request",
            "top_logprobs",
        ),
        ("gpt-4o-mini", json!({ "random_seed": 1 }), "unsupported_parameter", "random_seed"),
        ("gpt-4o-mini", json!({ "audio": { "voice": "x" } }), "unsupported_parameter", "audio"),
        ("gpt-4o-mini", json!({ "modalities": ["audio"] }), "unsupported_parameter", "modalities"),
        (
            "gpt-4o-mini",
            json!({ "prediction": { "type": "content", "content": "x" } }),
            "unsupported_parameter",
            "prediction",
        ),
        ("gpt-4o-mini", json!({ "functions": [{}] }), "unsupported_parameter", "functions"),
        (
            "gpt-4o-mini",
            json!({ "web_search_options": { "a": 1 } }),
            "unsupported_parameter",
            "web_search_options",
        ),
        ("gpt-4o-mini", json!({ "top_k": 5 }), "unsupported_parameter", "top_k"),
        ("gpt-4o-mini", json!({ "service_tier": "flex" }), "unsupported_parameter", "service_tier"),
        ("gpt-4o-mini", json!({ "store": true }), "unsupported_parameter", "store"),
        ("claude-3-haiku", json!({ "n": 2 }), "unsupported_parameter", "n"),
        ("claude-3-haiku", json!({ "logprobs": true }), "unsupported_parameter", "logprobs"),
        ("claude-3-haiku", json!({ "verbosity": "low" }), "unsupported_parameter", "verbosity"),
        ("gemini-1.5-flash", json!({ "verbosity": "low" }), "unsupported_parameter", "verbosity"),
    ] {
        for streamed in [false, true] {
            let body = with(saying(model, "hello"), fields.clone());
            let refused = program.chat(&with(body, json!({ "stream": streamed }))).await;
            assert_eq!(refused.error(400, code)["param"], param, "{model} {fields}");
        }
    }
    assert_eq!(ada.credits().await, Credits::free(WELCOME));
    app.finish().await;
}
