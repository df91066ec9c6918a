//! Answers in one piece.
use serde_json::{Value, json};

use super::{MODELS, WELCOME, asking, configured, going_on, with, with_tool};
use crate::app::{TestApp, caller::micros};

/// The smallest picture there is, as Google's clients spell base64.
fn picture() -> Value {
    json!({ "inlineData": { "mimeType": "image/png", "data": "iVBORw0KGgo" } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_provider_answers_with_content_that_costs_what_it_says() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (owner, program) = app.program(&model.replace('.', "-")).await;
        let answer = program.content(model, &asking("hello")).await;
        let told = answer.with(200);
        assert_eq!((&told["modelVersion"], told["responseId"].is_string()), (&json!(model), true));
        let candidate = &told["candidates"][0];
        assert_eq!((&candidate["finishReason"], &candidate["index"]), (&"STOP".into(), &0.into()));
        assert_eq!(candidate["content"]["role"], "model");
        let text = candidate["content"]["parts"][0]["text"].as_str();
        assert!(text.is_some_and(|text| !text.is_empty()), "{told}");
        let record = owner.record(answer.header("x-cape-call-id").expect("a call")).await;
        let tokens = &record["tokens"];
        let usage = &told["usageMetadata"];
        assert_eq!(usage["promptTokenCount"], tokens["input"], "{record}");
        assert_eq!(usage["candidatesTokenCount"], tokens["output"], "{record}");
        let sum = |a: &Value, b: &Value| a.as_u64().expect("a count") + b.as_u64().expect("one");
        let total = sum(&usage["promptTokenCount"], &usage["candidatesTokenCount"]);
        assert_eq!(usage["totalTokenCount"], total);
        owner.has(WELCOME - micros(&record["charge"])).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_versions_and_both_spellings_are_the_same() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let model = "gemini-1.5-flash";
    let camel = program.content(model, &asking("hello")).await.with(200);
    let snake = json!({
        "model": "models/gemini-1.5-flash",
        "system_instruction": { "role": "user", "parts": [{ "text": "Be brief." }] },
        "contents": [{ "parts": [{ "text": "hello" }] }],
        "generation_config": { "max_output_tokens": 100.0, "top_p": 0.9, "top_k": 40.0 },
    });
    for version in ["v1", "v1beta"] {
        let same = program.google(version, model, "generateContent", &snake).await.with(200);
        assert_eq!(same["candidates"], camel["candidates"]);
        assert_eq!(same["usageMetadata"], camel["usageMetadata"]);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_ends_where_it_was_told_to() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    for model in MODELS {
        let short = configured(asking("hello"), "maxOutputTokens", json!(3));
        let told = program.content(model, &short).await.with(200);
        assert_eq!(told["candidates"][0]["finishReason"], "MAX_TOKENS");
        assert_eq!(told["usageMetadata"]["candidatesTokenCount"], 3);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_is_called_and_its_answer_is_taken() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (_, program) = app.program(&model.replace('.', "-")).await;
        let body = with_tool(asking("How is the weather?"));
        let told = program.content(model, &body).await.with(200);
        let said = &told["candidates"][0]["content"];
        let call = &said["parts"][0]["functionCall"];
        assert_eq!((&call["name"], call["args"].is_object()), (&json!("get_weather"), true));
        assert_eq!(told["candidates"][0]["finishReason"], "STOP");

        let answer = |id: Value, response: Value| json!([{ "functionResponse": { "id": id, "name": "get_weather", "response": response } }]);
        for answer in [
            answer(call["id"].clone(), json!({ "sky": "blue" })),
            // Many clients tell the function alone.
            answer(Value::Null, json!({ "result": "blue" })),
            answer(Value::Null, json!({ "error": "no sky" })),
        ] {
            let body = going_on(body.clone(), said, answer);
            let told = program.content(model, &body).await.with(200);
            assert!(told["candidates"][0]["content"]["parts"][0]["text"].is_string(), "{told}");
        }
        let mut without_ids = said.clone();
        without_ids["parts"][0]["functionCall"].as_object_mut().expect("a call").remove("id");
        let body = going_on(body, &without_ids, answer(Value::Null, json!({ "sky": "blue" })));
        program.content(model, &body).await.with(200);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_is_seen_by_every_provider() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let at = json!({ "file_data": { "file_uri": "https://example.com/a.png", "mime_type": "image/png" } });
    for model in MODELS {
        for part in [picture(), at.clone()] {
            let parts = json!([{ "text": "What is it?" }, part]);
            let body = with(asking(""), "contents", json!([{ "role": "user", "parts": parts }]));
            let told = program.content(model, &body).await.with(200);
            let prompt = told["usageMetadata"]["promptTokenCount"].as_u64().expect("a count");
            assert!(prompt > 85, "an image counts: {told}");
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_candidates_have_an_index_each() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let body = configured(asking("hello"), "candidateCount", json!(3));
    for model in ["gpt-4o-mini", "gemini-1.5-flash"] {
        let told = program.content(model, &body).await.with(200);
        let candidates = told["candidates"].as_array().expect("candidates");
        let indices: Vec<_> = candidates.iter().map(|it| it["index"].clone()).collect();
        assert_eq!(indices, [0, 1, 2]);
        assert_eq!(told["usageMetadata"]["candidatesTokenCount"], 60);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn likely_tokens_are_told_of_in_googles_words() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let body = configured(asking("hello"), "responseLogprobs", json!(true));
    let body = configured(body, "logprobs", json!(2));
    for model in ["gpt-4o-mini", "gemini-1.5-flash"] {
        let told = program.content(model, &body).await.with(200);
        let likely = &told["candidates"][0]["logprobsResult"];
        let chosen = likely["chosenCandidates"].as_array().expect("tokens");
        assert_eq!(chosen.len(), 20, "{told}");
        assert!(chosen[0]["token"].is_string() && chosen[0]["logProbability"].is_number());
        let top = likely["topCandidates"][0]["candidates"].as_array().map(Vec::len);
        assert_eq!(top, Some(2));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_takes_the_form_that_is_asked_for() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let dialect = json!({ "type": "OBJECT", "property_ordering": ["b", "a"], "required": ["a", "b"],
        "properties": { "a": { "type": "INTEGER" }, "b": { "type": "STRING", "nullable": true } } });
    let schema = json!({ "type": "object", "properties": { "a": { "type": "integer" } },
        "required": ["a"], "additionalProperties": false });
    let of = |field: &str, schema: &Value| {
        let body = configured(asking("hello"), "responseMimeType", json!("application/json"));
        configured(body, field, schema.clone())
    };
    for body in [of("responseSchema", &dialect), of("responseJsonSchema", &schema)] {
        for model in ["gpt-4o-mini", "gemini-1.5-flash"] {
            program.content(model, &body).await.with(200);
        }
        let told = program.content("gemini-1.5-flash", &body).await.with(200);
        let text = told["candidates"][0]["content"]["parts"][0]["text"].as_str().expect("a text");
        let read: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(read["a"], 1, "{text}");
    }
    let body = configured(asking("hello"), "responseMimeType", json!("application/json"));
    program.content("gpt-4o-mini", &body).await.with(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_gemini_withholds_is_told_to_gemini_alone() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let settings =
        json!([{ "category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH" }]);
    let body = with(asking("hello"), "safetySettings", settings);
    program.content("gemini-1.5-flash", &body).await.with(200);
    for model in ["gpt-4o-mini", "claude-3-haiku"] {
        let refused = program.content(model, &body).await;
        let (field, reason) = refused.google_error(400, "INVALID_ARGUMENT");
        assert_eq!((field, reason.as_str()), (json!("safetySettings"), "UNSUPPORTED_PARAMETER"));
    }
    app.finish().await;
}
