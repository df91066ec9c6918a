//! Thinking: asked for, answered, told back.
use serde_json::{Value, json};

use super::{MODELS, THINKER, WELCOME, asking, offering, put_together, with};
use crate::app::{TestApp, caller::micros};

fn thinking(way: Value) -> Value {
    let body = with(asking(THINKER, "hello"), "max_tokens", json!(4_000));
    with(body, "thinking", way)
}

fn enabled() -> Value {
    json!({ "type": "enabled", "budget_tokens": 2_048 })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thought_comes_with_its_proof_and_is_paid_for() {
    let app = TestApp::on_sqlite(&[]).await;
    let (owner, program) = app.program("ada").await;
    let plain = program.message(&asking(THINKER, "hello")).await.with(200);
    assert_eq!(plain["content"].as_array().map(Vec::len), Some(1), "{plain}");
    assert_eq!(plain["usage"].get("output_tokens_details"), None);
    let mut charged = 0;
    for way in [enabled(), json!({ "type": "adaptive" })] {
        let answer = program.message(&thinking(way.clone())).await;
        let message = answer.with(200);
        let [thought, text] = message["content"].as_array().expect("blocks").as_slice() else {
            panic!("{message}");
        };
        assert_eq!(
            (&thought["type"], &thought["thinking"]),
            (&json!("thinking"), &json!("The user asks, so I will answer."))
        );
        assert!(thought["signature"].as_str().is_some_and(|proof| proof.len() > 20), "{thought}");
        assert_eq!(*text, plain["content"][0]);
        assert_eq!(message["usage"]["output_tokens"], 27);
        assert_eq!(message["usage"]["output_tokens_details"]["thinking_tokens"], 7);
        let record = owner.record(answer.header("x-cape-call-id").expect("a call")).await;
        assert_eq!(
            (&record["tokens"]["output"], &record["tokens"]["reasoning"]),
            (&json!(20), &json!(7))
        );
        charged += micros(&record["charge"]);

        let (answer, events) = program.events(&thinking(way)).await;
        let streamed = put_together(&events);
        assert_eq!(streamed["content"], message["content"]);
        assert_eq!(streamed["usage"]["output_tokens"], 27);
        assert_eq!(streamed["usage"]["output_tokens_details"]["thinking_tokens"], 7);
        let record = owner.ended(answer.header("x-cape-call-id").expect("a call")).await;
        charged += micros(&record["charge"]);
    }
    let first = owner.get("/api/usage/records?limit=5").await.with(200)["data"][4].clone();
    owner.has(WELCOME - charged - micros(&first["charge"])).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shown_of_a_thought_is_the_callers_choice() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let omitted = json!({ "type": "enabled", "budget_tokens": 2_048, "display": "omitted" });
    let message = program.message(&thinking(omitted.clone())).await.with(200);
    let thought = &message["content"][0];
    assert_eq!((&thought["type"], &thought["thinking"]), (&json!("thinking"), &json!("")));
    assert!(thought["signature"].as_str().is_some_and(|proof| !proof.is_empty()), "{thought}");
    assert_eq!(
        put_together(&program.events(&thinking(omitted)).await.1)["content"],
        message["content"]
    );
    let disabled = program.message(&thinking(json!({ "type": "disabled" }))).await.with(200);
    assert_eq!(disabled["content"].as_array().map(Vec::len), Some(1), "{disabled}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thoughts_are_told_back_when_a_tool_was_used() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let secret =
        "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9A13E193C177646C7398A98432ECC";
    for (text, kind) in [("How is the weather?", "thinking"), (secret, "redacted_thinking")] {
        let turn = json!([{ "role": "user", "content": text }]);
        let body = with(offering(thinking(enabled())), "messages", turn);
        let asked = program.message(&body).await.with(200);
        let [thought, call] = asked["content"].as_array().expect("blocks").as_slice() else {
            panic!("{asked}");
        };
        assert_eq!((&thought["type"], &call["type"]), (&json!(kind), &json!("tool_use")));
        let streamed = put_together(&program.events(&body).await.1);
        assert_eq!(streamed["content"][0], *thought);
        assert_eq!(streamed["stop_reason"], "tool_use");

        let going_on = |told: Value| {
            let mut body = body.clone();
            let result =
                json!({ "type": "tool_result", "tool_use_id": call["id"], "content": "Sun" });
            let turns = body["messages"].as_array_mut().expect("turns");
            turns.push(json!({ "role": "assistant", "content": told }));
            turns.push(json!({ "role": "user", "content": [result] }));
            body
        };
        let answer = program.message(&going_on(asked["content"].clone())).await.with(200);
        assert_eq!(answer["stop_reason"], "end_turn", "{answer}");
        // Whoever leaves the thought out is told so by the provider, and pays nothing.
        let refused = program.message(&going_on(json!([call]))).await;
        let told = refused.anthropic_error(400, "invalid_request_error");
        assert!(told.contains("provider_rejected") && told.contains("thinking"), "{told}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_of_thinking_that_cannot_be_is_refused_by_name() {
    let app = TestApp::on_sqlite(&[]).await;
    let (owner, program) = app.program("ada").await;
    let budget = |tokens: u64| json!({ "type": "enabled", "budget_tokens": tokens });
    for (way, named) in [
        (budget(1_023), "thinking.budget_tokens"),
        (budget(4_000), "thinking.budget_tokens"),
        (json!({ "type": "enabled" }), "budget_tokens"),
        (json!({ "type": "between_tools" }), "thinking.type"),
        (json!({ "type": "adaptive", "display": "omitted" }), "thinking.display"),
        (json!({ "type": "adaptive", "display": "all" }), "thinking.display"),
        (json!({ "type": "adaptive", "budget": 1 }), "thinking.budget"),
    ] {
        let refused = program.message(&thinking(way.clone())).await;
        let told = refused.anthropic_error(400, "invalid_request_error");
        assert!(told.contains(named), "{way}: {told}");
    }
    for (field, value) in [
        ("temperature", json!(0.5)),
        ("top_p", json!(0.5)),
        ("top_k", json!(5)),
        ("tool_choice", json!({ "type": "any" })),
    ] {
        let body = with(offering(thinking(enabled())), field, value);
        let told = program.message(&body).await.anthropic_error(400, "invalid_request_error");
        assert!(told.contains(field) && told.contains("unsupported_parameter"), "{told}");
    }
    for streamed in [false, true] {
        let body = with(thinking(enabled()), "model", json!(MODELS[0]));
        let refused = program.message(&with(body, "stream", json!(streamed))).await;
        let told = refused.anthropic_error(400, "invalid_request_error");
        assert!(told.contains("thinking.budget_tokens"), "{told}");
    }
    owner.has(WELCOME).await;
    app.finish().await;
}
