//! Thinking, as an Anthropic client sees it.
use serde_json::{Value, json};

use super::{ask, hello, picture, weather};
use crate::{Bench, events, json, read};

/// A request to a model that thinks, with room for it.
fn thinking(display: Option<&str>) -> Value {
    let mut body = hello();
    body["max_tokens"] = 4_000.into();
    body["thinking"] = json!({"type": "enabled", "budget_tokens": 2_048});
    if let Some(display) = display {
        body["thinking"]["display"] = display.into();
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thought_comes_first_and_is_part_of_the_output() {
    let bench = Bench::start();
    let (_, plain) = read(ask(&bench, &hello())).await;
    assert_eq!(plain["content"].as_array().map(Vec::len), Some(1));
    let (_, answer) = read(ask(&bench, &thinking(None))).await;
    let thought = &answer["content"][0];
    assert_eq!(
        (&thought["type"], &thought["thinking"]),
        (&json!("thinking"), &json!("The user asks, so I will answer."))
    );
    assert_eq!(answer["content"][1], plain["content"][0]);
    assert_eq!(answer["usage"]["output_tokens"], 27);
    assert_eq!(answer["usage"]["output_tokens_details"], json!({"thinking_tokens": 7}));

    let (_, answer) = read(ask(&bench, &thinking(Some("omitted")))).await;
    let hidden = &answer["content"][0];
    assert_eq!((&hidden["type"], &hidden["thinking"]), (&json!("thinking"), &json!("")));
    assert_ne!(hidden["signature"], thought["signature"]);
    assert_eq!(answer["usage"]["output_tokens"], 27);

    let mut secret = thinking(None);
    secret["messages"][0]["content"] =
        "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9A13E".into();
    let (_, answer) = read(ask(&bench, &secret)).await;
    assert_eq!(answer["content"][0]["type"], "redacted_thinking");
}

#[tokio::test(flavor = "multi_thread")]
async fn thoughts_are_streamed_before_the_answer_and_end_with_their_proof() {
    let bench = Bench::start();
    let (_, whole) = read(ask(&bench, &thinking(None))).await;
    let mut body = thinking(None);
    body["stream"] = true.into();
    let events = events(ask(&bench, &body)).await;
    let data: Vec<Value> = events.iter().map(|(_, data)| json(data)).collect();
    let block = json!({"type": "thinking", "thinking": "", "signature": ""});
    assert_eq!((&data[1]["index"], &data[1]["content_block"]), (&json!(0), &block));
    assert_eq!(data[2]["type"], "ping");
    let thought: String =
        data.iter().filter_map(|data| data["delta"]["thinking"].as_str()).collect();
    assert_eq!(whole["content"][0]["thinking"], thought);
    let proof = data.iter().position(|data| data["delta"]["type"] == "signature_delta");
    let proof = proof.expect("a proof");
    assert_eq!(data[proof]["delta"]["signature"], whole["content"][0]["signature"]);
    assert_eq!(data[proof + 1], json!({"type": "content_block_stop", "index": 0}));
    let text = json!({"type": "text", "text": ""});
    assert_eq!((&data[proof + 2]["index"], &data[proof + 2]["content_block"]), (&json!(1), &text));
    let usage = &data[data.len() - 2]["usage"];
    assert_eq!(
        *usage,
        json!({"output_tokens": 27, "output_tokens_details": {"thinking_tokens": 7}})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thought_has_to_be_told_back_as_it_was() {
    let bench = Bench::start();
    let mut body = thinking(None);
    body["tools"] = weather();
    let (_, answer) = read(ask(&bench, &body)).await;
    let blocks = answer["content"].as_array().expect("blocks").clone();
    assert_eq!((&blocks[0]["type"], &blocks[1]["type"]), (&json!("thinking"), &json!("tool_use")));
    let going_on = |told: Vec<Value>| {
        let mut body = body.clone();
        let messages = body["messages"].as_array_mut().expect("messages");
        messages.push(json!({"role": "assistant", "content": told}));
        messages.push(json!({"role": "user", "content": [{"type": "tool_result",
            "tool_use_id": blocks[1]["id"], "content": [picture()], "is_error": true}]}));
        body
    };
    assert_eq!(read(ask(&bench, &going_on(blocks.clone()))).await.0, 200);
    let (status, refused) = read(ask(&bench, &going_on(blocks[1..].to_vec()))).await;
    let reason = refused["error"]["message"].as_str().expect("a reason");
    assert!(status == 400 && reason.contains("must start with a thinking block"), "{refused}");
    let mut changed = blocks.clone();
    changed[0]["thinking"] = "Something else.".into();
    let (status, refused) = read(ask(&bench, &going_on(changed))).await;
    assert!(status == 400 && refused.to_string().contains("Invalid `signature`"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hinders_thinking_is_refused() {
    let bench = Bench::start();
    for (field, value) in [
        ("thinking", json!({"type": "enabled", "budget_tokens": 1_023})),
        ("thinking", json!({"type": "enabled", "budget_tokens": 4_000})),
        ("thinking", json!({"type": "enabled"})),
        ("thinking", json!({"type": "sometimes"})),
        ("thinking", json!({"type": "adaptive", "display": "all"})),
        ("thinking", json!({"type": "disabled", "budget_tokens": 2_048})),
        ("temperature", json!(0.5)),
        ("top_p", json!(0.9)),
        ("top_k", json!(5)),
        ("model", json!("claude-3-haiku-20240307")),
    ] {
        let mut body = thinking(None);
        body[field] = value;
        let (status, answer) = read(ask(&bench, &body)).await;
        assert_eq!((status, &answer["error"]["type"]), (400, &"invalid_request_error".into()));
    }
    let mut forced = thinking(None);
    forced["tools"] = weather();
    forced["tool_choice"] = json!({"type": "any"});
    assert_eq!(read(ask(&bench, &forced)).await.0, 400);
    for way in [json!({"type": "adaptive"}), json!({"type": "disabled"})] {
        let mut body = thinking(None);
        body["thinking"] = way;
        assert_eq!(read(ask(&bench, &body)).await.0, 200);
    }
}
