//! What was used, by whom, of what and when; what paid for it; and what is left.
mod ai;
mod csv;
mod receipts;
mod records;
mod standing;
mod sums;

use cape_domain::{
    ids::CallId,
    store::{Durability, Scope, Store as _},
    usage::{Call, CallState},
};
use chrono::TimeDelta;
use serde_json::Value;

use crate::app::{
    TestApp,
    caller::{Person, Program},
};

const MINI: &str = "gpt-4o-mini";
const HAIKU: &str = "claude-3-haiku";
const FLASH: &str = "gemini-1.5-flash";

/// What "hello" costs: 120 x (4 x price in + 20 x price out), in millionths of a credit.
const HELLO_MINI: i64 = 1_512;
const HELLO_HAIKU: i64 = 3_120;

/// Somebody whose two programs made calls: the first one of each provider, of which the last
/// came to nothing, and the second one more to the first model.
async fn given_calls(app: &TestApp) -> (Person, [Program; 2]) {
    let (ada, first) = app.program("ada").await;
    let second = ada.program().await;
    first.say(MINI, "hello").await.with(200);
    first.say(HAIKU, "hello").await.with(200);
    first.say(FLASH, "hello [[sandbox: status=400]]").await.error(400, "provider_rejected");
    second.say(MINI, "hello").await.with(200);
    (ada, [first, second])
}

/// The list that stands under a name.
fn list<'a>(answer: &'a Value, name: &str) -> &'a Vec<Value> {
    answer[name].as_array().expect("a list")
}

/// Calls as they were found, by their models, the newest first.
fn models(answer: &Value) -> Vec<&str> {
    list(answer, "data").iter().filter_map(|row| row["model"].as_str()).collect()
}

/// So many more calls like this one, each a second older than the one before.
async fn given_more_like(app: &TestApp, call: &str, many: u32) {
    let id: CallId = call.parse().expect("an id");
    let mut read = app.instance.store.read(Scope::Platform).await.expect("read");
    let call = read.calls().find(id).await.expect("found").expect("a call");
    drop(read);
    let CallState::Settled { metered, timing, at, .. } = call.state.clone() else {
        panic!("{call:?}")
    };
    let state = CallState::Settled { metered, transaction: None, correction: None, timing, at };
    let mut work =
        app.instance.store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    for number in 1..=many {
        let older = Call {
            id: CallId::next(&*app.instance.platform.services.ids),
            hold: None,
            started_at: call.started_at - TimeDelta::seconds(number.into()),
            state: state.clone(),
            ..call.clone()
        };
        work.calls().insert(&older).await.expect("inserted");
    }
    work.commit().await.expect("committed");
}

/// The lines of a table, read as RFC 4180 has them.
fn lines(table: &str) -> Vec<Vec<String>> {
    assert!(table.ends_with("\r\n"), "{table}");
    let (mut lines, mut line, mut cell, mut quoted) = (vec![], vec![], String::new(), false);
    let mut characters = table.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(characters.next(), Some('\n'));
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            other => cell.push(other),
        }
    }
    lines
}

/// The cells of a table under a column.
fn column(table: &[Vec<String>], name: &str) -> Vec<String> {
    let place = table[0].iter().position(|column| column == name).expect(name);
    assert!(table.iter().all(|line| line.len() == table[0].len()), "every line is as long");
    table[1..].iter().map(|line| line[place].clone()).collect()
}
