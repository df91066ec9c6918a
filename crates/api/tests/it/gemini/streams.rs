//! Answers in pieces.
use serde_json::{Value, json};

use super::{MODELS, asking, configured, text_of, with_tool};
use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_says_the_same_as_a_whole_answer() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (owner, program) = app.program(&model.replace('.', "-")).await;
        let whole = program.content(model, &asking("hello")).await.with(200);
        let (answer, responses) = program.responses(model, &asking("hello")).await;
        assert!(responses.len() > 2, "it comes in pieces");
        assert_eq!(text_of(&responses, 0), text_of(std::slice::from_ref(&whole), 0));
        let (last, before) = responses.split_last().expect("responses");
        assert_eq!(last["candidates"][0]["finishReason"], "STOP");
        assert_eq!(last["usageMetadata"], whole["usageMetadata"], "{model}");
        for response in before {
            assert_eq!(response["candidates"][0].get("finishReason"), None, "{response}");
            assert_eq!(
                (&response["modelVersion"], &response["responseId"]),
                (&json!(model), &last["responseId"])
            );
        }
        owner.ended(answer.header("x-cape-call-id").expect("a call")).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_sse_a_stream_is_one_array() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    for (model, version) in [("gpt-4o-mini", "v1"), ("gemini-1.5-flash", "v1beta")] {
        let action = "streamGenerateContent";
        let answer = program.google(version, model, action, &asking("hello")).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let told = answer.with(200);
        let responses = told.as_array().expect("an array");
        assert!(responses.len() > 2 && !text_of(responses, 0).is_empty(), "{told}");
        let last = responses.last().expect("a response");
        assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    }
    let cut = asking("[[sandbox: cut_after=2]]");
    let cut = program.google("v1beta", "gpt-4o-mini", "streamGenerateContent", &cut);
    let told = cut.await.with(200);
    let last = told.as_array().expect("an array").last().expect("an item");
    assert_eq!(last["error"]["code"], 502);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_comes_whole_with_the_end() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (_, program) = app.program(&model.replace('.', "-")).await;
        let body = with_tool(asking("How is the weather?"));
        let whole = program.content(model, &body).await.with(200);
        let (_, responses) = program.responses(model, &body).await;
        let last = &responses.last().expect("responses")["candidates"][0];
        let call = &last["content"]["parts"][0]["functionCall"];
        let expected = &whole["candidates"][0]["content"]["parts"][0]["functionCall"];
        assert_eq!((&call["name"], &call["args"]), (&expected["name"], &expected["args"]));
        assert_eq!((call["id"].is_string(), &last["finishReason"]), (true, &json!("STOP")));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_is_cut_off_is_not_called() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let body = configured(with_tool(asking("How is the weather?")), "maxOutputTokens", json!(2));
    let (_, responses) = program.responses("gpt-4o-mini", &body).await;
    let last = &responses.last().expect("responses")["candidates"][0];
    assert_eq!(last["finishReason"], "MAX_TOKENS");
    assert_eq!(last["content"]["parts"], json!([{ "text": "" }]));
    let told = program.content("gpt-4o-mini", &body).await.with(200);
    assert_eq!(told["candidates"][0]["finishReason"], "MAX_TOKENS");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_candidates_are_told_apart_by_their_index() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let body = configured(asking("hello"), "candidateCount", json!(2));
    for model in ["gpt-4o-mini", "gemini-1.5-flash"] {
        let (_, responses) = program.responses(model, &body).await;
        let said = [text_of(&responses, 0), text_of(&responses, 1)];
        assert!(!said[0].is_empty() && said[0] == said[1], "{said:?}");
        let last = responses.last().expect("responses")["candidates"].as_array().expect("two");
        let ends: Vec<_> =
            last.iter().map(|it| (it["index"].clone(), it["finishReason"].clone())).collect();
        assert_eq!(ends, [(json!(0), json!("STOP")), (json!(1), json!("STOP"))]);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn likely_tokens_come_with_their_text() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let body = configured(asking("hello"), "responseLogprobs", json!(true));
    for model in ["gpt-4o-mini", "gemini-1.5-flash"] {
        let (_, responses) = program.responses(model, &body).await;
        let mut likely = 0;
        for response in &responses {
            let candidate = &response["candidates"][0];
            for chosen in
                candidate["logprobsResult"]["chosenCandidates"].as_array().into_iter().flatten()
            {
                assert_eq!(chosen["token"], candidate["content"]["parts"][0]["text"]);
                likely += 1;
            }
        }
        assert_eq!(likely, 20, "{model}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_the_last_event_in_googles_shape() {
    let app = TestApp::on_sqlite(&[]).await;
    let (owner, program) = app.program("ada").await;
    for (model, fault, code) in [
        ("gpt-4o-mini", "cut_after=3", 502),
        ("gemini-1.5-flash", "cut_after=3", 502),
        ("gemini-1.5-flash", "fail_after=3", 502),
    ] {
        let body = asking(&format!("[[sandbox: {fault}]]"));
        let (answer, responses) = program.responses(model, &body).await;
        let (last, before) = responses.split_last().expect("responses");
        assert_eq!(last["error"]["code"], code, "{fault} {last}");
        assert_eq!(last["error"]["status"], "INTERNAL");
        assert!(before.iter().all(|response| response.get("error").is_none()));
        let record = owner.ended(answer.header("x-cape-call-id").expect("a call")).await;
        assert_eq!(record["state"], "settled", "what came is paid");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_comes_again_with_its_key_is_made_once() {
    let app = TestApp::on_sqlite(&[]).await;
    let (owner, program) = app.program("ada").await;
    let path = "/v1beta/models/gemini-1.5-flash:streamGenerateContent?alt=sse";
    let mut calls: Vec<Value> = Vec::new();
    for _ in 0..2 {
        let request = program.http.request("POST", path).header("x-goog-api-key", &program.key);
        let request = request.header("idempotency-key", "once").json(&asking("hello"));
        let answer = crate::app::caller::send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let call = answer.header("x-cape-call-id").expect("a call").to_owned();
        owner.ended(&call).await;
        calls.push(call.into());
    }
    assert_eq!(calls[0], calls[1]);
    app.finish().await;
}
