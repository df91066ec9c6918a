//! What Gemini answers beside a text: thoughts, signatures, several candidates, likely tokens.
use cape_domain::{
    json::RawJson,
    usage::{
        ChatEvent, ChatProvider as _, ChatRequest, FailureKind, FinishReason, Piece, Thought,
        ThoughtPart, ToolCallPart,
    },
};
use tokio::join;

use super::{
    Heard, completed, gemini, hear, request, tokens,
    vendor::{Vendor, stream, whole},
};

const THOUGHTFUL: &str = r#"{"candidates":[{"content":{"parts":[
    {"text":"Let me","thought":true},{"text":" see.","thought":true},
    {"text":"I look."},
    {"functionCall":{"id":"a","name":"f","args":{}},"thoughtSignature":"QUFB"},
    {"functionCall":{"id":"b","name":"f","args":{}}},
    {"text":"","thoughtSignature":"QkJC"}]},"finishReason":"STOP"}]}"#;

const SEVERAL: &str = r#"data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]},"index":0}],"responseId":"r"}

data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP","index":1}],"responseId":"r"}

data: {"candidates":[{"content":{"parts":[{"text":"?"}]},"index":7},{"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":2,"candidatesTokenCount":3},"responseId":"r"}

"#;

fn thought(text: &str, signature: Option<&str>, sealed: Option<&str>) -> Thought {
    let [signature, sealed] = [signature, sealed].map(|it| it.map(str::to_owned));
    Thought { text: text.to_owned(), signature, sealed }
}

fn of(choice: u32, piece: Piece) -> ChatEvent {
    ChatEvent::Piece { choice, piece }
}

/// Asks for two answers in pieces while the vendor plays.
async fn two(body: &str) -> Heard {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let request = ChatRequest { choices: 2, ..request() };
    let script = stream(body);
    let ask = async { hear(provider.stream(&request).await.expect("a stream")).await };
    join!(vendor.play(&script), ask).1
}

#[tokio::test]
async fn thoughts_are_kept_with_what_proves_them() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let (_, answer) = completed(&provider, &vendor, &whole("200 OK", "", THOUGHTFUL)).await;
    let answer = &answer.expect("an answer").choices[0];
    let expected = [
        thought("Let me see.", None, None),
        thought("", Some("QUFB"), None),
        thought("", None, Some("QkJC")),
    ];
    assert_eq!((answer.thoughts.as_slice(), answer.text.as_str()), (&expected[..], "I look."));
    assert_eq!(answer.tool_calls.len(), 2);
}

#[tokio::test]
async fn thoughts_come_in_pieces_each_with_its_number() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let body = format!("data: {}\n\n", THOUGHTFUL.replace('\n', ""));
    let script = stream(&body);
    let ask = async { hear(provider.stream(&request()).await.expect("a stream")).await };
    let heard = join!(vendor.play(&script), ask).1;
    let piece = |index, thought| Piece::Thought(ThoughtPart { index, thought }).of_first();
    assert_eq!(
        heard.pieces[..4],
        [
            piece(0, thought("Let me", None, None)),
            piece(0, thought(" see.", None, None)),
            Piece::Text("I look.".to_owned()).of_first(),
            piece(1, thought("", Some("QUFB"), None)),
        ]
    );
    assert_eq!(heard.pieces[6], piece(2, thought("", None, Some("QkJC"))));
}

#[tokio::test]
async fn each_of_several_answers_goes_its_own_way() {
    let heard = two(SEVERAL).await;
    let call = ToolCallPart {
        index: 0,
        id: Some("call_r_1_0".to_owned()),
        name: Some("f".to_owned()),
        arguments: "{}".to_owned(),
    };
    let expected = [
        of(0, Piece::Text("Hi".to_owned())),
        of(1, Piece::ToolCall(call)),
        of(1, Piece::Finished(FinishReason::ToolCalls)),
        // Nobody asked for an eighth answer.
        of(0, Piece::Finished(FinishReason::Length)),
        ChatEvent::Usage(tokens(2, 3)),
    ];
    assert_eq!((heard.pieces.as_slice(), heard.failure), (&expected[..], None));
}

#[tokio::test]
async fn a_stream_is_not_over_before_every_answer_is() {
    let events: Vec<&str> = SEVERAL.split_inclusive("\n\n").collect();
    let heard = two(&events[..2].concat()).await;
    assert_eq!(heard.failure, Some(FailureKind::Unavailable));
    let refused = two("data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n").await;
    let filtered = |choice| of(choice, Piece::Finished(FinishReason::ContentFilter));
    assert_eq!((refused.pieces, refused.failure), (vec![filtered(0), filtered(1)], None));
}

#[tokio::test]
async fn several_answers_in_one_piece_stand_in_their_order() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let body = r#"{"candidates":[{"content":{"parts":[{"text":"b"}]},"index":1,"finishReason":"STOP"},
        {"content":{"parts":[{"text":"a"}]},"index":0,"finishReason":"STOP"},
        {"index":2,"finishReason":"SAFETY"}]}"#;
    let (_, answer) = completed(&provider, &vendor, &whole("200 OK", "", body)).await;
    let choices = answer.expect("an answer").choices;
    let said: Vec<(&str, &FinishReason)> =
        choices.iter().map(|choice| (choice.text.as_str(), &choice.finish)).collect();
    let stop = FinishReason::Stop;
    assert_eq!(said, [("a", &stop), ("b", &stop), ("", &FinishReason::ContentFilter)]);
}

#[tokio::test]
async fn likely_tokens_are_told_as_openai_tells_of_them() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let body = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP",
        "logprobsResult":{"chosenCandidates":[{"token":"a","tokenId":1,"logProbability":-0.25}],
            "topCandidates":[{"candidates":[{"token":"b","logProbability":-1.5}]}]}}]}"#;
    let (_, answer) = completed(&provider, &vendor, &whole("200 OK", "", body)).await;
    let told = answer.expect("an answer").choices.remove(0).log_probs;
    let expected = concat!(
        r#"{"content":[{"token":"a","logprob":-0.25,"bytes":[97],"#,
        r#""top_logprobs":[{"token":"b","logprob":-1.5,"bytes":[98]}]}],"refusal":null}"#,
    );
    assert_eq!(told, Some(RawJson::new(expected)));
}
