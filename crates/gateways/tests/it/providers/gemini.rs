//! Gemini, as it answers.
use cape_domain::usage::{
    ChatEvent, ChatProvider as _, FailureKind, FinishReason, Piece, TokenCounts,
};
use tokio::join;

use super::{
    completed, fails_wherever_it_breaks_off, first_part, gemini, hear, heard_wherever_it_is_cut,
    request, streamed, tokens,
    vendor::{Vendor, stream, whole},
};

const ANSWER: &str = r#"{
  "candidates": [{"content": {"parts": [{"text": "hm", "thought": true}, {"text": "Hi "},
      {"text": "there", "thoughtSignature": "c2ln"}], "role": "model"},
    "finishReason": "STOP", "index": 0}],
  "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 3, "totalTokenCount": 53,
    "cachedContentTokenCount": 8, "thoughtsTokenCount": 30,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 20}]},
  "modelVersion": "gemini-2.5-flash", "responseId": "mAitaLmkHPPlz7IPvtfUqQ4"}"#;

const STREAM: &str = r#"data: {"candidates": [{"content": {"parts": [{"text": "Grüße "}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 8,"totalTokenCount": 8},"responseId": "r"}

data: {"candidates": [{"content": {"parts": [{"text": "🌍"}],"role": "model"}}],"usageMetadata": {"promptTokenCount": 8,"candidatesTokenCount": 2,"totalTokenCount": 10},"responseId": "r"}

data: {"candidates": [{"content": {"parts": [{"text": ""}],"role": "model"},"finishReason": "STOP"}],"usageMetadata": {"promptTokenCount": 8,"candidatesTokenCount": 5,"totalTokenCount": 13},"responseId": "r"}

"#;

#[tokio::test]
async fn an_answer_in_one_piece_is_read_and_each_token_counted_once() {
    let vendor = Vendor::open().await;
    let (asked, answer) =
        completed(&gemini(&vendor.url()), &vendor, &whole("200 OK", "", ANSWER)).await;
    assert_eq!(asked.line(), "POST /v1beta/models/m-1:generateContent");
    assert_eq!(asked.header("x-goog-api-key"), Some("sk-test-123"));
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.choices[0].text.as_str(), answer.choices[0].finish.clone()),
        ("Hi there", FinishReason::Stop)
    );
    let counts =
        TokenCounts { input: 12, cached_input: 8, cache_write: 0, output: 3, reasoning: 30 };
    assert_eq!(answer.usage, Some(counts));
}

#[tokio::test]
async fn every_end_of_an_answer_has_its_word() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let other = |word: &str| FinishReason::Other(word.to_owned());
    for (reason, finish) in [
        ("\"STOP\"", FinishReason::Stop),
        ("\"MAX_TOKENS\"", FinishReason::Length),
        ("\"SAFETY\"", FinishReason::ContentFilter),
        ("\"RECITATION\"", FinishReason::ContentFilter),
        ("\"PROHIBITED_CONTENT\"", FinishReason::ContentFilter),
        ("\"LANGUAGE\"", other("LANGUAGE")),
        ("\"MALFORMED_FUNCTION_CALL\"", other("MALFORMED_FUNCTION_CALL")),
        ("\"TIRED\"", other("TIRED")),
        ("null", other("unspecified")),
    ] {
        let body = format!(r#"{{"candidates":[{{"finishReason":{reason}}}]}}"#);
        let (_, answer) = completed(&provider, &vendor, &whole("200 OK", "", &body)).await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.choices[0].finish.clone(), answer.usage), (finish, None), "{reason}");
    }
}

#[tokio::test]
async fn a_stream_is_the_same_wherever_it_is_cut() {
    let vendor = Vendor::open().await;
    let heard = heard_wherever_it_is_cut(&gemini(&vendor.url()), &vendor, STREAM).await;
    let expected = [
        // The first usage leaves out what was said: it is not believed.
        Piece::Text("Grüße ".to_owned()).of_first(),
        Piece::Text("🌍".to_owned()).of_first(),
        ChatEvent::Usage(tokens(8, 2)),
        Piece::Finished(FinishReason::Stop).of_first(),
        ChatEvent::Usage(tokens(8, 5)),
    ];
    assert_eq!(heard.pieces, expected);
}

#[tokio::test]
async fn a_stream_that_breaks_off_before_it_finished_fails() {
    let vendor = Vendor::open().await;
    fails_wherever_it_breaks_off(&gemini(&vendor.url()), &vendor, STREAM, 0).await;
}

#[tokio::test]
async fn a_stream_of_calls_is_read_with_ids_of_our_making() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let body = r#"data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"a","args":{"x":1}}}]}}],"responseId":"r"}

data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"a","args":{"x":2}}},{"functionCall":{"id":"own","name":"b"}}]},"finishReason":"STOP"}],"responseId":"r"}

"#;
    let script = stream(body);
    let ask = async { hear(provider.stream(&request()).await.expect("a stream")).await };
    let (asked, heard) = join!(vendor.play(&script), ask);
    assert_eq!(asked.line(), "POST /v1beta/models/m-1:streamGenerateContent?alt=sse");
    let expected = [
        first_part(0, "call_r_0", "a", r#"{"x":1}"#),
        first_part(1, "call_r_1", "a", r#"{"x":2}"#),
        first_part(2, "own", "b", "{}"),
        Piece::Finished(FinishReason::ToolCalls).of_first(),
    ];
    assert_eq!((heard.pieces.as_slice(), heard.failure), (expected.as_slice(), None));
}

#[tokio::test]
async fn usage_of_zero_is_told_and_missing_usage_is_not() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    for (usage, expected) in [
        (r#"{"promptTokenCount":0,"candidatesTokenCount":0}"#, Some(tokens(0, 0))),
        (r#"{"promptTokenCount":4,"totalTokenCount":4}"#, None),
        ("null", None),
    ] {
        let body = format!(
            "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"Hi\"}}]}},\
             \"finishReason\":\"STOP\"}}],\"usageMetadata\":{usage}}}\n\n"
        );
        let heard = streamed(&provider, &vendor, &stream(&body)).await;
        assert_eq!((heard.usage(), heard.failure), (expected, None), "{usage}");
    }
}

#[tokio::test]
async fn a_prompt_that_is_refused_ends_the_stream() {
    let vendor = Vendor::open().await;
    let body = "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n";
    let heard = streamed(&gemini(&vendor.url()), &vendor, &stream(body)).await;
    assert_eq!(heard.pieces, [Piece::Finished(FinishReason::ContentFilter).of_first()]);
    assert_eq!(heard.failure, None);
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_its_last_word() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let text = r#"data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}"#;
    for (event, failure) in [
        (
            r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#,
            FailureKind::Unavailable,
        ),
        (
            r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}"#,
            FailureKind::RateLimited,
        ),
        ("{", FailureKind::Malformed),
    ] {
        let body = format!("{text}\r\n\r\ndata: {event}\r\n\r\n");
        let heard = streamed(&provider, &vendor, &stream(&body)).await;
        assert_eq!((heard.text().as_str(), heard.failure), ("Hi", Some(failure)), "{event}");
    }
}
