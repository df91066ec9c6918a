//! A limit that is set in one process holds in another within a second.
use std::time::{Duration, Instant};

use serde_json::json;

use super::rules::{explained, set};
use crate::{
    app::{
        Place, TestApp,
        caller::{Http, Person},
        eventually,
    },
    kill::program::Program as Process,
};

/// What a busy machine may take on top of a second, to ask and to answer.
const BUSY: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_is_set_elsewhere_refuses_here_within_a_second() {
    let Some(place) = Place::postgres().await else { return };
    let here = TestApp::at(place, &[]).await;
    let there = Process::with(&here.place, &[("CAPE_SANDBOX__URL", here.sandbox())]);
    let (_, program) = here.program("ada").await;
    let operator = here.operator("grace").await;
    let operator = Person { http: Http::to(there.url().to_owned()), ..operator };
    program.say("gpt-4o-mini", "hello").await.with(200);
    let rule = json!({ "name": "closed", "applies_to": { "kind": "model", "target": "gpt-4o-mini" },
        "per": "platform", "measure": "requests", "window": "second", "limit": 0 });
    let made = set(&operator, &rule).await;
    let said = Instant::now();
    // Asking counts nowhere, so it may be asked again and again.
    eventually("it is known", async || explained(&program, "closed").await.is_some()).await;
    let refused = program.say("gpt-4o-mini", "hello").await;
    assert!(said.elapsed() < Duration::from_secs(1) + BUSY, "{:?}", said.elapsed());
    refused.error(429, "rate_limit_exceeded");
    assert_eq!(refused.header("x-ratelimit-rule"), Some("closed"));
    let path = format!("/api/admin/limits/{}", made["id"].as_str().expect("an id"));
    assert_eq!(operator.delete(&path).await.status, 204);
    let said = Instant::now();
    eventually("it is forgotten", async || explained(&program, "closed").await.is_none()).await;
    program.say("gpt-4o-mini", "hello").await.with(200);
    assert!(said.elapsed() < Duration::from_secs(1) + BUSY, "{:?}", said.elapsed());
    there.stop();
    here.finish().await;
}
