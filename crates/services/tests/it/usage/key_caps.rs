//! What may be spent with one key, and on which models.
use std::sync::Arc;

use cape_domain::{
    access::{ApiKey, KeyRules, Permit, UseAi},
    billing::Credits,
    usage::ModelProviderError,
};
use cape_services::{
    processes::ProcessService,
    usage::{ChatError, Completed, Deployment},
};
use cape_testkit::fixtures::{ACME, FREE_MODEL, SMALL_MODEL, api_key, completion, permit, tokens};
use tokio::{sync::Notify, task::JoinSet};

use super::{HELD, LIKELY, TOO_LITTLE, by_program, given_a_key, question, question_to};
use crate::world::{Setup, World, soon};

const KEY: u32 = 20;

/// What a call with 10 tokens in and out is charged.
const CHARGED: i64 = 900;

/// ACME has enough, and a key with these rules.
async fn given(rules: KeyRules) -> World {
    let world = World::with(Setup { limited: false, ..Setup::default() }).await;
    world.give(1, 1_000 * HELD).await;
    given_a_key(&world, &ApiKey { rules, ..api_key(KEY) }).await;
    world
}

/// A key that may spend so many millionths of a credit.
async fn given_a_cap(micros: i64) -> World {
    let spending_cap = Some(Credits::from_micros(micros));
    given(KeyRules { spending_cap, ..KeyRules::unlimited() }).await
}

fn spend() -> Permit<UseAi> {
    by_program(KEY)
}

async fn ask(world: &World) -> Result<Completed, ChatError> {
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    world.chat.complete(spend(), question("hello")).await
}

async fn spent(world: &World) -> i64 {
    let key = api_key(KEY).id;
    world.look().await.key_spending().spent(key).await.expect("spent").micros()
}

