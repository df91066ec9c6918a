//! What the platform answers, word for word: every format that models are called in, with every
//! provider behind it, whole and in pieces, in words and with a function.
//!
//! Each pair of a format and a provider has a file. Where an answer should change, run the tests
//! with `UPDATE_SNAPSHOTS=1` and look at the difference.
mod told;

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::PathBuf};

use serde_json::Value;

use self::told::Told;
use crate::{
    adversarial::{MODELS, format::Format},
    app::{
        Answer, TestApp,
        caller::{Program, send},
    },
};

/// So many words are an answer long enough to come in pieces.
const WORDS: u64 = 6;

fn snapshots() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/snapshots")
}

fn file(format: Format, provider: &str) -> String {
    format!("{}_{provider}.txt", format.name())
}

/// Every way of asking: with a function or without one, and in pieces or not.
const WAYS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

async fn asked(
    program: &Program,
    format: Format,
    model: &str,
    (function, streamed): (bool, bool),
) -> Answer {
    let text = if function { "How is the weather?" } else { "hello" };
    let most = if function { 100 } else { WORDS };
    let body = format.body(model, text, most, streamed);
    let body = if function { format.with_function(body) } else { body };
    send(format.request(program, model, &body, streamed)).await
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_answers_word_for_word_as_written_down_whoever_runs_the_model() {
    let app = TestApp::on_sqlite(&[("CAPE_USAGE__LIMITS", "off")]).await;
    let (ada, program) = app.program("ada").await;
    let mut different = Vec::new();
    for format in Format::ALL {
        for model in MODELS {
            let (mut text, mut provider) = (String::new(), String::new());
            for way in WAYS {
                let (function, streamed) = way;
                let answer = asked(&program, format, model, way).await;
                assert_eq!(answer.status, 200, "{format:?} {model} {}", answer.text);
                let call = answer.header("x-cape-call-id").expect("a call");
                let record = ada.ended(call).await;
                assert_eq!(record["estimated"], false, "{record}");
                provider = record["provider"].as_str().expect("a name").to_owned();
                let what = if function { "a function" } else { "words" };
                let how = if streamed { "in pieces" } else { "whole" };
                writeln!(text, "## {what}, {how}\n").expect("a string");
                text.push_str(&Told::default().answer(&answer));
            }
            let path = snapshots().join(file(format, &provider));
            if env::var("UPDATE_SNAPSHOTS").is_ok() {
                fs::write(&path, &text).expect("the snapshot is written");
            }
            if fs::read_to_string(&path).unwrap_or_default() != text {
                different.push(format!("{}:\n{text}", path.display()));
            }
        }
    }
    assert!(different.is_empty(), "not as written down, but now:\n{}", different.join("\n"));
    app.finish().await;
}

/// Whoever adds a format, or a provider that is built in, is told here what is not written down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_matrix_of_formats_and_providers_is_complete() {
    let app = TestApp::on_sqlite(&[]).await;
    let ready = app.http.get("/healthz/ready").await.with(200);
    let integrations = ready["integrations"].as_object().expect("integrations").keys();
    let providers: BTreeSet<&str> = integrations
        .map(String::as_str)
        .filter(|name| !["stripe", "mail"].contains(name))
        .collect();
    let (ada, program) = app.program("ada").await;
    let mut asked = BTreeSet::new();
    for model in MODELS {
        let answer = program.say(model, "hello").await;
        let record = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
        asked.insert(record["provider"].as_str().expect("a name").to_owned());
    }
    assert_eq!(asked.iter().map(String::as_str).collect::<BTreeSet<_>>(), providers);

    let written: BTreeSet<String> = fs::read_dir(snapshots())
        .expect("snapshots")
        .map(|entry| entry.expect("a file").file_name().into_string().expect("a name"))
        .collect();
    let expected: BTreeSet<String> = Format::ALL
        .iter()
        .flat_map(|format| providers.iter().map(|provider| file(*format, provider)))
        .collect();
    assert_eq!(written, expected);

    let contract = app.http.get("/openapi.json").await.with(200);
    let in_pieces: BTreeSet<String> = contract["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .filter(|(path, _)| path.starts_with("/v1"))
        .filter(|(_, operations)| comes_in_pieces(&operations["post"]))
        .map(|(path, _)| path.clone())
        .collect();
    let known: BTreeSet<String> = Format::ALL
        .iter()
        .flat_map(|format| format.paths())
        .map(|path| (*path).to_owned())
        .collect();
    assert_eq!(in_pieces, known, "every format that answers in pieces is asked here");
    app.finish().await;
}

fn comes_in_pieces(operation: &Value) -> bool {
    !operation["responses"]["200"]["content"]["text/event-stream"].is_null()
}
