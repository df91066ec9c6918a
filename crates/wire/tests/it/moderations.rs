//! Moderations, as callers ask for them and as `OpenAI` answers.
use cape_wire::openai::{ModerationInput, ModerationRequest, ModerationResponse};
use serde_json::{Value, json};

use crate::golden::{read, written};

#[test]
fn what_is_judged_is_one_text_or_several_or_parts() {
    let text = json!({ "type": "text", "text": "a" });
    let image = json!({ "type": "image_url", "image_url": { "url": "https://example.com/a" } });
    for json in [json!("a"), json!(["a", "b"]), json!([]), json!([text, image])] {
        let body = json!({ "input": json }).to_string();
        let request = ModerationRequest::read(body.as_bytes()).expect("a request");
        assert_eq!((&request.model, request.unknown_paths()), (&None, vec![]));
        assert_eq!(read::<Value>(&written(&request)), json!({ "input": json }));
        let told = match request.input {
            ModerationInput::Text(_) => "text",
            ModerationInput::Texts(_) => "texts",
            ModerationInput::Parts(_) => "parts",
        };
        let expected = match &json {
            Value::String(_) => "text",
            Value::Array(items) if items.iter().all(Value::is_string) => "texts",
            _ => "parts",
        };
        assert_eq!(told, expected);
    }
}

#[test]
fn a_request_that_is_none_names_what_is_wrong() {
    let refused = |json: &str| ModerationRequest::read(json.as_bytes()).expect_err("no request");
    for (json, param) in [
        (r#"{"model":"m"}"#, Some("input")),
        (r#"{"model":1,"input":"a"}"#, Some("model")),
        (r#"{"input":null}"#, Some("input")),
        (r#"{"input":{"type":"text","text":"a"}}"#, Some("input")),
        (r#"{"input":[1]}"#, Some("input[0]")),
        (r#"{"input":["a",1]}"#, Some("input[1]")),
        (r#"{"input":["a",{"type":"text","text":"a"}]}"#, Some("input[1]")),
        (r#"{"input":[{"type":"text","text":"a"},"a"]}"#, Some("input[1]")),
        (r#"{"input":[{"type":"text"}]}"#, Some("input[0]")),
        ("[]", None),
        ("{", None),
    ] {
        assert_eq!(refused(json).param.as_deref(), param, "{json}");
    }
}

#[test]
fn what_is_not_known_is_named_with_its_place() {
    let body = br#"{"input":[{"type":"text","text":"a","x":1}],"y":2,"z":null}"#;
    let request = ModerationRequest::read(body).expect("a request");
    assert_eq!(request.unknown_paths(), ["y", "input[0].x"]);
}

#[test]
fn an_answer_is_written_as_openai_writes_it() {
    let told = r#"{"id":"modr-1","model":"m","results":[{"flagged":true,"categories":{"illicit":null,"violence":true},"category_scores":{"illicit":null,"violence":0.9376521},"category_applied_input_types":{"violence":["text","image"]}}]}"#;
    let answer: ModerationResponse = read(told);
    assert_eq!(written(&answer), told);
}
