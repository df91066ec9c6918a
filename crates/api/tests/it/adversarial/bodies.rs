//! Bodies that are not what was asked for.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::task::JoinSet;

use super::{ASKED_ALWAYS_AND_ONCE, Format, MODELS, adds_up, still_answers};
use crate::app::{
    Answer, Place, TestApp,
    caller::{Program, micros},
    on_both_databases,
};

/// Nobody waits for longer than that.
const IMPATIENT: [(&str, &str); 9] = [
    ("CAPE_USAGE__OPENAI__ANSWER_TIMEOUT", "2s"),
    ("CAPE_USAGE__OPENAI__FIRST_BYTE_TIMEOUT", "2s"),
    ("CAPE_USAGE__OPENAI__IDLE_TIMEOUT", "2s"),
    ("CAPE_USAGE__ANTHROPIC__ANSWER_TIMEOUT", "2s"),
    ("CAPE_USAGE__ANTHROPIC__FIRST_BYTE_TIMEOUT", "2s"),
    ("CAPE_USAGE__ANTHROPIC__IDLE_TIMEOUT", "2s"),
    ("CAPE_USAGE__GEMINI__ANSWER_TIMEOUT", "2s"),
    ("CAPE_USAGE__GEMINI__FIRST_BYTE_TIMEOUT", "2s"),
    ("CAPE_USAGE__GEMINI__IDLE_TIMEOUT", "2s"),
];

