//! What a directive does to all three providers.
use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{Bench, events, eventually, json, read, send};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    OpenAi,
    Anthropic,
    Gemini,
}

const ALL: [Provider; 3] = [Provider::OpenAi, Provider::Anthropic, Provider::Gemini];

fn ask(bench: &Bench, provider: Provider, text: &str, stream: bool) -> RequestBuilder {
    let messages = json!([{"role": "user", "content": text}]);
    match provider {
        Provider::OpenAi => {
            let mut body = json!({"model": "gpt-4o", "messages": messages, "stream": stream});
            if stream {
                body["stream_options"] = json!({"include_usage": true});
            }
            bench.post("/openai/v1/chat/completions").bearer_auth("sk-1").json(&body)
        }
        Provider::Anthropic => bench
            .post("/anthropic/v1/messages")
            .header("x-api-key", "sk-ant-1")
            .header("anthropic-version", "2023-06-01")
            .json(&json!({"model": "claude-opus-4-5", "messages": messages, "stream": stream,
                "max_tokens": 150_000})),
        Provider::Gemini => {
            let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            bench
                .post(&format!("/gemini/v1beta/models/gemini-2.5-pro:{method}"))
                .header("x-goog-api-key", "AIza-1")
                .json(&json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}))
        }
    }
}

/// The text and the usage of a whole body.
fn parts(provider: Provider, body: &Value) -> (&str, Option<&Value>) {
    let (text, usage) = match provider {
        Provider::OpenAi => (&body["choices"][0]["message"]["content"], body.get("usage")),
        Provider::Anthropic => (&body["content"][0]["text"], body.get("usage")),
        Provider::Gemini => {
            (&body["candidates"][0]["content"]["parts"][0]["text"], body.get("usageMetadata"))
        }
    };
    (text.as_str().expect("a text"), usage)
}

