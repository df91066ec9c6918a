//! Limits and quotas: what a call counts for, and when it counts for nothing.
use std::{sync::Arc, time::Duration};

use cape_domain::{
    store::{Durability, Scope, Store as _},
    time::Clock as _,
    usage::{Claim, Measure, ModelProviderError, QuotaPeriod, Refusal, Rule, Standing, Window},
};
use cape_services::usage::ChatError;
use cape_testkit::{
    fakes::Correction,
    fixtures::{ACME, completion, rule, tokens},
};
use chrono::TimeDelta;
use tokio::sync::Notify;

use super::{ask, begin, given_a_program, nothing_happened, question, refusal};
use crate::world::{Setup, World};

const GIVEN: i64 = 1_000_000;

/// What a call of `hello` claims on the free plan: itself, and 4 likely and 100 more tokens.
const CLAIMS: [Claim; 3] = [
    Claim { rule: rule(ACME, Measure::Requests, Window::Minute, 10), amount: 1 },
    Claim { rule: rule(ACME, Measure::Requests, Window::Hour, 60), amount: 1 },
    Claim { rule: rule(ACME, Measure::Tokens, Window::Hour, 50_000), amount: 104 },
];

async fn given_a_credit() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, GIVEN).await;
    world
}

async fn count(world: &World, times: u64) {
    let period = QuotaPeriod::month_of(world.clock.now());
    let mut work = world.store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    for _ in 0..times {
        assert!(work.quotas().take(ACME, period, 1, times).await.expect("counted"));
    }
    work.commit().await.expect("commit");
}

#[tokio::test]
async fn a_call_claims_what_its_plan_limits_and_its_tokens_are_corrected() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("hi", Some(tokens(3, 2))));
    let done = ask(&world, "hello").await.expect("answered");
    let now = world.clock.now();
    assert_eq!(world.limiter.claims(), [(CLAIMS.to_vec(), now)]);
    let corrected = Correction { claim: CLAIMS[2], claimed_at: now, used: 5, at: now };
    assert_eq!(world.limiter.corrections(), [corrected]);
    let rules: Vec<Rule> = done.standings.iter().map(|standing| standing.rule).collect();
    assert_eq!(rules, CLAIMS.map(|claim| claim.rule));
}

#[tokio::test]
async fn a_limit_refuses_and_names_itself() {
    let world = given_a_credit().await;
    let standing = Standing { rule: CLAIMS[0].rule, used: 10, reset: Duration::from_secs(59) };
    let retry_after = Some(Duration::from_secs(7));
    world.limiter.refuse_next(Refusal { standing, wanted: 1, retry_after });
    match refusal(&world, question("hello")).await {
        ChatError::Limited { refusal } => {
            assert_eq!(refusal.standing.rule.name(), "requests_per_minute");
            assert_eq!(refusal.retry_after, retry_after);
        }
        other => panic!("{other:?}"),
    }
    nothing_happened(&world, GIVEN).await;
}

#[tokio::test]
async fn a_limiter_that_cannot_tell_lets_nobody_in() {
    let world = given_a_credit().await;
    world.limiter.set_broken(true);
    let refused = refusal(&world, question("hello")).await;
    assert!(matches!(refused, ChatError::Limiter(_)), "{refused:?}");
    nothing_happened(&world, GIVEN).await;
}

#[tokio::test]
async fn a_limiter_that_breaks_during_a_call_costs_its_caller_nothing() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(3, 2))));
    let task = begin(&world, "hello").await;
    world.limiter.set_broken(true);
    gate.notify_one();
    task.await.expect("a task").expect("answered");
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_call_that_is_refused_for_credits_counts_nowhere() {
    let world = given_a_program(Setup::default()).await;
    refusal(&world, question("hello")).await;
    assert_eq!(world.limiter.claims().len(), 1);
    nothing_happened(&world, 0).await;
}

#[tokio::test]
async fn a_month_has_so_many_calls_and_not_one_more() {
    let world = given_a_credit().await;
    count(&world, 99).await;
    world.models.will_answer(completion("hi", Some(tokens(3, 2))));
    ask(&world, "hello").await.expect("the hundredth");
    let before = world.micros().await;
    match refusal(&world, question("hello")).await {
        ChatError::QuotaExceeded { quota } => {
            assert_eq!((quota.workspace, quota.limit, quota.used), (ACME, 100, 100));
            assert_eq!(quota.period, QuotaPeriod::month_of(world.clock.now()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((world.micros().await, world.calls().await.len()), (before, 1));
    assert_eq!(world.counted().await, 100);
    let uncounted = world.limiter.corrections().into_iter().filter(|c| c.used == 0);
    assert_eq!(uncounted.map(|c| c.claim).collect::<Vec<_>>(), CLAIMS);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_new_month_begins_with_nothing_counted() {
    let world = given_a_credit().await;
    count(&world, 100).await;
    assert!(matches!(refusal(&world, question("hello")).await, ChatError::QuotaExceeded { .. }));
    world.pass(TimeDelta::days(31)).await;
    world.models.will_answer(completion("hi", Some(tokens(3, 2))));
    ask(&world, "hello").await.expect("answered");
    assert_eq!(world.counted().await, 1);
}

#[tokio::test]
async fn a_call_that_fails_in_the_next_month_is_given_back_to_its_own() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    world.models.will_fail_after(gate.clone(), ModelProviderError::Timeout);
    let task = begin(&world, "hello").await;
    let january = QuotaPeriod::month_of(world.clock.now());
    assert_eq!(world.counted().await, 1);
    world.pass(TimeDelta::days(31)).await;
    count(&world, 1).await;
    gate.notify_one();
    assert!(task.await.expect("a task").is_err());
    let used = world.look().await.quotas().used(ACME, january).await.expect("counted");
    assert_eq!((used, world.counted().await), (0, 1));
}

#[tokio::test]
async fn where_limits_are_lifted_nothing_is_claimed_or_counted() {
    let world = given_a_program(Setup { limited: false, ..Setup::default() }).await;
    world.give(1, GIVEN).await;
    world.limiter.set_broken(true);
    world.models.will_answer(completion("hi", Some(tokens(3, 2))));
    let done = ask(&world, "hello").await.expect("answered");
    assert_eq!((done.standings, world.counted().await), (vec![], 0));
    assert_eq!(world.calls().await.len(), 1, "it is paid for all the same");
    world.proves_its_ledger().await;
}
