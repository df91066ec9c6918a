//! Storms of refusals.
use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use super::{Format, MODELS, adds_up};
use crate::app::{Place, TestApp, caller::Program, on_both_databases};

on_both_databases!(a_storm_of_refusals_costs_nothing_and_is_not_answered_by_a_storm);

const CALLS: u64 = 30;

/// How often each provider was asked.
async fn asked(app: &TestApp, provider: &str) -> u64 {
    let path = format!("{}/_sandbox/requests", app.sandbox());
    app.http.get(&path).await.with(200)[provider].as_u64().expect("a count")
}

async fn all_at_once(program: &Program, model: &'static str, text: &'static str) -> Vec<Value> {
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let program = program.clone();
        calls.spawn(async move {
            let format = Format::ALL[usize::try_from(number % 4).expect("small")];
            let answer = format.ask(&program, model, text, number % 8 < 4).await;
            assert_eq!(answer.status, 503, "{model}: {}", answer.text);
            let wait = answer.header("retry-after").expect("when to come back");
            assert!(
                wait.parse::<u64>().is_ok_and(|seconds| (1..=300).contains(&seconds)),
                "{wait}"
            );
            format.error(&answer)
        });
    }
    calls.join_all().await
}

/// Whoever refuses us is left alone after a few refusals, and everybody is told when to come back.
/// The others are asked as before.
async fn a_storm_of_refusals_costs_nothing_and_is_not_answered_by_a_storm(place: Arc<Place>) {
    const REFUSED: &str = "hello [[sandbox: status=429, retry_after=60]]";
    let app = TestApp::at(place, &[("CAPE_USAGE__LIMITS", "off")]).await;
    let (ada, program) = app.program("ada").await;
    for (model, provider) in MODELS.into_iter().zip(["openai", "anthropic", "gemini"]) {
        all_at_once(&program, model, REFUSED).await;
        let first = asked(&app, provider).await;
        assert!(first <= CALLS, "nobody asks again who is told to wait for a minute: {first}");
        all_at_once(&program, model, REFUSED).await;
        assert_eq!(asked(&app, provider).await, first, "it is left alone by now");
        for other in MODELS.into_iter().skip_while(|other| *other != model).skip(1) {
            let answer = Format::Chat.ask(&program, other, "hello", false).await;
            assert_eq!(answer.status, 200, "{other}: {}", answer.text);
        }
    }
    let all = adds_up(&app, &ada).await;
    let failed = all.iter().filter(|record| record["state"] == "failed");
    assert!(failed.clone().all(|record| record["charge"] == "0.000000"));
    assert!(failed.count() > 0);
    app.finish().await;
}
