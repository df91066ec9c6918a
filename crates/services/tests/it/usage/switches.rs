//! What operators stop is refused, and everything else is not.
use std::time::Duration;

use cape_domain::{
    access::OperatePlatform,
    audit::Action,
    store::{Durability, Scope, Store as _},
    usage::{ModelClass, Price, PriceBook, Provider, Route, Switch, SwitchTarget, TokenPrices},
};
use cape_services::usage::{AttemptRules, ChatError, SwitchError};
use cape_testkit::fixtures::{
    ACME, ADA, RIVAL, SMALL_MODEL, api_key, at, completion, model, permit, price_book, tokens,
};
use chrono::TimeDelta;

use super::{
    ask, by_program, given_a_key, given_a_program, nothing_happened, question, question_to,
    refusal, spend,
};
use crate::world::{Setup, World};

pub const GIVEN: i64 = 1_000_000;

pub async fn given_a_credit() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, GIVEN).await;
    world
}

pub fn key() -> SwitchTarget {
    SwitchTarget::Key(api_key(10).id)
}

fn small() -> SwitchTarget {
    SwitchTarget::Model(SMALL_MODEL.to_owned())
}

/// One of each kind, each of which stops [`question`].
pub fn all() -> [SwitchTarget; 4] {
    [key(), SwitchTarget::Workspace(ACME), small(), SwitchTarget::Provider(Provider::OPENAI)]
}

/// An operator stops something, in a process that nobody hears of but by the feed.
pub async fn stop(world: &World, target: SwitchTarget) {
    let reason = "misused".parse().expect("a reason");
    world.switches.stop(permit(RIVAL), target, reason).await.expect("stopped");
}

pub async fn release(world: &World, target: &SwitchTarget) {
    world.switches.release(permit(RIVAL), target).await.expect("released");
}

pub async fn polled(world: &World) {
    world.feed.poll().await.expect("polled");
}

pub fn is_stopped(error: &ChatError, by: &SwitchTarget) -> bool {
    matches!(error, ChatError::Stopped(switch) if switch.target == *by)
}

#[tokio::test]
async fn a_model_is_not_shown_while_it_or_its_provider_is_stopped() {
    for target in [small(), SwitchTarget::Provider(Provider::OPENAI)] {
        let world = given_a_credit().await;
        let shown = async || {
            let listed = world.listing.list(by_program(10)).await.expect("listed");
            let found = world.listing.find(by_program(10), SMALL_MODEL).await;
            let listed = listed.iter().any(|model| model.id == SMALL_MODEL);
            assert_eq!(listed, found.is_ok(), "{found:?}");
            assert!(matches!(found, Ok(_) | Err(ChatError::UnknownModel(_))), "{found:?}");
            listed
        };
        assert!(shown().await);
        stop(&world, target.clone()).await;
        polled(&world).await;
        assert!(!shown().await, "{target}");
        let others = world.listing.list(by_program(10)).await.expect("listed");
        assert_eq!(others.len(), 1, "{target}");
        release(&world, &target).await;
        polled(&world).await;
        assert!(shown().await, "{target}");
    }
}

#[tokio::test]
async fn callers_that_are_stopped_hide_no_model() {
    let world = given_a_credit().await;
    stop(&world, key()).await;
    polled(&world).await;
    assert_eq!(world.listing.list(by_program(10)).await.expect("listed").len(), 2);
}

#[tokio::test]
async fn what_is_stopped_is_refused_with_the_reason_and_what_is_released_is_not() {
    for target in all() {
        let world = given_a_credit().await;
        stop(&world, target.clone()).await;
        polled(&world).await;
        let refused = refusal(&world, question("hello")).await;
        assert!(is_stopped(&refused, &target), "{refused:?}");
        assert_eq!(refused.to_string(), format!("the {target} is stopped: misused"));
        let counted = world.counts.count(spend(), question("hello").chat).await.err();
        assert!(counted.is_some_and(|refused| is_stopped(&refused, &target)), "{target}");
        nothing_happened(&world, GIVEN).await;
        release(&world, &target).await;
        polled(&world).await;
        world.models.will_answer(completion("hi", Some(tokens(10, 10))));
        ask(&world, "hello").await.expect("let through");
    }
}

#[tokio::test]
async fn what_is_stopped_stops_nothing_else() {
    let world = given_a_credit().await;
    given_a_key(&world, &api_key(11)).await;
    stop(&world, key()).await;
    stop(&world, SwitchTarget::Workspace(RIVAL)).await;
    stop(&world, SwitchTarget::Provider(Provider::GEMINI)).await;
    polled(&world).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    world.chat.complete(by_program(11), question("hello")).await.expect("another key");
    release(&world, &key()).await;
    polled(&world).await;
    let refused = refusal(&world, question_to("gemini-free")).await;
    assert!(is_stopped(&refused, &SwitchTarget::Provider(Provider::GEMINI)), "{refused:?}");
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    ask(&world, "hello").await.expect("another provider");
}

