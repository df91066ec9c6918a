//! What goes wrong, whoever the vendor is.
use std::{fmt::Write as _, time::Duration};

use cape_domain::{
    secret::Secret,
    usage::{ChatProvider, FailureKind, ModelProviderError},
};
use cape_gateways::usage::providers::{
    AnthropicProvider, GeminiProvider, OpenAiProvider, ProviderOptions,
};
use tokio::{
    join,
    net::TcpListener,
    time::{Instant, timeout},
};

use super::{
    KEY, client, completed, every_provider, gemini, hear, openai, options, request, streamed,
    vendor::{Step, Vendor, stream, stream_head, whole},
};

/// A refusal that every vendor's reader understands.
fn refusal(message: &str) -> String {
    format!(r#"{{"type":"error","error":{{"type":"some_error","message":"{message}"}}}}"#)
}

/// An error with everything that could be shown of it.
fn everything(error: &ModelProviderError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        write!(text, " {inner} {inner:?}").expect("a string");
        cause = inner.source();
    }
    text
}

#[tokio::test]
async fn every_status_says_what_went_wrong_and_none_tells_our_key() {
    let vendor = Vendor::open().await;
    let body = refusal(&format!("bad thing, {KEY}"));
    let providers = every_provider(&vendor.url());
    for (status, kind) in [
        ("400 Bad Request", FailureKind::Rejected),
        ("404 Not Found", FailureKind::Rejected),
        ("413 Too Large", FailureKind::Rejected),
        ("422 Unprocessable", FailureKind::Rejected),
        ("401 Unauthorized", FailureKind::Credentials),
        ("403 Forbidden", FailureKind::Credentials),
        ("429 Too Many", FailureKind::RateLimited),
        ("408 Timeout", FailureKind::Timeout),
        ("504 Timeout", FailureKind::Timeout),
        ("500 Failure", FailureKind::Unavailable),
        ("502 Bad Gateway", FailureKind::Unavailable),
        ("503 Unavailable", FailureKind::Unavailable),
        ("529 Overloaded", FailureKind::Unavailable),
        ("418 Teapot", FailureKind::Unavailable),
    ] {
        for provider in &providers {
            for body in [body.as_str(), "<html>", ""] {
                let script = whole(status, "", body);
                let (_, answer) = completed(provider.as_ref(), &vendor, &script).await;
                let error = answer.expect_err("a failure");
                assert_eq!(error.kind(), kind, "{status}");
                assert!(!everything(&error).contains(KEY), "{error:?}");
                let request = request();
                let (_, stream) = join!(vendor.play(&script), provider.stream(&request));
                assert_eq!(stream.err().map(|error| error.kind()), Some(kind), "{status}");
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_providers_words() {
    let vendor = Vendor::open().await;
    for provider in every_provider(&vendor.url()) {
        for (body, told) in [
            (refusal("max_tokens is too large"), "max_tokens is too large"),
            (refusal(&format!("no {KEY}")), "no ***"),
            ("<html>".to_owned(), "404 Not Found"),
        ] {
            let script = whole("404 Not Found", "", &body);
            let (_, answer) = completed(provider.as_ref(), &vendor, &script).await;
            let Err(ModelProviderError::Rejected { message }) = answer else {
                panic!("not refused");
            };
            assert_eq!(message, told);
        }
    }
}

#[tokio::test]
async fn a_wrong_key_of_gemini_is_not_the_callers_fault() {
    let vendor = Vendor::open().await;
    let body = r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT",
        "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",
        "reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}"#;
    let script = whole("400 Bad Request", "", body);
    let (_, answer) = completed(&gemini(&vendor.url()), &vendor, &script).await;
    assert_eq!(answer.err().map(|error| error.kind()), Some(FailureKind::Credentials));
}

#[tokio::test]
async fn the_wait_that_is_asked_for_is_told() {
    let vendor = Vendor::open().await;
    let seconds = |n| Some(Duration::from_secs(n));
    let providers = every_provider(&vendor.url());
    for (headers, expected) in [
        ("retry-after: 7\r\n", seconds(7)),
        ("Retry-After: 0\r\n", seconds(0)),
        ("retry-after: soon\r\n", None),
        ("retry-after: Wed, 21 Oct 2026 07:28:00 GMT\r\n", None),
        ("", None),
    ] {
        for provider in &providers {
            let script = whole("429 Too Many", headers, &refusal("m"));
            let (_, answer) = completed(provider.as_ref(), &vendor, &script).await;
            let Err(ModelProviderError::RateLimited { retry_after }) = answer else {
                panic!("not limited");
            };
            assert_eq!(retry_after, expected, "{headers}");
        }
    }
    let body = r#"{"error":{"code":429,"message":"m","details":[
        {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}"#;
    let script = whole("429 Too Many", "", body);
    let (_, answer) = completed(&gemini(&vendor.url()), &vendor, &script).await;
    assert!(
        matches!(answer, Err(ModelProviderError::RateLimited { retry_after }) if retry_after == seconds(34))
    );
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_malformed_and_one_cut_off_is_unavailable() {
    let vendor = Vendor::open().await;
    for provider in every_provider(&vendor.url()) {
        for body in ["", "<html>", "{}", "[]", "{\"choices\":[", "\u{feff}"] {
            let script = whole("200 OK", "", body);
            let (_, answer) = completed(provider.as_ref(), &vendor, &script).await;
            let kind = answer.err().map(|error| error.kind());
            assert_eq!(kind, Some(FailureKind::Malformed), "{body}");
        }
        for cut in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"] {
            let script = [Step::Send(cut.as_bytes().to_vec())];
            let (_, answer) = completed(provider.as_ref(), &vendor, &script).await;
            let kind = answer.err().map(|error| error.kind());
            assert_eq!(kind, Some(FailureKind::Unavailable), "{cut}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    for provider in every_provider(&url) {
        let error = provider.complete(&request()).await.expect_err("nobody is there");
        assert_eq!(error.kind(), FailureKind::Unavailable);
        let error = provider.stream(&request()).await.err().expect("nobody is there");
        assert_eq!(error.kind(), FailureKind::Unavailable);
    }
}

#[tokio::test]
async fn a_silent_provider_is_not_waited_for_forever() {
    let vendor = Vendor::open().await;
    let short = ProviderOptions {
        answer_timeout: Duration::from_millis(50),
        first_byte_timeout: Duration::from_millis(50),
        ..options(&vendor.url())
    };
    let provider = OpenAiProvider::new(&client(), short).expect("sound options");
    let silence = [Step::UntilLeft];
    let (_, answer) = completed(&provider, &vendor, &silence).await;
    assert_eq!(answer.err().map(|error| error.kind()), Some(FailureKind::Timeout));

    let request = request();
    let (_, stream) = join!(vendor.play(&silence), provider.stream(&request));
    assert_eq!(stream.err().map(|error| error.kind()), Some(FailureKind::Timeout));

    // A head alone is no beginning, and an answer that trickles is none in time.
    let only_head = [Step::Send(stream_head()), Step::UntilLeft];
    let heard = streamed(&provider, &vendor, &only_head).await;
    assert_eq!((heard.pieces.len(), heard.failure), (0, Some(FailureKind::Timeout)));
    let (_, answer) = completed(&provider, &vendor, &only_head).await;
    assert_eq!(answer.err().map(|error| error.kind()), Some(FailureKind::Timeout));
}

#[tokio::test]
async fn a_stream_may_pause_but_not_fall_silent() {
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    let chunk = |text: &str| {
        let data = format!(r#"data: {{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#);
        Step::Send(format!("{data}\n\n").into_bytes())
    };
    let pause = Step::Pause(Duration::from_millis(120));
    let ping = Step::Send(b": ping\n\n".to_vec());
    let script = [
        Step::Send(stream_head()),
        chunk("a"),
        pause.clone(),
        ping,
        pause,
        chunk("b"),
        Step::UntilLeft,
    ];
    let heard = streamed(&provider, &vendor, &script).await;
    assert_eq!((heard.text().as_str(), heard.failure), ("ab", Some(FailureKind::Timeout)));
}

#[tokio::test]
async fn a_stream_that_never_falls_silent_is_not_read_for_ever() {
    let vendor = Vendor::open().await;
    let short =
        ProviderOptions { longest_stream: Duration::from_millis(300), ..options(&vendor.url()) };
    let provider = OpenAiProvider::new(&client(), short).expect("sound options");
    let ping = [Step::Send(b": ping\n\n".to_vec()), Step::Pause(Duration::from_millis(50))];
    let script: Vec<Step> = std::iter::once(Step::Send(stream_head()))
        .chain(ping.into_iter().cycle().take(100))
        .collect();
    let begun = Instant::now();
    let heard = streamed(&provider, &vendor, &script).await;
    assert_eq!((heard.pieces.len(), heard.failure), (0, Some(FailureKind::Timeout)));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn dropping_a_stream_hangs_up() {
    let vendor = Vendor::open().await;
    let chunk = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
    let script = [Step::Send(stream_head()), Step::Send(chunk.into()), Step::UntilLeft];
    let provider = openai(&vendor.url());
    let leave = async {
        let mut stream = provider.stream(&request()).await.expect("a stream");
        assert!(matches!(stream.next().await, Some(Ok(_))));
        drop(stream);
    };
    let both = async { join!(vendor.play(&script), leave) };
    timeout(Duration::from_secs(5), both).await.expect("the vendor sees that nobody listens");
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_stream() {
    let vendor = Vendor::open().await;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let done = "e\r\ndata: [DONE]\n\n\r\n";
    let script = [
        Step::Send(format!("{chunked}{done}").into_bytes()),
        Step::Pause(Duration::from_millis(2)),
        Step::Send(b"0\r\n\r\n".to_vec()),
    ];
    let provider = openai(&vendor.url());
    let ask = async {
        for _ in 0..3 {
            let heard = hear(provider.stream(&request()).await.expect("a stream")).await;
            assert_eq!((heard.pieces.len(), heard.failure), (1, None));
        }
    };
    // Whoever connected a second time would never be answered.
    let scripts = [script.as_slice(); 3];
    let all = async { join!(vendor.play_all(&scripts), ask) };
    timeout(Duration::from_secs(5), all).await.expect("one connection serves all");
}

#[tokio::test]
async fn a_failure_in_a_stream_hangs_up_too() {
    let vendor = Vendor::open().await;
    let script = [Step::Send(stream_head()), Step::Send(b"data: {\n\n".to_vec()), Step::UntilLeft];
    let provider = openai(&vendor.url());
    let listen = async {
        let mut stream = provider.stream(&request()).await.expect("a stream");
        assert!(matches!(stream.next().await, Some(Err(ModelProviderError::Malformed(_)))));
        assert!(stream.next().await.is_none());
        stream
    };
    let both = async { join!(vendor.play(&script), listen) };
    timeout(Duration::from_secs(5), both).await.expect("the vendor sees that nobody listens");
}

#[tokio::test]
async fn an_event_without_end_is_refused() {
    let vendor = Vendor::open().await;
    let megabyte = Step::Send(vec![b'a'; 1 << 20]);
    let mut script = vec![Step::Send(stream_head()), Step::Send(b"data: ".to_vec())];
    script.extend(std::iter::repeat_n(megabyte, 5));
    for provider in every_provider(&vendor.url()) {
        let heard = streamed(provider.as_ref(), &vendor, &script).await;
        assert_eq!((heard.pieces.len(), heard.failure), (0, Some(FailureKind::Malformed)));
    }
}

#[tokio::test]
async fn what_is_no_text_is_malformed() {
    let vendor = Vendor::open().await;
    let script = [Step::Send(stream_head()), Step::Send(b"data: \xff\xff\n\n".to_vec())];
    for provider in every_provider(&vendor.url()) {
        let heard = streamed(provider.as_ref(), &vendor, &script).await;
        assert_eq!(heard.failure, Some(FailureKind::Malformed));
    }
}

#[tokio::test]
async fn what_goes_wrong_after_an_answer_takes_nothing_from_it() {
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    let finish = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    for after in ["", "data: {\n\n", "data: {\"error\":{\"message\":\"m\"}}\n\n", "data: [DO"] {
        let heard = streamed(&provider, &vendor, &stream(&format!("{finish}{after}"))).await;
        assert_eq!((heard.pieces.len(), heard.failure), (1, None), "{after}");
    }
}

#[tokio::test]
async fn a_key_follows_no_redirection() {
    let vendor = Vendor::open().await;
    let elsewhere = Vendor::open().await;
    let headers = format!("location: {}/elsewhere\r\n", elsewhere.url());
    for provider in every_provider(&vendor.url()) {
        let script = whole("307 Temporary Redirect", &headers, "");
        let (_, answer) = completed(provider.as_ref(), &vendor, &script).await;
        assert_eq!(answer.err().map(|error| error.kind()), Some(FailureKind::Unavailable));
    }
}

#[tokio::test]
async fn a_stream_can_be_read_from_another_task() {
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    let body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n\
                data: [DONE]\n\n";
    let script = stream(body);
    let ask = async {
        let stream = provider.stream(&request()).await.expect("a stream");
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(hear(stream));
        tasks.join_next().await.expect("a task").expect("no panic")
    };
    let (_, heard) = join!(vendor.play(&script), ask);
    assert_eq!((heard.text().as_str(), heard.failure), ("a", None));
}

#[test]
fn options_that_make_no_provider_are_refused_and_the_key_is_not_shown() {
    let client = client();
    for url in ["", "api.openai.com", "ftp://a.test", "mailto:a@b.test", "http://"] {
        let refused = OpenAiProvider::new(&client, options(url));
        assert!(refused.is_err_and(|error| error.to_string().contains(url)), "{url}");
    }
    let bad = ProviderOptions::new("https://a.test", Secret::new("sk-\n1"));
    let error = AnthropicProvider::new(&client, bad).expect_err("no header");
    assert_eq!(error.to_string(), "the API key has characters that no key has");

    for shown in [
        format!("{:?}", options("https://a.test")),
        format!("{:?}", openai("https://a.test")),
        format!("{:?}", gemini("https://a.test")),
    ] {
        assert!(!shown.contains(KEY), "{shown}");
    }
    assert_eq!(OpenAiProvider::BASE_URL, "https://api.openai.com/v1");
    assert_eq!(AnthropicProvider::BASE_URL, "https://api.anthropic.com");
    assert_eq!(GeminiProvider::BASE_URL, "https://generativelanguage.googleapis.com");
}
