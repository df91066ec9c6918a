//! Responses.
use serde_json::{Value, json};

use super::{MODELS, PIXEL, SEEING, THINKING, WELCOME, city, with};
use crate::app::{
    Answer, TestApp,
    caller::{Credits, Program, micros, send},
};

fn asking(model: &str, input: impl Into<Value>) -> Value {
    json!({ "model": model, "input": input.into(), "instructions": "Be brief." })
}

fn function() -> Value {
    json!([{ "type": "function", "name": "get_weather", "parameters": city(), "strict": null }])
}

impl Program {
    async fn respond(&self, body: &Value) -> Answer {
        send(self.request("POST", "/v1/responses").json(body)).await
    }

    /// The events of a response, numbered and named as they have to be.
    async fn response_events(&self, body: &Value) -> (Answer, Vec<Value>) {
        let answer = self.respond(&with(body.clone(), json!({ "stream": true }))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        let blocks = answer.text.split("\n\n").filter(|block| block.starts_with("event: "));
        let event = |(number, block): (usize, &str)| {
            let (name, data) = block.split_once('\n').expect("two lines");
            let name = name.strip_prefix("event: ").expect("a name");
            let data: Value =
                serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
            assert_eq!((&data["type"], &data["sequence_number"]), (&json!(name), &json!(number)));
            data
        };
        let events = blocks.enumerate().map(event).collect();
        (answer, events)
    }
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["type"].as_str()).collect()
}

