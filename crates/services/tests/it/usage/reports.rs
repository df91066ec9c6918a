//! What was used, what it cost, and what may be used.
use cape_domain::{
    ids::{ApiKeyId, CallId},
    page::PageRequest,
    store::{Durability, Scope, Store as _},
    time::Clock as _,
    usage::{
        Bucket, Call, CallFilter, CallPhase, FailureKind, Group, GroupBy, InvalidPeriod,
        ModelProviderError, Provider, QuotaPeriod, TooManyBuckets, Usage,
    },
};
use cape_services::usage::{MOST_EXPORTED, MOST_GROUPS, ReportError};
use cape_testkit::fixtures::{
    ACME, FREE_MODEL, RIVAL, SMALL_MODEL, call, completion, id, permit, tokens,
};
use chrono::TimeDelta;

use super::{ask, by_program, given_a_program, question, question_to, refusal, spend};
use crate::world::{Setup, World};

fn all() -> CallFilter {
    CallFilter::default()
}

/// Two calls of the small model that were answered, one that failed, and one that was free.
pub async fn given_calls() -> World {
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

/// So many calls of ACME that were never made, each with a key of its own.
async fn given_rows(world: &World, many: u32) {
    let mut work = world.store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    for number in 1_000..1_000 + many {
        let key = ApiKeyId::new(id(number.into()));
        let started_at = world.clock.now();
        let row = Call { key, started_at, hold: None, ..call(number) };
        work.calls().insert(&row).await.expect("inserted");
    }
    work.commit().await.expect("commit");
}

#[tokio::test]
async fn a_summary_tells_group_by_group_what_was_used_this_month() {
    let world = given_calls().await;
    let summary = world.reports.summary(permit(ACME), all(), GroupBy::Model).await.expect("shown");
    assert_eq!(summary.period, QuotaPeriod::month_of(world.clock.now()));
    let [small, free] = &summary.groups[..] else { panic!("{summary:?}") };
    let named = |model: &str, provider| Group::Model { model: model.to_owned(), provider };
    assert_eq!(small.group, named(SMALL_MODEL, Provider::OPENAI));
    assert_eq!(free.group, named(FREE_MODEL, Provider::GEMINI));
    let used = small.usage;
    assert_eq!((used.settled, used.failed, used.running), (2, 1, 0));
    assert_eq!((used.tokens, used.charge.micros()), (tokens(20, 20), 1_800));
    assert_eq!((used.cost.pico(), free.usage.charge.micros()), (15_000_000, 0));
    assert_eq!(summary.total, used.plus(free.usage).expect("in range"));
    for by in GroupBy::ALL {
        let again = world.reports.summary(permit(ACME), all(), by).await.expect("shown");
        assert_eq!((again.by, again.total), (by, summary.total), "however it is divided");
    }
    let rival = world.reports.summary(permit(RIVAL), all(), GroupBy::Key).await.expect("shown");
    assert_eq!((rival.groups, rival.total.settled), (vec![], 0));
}

#[tokio::test]
async fn a_summary_is_of_what_is_asked_and_of_the_period_that_is_named() {
    let world = given_calls().await;
    let now = world.clock.now();
    let of = async |filter| {
        let shown = world.reports.summary(permit(ACME), filter, GroupBy::Model).await;
        shown.map(|summary| (summary.total.settled, summary.total.failed))
    };
    let gemini = CallFilter { provider: Some(Provider::GEMINI), ..all() };
    let failed = CallFilter { state: Some(CallPhase::Failed), ..all() };
    let before = CallFilter { until: Some(now - TimeDelta::seconds(1)), ..all() };
    let later = CallFilter { from: Some(now + TimeDelta::seconds(1)), ..all() };
    for (filter, expected) in
        [(gemini, (1, 0)), (failed, (0, 1)), (before, (1, 0)), (later, (0, 0))]
    {
        assert_eq!(of(filter.clone()).await.expect("shown"), expected, "{filter:?}");
    }
    let empty = CallFilter { from: Some(now), until: Some(now), ..all() };
    let long = CallFilter { from: Some(now - TimeDelta::days(366)), ..all() };
    let refused = of(empty).await;
    assert!(matches!(refused, Err(ReportError::Period(InvalidPeriod::Empty))), "{refused:?}");
    let refused = of(long).await;
    assert!(matches!(refused, Err(ReportError::Period(InvalidPeriod::TooLong))), "{refused:?}");
}

#[tokio::test]
async fn a_series_adds_up_to_the_summary_and_has_parts_without_calls() {
    let world = given_calls().await;
    let summary = world.reports.summary(permit(ACME), all(), GroupBy::Model).await.expect("shown");
    for (bucket, by) in [
        (Bucket::Day, None),
        (Bucket::Day, Some(GroupBy::Model)),
        (Bucket::Hour, Some(GroupBy::Provider)),
    ] {
        let series = world.reports.series(permit(ACME), all(), bucket, by).await.expect("shown");
        assert_eq!((series.period, series.bucket, series.by), (summary.period, bucket, by));
        let starts = series.points.iter().map(|point| point.period.start);
        let ends = series.points.iter().map(|point| point.period.end);
        assert!(starts.skip(1).eq(ends.take(series.points.len() - 1)), "without a gap");
        let mut sum = Usage::default();
        for point in &series.points {
            sum = sum.plus(point.total).expect("in range");
        }
        assert_eq!(sum, summary.total);
        let used = series.points.iter().filter(|point| point.total.settled > 0);
        let groups: Vec<_> = used.map(|point| point.groups.len()).collect();
        assert_eq!(groups, [by.map_or(0, |_| 2)], "all calls were made in one part");
        assert!(series.points.len() >= 28, "parts without calls are there");
    }
    let now = world.clock.now();
    let long = CallFilter { from: Some(now - TimeDelta::days(32)), until: Some(now), ..all() };
    let refused = world.reports.series(permit(ACME), long, Bucket::Hour, None).await;
    let bucket = Bucket::Hour;
    assert!(
        matches!(refused, Err(ReportError::TooManyBuckets(it)) if it == TooManyBuckets { bucket }),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_report_with_too_many_groups_is_refused_and_not_cut_off() {
    let world = World::new().await;
    given_rows(&world, MOST_GROUPS).await;
    let by = GroupBy::Key;
    let summary = world.reports.summary(permit(ACME), all(), by).await.expect("as many as may be");
    assert_eq!(summary.groups.len(), MOST_GROUPS as usize);
    let mut work = world.store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    let one_more = Call { started_at: world.clock.now(), ..call(10) };
    work.calls().insert(&one_more).await.expect("inserted");
    work.commit().await.expect("commit");
    let refused = world.reports.summary(permit(ACME), all(), by).await;
    assert!(matches!(refused, Err(ReportError::TooManyGroups)), "{refused:?}");
    let refused = world.reports.series(permit(ACME), all(), Bucket::Day, Some(by)).await;
    assert!(matches!(refused, Err(ReportError::TooManyGroups)), "{refused:?}");
    let summary = world.reports.summary(permit(ACME), all(), GroupBy::User).await.expect("one");
    assert_eq!(summary.total.running, u64::from(MOST_GROUPS) + 1);
}

#[tokio::test]
async fn calls_are_listed_the_newest_first_and_page_by_page() {
    let world = given_calls().await;
    let page = PageRequest::new(None, 3).expect("a page");
    let first = world.reports.calls(permit(ACME), all(), page).await.expect("listed");
    let rest = PageRequest::new(first.next, 3).expect("a page");
    let second = world.reports.calls(permit(ACME), all(), rest).await.expect("listed");
    let mut shown = [first.rows, second.rows].concat();
    shown.reverse();
    assert_eq!((shown, second.next), (world.calls().await, None));
    let rival = world.reports.calls(permit(RIVAL), all(), page).await.expect("listed");
    assert_eq!(rival.rows, []);
    let free = CallFilter { model: Some(FREE_MODEL.to_owned()), ..all() };
    let listed = world.reports.calls(permit(ACME), free, page).await.expect("listed").rows;
    assert_eq!(listed, world.calls().await[3..]);
    let backwards =
        CallFilter { from: Some(world.clock.now()), until: Some(world.clock.now()), ..all() };
    let refused = world.reports.calls(permit(ACME), backwards, page).await;
    assert!(matches!(refused, Err(ReportError::Period(InvalidPeriod::Empty))), "{refused:?}");
}

#[tokio::test]
async fn an_export_has_every_call_or_is_refused() {
    let world = World::new().await;
    given_rows(&world, 250).await;
    let mut export = world.reports.export(permit(ACME), all()).await.expect("not too many");
    // What is made meanwhile is not among them.
    let mut work = world.store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    let mut exported = export.next().await.expect("read").expect("a first page");
    let later = world.clock.now() + TimeDelta::seconds(1);
    work.calls().insert(&Call { started_at: later, ..call(10) }).await.expect("inserted");
    work.commit().await.expect("commit");
    while let Some(page) = export.next().await.expect("read") {
        exported.extend(page);
    }
    assert!(export.next().await.expect("read").is_none());
    let mut expected: Vec<_> = exported.iter().map(|call| call.id).collect();
    expected.dedup();
    assert_eq!((exported.len(), expected.len()), (250, 250));
    assert!(exported.is_sorted_by_key(|call| std::cmp::Reverse((call.started_at, call.id))));
    let mut foreign = world.reports.export(permit(RIVAL), all()).await.expect("nothing");
    assert_eq!(foreign.next().await.expect("read"), Some(vec![]));
    assert_eq!(foreign.next().await.expect("read"), None);
}

#[tokio::test]
async fn an_export_of_too_many_calls_is_refused_and_not_cut_off() {
    let world = World::new().await;
    given_rows(&world, MOST_EXPORTED + 1).await;
    let refused = world.reports.export(permit(ACME), all()).await.err();
    assert!(matches!(refused, Some(ReportError::TooManyCalls)), "{refused:?}");
    let one = CallFilter { key: Some(ApiKeyId::new(id(1_000))), ..all() };
    assert!(world.reports.export(permit(ACME), one).await.is_ok());
}

#[tokio::test]
async fn a_call_is_shown_to_its_own_workspace_alone() {
    let world = given_calls().await;
    let call = world.calls().await.remove(0);
    let shown = world.reports.receipt(permit(ACME), call.id).await.expect("shown");
    assert_eq!(shown.call, call);
    let unknown = CallId::new(id(99));
    for (workspace, wanted) in [(RIVAL, call.id), (ACME, unknown)] {
        let refused = world.reports.receipt(permit(workspace), wanted).await;
        assert!(matches!(refused, Err(ReportError::NotFound(id)) if id == wanted), "{refused:?}");
    }
}

#[tokio::test]
async fn performance_tells_how_often_and_how_fast_models_answered() {
    let world = given_calls().await;
    let by = GroupBy::Provider;
    let shown = world.reports.performance(permit(ACME), all(), by).await.expect("shown");
    assert_eq!(shown.period, QuotaPeriod::month_of(world.clock.now()));
    let [gemini, openai] = &shown.groups[..] else { panic!("{shown:?}") };
    assert_eq!(gemini.group, Group::Provider(Provider::GEMINI));
    assert_eq!((gemini.settled, gemini.failed_per_million()), (1, Some(0)));
    assert_eq!((openai.settled, openai.failed_per_million()), (2, Some(333_333)));
    assert_eq!(openai.failures, [(FailureKind::Timeout, 1)]);
    assert_eq!((openai.cost.pico(), openai.charge.micros()), (15_000_000, 1_800));
    assert_eq!(openai.total.map(|found| found.samples), Some(2));
    assert_eq!(openai.first_token, None, "none came in pieces");
    let rival = world.reports.performance(permit(RIVAL), all(), by).await.expect("shown");
    assert_eq!(rival.groups, []);
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
