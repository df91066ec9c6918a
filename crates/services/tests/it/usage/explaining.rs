//! What would become of a call, without making it.
use cape_domain::{
    access::{ApiKey, KeyRules},
    billing::Credits,
};
use cape_services::usage::{Amounts, AskedChat, Change, ChatError, Check, Explanation, NewCall};
use cape_testkit::fixtures::{api_key, credits};

use super::{HELD, LIKELY, by_program, given_a_key, given_a_program, question, question_to, spend};
use crate::world::{Setup, World};

const GIVEN: i64 = 1_000_000;

async fn given_a_credit() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, GIVEN).await;
    world
}

async fn explain(world: &World, new: NewCall) -> Explanation {
    world.chat.explain::<AskedChat>(spend(), new).await.expect("explained")
}

fn check<'a>(explained: &'a Explanation, rule: &str) -> &'a Check {
    let found = explained.checks.iter().find(|check| check.rule == rule);
    found.unwrap_or_else(|| panic!("no `{rule}` in {:?}", explained.checks))
}

#[tokio::test]
async fn a_call_that_would_be_made_is_shown_with_all_that_it_has_to_pass() {
    let world = given_a_credit().await;
    let explained = explain(&world, question("hello")).await;
    assert!(explained.is_admitted(), "{explained:?}");
    let forecast = explained.models[0].outcome.as_ref().expect("in reach");
    assert_eq!((forecast.worst.micros(), forecast.most_output), (HELD, 100));
    assert_eq!(forecast.likely_input * 18, u64::try_from(LIKELY).expect("positive"));
    let rules: Vec<_> = explained.checks.iter().map(|check| check.rule.as_str()).collect();
    let expected = [
        "requests_per_minute",
        "requests_per_hour",
        "tokens_per_hour",
        "requests_per_month",
        "credits",
    ];
    assert_eq!(rules, expected);
}

#[tokio::test]
async fn explaining_holds_counts_records_and_asks_nothing() {
    let world = given_a_credit().await;
    explain(&world, question("hello")).await;
    assert_eq!(world.micros().await, [GIVEN, 0, 0]);
    assert_eq!((world.calls().await.len(), world.counted().await), (0, 0));
    assert_eq!(world.models.calls(), 0);
    assert_eq!(world.limiter.claims(), []);
}

#[tokio::test]
async fn what_is_missing_in_credits_is_said() {
    let world = given_a_program(Setup::default()).await;
    world.give(1, 1_000).await;
    let explained = explain(&world, question("hello")).await;
    assert!(!explained.is_admitted());
    let credits = check(&explained, "credits");
    assert_eq!(credits.change, Some(Change::Credits(Credits::from_micros(HELD - 1_000))));
}

#[tokio::test]
async fn an_answer_that_would_be_shortened_is_shown_as_admitted_with_its_length() {
    let world = given_a_program(Setup::default()).await;
    world.give(1, 37 * 18 + 50 * 72).await;
    let explained = explain(&world, question("hello")).await;
    assert!(explained.is_admitted());
    assert_eq!(explained.shortened_to, Some(50));
}

#[tokio::test]
async fn a_key_that_has_spent_its_cap_is_shown_what_it_would_need() {
    let world = given_a_credit().await;
    let rules = KeyRules { spending_cap: Some(credits(0)), ..api_key(11).rules };
    given_a_key(&world, &ApiKey { rules, ..api_key(11) }).await;
    let explained = world
        .chat
        .explain::<AskedChat>(by_program(11), question("hello"))
        .await
        .expect("explained");
    let cap = check(&explained, "key_spending_cap");
    let Some(Change::KeyCap(missing)) = cap.change else { panic!("{cap:?}") };
    assert_eq!((cap.passed, missing.micros()), (false, HELD));
}

#[tokio::test]
async fn a_limit_that_is_used_up_says_when_it_is_not() {
    let world = given_a_credit().await;
    world.limiter.show_used_up();
    let explained = explain(&world, question("hello")).await;
    assert!(!explained.is_admitted());
    let minute = check(&explained, "requests_per_minute");
    assert!(matches!(minute.amounts, Amounts::Count { wanted: 1, .. }));
    assert!(matches!(minute.change, Some(Change::Wait(_))), "{minute:?}");
    let tokens = check(&explained, "tokens_per_hour");
    assert!(!tokens.passed);
}

#[tokio::test]
async fn a_model_out_of_reach_says_why() {
    let world = given_a_credit().await;
    let explained = explain(&world, question_to("unheard-of")).await;
    assert!(!explained.is_admitted() && explained.checks.is_empty());
    assert!(matches!(explained.models[0].outcome, Err(ChatError::UnknownModel(_))));
}