/// The text of the message of a response.
fn text(response: &Value) -> &str {
    let items = response["output"].as_array().expect("items");
    let message = items.iter().find(|item| item["type"] == "message").expect("a message");
    message["content"][0]["text"].as_str().expect("a text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_provider_answers_with_a_response_that_costs_what_it_says() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (owner, program) = app.program(&model.replace('.', "-")).await;
        let ask = with(asking(model, "hello"), json!({ "metadata": { "ticket": "42" } }));
        let answer = program.respond(&ask).await;
        let body = answer.with(200);
        assert!(body["id"].as_str().is_some_and(|id| id.starts_with("resp_")), "{body}");
        for (field, value) in [
            ("object", json!("response")),
            ("status", json!("completed")),
            ("model", json!(model)),
            ("error", Value::Null),
            ("instructions", json!("Be brief.")),
            ("store", json!(false)),
            ("previous_response_id", Value::Null),
            ("tools", json!([])),
            ("tool_choice", json!("auto")),
            ("text", json!({ "format": { "type": "text" } })),
            ("metadata", json!({ "ticket": "42" })),
        ] {
            assert_eq!(body[field], value, "{field}");
        }
        assert!(!text(&body).is_empty());
        let record = owner.record(answer.header("x-cape-call-id").expect("a call")).await;
        let (tokens, usage) = (&record["tokens"], &body["usage"]);
        assert_eq!(
            (&usage["input_tokens"], &usage["output_tokens"]),
            (&tokens["input"], &json!(20))
        );
        owner.has(WELCOME - micros(&record["charge"])).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_say_the_same_as_a_whole_response() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (owner, program) = app.program(&model.replace('.', "-")).await;
        let ask = asking(model, "hello");
        let whole = program.respond(&ask).await.with(200);
        let (answer, events) = program.response_events(&ask).await;
        let told = names(&events);
        assert_eq!(
            told[..4],
            [
                "response.created",
                "response.in_progress",
                "response.output_item.added",
                "response.content_part.added"
            ]
        );
        assert_eq!(
            told[told.len() - 4..],
            [
                "response.output_text.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.completed"
            ]
        );
        let added: String = events
            .iter()
            .filter(|event| event["type"] == "response.output_text.delta")
            .filter_map(|event| event["delta"].as_str())
            .collect();
        let last = &events.last().expect("events")["response"];
        assert_eq!((added.as_str(), text(last)), (text(&whole), text(&whole)));
        assert_eq!((&last["usage"], &last["status"]), (&whole["usage"], &whole["status"]));
        assert_eq!(events[0]["response"]["id"], last["id"]);
        owner.ended(answer.header("x-cape-call-id").expect("a call")).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_is_called_and_its_result_is_taken() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (_, program) = app.program(&model.replace('.', "-")).await;
        let wish = json!({ "tools": function(), "tool_choice": "required" });
        let ask = with(asking(model, "How is the weather?"), wish);
        let asked = program.respond(&ask).await.with(200);
        let items = asked["output"].as_array().expect("items").clone();
        let call = items.last().expect("an item");
        assert_eq!(
            (&call["type"], &call["name"]),
            (&json!("function_call"), &json!("get_weather"))
        );

        let (_, events) = program.response_events(&ask).await;
        let done = events
            .iter()
            .find(|event| event["type"] == "response.function_call_arguments.done")
            .expect("the arguments");
        let added: String = events
            .iter()
            .filter(|event| event["type"] == "response.function_call_arguments.delta")
            .filter_map(|event| event["delta"].as_str())
            .collect();
        assert_eq!(done["arguments"], added);
        let read = |text: &Value| serde_json::from_str::<Value>(text.as_str().expect("a text"));
        let (told, whole) = (read(&done["arguments"]), read(&call["arguments"]));
        assert_eq!(told.expect("JSON"), whole.expect("JSON"));

        let mut input = vec![json!({ "role": "user", "content": "How is the weather?" })];
        input.extend(items.iter().cloned());
        input.push(json!({
            "type": "function_call_output", "call_id": call["call_id"],
            "output": [{ "type": "input_text", "text": "Sun" }],
        }));
        let going_on = with(ask, json!({ "input": input, "tool_choice": "none" }));
        let answer = program.respond(&going_on).await.with(200);
        assert!(!text(&answer).is_empty(), "{answer}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn images_forms_and_probabilities_are_asked_for_in_its_own_words() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let image = json!([{ "role": "user", "content": [
        { "type": "input_text", "text": "Look" },
        { "type": "input_image", "image_url": PIXEL, "detail": "low" },
    ]}]);
    let body = program.respond(&asking(SEEING, image)).await.with(200);
    assert_eq!(body["usage"]["input_tokens"], 3 + 2 + 3 + 1 + 85, "{body}");
    let form = json!({ "type": "json_schema", "name": "s", "schema": city(), "strict": true });
    let ask = with(asking("gpt-4o-mini", "hello"), json!({ "text": { "format": form } }));
    assert_eq!(program.respond(&ask).await.with(200)["text"]["format"], form);
    let wish = json!({ "include": ["message.output_text.logprobs"], "max_output_tokens": 3 });
    let ask = with(asking("gpt-4o-mini", "hello"), wish);
    let whole = program.respond(&ask).await.with(200);
    let tokens = &whole["output"][0]["content"][0]["logprobs"];
    assert_eq!(tokens.as_array().map(Vec::len), Some(3));
    assert_eq!(
        (&whole["status"], &whole["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
    let (_, events) = program.response_events(&ask).await;
    let deltas: Vec<&Value> =
        events.iter().filter(|event| event["type"] == "response.output_text.delta").collect();
    let told: Vec<Value> = deltas.iter().map(|event| event["logprobs"][0].clone()).collect();
    assert_eq!(&Value::from(told), tokens);
    let last = events.last().expect("events");
    assert_eq!(
        (&last["type"], &last["response"]["status"]),
        (&json!("response.incomplete"), &json!("incomplete"))
    );
    let wish = json!({ "reasoning": { "effort": "high", "summary": "auto" } });
    let body = program.respond(&with(asking(THINKING, "hello"), wish)).await.with(200);
    assert_eq!(body["usage"]["output_tokens_details"]["reasoning_tokens"], 32);
    assert_eq!(body["reasoning"], json!({ "effort": "high", "summary": "auto" }));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_carried_out_is_refused_by_name_and_costs_nothing() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let item = |item: Value| json!({ "input": [item] });
    let part = |part: Value| json!({ "input": [{ "role": "user", "content": [part] }] });
    let unsupported = "unsupported_parameter";
    for (fields, code, param) in [
        (json!({ "store": true }), unsupported, "store"),
        (json!({ "background": true }), unsupported, "background"),
        (json!({ "previous_response_id": "resp_1" }), unsupported, "previous_response_id"),
        (json!({ "conversation": "conv_1" }), unsupported, "conversation"),
        (json!({ "prompt": { "id": "p" } }), unsupported, "prompt"),
        (json!({ "prompt_cache_key": "k" }), unsupported, "prompt_cache_key"),
        (json!({ "max_tool_calls": 3 }), unsupported, "max_tool_calls"),
        (json!({ "truncation": "auto" }), unsupported, "truncation"),
        (json!({ "service_tier": "flex" }), unsupported, "service_tier"),
        (json!({ "include": ["file_search_call.results"] }), unsupported, "include[0]"),
        (json!({ "tools": [{ "type": "web_search" }] }), unsupported, "tools[0]"),
        (json!({ "tools": [{ "type": "mcp", "server_label": "x" }] }), unsupported, "tools[0]"),
        (json!({ "tool_choice": { "type": "web_search" } }), unsupported, "tool_choice"),
        (json!({ "text": { "format": { "type": "grammar" } } }), unsupported, "text.format"),
        (json!({ "max_tokens": 3 }), unsupported, "max_tokens"),
        (item(json!({ "type": "item_reference", "id": "msg_1" })), unsupported, "input[0]"),
        (
            item(json!({ "type": "reasoning", "summary": [], "encrypted_content": "gAAA" })),
            unsupported,
            "input[0].encrypted_content",
        ),
        (item(json!({ "role": "tool", "content": "x" })), unsupported, "input[0].role"),
        (part(json!({ "type": "input_file", "file_id": "f" })), unsupported, "input[0].content[0]"),
        (
            part(json!({ "type": "input_image", "file_id": "f" })),
            unsupported,
            "input[0].content[0].file_id",
        ),
        (
            part(json!({ "type": "input_image", "image_url": "x" })),
            "invalid_request",
            "input[0].content[0].image_url",
        ),
        (part(json!({ "type": "input_text" })), "invalid_request", "input[0].content[0]"),
        (json!({ "input": [] }), "invalid_request", "input"),
        (json!({ "input": 1 }), "invalid_request", "input"),
        (json!({ "temperature": 3 }), "invalid_request", "temperature"),
        (json!({ "top_logprobs": 21 }), "invalid_request", "top_logprobs"),
        (json!({ "reasoning": { "summary": "long" } }), "invalid_request", "reasoning.summary"),
        (json!({ "max_output_tokens": 0 }), "output_out_of_range", "max_output_tokens"),
        (json!({ "input": "x".repeat(600_000) }), "context_length_exceeded", "input"),
    ] {
        for streamed in [false, true] {
            let ask = with(asking("gpt-4o-mini", "hello"), fields.clone());
            let refused = program.respond(&with(ask, json!({ "stream": streamed }))).await;
            assert_eq!(refused.error(400, code)["param"], param, "{fields}");
        }
    }
    for (fields, param) in [
        (json!({ "text": { "format": { "type": "json_object" } } }), "text.format"),
        (json!({ "text": { "verbosity": "low" } }), "text.verbosity"),
    ] {
        let refused = program.respond(&with(asking("claude-3-haiku", "hello"), fields)).await;
        let error = refused.error(400, "unsupported_parameter");
        assert_eq!(error["param"], param);
        assert!(error["message"].as_str().is_some_and(|told| told.contains(param)), "{error}");
    }
    program.respond(&asking("gpt-0", "hello")).await.error(404, "model_not_found");
    send(app.http.request("POST", "/v1/responses").json(&asking("gpt-4o-mini", "hello")))
        .await
        .error(401, "invalid_api_key");
    assert_eq!(ada.credits().await, Credits::free(WELCOME));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_breaks_off_says_so_and_is_paid_for() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let failing = asking("gpt-4o-mini", "[[sandbox: status=500]]");
    program.respond(&failing).await.error(502, "provider_unavailable");
    let cut = asking("gpt-4o-mini", "hello [[sandbox: cut_after=3]]");
    let (answer, events) = program.response_events(&cut).await;
    let [.., error, failed] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("provider_unavailable")));
    assert_eq!(failed["type"], "response.failed");
    let response = &failed["response"];
    assert_eq!(
        (&response["status"], &response["error"]["code"]),
        (&json!("failed"), &json!("server_error"))
    );
    assert_eq!(
        (text(response), &response["output"][0]["status"]),
        ("This is a", &json!("incomplete"))
    );
    let record = ada.ended(answer.header("x-cape-call-id").expect("a call")).await;
    assert_eq!((&record["state"], &record["estimated"]), (&json!("settled"), &json!(true)));
    app.finish().await;
}
