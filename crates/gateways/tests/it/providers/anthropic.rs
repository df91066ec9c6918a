//! Anthropic, as it answers.
use cape_domain::usage::{
    ChatEvent, FailureKind, FinishReason, Piece, Thought, ThoughtPart, TokenCounts,
};

use super::{
    anthropic, call, completed, fails_wherever_it_breaks_off, first_part, heard_wherever_it_is_cut,
    next_part, streamed, tokens,
    vendor::{Vendor, stream, whole},
};

const ANSWER: &str = r#"{"id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message",
  "role": "assistant", "model": "claude-haiku-4-5-20251001",
  "content": [{"type": "thinking", "thinking": "hm", "signature": "x"},
    {"type": "redacted_thinking", "data": "y"}, {"type": "server_tool_use", "id": "s"},
    {"type": "text", "text": "I look. "},
    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris", "b": 1.0}}],
  "stop_reason": "tool_use", "stop_sequence": null,
  "usage": {"input_tokens": 12, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 100,
    "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 6, "output_tokens_details": {"thinking_tokens": 2}, "service_tier": "standard"}}"#;

const STREAM: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_read_input_tokens":5,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße 🌍"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}

event: message_stop
data: {"type":"message_stop"}

"#;

const THINKING: &str = r#"data: {"type":"message_start","message":{"content":[],"usage":{"input_tokens":25,"cache_creation_input_tokens":9,"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"h"}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"m"}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x"}}

data: {"type":"content_block_stop","index":0}

data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"y"}}

data: {"type":"content_block_stop","index":1}

data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":"a"}}

data: {"type":"content_block_stop","index":2}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15,"output_tokens_details":{"thinking_tokens":12}}}

data: {"type":"message_stop"}

"#;

fn proven(text: &str, signature: &str) -> Thought {
    let (text, signature) = (text.to_owned(), Some(signature.to_owned()));
    Thought { text, signature, sealed: None }
}

fn sealed(data: &str) -> Thought {
    Thought { sealed: Some(data.to_owned()), ..Thought::default() }
}

#[tokio::test]
async fn thoughts_are_told_in_their_order_with_what_proves_them() {
    let vendor = Vendor::open().await;
    let heard = heard_wherever_it_is_cut(&anthropic(&vendor.url()), &vendor, THINKING).await;
    let thought = |index, thought| Piece::Thought(ThoughtPart { index, thought }).of_first();
    let text = |text: &str| Thought { text: text.to_owned(), ..Thought::default() };
    let counts =
        TokenCounts { input: 25, cache_write: 9, output: 3, reasoning: 12, ..Default::default() };
    let expected = [
        thought(0, text("h")),
        thought(0, text("m")),
        thought(0, proven("", "x")),
        thought(1, sealed("y")),
        Piece::Text("a".to_owned()).of_first(),
        Piece::Finished(FinishReason::Stop).of_first(),
        ChatEvent::Usage(counts),
    ];
    assert_eq!(heard.pieces, expected);
}

#[tokio::test]
async fn an_answer_in_one_piece_is_read_and_each_token_counted_once() {
    let vendor = Vendor::open().await;
    let (asked, answer) =
        completed(&anthropic(&vendor.url()), &vendor, &whole("200 OK", "", ANSWER)).await;
    assert_eq!(asked.line(), "POST /v1/messages");
    assert_eq!(asked.header("x-api-key"), Some("sk-test-123"));
    assert_eq!(asked.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(asked.header("authorization"), None);
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.choices[0].text.as_str(), answer.choices[0].finish.clone()),
        ("I look. ", FinishReason::ToolCalls)
    );
    let arguments = r#"{"city": "Paris", "b": 1.0}"#;
    assert_eq!(answer.choices[0].tool_calls, [call("toolu_1", "weather", arguments)]);
    let counts =
        TokenCounts { input: 12, cached_input: 100, cache_write: 3, output: 4, reasoning: 2 };
    assert_eq!(answer.usage, Some(counts));
    assert_eq!(answer.choices[0].thoughts, [proven("hm", "x"), sealed("y")]);
}