fn output(provider: Provider, usage: &Value) -> u64 {
    let name = match provider {
        Provider::OpenAi => "completion_tokens",
        Provider::Anthropic => "output_tokens",
        Provider::Gemini => "candidatesTokenCount",
    };
    usage[name].as_u64().expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn output_tokens_set_the_length_and_the_directive_is_not_repeated() {
    let bench = Bench::start();
    for provider in ALL {
        let asked = ask(&bench, provider, "Hi [[sandbox: output_tokens=200]] you", false);
        let (status, body) = read(asked).await;
        let (text, usage) = parts(provider, &body);
        assert_eq!((status, text.split(' ').count()), (200, 200), "{provider:?}");
        assert!(text.contains("answer to: Hi you. alpha") && !text.contains("[["), "{text}");
        assert_eq!(output(provider, usage.expect("usage")), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_left_out_zeroed_or_doubled() {
    let bench = Bench::start();
    for provider in ALL {
        for (how, expected) in [("missing", None), ("zero", Some(0)), ("double", Some(40))] {
            let text = format!("Hi [[sandbox: usage={how}]]");
            let (_, body) = read(ask(&bench, provider, &text, false)).await;
            let told = parts(provider, &body).1.map(|usage| output(provider, usage));
            assert_eq!(told, expected, "{provider:?} {how}");
            let stream = events(ask(&bench, provider, &text, true)).await;
            let told =
                stream.iter().rev().filter(|(_, data)| data != "[DONE]").find_map(|(_, data)| {
                    let data = json(data);
                    let usage = data.get("usage").or(data.get("usageMetadata"))?;
                    usage.is_object().then(|| output(provider, usage))
                });
            assert_eq!(told, expected, "{provider:?} {how} streamed");
            let start = stream.iter().any(|(_, data)| data.contains("input_tokens"));
            assert_eq!(start, provider == Provider::Anthropic && how != "missing");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cached_tokens_are_told_in_each_vendors_shape() {
    let bench = Bench::start();
    for provider in ALL {
        let asked = ask(&bench, provider, "Hi [[sandbox: cached_tokens=2]] you", false);
        let (_, body) = read(asked).await;
        let usage = parts(provider, &body).1.expect("usage");
        let (input, cached) = match provider {
            Provider::OpenAi => {
                (&usage["prompt_tokens"], &usage["prompt_tokens_details"]["cached_tokens"])
            }
            Provider::Anthropic => (&usage["input_tokens"], &usage["cache_read_input_tokens"]),
            Provider::Gemini => (&usage["promptTokenCount"], &usage["cachedContentTokenCount"]),
        };
        let expected = if provider == Provider::Anthropic { 5 } else { 7 };
        assert_eq!((input, cached), (&expected.into(), &2.into()), "{provider:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_answered_in_the_vendors_shape_with_retry_after() {
    let bench = Bench::start();
    for provider in ALL {
        for stream in [false, true] {
            let text = "Hi [[sandbox: status=429, retry_after=2]]";
            let response = send(ask(&bench, provider, text, stream)).await;
            assert_eq!(
                (response.status(), &response.headers()["retry-after"]),
                (
                    reqwest::StatusCode::TOO_MANY_REQUESTS,
                    &reqwest::header::HeaderValue::from_static("2"),
                )
            );
            let body: Value = response.json().await.expect("a body");
            let kind = match provider {
                Provider::OpenAi => &body["error"]["code"],
                Provider::Anthropic => &body["error"]["type"],
                Provider::Gemini => &body["error"]["status"],
            };
            let expected = match provider {
                Provider::OpenAi => "rate_limit_exceeded",
                Provider::Anthropic => "rate_limit_error",
                Provider::Gemini => "RESOURCE_EXHAUSTED",
            };
            assert_eq!(kind, expected);
        }
        let response = send(ask(&bench, provider, "[[sandbox: status=503]]", false)).await;
        assert_eq!(response.status(), 503);
        assert!(response.headers().get("retry-after").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_refused_by_name() {
    let bench = Bench::start();
    for provider in ALL {
        let (status, body) = read(ask(&bench, provider, "[[sandbox: speed=9]]", true)).await;
        assert_eq!(status, 400);
        let message = body["error"]["message"].as_str().expect("a message");
        assert!(message.contains("`speed`"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_stream_ends_without_its_end() {
    let bench = Bench::start();
    for provider in ALL {
        for (cut, words) in [(0, ""), (3, "This is a")] {
            let text = format!("Hi [[sandbox: cut_after={cut}]]");
            let mut response = send(ask(&bench, provider, &text, true)).await;
            let mut received = Vec::new();
            let ended = loop {
                match response.chunk().await {
                    Ok(Some(chunk)) => received.extend_from_slice(&chunk),
                    Ok(None) => break true,
                    Err(_) => break false,
                }
            };
            assert!(!ended, "{provider:?} ended as if all was well");
            let received = String::from_utf8(received).expect("text");
            let said: String = received
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
                .map(|data| {
                    let data = json(data);
                    let text = match provider {
                        Provider::OpenAi => &data["choices"][0]["delta"]["content"],
                        Provider::Anthropic => &data["delta"]["text"],
                        Provider::Gemini => &data["candidates"][0]["content"]["parts"][0]["text"],
                    };
                    text.as_str().unwrap_or_default().to_owned()
                })
                .collect();
            assert_eq!(said, words, "{provider:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_body_is_half_of_what_was_announced() {
    let bench = Bench::start();
    for provider in ALL {
        let mut response = send(ask(&bench, provider, "[[sandbox: cut_after=1]]", false)).await;
        let announced = response.content_length().expect("a length");
        let mut received = 0;
        let ended = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => received += chunk.len() as u64,
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        assert!(!ended);
        assert_eq!(received, announced / 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn latency_delays_the_start_and_chunks_come_one_by_one() {
    let bench = Bench::start();
    let text = "[[sandbox: latency=150ms, chunk_delay=60ms, output_tokens=4]]";
    for provider in ALL {
        let asked = Instant::now();
        let mut response = send(ask(&bench, provider, text, true)).await;
        assert!(asked.elapsed() >= Duration::from_millis(150));
        let (started, mut arrivals) = (Instant::now(), 0);
        while response.chunk().await.expect("a chunk").is_some() {
            arrivals += 1;
        }
        assert!(started.elapsed() >= Duration::from_millis(150), "{provider:?}");
        assert!(arrivals >= 4, "{arrivals} arrivals from {provider:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_ends_the_stream() {
    let bench = Bench::start();
    let text = "[[sandbox: chunk_delay=20s, output_tokens=1000]]";
    for provider in ALL {
        let mut response = send(ask(&bench, provider, text, true)).await;
        assert!(response.chunk().await.expect("a chunk").is_some());
        assert_eq!(bench.count("/_sandbox/streams", "open").await, 1);
        drop(response);
        eventually("the stream ends", || async {
            bench.count("/_sandbox/streams", "open").await == 0
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_very_long_stream_is_whole() {
    let bench = Bench::start();
    let text = "[[sandbox: output_tokens=999999999999]]";
    let stream = events(ask(&bench, Provider::Gemini, text, true)).await;
    let last = json(&stream.last().expect("an event").1);
    assert_eq!(stream.len(), 100_001);
    assert_eq!(last["usageMetadata"]["candidatesTokenCount"], 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_bodies_and_their_figures_can_be_what_no_vendor_would_send() {
    let bench = Bench::start();
    for provider in ALL {
        let body = async |directive: &str| {
            let text = format!("Hi [[sandbox: {directive}]]");
            let answer = send(ask(&bench, provider, &text, false)).await;
            assert_eq!(answer.status(), 200);
            answer.bytes().await.expect("all of it")
        };
        assert_eq!(body("body=empty").await.len(), 0);
        assert!(serde_json::from_slice::<Value>(&body("body=garbage").await).is_err());
        assert!(body("body=deep").await.starts_with(b"[[[["));
        assert!(body("body=huge").await.len() > 100 << 20);
        for (directive, told) in [
            ("figures=negative", ":-20"),
            ("figures=beyond", ":18446744073709551616"),
            ("end=strange", "cosmic_ray"),
        ] {
            let body = String::from_utf8(body(directive).await.to_vec()).expect("text");
            assert!(body.contains(told), "{provider:?} {directive}: {body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_never_ends_is_sent_until_its_reader_hangs_up() {
    let bench = Bench::start();
    for provider in ALL {
        for body in ["endless", "unending", "silent"] {
            let text = format!("Hi [[sandbox: body={body}]]");
            let mut answer = send(ask(&bench, provider, &text, true)).await;
            assert_eq!(bench.count("/_sandbox/streams", "open").await, 1);
            let mut read = 0;
            while body != "silent" && read < 1 << 20 {
                read += answer.chunk().await.expect("it goes on").expect("more").len();
            }
            drop(answer);
            let hung_up = async || bench.count("/_sandbox/streams", "open").await == 0;
            eventually("the stream is dropped", hung_up).await;
        }
        let told = events(ask(&bench, provider, "Hi [[sandbox: event=strange]]", true)).await;
        assert_eq!(told.iter().filter(|(_, data)| data.contains("energy")).count(), 1);
    }
}
