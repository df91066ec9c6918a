//! Limits that operators set: what a call claims of them, whichever model answers it.
use cape_domain::{
    access::ControlChange,
    audit::Action,
    store::{Scope, Store as _},
    time::Clock as _,
    usage::{
        LimitRule, LimitTerms, Measure, ModelProviderError, Per, Provider, Reach, Refusal, Rule,
        Standing, Subject, Window,
    },
};
use cape_services::usage::{ChatError, LimitRuleError};
use cape_testkit::fixtures::{ACME, ADA, RIVAL, api_key, completion, permit, tokens};

use super::{
    ask, given_a_program, nothing_happened, question, refusal, routing,
    switches::{GIVEN, given_a_credit, polled},
};
use crate::world::{Setup, World};

fn terms(name: &str, reach: Reach, per: Per, measure: Measure) -> LimitTerms {
    let name = name.parse().expect("a name");
    LimitTerms { name, reach, per, measure, window: Window::Minute, limit: 1_000, enabled: true }
}

async fn set(world: &World, terms: LimitTerms) -> LimitRule {
    let rule = world.limit_rules.create(permit(RIVAL), terms).await.expect("set");
    polled(world).await;
    rule
}

/// What was claimed of rules that operators set, by name.
fn claimed(world: &World) -> Vec<(String, Subject, u64)> {
    let claims = world.limiter.claims().into_iter().flat_map(|(claims, _)| claims);
    let set = claims.filter(|claim| claim.rule.id.is_some());
    set.map(|claim| (claim.rule.name(), claim.rule.subject, claim.amount)).collect()
}

/// What claims of rules that operators set were corrected to, by name.
fn corrected(world: &World) -> Vec<(String, u64)> {
    let all = world.limiter.corrections().into_iter();
    let set = all.filter(|correction| correction.claim.rule.id.is_some());
    set.map(|correction| (correction.claim.rule.name(), correction.used)).collect()
}

#[tokio::test]
async fn a_call_claims_what_applies_and_every_measure_is_corrected() {
    let world = given_a_credit().await;
    let key = api_key(10).id;
    for (name, reach, per, measure) in [
        ("calls", Reach::All, Per::Platform, Measure::Requests),
        ("total", Reach::User(ADA), Per::User, Measure::Tokens),
        ("in", Reach::Key(key), Per::Key, Measure::InputTokens),
        ("out", Reach::Provider(Provider::OPENAI), Per::User, Measure::OutputTokens),
        ("spent", Reach::Workspace(ACME), Per::Workspace, Measure::MicroCredits),
        ("elsewhere", Reach::Provider(Provider::GEMINI), Per::User, Measure::Requests),
    ] {
        set(&world, terms(name, reach, per, measure)).await;
    }
    world.models.will_answer(completion("hi", Some(tokens(3, 200))));
    let done = ask(&world, "hello").await.expect("answered");
    let worst = world.call(done.call.id).await;
    let charge = u64::try_from(super::settled(&worst).charge.micros()).expect("positive");
    let claims = claimed(&world);
    let held = claims.iter().find(|(name, ..)| name == "spent").expect("claimed").2;
    let expected = [
        ("calls", Subject::Platform, 1),
        ("in", Subject::Key(key), 4),
        ("out", Subject::User(ADA), 100),
        ("spent", Subject::Workspace(ACME), held),
        ("total", Subject::User(ADA), 104),
    ];
    assert_eq!(claims, expected.map(|(name, whose, amount)| (name.to_owned(), whose, amount)));
    // More came out than was asked for: it counts all the same.
    let used = [("in", 3), ("out", 200), ("spent", charge), ("total", 203)];
    assert_eq!(corrected(&world), used.map(|(name, used)| (name.to_owned(), used)));
    assert_ne!(held, charge);
}