/// What a hostile body leads to.
struct Case {
    directive: &'static str,
    /// The status of an answer in one piece, and our word for the failure.
    whole: (u16, &'static str),
    /// Whether something comes of a stream before it fails, which is paid for then.
    begins: bool,
}

const LOUD: [Case; 6] = [
    Case { directive: "body=empty", whole: (502, "malformed"), begins: false },
    Case { directive: "body=garbage", whole: (502, "malformed"), begins: true },
    Case { directive: "body=deep", whole: (502, "malformed"), begins: true },
    Case { directive: "body=huge", whole: (502, "malformed"), begins: true },
    Case { directive: "body=endless", whole: (502, "malformed"), begins: true },
    Case { directive: "body=unending", whole: (502, "malformed"), begins: true },
];

const SILENT: [Case; 2] = [
    Case { directive: "body=silent", whole: (504, "timeout"), begins: false },
    Case { directive: "latency=60s", whole: (504, "timeout"), begins: false },
];

on_both_databases!(
    no_body_of_a_provider_does_more_than_fail_its_call,
    silence_is_waited_for_so_long_and_fails_its_call,
);

async fn no_body_of_a_provider_does_more_than_fail_its_call(place: Arc<Place>) {
    let app = TestApp::at(place, &ASKED_ALWAYS_AND_ONCE).await;
    fails_its_calls(&app, &LOUD).await;
    app.finish().await;
}

async fn silence_is_waited_for_so_long_and_fails_its_call(place: Arc<Place>) {
    let settings = [&ASKED_ALWAYS_AND_ONCE[..], &IMPATIENT[..]].concat();
    let app = TestApp::at(place, &settings).await;
    fails_its_calls(&app, &SILENT).await;
    app.finish().await;
}

async fn fails_its_calls(app: &TestApp, cases: &[Case]) {
    let (ada, program) = app.program("ada").await;
    let mut made = 0;
    for case in cases {
        let answers = all_at_once(&program, case).await;
        let all = adds_up(app, &ada).await;
        for answer in &answers {
            answer.is_told(case);
        }
        let new = &all[..all.len() - made];
        assert_eq!(new.len(), answers.len(), "{}", case.directive);
        for record in new {
            is_recorded(case, record);
        }
        made = all.len();
    }
    still_answers(&program).await;
}

struct Asked {
    format: Format,
    model: &'static str,
    streamed: bool,
    answer: Answer,
}

/// Every format, with every provider, whole and in pieces.
async fn all_at_once(program: &Program, case: &Case) -> Vec<Asked> {
    let text = format!("hello [[sandbox: {}]]", case.directive);
    let mut asked = JoinSet::new();
    for format in Format::ALL {
        for model in MODELS {
            for streamed in [false, true] {
                let (program, text) = (program.clone(), text.clone());
                asked.spawn(async move {
                    let begun = Instant::now();
                    let answer = format.ask(&program, model, &text, streamed).await;
                    assert!(begun.elapsed() < Duration::from_mins(1), "{model} {text}");
                    Asked { format, model, streamed, answer }
                });
            }
        }
    }
    asked.join_all().await
}

impl Asked {
    #[track_caller]
    fn is_told(&self, case: &Case) {
        let Self { format, model, streamed, answer } = self;
        let what = format!("{} {format:?} {model} {streamed}", case.directive);
        if *streamed && !case.directive.starts_with("latency") {
            assert_eq!(answer.status, 200, "{what}: {}", answer.text);
            assert!(!format.is_whole(&answer.text), "{what}: {}", answer.text);
            format.last_error(&answer.text);
        } else {
            assert_eq!(answer.status, case.whole.0, "{what}: {}", answer.text);
            format.error(answer);
        }
    }
}

#[track_caller]
fn is_recorded(case: &Case, record: &Value) {
    let what = format!("{} {record}", case.directive);
    if record["streamed"] == true && case.begins {
        assert_eq!(record["state"], "settled", "{what}");
        assert!(record["tokens"]["output"].as_u64() > Some(0), "{what}");
        assert!(micros(&record["charge"]) > 0, "{what}");
    } else {
        assert_eq!((&record["state"], micros(&record["charge"])), (&"failed".into(), 0), "{what}");
    }
    if record["streamed"] == false {
        assert_eq!(record["failure"], case.whole.1, "{what}");
    }
}

/// What comes after the last word takes nothing from an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_nobody_knows_change_nothing() {
    let app = TestApp::on_sqlite(&ASKED_ALWAYS_AND_ONCE).await;
    let (ada, program) = app.program("ada").await;
    for format in Format::ALL {
        for model in MODELS {
            for streamed in [false, true] {
                let sound = format.ask(&program, model, "hello", streamed);
                let sound = sound.await;
                for directive in ["event=strange", "end=strange", "event=strange, end=strange"] {
                    let text = format!("hello[[sandbox: {directive}]]");
                    let answer = format.ask(&program, model, &text, streamed).await;
                    assert_eq!(
                        answer.status, 200,
                        "{format:?} {model} {directive} {}",
                        answer.text
                    );
                    if streamed {
                        assert!(
                            format.is_whole(&answer.text),
                            "{format:?} {model} {}",
                            answer.text
                        );
                    }
                    assert_eq!(said(format, &answer, streamed), said(format, &sound, streamed));
                }
            }
        }
    }
    let all = adds_up(&app, &ada).await;
    assert!(all.iter().all(|record| record["estimated"] == false && record["state"] == "settled"));
    app.finish().await;
}

/// The words of an answer, however it came.
fn said(format: Format, answer: &Answer, streamed: bool) -> String {
    let datas: Vec<Value> = if streamed {
        let datas = answer.text.lines().filter_map(|line| line.strip_prefix("data: "));
        datas.filter_map(|data| serde_json::from_str(data).ok()).collect()
    } else {
        vec![answer.json()]
    };
    let text = |data: &Value| {
        let found = match (format, streamed) {
            (Format::Chat, true) => &data["choices"][0]["delta"]["content"],
            (Format::Chat, false) => &data["choices"][0]["message"]["content"],
            (Format::Responses, true) if data["type"] == "response.output_text.delta" => {
                &data["delta"]
            }
            (Format::Responses, true) => &Value::Null,
            (Format::Responses, false) => &data["output"][0]["content"][0]["text"],
            (Format::Messages, true) => &data["delta"]["text"],
            (Format::Messages, false) => &data["content"][0]["text"],
            (Format::Generate, _) => &data["candidates"][0]["content"]["parts"][0]["text"],
        };
        found.as_str().unwrap_or_default().to_owned()
    };
    let said: String = datas.iter().map(text).collect();
    assert!(!said.is_empty(), "{format:?}: {}", answer.text);
    said
}