#[tokio::test]
async fn every_end_of_an_answer_has_its_word() {
    let vendor = Vendor::open().await;
    let provider = anthropic(&vendor.url());
    for (reason, finish) in [
        ("\"end_turn\"", FinishReason::Stop),
        ("\"stop_sequence\"", FinishReason::Stop),
        ("\"max_tokens\"", FinishReason::Length),
        ("\"model_context_window_exceeded\"", FinishReason::Length),
        ("\"tool_use\"", FinishReason::ToolCalls),
        ("\"refusal\"", FinishReason::ContentFilter),
        ("\"pause_turn\"", FinishReason::Other("pause_turn".to_owned())),
        ("\"tired\"", FinishReason::Other("tired".to_owned())),
        ("null", FinishReason::Other("unspecified".to_owned())),
    ] {
        let body = format!(r#"{{"content":[],"stop_reason":{reason},"usage":{{}}}}"#);
        let (_, answer) = completed(&provider, &vendor, &whole("200 OK", "", &body)).await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.choices[0].finish.clone(), answer.usage), (finish, None), "{reason}");
    }
}

#[tokio::test]
async fn a_stream_is_the_same_wherever_it_is_cut() {
    let vendor = Vendor::open().await;
    let heard = heard_wherever_it_is_cut(&anthropic(&vendor.url()), &vendor, STREAM).await;
    let expected = [
        Piece::Text("Grüße 🌍".to_owned()).of_first(),
        Piece::Finished(FinishReason::Stop).of_first(),
        ChatEvent::Usage(TokenCounts { cached_input: 5, ..tokens(25, 15) }),
    ];
    assert_eq!(heard.pieces, expected);
}

#[tokio::test]
async fn a_stream_that_breaks_off_before_its_stop_fails() {
    let vendor = Vendor::open().await;
    fails_wherever_it_breaks_off(&anthropic(&vendor.url()), &vendor, STREAM, 0).await;
}

#[tokio::test]
async fn a_stream_of_calls_is_read_and_no_arguments_are_an_empty_object() {
    let vendor = Vendor::open().await;
    let body = r#"data: {"type":"message_start","message":{"content":[],"usage":{}}}

data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t1","name":"a","input":{}}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x\":"}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}

data: {"type":"content_block_stop","index":1}

data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t2","name":"b","input":{}}}

data: {"type":"content_block_stop","index":2}

data: {"type":"future_event","x":1}

data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}

data: {"type":"message_stop"}

"#;
    let heard = streamed(&anthropic(&vendor.url()), &vendor, &stream(body)).await;
    let expected = [
        first_part(0, "t1", "a", ""),
        next_part(0, "{\"x\":"),
        next_part(0, "1}"),
        first_part(1, "t2", "b", ""),
        next_part(1, "{}"),
        Piece::Finished(FinishReason::ToolCalls).of_first(),
    ];
    // Its input was never told: the usage is unknown.
    assert_eq!((heard.pieces.as_slice(), heard.failure), (expected.as_slice(), None));
}

#[tokio::test]
async fn usage_of_zero_is_told_and_missing_usage_is_not() {
    let vendor = Vendor::open().await;
    let provider = anthropic(&vendor.url());
    for (start, end, expected) in [
        (r#"{"input_tokens":0,"output_tokens":0}"#, r#"{"output_tokens":0}"#, Some(tokens(0, 0))),
        (r#"{"input_tokens":7,"output_tokens":1}"#, r#"{"output_tokens":3}"#, Some(tokens(7, 3))),
        ("{}", r#"{"input_tokens":7,"output_tokens":3}"#, Some(tokens(7, 3))),
        (r#"{"input_tokens":7,"output_tokens":1}"#, "{}", None),
        ("{}", r#"{"output_tokens":3}"#, None),
        ("null", "null", None),
    ] {
        let body = format!(
            "data: {{\"type\":\"message_start\",\"message\":{{\"content\":[],\"usage\":{start}}}}}\n\n\
             data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{end}}}\n\n\
             data: {{\"type\":\"message_stop\"}}\n\n"
        );
        let heard = streamed(&provider, &vendor, &stream(&body)).await;
        assert_eq!((heard.usage(), heard.failure), (expected, None), "{start} {end}");
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_its_last_word() {
    let vendor = Vendor::open().await;
    let provider = anthropic(&vendor.url());
    let text = r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#;
    for (event, failure) in [
        (
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            FailureKind::Unavailable,
        ),
        (
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#,
            FailureKind::RateLimited,
        ),
        ("{\"type\":\"message_start\"}", FailureKind::Malformed),
        ("nothing", FailureKind::Malformed),
    ] {
        let body = format!("{text}\n\nevent: error\ndata: {event}\n\n");
        let heard = streamed(&provider, &vendor, &stream(&body)).await;
        assert_eq!((heard.text().as_str(), heard.failure), ("Hi", Some(failure)), "{event}");
    }
}
