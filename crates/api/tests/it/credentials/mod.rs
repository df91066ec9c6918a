//! Workspaces' own keys at providers: stored and never shown again, used for their calls alone,
//! and gone within a second, in every process.
mod calls;
mod elsewhere;
mod routes;

use serde_json::{Value, json};

use crate::app::{
    Answer,
    caller::{Person, Program, send},
};

/// The usual model.
const MODEL: &str = "gpt-4o-mini";

/// A key that the sandbox takes, as it does any that begins so.
const GOOD: &str = "sk-acme-1234";

/// A key that the sandbox refuses: it does not begin so.
const BAD: &str = "bad-acme-5678";

async fn store(person: &Person, provider: &str, key: &str) -> Answer {
    let path = format!("/api/ai/credentials/{provider}");
    send(person.request("PUT", &path).json(&json!({ "api_key": key }))).await
}

async fn remove(person: &Person, provider: &str) -> Answer {
    person.delete(&format!("/api/ai/credentials/{provider}")).await
}

/// Under whose key a call is made now, or what is told instead.
async fn made_under(owner: &Person, program: &Program) -> String {
    let answer = program.say(MODEL, "hello").await;
    if answer.status != 200 {
        return answer.json()["error"]["code"].as_str().expect("a code").to_owned();
    }
    let record = owner.record(answer.header("x-cape-call-id").expect("a call")).await;
    record["credential"].as_str().expect("it says whose").to_owned()
}

/// What is told of a key, but for its time.
#[track_caller]
fn tells(view: &Value, provider: &str, ending: &str) {
    assert_eq!((&view["provider"], &view["ending"]), (&json!(provider), &json!(ending)));
    for (field, prefix) in [("id", "crd_"), ("created_by", "usr_")] {
        assert!(view[field].as_str().is_some_and(|id| id.starts_with(prefix)), "{view}");
    }
    assert!(view["created_at"].is_string(), "{view}");
    assert_eq!(view.as_object().map(serde_json::Map::len), Some(5), "{view}");
}