#[tokio::test]
async fn a_rule_that_is_used_up_refuses_by_its_name_and_that_is_written_down() {
    let world = given_a_credit().await;
    let rule = set(&world, terms("team", Reach::All, Per::User, Measure::Requests)).await;
    let name = Some(rule.terms.name);
    let (subject, measure, window) = (Subject::User(ADA), Measure::Requests, Window::Minute);
    let rule = Rule { id: Some(rule.id), name, subject, measure, window, limit: 1_000 };
    let standing = Standing { rule, used: 1_000, reset: window.length() };
    for _ in 0..2 {
        world.limiter.refuse_next(Refusal { standing, wanted: 1, retry_after: None });
        match refusal(&world, question("hello")).await {
            ChatError::Limited { refusal } => assert_eq!(refusal.standing.rule.name(), "team"),
            other => panic!("{other:?}"),
        }
    }
    nothing_happened(&world, GIVEN).await;
    assert_eq!(world.violations.write().await.expect("written"), 1);
    assert_eq!(world.violations.write().await.expect("written"), 0);
    let mut read = world.store.read(Scope::Workspace(ACME)).await.expect("read");
    let page = cape_domain::page::PageRequest::first();
    let rows = read.violations().list(ACME, page).await.expect("listed").rows;
    let [one] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((one.refused.rule.as_str(), one.refused.scope, one.calls), ("team", "user", 2));
    assert_eq!((one.refused.user, one.refused.key), (ADA, api_key(10).id));
}

#[tokio::test]
async fn a_call_that_goes_elsewhere_counts_there_and_no_longer_where_it_failed() {
    let world = routing::given(GIVEN).await;
    for (name, provider) in [("first", Provider::OPENAI), ("second", Provider::GEMINI)] {
        set(&world, terms(name, Reach::Provider(provider), Per::User, Measure::Requests)).await;
    }
    world.models.will_fail(ModelProviderError::Timeout);
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    let done = routing::ask_for(&world, "smart").await.expect("answered");
    assert_eq!(done.call.provider, Provider::GEMINI);
    let claims: Vec<String> = claimed(&world).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(claims, ["first", "second"]);
    assert_eq!(corrected(&world), [("first".to_owned(), 0)]);
    let shown: Vec<String> = done.standings.iter().map(|one| one.rule.name()).collect();
    assert!(shown.contains(&"second".to_owned()) && !shown.contains(&"first".to_owned()));
}

#[tokio::test]
async fn limits_are_set_changed_and_taken_away_and_everybody_hears_of_it() {
    let world = given_a_program(Setup::default()).await;
    let rule = set(&world, terms("team", Reach::All, Per::Key, Measure::Requests)).await;
    let taken = terms("team", Reach::All, Per::User, Measure::Tokens);
    let refused = world.limit_rules.create(permit(RIVAL), taken).await;
    assert!(matches!(refused, Err(LimitRuleError::NameTaken(_))), "{refused:?}");
    for taken in ["requests_per_minute", "requests_per_month", "micro_credits_per_day"] {
        let terms = terms(taken, Reach::All, Per::User, Measure::Tokens);
        let refused = world.limit_rules.create(permit(RIVAL), terms).await;
        assert!(matches!(refused, Err(LimitRuleError::NameTaken(_))), "{refused:?}");
    }
    for nothing in [
        Reach::Model("gpt-nothing".to_owned()),
        Reach::Provider("claude".parse().expect("a name")),
        Reach::Plan("gold".parse().expect("a code")),
    ] {
        let terms = terms("other", nothing, Per::User, Measure::Tokens);
        let refused = world.limit_rules.create(permit(RIVAL), terms).await;
        assert!(matches!(refused, Err(LimitRuleError::Unknown(_))), "{refused:?}");
    }
    let next = LimitTerms { limit: 7, ..rule.terms.clone() };
    let next = world.limit_rules.replace(permit(RIVAL), rule.id, next).await.expect("replaced");
    assert_eq!((next.version, next.terms.limit, next.created_at), (2, 7, world.clock.now()));
    world.limit_rules.remove(permit(RIVAL), rule.id).await.expect("removed");
    let refused = world.limit_rules.remove(permit(RIVAL), rule.id).await;
    assert!(matches!(refused, Err(LimitRuleError::NotFound(_))), "{refused:?}");
    assert_eq!(world.limit_rules.list(permit(RIVAL)).await.expect("listed"), []);
    let mut read = world.look().await;
    let told = read.control().since(world.clock.now()).await.expect("the feed");
    let changes = told.iter().filter(|entry| entry.change == ControlChange::LimitsChanged);
    assert_eq!(changes.count(), 3);
    let entries = world.entries().await;
    let told: Vec<_> = entries.iter().map(|entry| entry.action).collect();
    assert_eq!(told, [Action::LimitCreated, Action::LimitChanged, Action::LimitDeleted]);
}