/// What a key that reached its cap has spent already.
fn reached(outcome: Result<Completed, ChatError>) -> (i64, i64) {
    match outcome.err() {
        Some(ChatError::KeyCapReached { cap, spent }) => (cap.micros(), spent.micros()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_counts_with_its_worst_case_while_it_runs_and_with_its_charge_afterwards() {
    let world = given_a_cap(2 * HELD).await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    let chat = world.chat.clone();
    let call = world.tasks.spawn(async move { chat.complete(spend(), question("hello")).await });
    soon(async {
        while world.models.calls() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(spent(&world).await, HELD);
    gate.notify_one();
    soon(call).await.expect("a task").expect("answered");
    assert_eq!(spent(&world).await, CHARGED);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_call_whose_worst_case_does_not_fit_is_refused_and_costs_nothing() {
    let world = given_a_cap(CHARGED + TOO_LITTLE).await;
    ask(&world).await.expect("a short answer fits");
    let before = world.micros().await;
    assert_eq!(reached(ask(&world).await), (CHARGED + TOO_LITTLE, CHARGED));
    assert_eq!((world.micros().await, spent(&world).await), (before, CHARGED));
    assert_eq!((world.models.calls(), world.calls().await.len()), (1, 1));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn the_last_credit_under_the_cap_can_be_spent() {
    let world = given_a_cap(HELD + CHARGED).await;
    for _ in 0..2 {
        ask(&world).await.expect("it fits");
    }
    assert_eq!(spent(&world).await, 2 * CHARGED);
}

#[tokio::test]
async fn a_call_that_fails_is_given_back() {
    let world = given_a_cap(HELD).await;
    world.models.will_fail(ModelProviderError::Timeout);
    let failed = world.chat.complete(spend(), question("hello")).await.err();
    assert!(matches!(failed, Some(ChatError::Provider(_))), "{failed:?}");
    assert_eq!(spent(&world).await, 0);
    ask(&world).await.expect("all of it is there again");
}

#[tokio::test]
async fn a_call_that_the_workspace_cannot_pay_counts_nowhere() {
    let world = World::with(Setup { limited: false, ..Setup::default() }).await;
    let spending_cap = Some(Credits::from_micros(10 * HELD));
    let rules = KeyRules { spending_cap, ..KeyRules::unlimited() };
    given_a_key(&world, &ApiKey { rules, ..api_key(KEY) }).await;
    let refused = world.chat.complete(spend(), question("hello")).await.err();
    assert!(matches!(refused, Some(ChatError::InsufficientCredits { .. })), "{refused:?}");
    assert_eq!(spent(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_call_at_once_the_cap_is_never_exceeded() {
    let world = given_a_cap(10 * HELD + TOO_LITTLE).await;
    let gates: Vec<_> = (0..10).map(|_| Arc::new(Notify::new())).collect();
    for gate in &gates {
        let answer = completion("hi", Some(tokens(37, 100)));
        world.models.will_answer_after(gate.clone(), answer);
    }
    let mut all = JoinSet::new();
    for _ in 0..64 {
        let chat = world.chat.clone();
        all.spawn(async move { chat.complete(spend(), question("hello")).await });
    }
    for _ in 0..54 {
        let refused = soon(all.join_next()).await.expect("a call").expect("a task");
        let (cap, spent) = reached(refused);
        assert!(spent <= cap, "{spent} of {cap}");
    }
    assert_eq!(spent(&world).await, 10 * HELD);
    for gate in gates {
        gate.notify_one();
    }
    let answered = soon(all.join_all()).await;
    assert_eq!(answered.iter().filter(|answer| answer.is_ok()).count(), 10);
    let charged: i64 = world.micros().await[0];
    assert_eq!(spent(&world).await, 1_000 * HELD - charged, "what is spent is what was charged");
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_was_swept_counts_with_its_estimate_until_it_comes_back() {
    let world = given_a_cap(HELD).await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    let chat = world.chat.clone();
    let call = world.tasks.spawn(async move { chat.complete(spend(), question("hello")).await });
    soon(async {
        while world.models.calls() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let survivor = ProcessService::new(world.base.clone());
    survivor.beat().await.expect("a heartbeat");
    let sweeper = world.sweeper(survivor.id(), Deployment::Alone);
    assert_eq!(sweeper.run_due().await.expect("swept"), 1);
    assert_eq!(spent(&world).await, LIKELY);
    gate.notify_one();
    soon(call).await.expect("a task").expect("answered");
    assert_eq!(spent(&world).await, CHARGED, "and is not counted a second time");
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_key_without_a_cap_counts_nothing_and_others_do_not_share() {
    let world = given_a_cap(HELD).await;
    given_a_key(&world, &api_key(10)).await;
    for _ in 0..2 {
        world.models.will_answer(completion("hi", Some(tokens(10, 10))));
        world.chat.complete(super::spend(), question("hello")).await.expect("answered");
    }
    assert_eq!(spent(&world).await, 0);
    let other = api_key(10).id;
    let counted = world.look().await.key_spending().spent(other).await.expect("spent");
    assert_eq!(counted, Credits::ZERO);
    ask(&world).await.expect("its own cap is untouched");
}

#[tokio::test]
async fn what_is_free_is_free_under_any_cap() {
    let world = given_a_cap(0).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    world.chat.complete(spend(), question_to(FREE_MODEL)).await.expect("answered");
    assert_eq!(reached(ask(&world).await), (0, 0));
}

#[tokio::test]
async fn a_key_calls_and_sees_the_models_it_was_made_for() {
    let models = [FREE_MODEL.parse().expect("a model")].into();
    let world = given(KeyRules { models, ..KeyRules::unlimited() }).await;
    for name in [SMALL_MODEL, "fast"] {
        let refused = world.chat.complete(spend(), question_to(name)).await.err();
        assert!(matches!(&refused, Some(ChatError::ModelNotForKey(n)) if n == name), "{refused:?}");
    }
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    world.chat.complete(spend(), question_to(FREE_MODEL)).await.expect("answered");
    let listed = world.listing.list(by_program(KEY)).await.expect("listed");
    assert_eq!(listed.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(), [FREE_MODEL]);
    assert!(world.listing.find(by_program(KEY), FREE_MODEL).await.is_ok());
    let hidden = world.listing.find(by_program(KEY), "fast").await.err();
    assert!(matches!(hidden, Some(ChatError::UnknownModel(_))), "{hidden:?}");
    assert_eq!(world.listing.list(permit(ACME)).await.expect("listed").len(), 2, "who has no key");
}

#[tokio::test]
async fn a_key_that_was_made_for_a_model_calls_it_by_any_of_its_names() {
    let models = [SMALL_MODEL.parse().expect("a model")].into();
    let world = given(KeyRules { models, ..KeyRules::unlimited() }).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    world.chat.complete(spend(), question_to("fast")).await.expect("answered");
}

#[tokio::test]
async fn a_key_that_was_taken_back_since_its_caller_was_recognised_spends_nothing() {
    let world = given_a_cap(HELD).await;
    world.keys.revoke(permit(ACME), api_key(KEY).id).await.expect("taken back");
    world.feed.poll().await.expect("polled");
    let refused = ask(&world).await.err();
    assert!(matches!(refused, Some(ChatError::Closed)), "{refused:?}");
    assert_eq!(world.calls().await, []);
}
