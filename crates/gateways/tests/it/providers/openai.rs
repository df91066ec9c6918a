//! `OpenAI`, as it answers.
use cape_domain::{
    json::RawJson,
    usage::{
        ChatEvent, ChatProvider as _, ChatRequest, FailureKind, FinishReason, Piece, Thought,
        ThoughtPart, TokenCounts,
    },
};
use cape_gateways::usage::providers::OpenAiProvider;

use super::{
    Heard, call, completed, fails_wherever_it_breaks_off, first_part, hear,
    heard_wherever_it_is_cut, next_part, openai, request, streamed, tokens,
    vendor::{Vendor, stream, whole},
};

const ANSWER: &str = r#"{
  "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "object": "chat.completion",
  "created": 1741569952, "model": "gpt-4o-mini-2024-07-18",
  "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi! \ud83c\udf0d",
    "refusal": null, "annotations": []}, "logprobs": null, "finish_reason": "stop"}],
  "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0,
      "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}},
  "service_tier": "default", "system_fingerprint": "fp_44709d6fcb"}"#;

const STREAM: &str = r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"id":"c","choices":[{"index":0,"delta":{"content":"Grüße "},"finish_reason":null}],"usage":null}

: keep-alive

data: {"id":"c","choices":[{"index":0,"delta":{"content":"🌍"},"finish_reason":null}],"usage":null}

data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}

data: {"id":"c","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}

data: [DONE]

"#;

#[tokio::test]
async fn an_answer_in_one_piece_is_read_and_each_token_counted_once() {
    let vendor = Vendor::open().await;
    let (asked, answer) =
        completed(&openai(&vendor.url()), &vendor, &whole("200 OK", "", ANSWER)).await;
    assert_eq!(asked.line(), "POST /chat/completions");
    assert_eq!(asked.header("authorization"), Some("Bearer sk-test-123"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.choices[0].text.as_str(), answer.choices[0].finish.clone()),
        ("Hi! 🌍", FinishReason::Stop)
    );
    let counts =
        TokenCounts { input: 11, cached_input: 8, cache_write: 0, output: 6, reasoning: 4 };
    assert_eq!(answer.usage, Some(counts));
}

#[tokio::test]
async fn calls_and_refusals_in_one_piece_are_read() {
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    let calls = r#"{"choices":[{"index":0,"finish_reason":"tool_calls","message":{
        "role":"assistant","content":null,"tool_calls":[
        {"id":"call_1","type":"function","function":{"name":"a","arguments":"{\"x\":1}"}},
        {"id":"call_2","type":"function","function":{"name":"b","arguments":""}}]}}]}"#;
    let (_, answer) = completed(&provider, &vendor, &whole("200 OK", "", calls)).await;
    let answer = answer.expect("an answer");
    assert_eq!(
        answer.choices[0].tool_calls,
        [call("call_1", "a", r#"{"x":1}"#), call("call_2", "b", "")]
    );
    assert_eq!(
        (answer.choices[0].text.as_str(), answer.choices[0].finish.clone()),
        ("", FinishReason::ToolCalls)
    );
    assert_eq!(answer.usage, None, "missing is not zero");

    let refusal = r#"{"choices":[{"finish_reason":"length","message":{"content":null,
        "refusal":"I cannot."}}],"usage":{"prompt_tokens":0,"completion_tokens":0}}"#;
    let (_, answer) = completed(&provider, &vendor, &whole("200 OK", "", refusal)).await;
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.choices[0].text.as_str(), answer.choices[0].finish.clone()),
        ("I cannot.", FinishReason::Length)
    );
    assert_eq!(answer.usage, Some(tokens(0, 0)), "zero is not missing");
}

#[tokio::test]
async fn a_stream_is_the_same_wherever_it_is_cut() {
    let vendor = Vendor::open().await;
    let heard = heard_wherever_it_is_cut(&openai(&vendor.url()), &vendor, STREAM).await;
    let expected = [
        Piece::Text("Grüße ".to_owned()).of_first(),
        Piece::Text("🌍".to_owned()).of_first(),
        Piece::Finished(FinishReason::Stop).of_first(),
        ChatEvent::Usage(tokens(9, 4)),
    ];
    assert_eq!(heard.pieces, expected);
}

