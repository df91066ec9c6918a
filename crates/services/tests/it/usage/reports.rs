//! What was used, what it cost, and what may be used.
use cape_domain::{
    ids::CallId,
    page::PageRequest,
    time::Clock as _,
    usage::{ModelProviderError, QuotaPeriod},
};
use cape_services::usage::ReportError;
use cape_testkit::fixtures::{
    ACME, FREE_MODEL, RIVAL, SMALL_MODEL, completion, id, permit, tokens,
};
use chrono::TimeDelta;

use super::{ask, by_program, given_a_program, question, question_to, refusal, spend};
use crate::world::{Setup, World};

/// Two calls of the small model that were answered, one that failed, and one that was free.
async fn given_calls() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, 1_000_000).await;
    for _ in 0..2 {
        world.models.will_answer(completion("hi", Some(tokens(10, 10))));
        ask(&world, "hello").await.expect("answered");
        world.pass(TimeDelta::seconds(1)).await;
    }
    world.models.will_fail(ModelProviderError::Timeout);
    refusal(&world, question("hello")).await;
    world.models.will_answer(completion("hi", Some(tokens(7, 7))));
    world.chat.complete(spend(), question_to(FREE_MODEL)).await.expect("answered");
    world
}

#[tokio::test]
async fn a_summary_tells_model_by_model_what_was_used_this_month() {
    let world = given_calls().await;
    let summary = world.reports.summary(permit(ACME)).await.expect("shown");
    assert_eq!(summary.period, QuotaPeriod::month_of(world.clock.now()));
    let [small, free] = &summary.models[..] else { panic!("{summary:?}") };
    assert_eq!((small.model.as_str(), free.model.as_str()), (SMALL_MODEL, FREE_MODEL));
    assert_eq!((small.settled, small.failed, small.running), (2, 1, 0));
    assert_eq!((small.tokens, small.charge.micros()), (tokens(20, 20), 1_800));
    assert_eq!((small.cost.pico(), free.charge.micros()), (15_000_000, 0));
    let rival = world.reports.summary(permit(RIVAL)).await.expect("shown");
    assert_eq!(rival.models, []);
}

#[tokio::test]
async fn calls_are_listed_the_newest_first_and_page_by_page() {
    let world = given_calls().await;
    let page = PageRequest::new(None, 3).expect("a page");
    let first = world.reports.calls(permit(ACME), page).await.expect("listed");
    let rest = PageRequest::new(first.next, 3).expect("a page");
    let second = world.reports.calls(permit(ACME), rest).await.expect("listed");
    let mut shown = [first.rows, second.rows].concat();
    shown.reverse();
    assert_eq!((shown, second.next), (world.calls().await, None));
    let rival = world.reports.calls(permit(RIVAL), page).await.expect("listed");
    assert_eq!(rival.rows, []);
}

#[tokio::test]
async fn a_call_is_shown_to_its_own_workspace_alone() {
    let world = given_calls().await;
    let call = world.calls().await.remove(0);
    let shown = world.reports.call(permit(ACME), call.id).await.expect("shown");
    assert_eq!(shown, call);
    let unknown = CallId::new(id(99));
    for (workspace, wanted) in [(RIVAL, call.id), (ACME, unknown)] {
        let refused = world.reports.call(permit(workspace), wanted).await;
        assert!(matches!(refused, Err(ReportError::NotFound(id)) if id == wanted), "{refused:?}");
    }
}

#[tokio::test]
async fn a_quota_counts_what_came_to_something() {
    let world = given_calls().await;
    let (quota, plan) = world.reports.quota(permit(ACME)).await.expect("shown");
    assert_eq!((quota.limit, quota.used, quota.remaining()), (100, 3, 97));
    assert_eq!((plan.code.as_str(), quota.workspace), ("free", ACME));
    let (rival, _) = world.reports.quota(permit(RIVAL)).await.expect("shown");
    assert_eq!(rival.used, 0);
}

#[tokio::test]
async fn only_models_that_can_be_called_are_listed() {
    let world = given_a_program(Setup::default()).await;
    let listed = world.listing.list(by_program(10)).await.expect("listed");
    let ids: Vec<_> = listed.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, [SMALL_MODEL, FREE_MODEL]);
}
