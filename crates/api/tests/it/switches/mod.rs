//! What operators stop is refused with the reason, and what is running ends within a second, in
//! every process.
mod elsewhere;
mod operators;
mod refusals;
mod streams;

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{
    Answer,
    caller::{Person, Program, send},
};

/// What it may take until what was said is known everywhere.
const SECOND: Duration = Duration::from_secs(1);

/// It is asked again and again until something is known: limits would stand in the way.
const UNLIMITED: [(&str, &str); 1] = [("CAPE_USAGE__LIMITS", "off")];

/// The usual model.
const MODEL: &str = "gpt-4o-mini";

/// Where each kind of switch is found that stops this program's calls to the usual model.
async fn all(owner: &Person, program: &Program) -> [String; 4] {
    let signed_in = owner.http.refresh(&owner.refresh).await.with(200);
    let workspace = signed_in["workspace"]["id"].as_str().expect("an id").to_owned();
    [
        format!("key/{}", program.id),
        format!("workspace/{workspace}"),
        format!("model/{MODEL}"),
        "provider/openai".to_owned(),
    ]
}

async fn stop(operator: &Person, target: &str) -> Answer {
    let path = format!("/api/admin/switches/{target}");
    send(operator.request("PUT", &path).json(&json!({ "reason": "found in the open" }))).await
}

async fn release(operator: &Person, target: &str) -> Answer {
    operator.delete(&format!("/api/admin/switches/{target}")).await
}

/// What is told of a call that is refused because of this target.
fn refusal(target: &str) -> (u16, &'static str) {
    let (kind, _) = target.split_once('/').expect("a kind");
    if ["key", "workspace"].contains(&kind) { (403, "stopped") } else { (503, "model_stopped") }
}

/// Whether an error, in `OpenAI`'s shape, says that this target is stopped, and why.
#[track_caller]
fn tells(error: &Value, target: &str) {
    assert_eq!(error["code"], refusal(target).1, "{error}");
    let message = format!("the {} is stopped: found in the open", target.replace('/', " "));
    assert_eq!(error["message"], message);
}
