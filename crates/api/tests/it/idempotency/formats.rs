//! Every format in which a model is called: paid once, given again byte by byte, and refused for
//! another request under the same key.
use std::sync::Arc;

use serde_json::{Value, json};

use super::{ask, calls, is_replayed, stored};
use crate::app::{Answer, Place, TestApp, on_both_databases};

on_both_databases!(each_format_is_paid_once_and_given_again_byte_by_byte);

/// A request in one of the formats, and another one.
struct Asked {
    path: &'static str,
    body: Value,
    other: Value,
    /// How a stream ends, if it is one.
    ends: Option<&'static str>,
}

fn openais() -> Vec<Asked> {
    let response = |text: &str| json!({ "model": "gpt-4o-mini", "input": text });
    let in_pieces = |text: &str| json!({ "model": "gpt-4o-mini", "input": text, "stream": true });
    let vectors = |text: &str| json!({ "model": "text-embedding-3-small", "input": text });
    let judged = |text: &str| json!({ "input": text });
    let whole = |path, of: &dyn Fn(&str) -> Value| Asked {
        path,
        body: of("hello"),
        other: of("you"),
        ends: None,
    };
    vec![
        whole("/v1/responses", &response),
        Asked {
            path: "/v1/responses",
            body: in_pieces("hello [[sandbox: chunk_delay=2ms]]"),
            other: in_pieces("you"),
            ends: Some("\n\n"),
        },
        whole("/v1/embeddings", &vectors),
        whole("/v1/moderations", &judged),
    ]
}

fn googles() -> Vec<Asked> {
    let of = |text: &str| json!({ "contents": [{ "parts": [{ "text": text }] }] });
    let asked = |path, ends| Asked { path, body: of("hello"), other: of("you"), ends };
    vec![
        asked("/v1beta/models/gemini-1.5-flash:generateContent", None),
        asked("/v1/models/gpt-4o-mini:generateContent", None),
        asked("/v1beta/models/gemini-1.5-flash:streamGenerateContent?alt=sse", Some("\n\n")),
        asked("/v1beta/models/gpt-4o-mini:streamGenerateContent", Some("]\n")),
    ]
}

#[track_caller]
fn assert_reused(path: &str, refused: &Answer) {
    if path.contains(':') {
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(refused.text.contains("IDEMPOTENCY_KEY_REUSED"), "{refused:?}");
    } else {
        refused.error(422, "idempotency_key_reused");
    }
}

async fn each_format_is_paid_once_and_given_again_byte_by_byte(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let mut charged = false;
    for (number, asked) in (1..).zip(openais().into_iter().chain(googles())) {
        let Asked { path, body, other, ends } = asked;
        let key = format!("request-{number}");
        let before = ada.credits().await.balance;
        let first = ask(&program, path, &key, &body).await;
        assert_eq!(first.status, 200, "{path}: {}", first.text);
        assert!(!is_replayed(&first), "{path}");
        if let Some(end) = ends {
            assert!(first.text.ends_with(end), "{path}: {}", first.text);
        }
        let call = first.header("x-cape-call-id").expect("a call").to_owned();
        ada.ended(&call).await;
        let after = ada.credits().await;
        charged |= after.balance < before;
        for _ in 0..2 {
            let again = ask(&program, path, &key, &body).await;
            assert!(is_replayed(&again), "{path}: {again:?}");
            assert_eq!((again.status, &again.text), (200, &first.text), "{path}");
            for header in ["content-type", "x-cape-call-id", "x-cape-model"] {
                assert_eq!(again.header(header), first.header(header), "{path} {header}");
            }
        }
        assert_reused(path, &ask(&program, path, &key, &other).await);
        assert_eq!(ada.credits().await, after, "{path} is paid once");
        assert_eq!((calls(&app).await, stored(&app).await), (number, number), "{path}");
    }
    assert!(charged, "there was something to pay at all");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_in_any_format_is_tried_anew() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let before = ada.credits().await;
    let text = "hello [[sandbox: status=400]]";
    for (path, body) in [
        ("/v1/responses", json!({ "model": "gpt-4o-mini", "input": text })),
        ("/v1/embeddings", json!({ "model": "text-embedding-3-small", "input": text })),
        ("/v1/moderations", json!({ "input": text })),
        (
            "/v1beta/models/gemini-1.5-flash:generateContent",
            json!({ "contents": [{ "parts": [{ "text": text }] }] }),
        ),
    ] {
        let mut ids = Vec::new();
        for _ in 0..2 {
            let failed = ask(&program, path, path, &body).await;
            assert!(failed.status == 400 && !is_replayed(&failed), "{failed:?}");
            ids.push(failed.header("x-request-id").expect("an id").to_owned());
        }
        assert_ne!(ids[0], ids[1]);
    }
    assert_eq!((ada.credits().await, stored(&app).await), (before, 0));
    assert_eq!(calls(&app).await, 8, "each was tried twice");
    app.finish().await;
}