#[tokio::test]
async fn while_it_is_not_known_what_is_stopped_nobody_calls() {
    let world = given_a_credit().await;
    world.unsteady.set_down(true);
    world.clock.advance(TimeDelta::milliseconds(1_001));
    world.feed.poll().await.expect_err("the store is down");
    world.unsteady.set_down(false);
    let refused = refusal(&world, question("hello")).await;
    assert!(matches!(refused, ChatError::Closed), "{refused:?}");
    nothing_happened(&world, GIVEN).await;
}

/// `smart` leads to `cheap`, and to `dear` when that is not to be had.
fn book() -> PriceBook {
    let price = || {
        let (input, output) = (150_000, 600_000);
        Price::Tokens(TokenPrices {
            input,
            cached_input: input,
            cache_write: input,
            output,
            request: 0,
        })
    };
    let cheap = model("cheap", Provider::OPENAI, ModelClass::Small, price());
    let dear = model("dear", Provider::GEMINI, ModelClass::Small, price());
    let smart = Route { fallbacks: vec!["dear".to_owned()], ..Route::to("smart", "cheap") };
    let book = PriceBook::new(vec![cheap, dear]).expect("a sound book");
    book.with_routes(vec![smart]).expect("a sound route")
}

pub async fn given_a_route() -> World {
    let attempts = AttemptRules { most: 3, pause: Duration::ZERO, ..AttemptRules::default() };
    let world = given_a_program(Setup { book: book(), attempts, ..Setup::default() }).await;
    world.give(1, GIVEN).await;
    world
}

pub fn cheap_ones() -> [SwitchTarget; 2] {
    [SwitchTarget::Model("cheap".to_owned()), SwitchTarget::Provider(Provider::OPENAI)]
}

#[tokio::test]
async fn a_route_leads_around_what_is_stopped() {
    for target in cheap_ones() {
        let world = given_a_route().await;
        stop(&world, target.clone()).await;
        polled(&world).await;
        world.models.will_answer(completion("hi", Some(tokens(10, 10))));
        let done = world.chat.complete(spend(), question_to("smart")).await.expect("answered");
        assert_eq!(done.call.model, "dear");
        let refused = refusal(&world, question_to("cheap")).await;
        assert!(is_stopped(&refused, &target), "{refused:?}");
        stop(&world, SwitchTarget::Provider(Provider::GEMINI)).await;
        polled(&world).await;
        let refused = refusal(&world, question_to("smart")).await;
        assert!(is_stopped(&refused, &target), "the first one's is told: {refused:?}");
    }
}

#[tokio::test]
async fn what_is_stopped_is_listed_and_entered_in_the_trail() {
    let world = given_a_credit().await;
    let listed = async || world.switches.list(permit(RIVAL)).await.expect("listed");
    assert_eq!(listed().await, []);
    stop(&world, small()).await;
    world.clock.advance(TimeDelta::seconds(5));
    let (reason, operator) = ("another".parse().expect("a reason"), permit(ACME));
    let switch = world.switches.stop(operator, small(), reason).await.expect("stopped");
    let reason = "another".parse().expect("a reason");
    assert_eq!(switch, Switch { target: small(), reason, since: at(0), by: ADA });
    assert_eq!(listed().await, [switch]);
    release(&world, &small()).await;
    assert_eq!(listed().await, []);
    let entries = world.entries().await;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.action, entry.subject.as_str(), entry.after.is_some()))
        .collect();
    let subject = "model gpt-4o-mini";
    assert_eq!(
        told,
        [
            (Action::SwitchStopped, subject, true),
            (Action::SwitchStopped, subject, true),
            (Action::SwitchReleased, subject, false),
        ]
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_stopped_and_what_is_not_stopped_is_not_released() {
    let world = given_a_credit().await;
    let alias = price_book().models()[0].aliases[0].clone();
    for target in [
        SwitchTarget::Key(api_key(99).id),
        SwitchTarget::Workspace(cape_domain::ids::WorkspaceId::new(cape_testkit::fixtures::id(99))),
        SwitchTarget::Model("gpt-40-mini".to_owned()),
        SwitchTarget::Model(alias),
        SwitchTarget::Provider("nobody".parse().expect("a name")),
    ] {
        let reason = "misused".parse().expect("a reason");
        let operator = permit::<OperatePlatform>(RIVAL);
        let refused = world.switches.stop(operator, target.clone(), reason).await;
        assert!(matches!(&refused, Err(SwitchError::Unknown(it)) if *it == target), "{refused:?}");
    }
    for target in all() {
        let refused = world.switches.release(permit(RIVAL), &target).await;
        assert!(matches!(refused, Err(SwitchError::NotStopped(_))), "{refused:?}");
    }
    assert_eq!((world.entries().await, world.control().await), (vec![], vec![]));
}

#[tokio::test]
async fn a_model_that_is_gone_from_the_book_can_still_be_released() {
    let world = given_a_credit().await;
    let gone = SwitchTarget::Model("gone".to_owned());
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let switch = cape_testkit::fixtures::switch(gone.clone());
    work.switches().put(&switch).await.expect("put");
    work.commit().await.expect("commit");
    release(&world, &gone).await;
}