#[tokio::test]
async fn a_stream_that_breaks_off_before_it_finished_fails() {
    let vendor = Vendor::open().await;
    // Once it has finished, usage and the end may be missing: the answer is there.
    fails_wherever_it_breaks_off(&openai(&vendor.url()), &vendor, STREAM, 2).await;
}

#[tokio::test]
async fn a_stream_of_calls_is_read() {
    let vendor = Vendor::open().await;
    let body = r#"data: {"choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"a","arguments":""}}]},"finish_reason":null}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}},{"index":1,"id":"call_2","type":"function","function":{"name":"b","arguments":"{}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: [DONE]

"#;
    let heard = streamed(&openai(&vendor.url()), &vendor, &stream(body)).await;
    let expected = [
        first_part(0, "call_1", "a", ""),
        next_part(0, "{\"x\":"),
        next_part(0, "1}"),
        first_part(1, "call_2", "b", "{}"),
        Piece::Finished(FinishReason::ToolCalls).of_first(),
    ];
    assert_eq!((heard.pieces.as_slice(), heard.failure), (expected.as_slice(), None));
}

#[tokio::test]
async fn usage_of_zero_is_told_and_missing_usage_is_not() {
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    let finish = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    for (usage, expected) in [
        (r#"{"prompt_tokens":0,"completion_tokens":0}"#, Some(tokens(0, 0))),
        (r#"{"prompt_tokens":3}"#, None),
        ("null", None),
        ("\"none\"", None),
    ] {
        let body =
            format!("{finish}\n\ndata: {{\"choices\":[],\"usage\":{usage}}}\n\ndata: [DONE]\n\n");
        let heard = streamed(&provider, &vendor, &stream(&body)).await;
        assert_eq!((heard.usage(), heard.failure), (expected, None), "{usage}");
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_its_last_word() {
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    let text = r#"data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}"#;
    for (event, failure) in [
        (r#"{"error":{"message":"oops","type":"server_error"}}"#, FailureKind::Unavailable),
        (r#"{"error":{"message":"m","code":"rate_limit_exceeded"}}"#, FailureKind::RateLimited),
        ("{\"choices\":[", FailureKind::Malformed),
        ("{\"choices\":3}", FailureKind::Malformed),
    ] {
        let body = format!("{text}\n\ndata: {event}\n\ndata: [DONE]\n\n");
        let heard = streamed(&provider, &vendor, &stream(&body)).await;
        assert_eq!((heard.text().as_str(), heard.failure), ("Hi", Some(failure)), "{event}");
    }
}

#[tokio::test]
async fn a_stream_may_arrive_byte_by_byte() {
    use super::vendor::{Step, stream_head};
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    let bytes = STREAM.bytes().map(|byte| Step::Send(vec![byte]));
    let script: Vec<Step> = std::iter::once(Step::Send(stream_head())).chain(bytes).collect();
    let ask = async { hear(provider.stream(&request()).await.expect("a stream")).await };
    let (asked, heard) = tokio::join!(vendor.play(&script), ask);
    assert_eq!(asked.body["stream_options"]["include_usage"], true);
    assert_eq!((heard.text().as_str(), heard.usage()), ("Grüße 🌍", Some(tokens(9, 4))));
}

#[tokio::test]
async fn several_answers_are_read_each_at_its_own_place() {
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    let body = r#"{"choices":[
        {"index":1,"finish_reason":"length","message":{"content":"b"}},
        {"index":0,"finish_reason":"stop","message":{"content":"a"},
            "logprobs":{"content":[{"token":"a","logprob":-0.10}],"refusal":null}}]}"#;
    let (_, answer) = completed(&provider, &vendor, &whole("200 OK", "", body)).await;
    let answers = answer.expect("answers").choices;
    let told: Vec<_> = answers
        .iter()
        .map(|answer| {
            let probable = answer.log_probs.as_ref().map(RawJson::as_str);
            (answer.text.as_str(), answer.finish.clone(), probable)
        })
        .collect();
    let probable = r#"{"content":[{"token":"a","logprob":-0.10}],"refusal":null}"#;
    let expected = [("a", FinishReason::Stop, Some(probable)), ("b", FinishReason::Length, None)];
    assert_eq!(told, expected);
}

/// Asks for a stream while the vendor plays this one.
async fn hear_all(
    provider: &OpenAiProvider,
    vendor: &Vendor,
    request: &ChatRequest,
    body: &str,
) -> Heard {
    let script = stream(body);
    let ask = async { hear(provider.stream(request).await.expect("a stream")).await };
    tokio::join!(vendor.play(&script), ask).1
}

#[tokio::test]
async fn a_stream_of_several_answers_is_over_when_each_of_them_is() {
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    let body = r#"data: {"choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[1]}}]}

data: {"choices":[{"index":1,"delta":{"content":"b"}},{"index":2,"delta":{"content":"unasked"}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: {"choices":[{"index":1,"delta":{"content":"c"},"finish_reason":"length"}]}

data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":3}}

data: [DONE]

"#;
    let request = ChatRequest { choices: 2, ..request() };
    let of = |choice, piece| ChatEvent::Piece { choice, piece };
    let text = |text: &str| Piece::Text(text.to_owned());
    let expected = [
        of(0, text("a")),
        of(0, Piece::LogProbs(RawJson::new(r#"{"content":[1]}"#))),
        of(1, text("b")),
        of(0, Piece::Finished(FinishReason::Stop)),
        of(1, text("c")),
        of(1, Piece::Finished(FinishReason::Length)),
        ChatEvent::Usage(tokens(1, 3)),
    ];
    for whole in [true, false] {
        let end = body.len() - if whole { 0 } else { "data: [DONE]\n\n".len() };
        let heard = hear_all(&provider, &vendor, &request, &body[..end]).await;
        assert_eq!((heard.pieces.as_slice(), heard.failure), (expected.as_slice(), None));
    }
    // One of them never ended.
    let cut = body.find("data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"c").expect("it");
    let heard = hear_all(&provider, &vendor, &request, &body[..cut]).await;
    assert_eq!(heard.failure, Some(FailureKind::Unavailable));
}

#[tokio::test]
async fn what_compatible_servers_show_of_their_thoughts_is_read() {
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    for name in ["reasoning_content", "reasoning", r#"reasoning":null,"reasoning_content"#] {
        let body = format!(
            r#"{{"choices":[{{"finish_reason":"stop","message":{{"content":"a","{name}":"Hm."}}}}]}}"#
        );
        let (_, answer) = completed(&provider, &vendor, &whole("200 OK", "", &body)).await;
        let answer = answer.expect("an answer").choices.remove(0);
        let thought = Thought { text: "Hm.".to_owned(), ..Thought::default() };
        assert_eq!((answer.text.as_str(), answer.thoughts), ("a", vec![thought]));

        let body = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"{name}\":\"H\"}}}}]}}\n\n\
             data: {{\"choices\":[{{\"delta\":{{\"{name}\":\"m\"}}}}]}}\n\n\
             data: {{\"choices\":[{{\"delta\":{{\"content\":\"a\"}},\"finish_reason\":\"stop\"}}]}}\n\n\
             data: [DONE]\n\n"
        );
        let heard = streamed(&provider, &vendor, &stream(&body)).await;
        let thought = |text: &str| {
            let thought = Thought { text: text.to_owned(), ..Thought::default() };
            Piece::Thought(ThoughtPart { index: 0, thought }).of_first()
        };
        let expected = [
            thought("H"),
            thought("m"),
            Piece::Text("a".to_owned()).of_first(),
            Piece::Finished(FinishReason::Stop).of_first(),
        ];
        assert_eq!(heard.pieces, expected, "{name}");
    }
}
