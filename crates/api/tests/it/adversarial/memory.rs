//! Answers that do not fit into any memory. The platform is a process of its own here, so that what
//! it takes is its own.
use std::fs;

use super::{ASKED_ALWAYS_AND_ONCE, Format, MODELS};
use crate::{
    app::{Http, Place},
    kill::program::{self, Program},
};

/// What the whole may grow by, in kilobytes: less than one such answer has.
const ROOM: u64 = 80 * 1024;

/// The most memory that a process ever had, in kilobytes.
fn most_memory(program: &Program) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a figure");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_a_hundred_megabytes_is_refused_before_it_is_read() {
    let place = Place::sqlite().await;
    let sandbox = Program::sandbox(&place);
    let url = [("CAPE_SANDBOX__URL", sandbox.url())];
    let platform = Program::with(&place, &[&url[..], &ASKED_ALWAYS_AND_ONCE[..]].concat());
    let http = Http::to(platform.url().to_owned());
    http.register("ada@example.com").await.with(201);
    let ada = http.sign_in("ada@example.com").await;
    let program = ada.program().await;
    for model in MODELS {
        for streamed in [false, true] {
            let answer = Format::Chat.ask(&program, model, "hello", streamed).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }
    let before = most_memory(&platform);
    for body in ["huge", "unending", "endless", "deep"] {
        let text = format!("hello [[sandbox: body={body}]]");
        for model in MODELS {
            let whole = Format::Chat.ask(&program, model, &text, false).await;
            whole.error(502, "provider_malformed");
            let pieces = Format::Chat.ask(&program, model, &text, true).await;
            let error = Format::Chat.last_error(&pieces.text);
            assert_eq!(error["code"], "provider_malformed", "{body} {model}");
        }
    }
    let grown = most_memory(&platform) - before;
    assert!(grown < ROOM, "it grew by {grown} kB");
    assert_eq!(ada.credits().await.held, 0);
    platform.stop();
    sandbox.stop();
    program::check_ledger(&place);
}
