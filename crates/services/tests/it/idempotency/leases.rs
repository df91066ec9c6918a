//! Who is at it, and who was until its process died.
use cape_domain::{
    idempotency::{Entry, EntryState},
    time::Timestamp,
};
use cape_services::idempotency::Ending;
use cape_testkit::fixtures::answer;
use chrono::TimeDelta;

use super::{ask, entry, proceeds, replays, service, waits};
use crate::world::{World, soon};

async fn leased(world: &World) -> Timestamp {
    match entry(world).await.expect("stored").state {
        EntryState::Reserved { until } => until,
        EntryState::Answered { .. } => panic!("it was answered"),
    }
}

/// The reservation is renewed once.
async fn renewed(world: &World) {
    let before = leased(world).await;
    soon(world.sleeper.until_somebody_sleeps()).await;
    world.sleeper.wake();
    soon(async {
        while leased(world).await == before {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_is_waited_for_as_long_as_somebody_is_at_it() {
    let world = World::new().await;
    let service = service(&world);
    let attempt = proceeds(ask(&service, 1).await);
    for number in 1..=6 {
        world.clock.advance(TimeDelta::seconds(20));
        renewed(&world).await;
        let waited = waits(ask(&service, 1).await);
        assert_eq!(waited.as_secs(), (number * 20).min(30), "ever more rarely");
    }
    attempt.answered(&answer("at last")).await;
    assert_eq!(replays(ask(&service, 1).await), answer("at last"));
    assert!(world.sleeper.asked().iter().all(|asked| *asked == Entry::RENEWAL));
}

#[tokio::test]
async fn nothing_is_renewed_any_more_when_an_attempt_is_over() {
    let world = World::new().await;
    let service = service(&world);
    let answered = proceeds(ask(&service, 1).await);
    answered.answered(&answer("hello")).await;
    drop(answered);
    soon(world.tasks.finish()).await;
    assert_eq!(world.tasks.running(), 0);
}

#[tokio::test]
async fn who_died_in_the_middle_is_waited_for_until_the_lease_ran_out_and_then_resumed() {
    let world = World::new().await;
    let service = service(&world);
    let died = proceeds(ask(&service, 1).await);
    let id = died.id();
    drop(died);
    soon(world.tasks.finish()).await;
    world.clock.advance(Entry::LEASE - TimeDelta::seconds(1));
    waits(ask(&service, 1).await);
    world.clock.advance(TimeDelta::seconds(1));
    let next = proceeds(ask(&service, 1).await);
    assert!(next.id() == id && next.is_resumed());
    waits(ask(&service, 1).await);
}

#[tokio::test]
async fn who_was_taken_for_dead_and_comes_back_changes_nothing() {
    let world = World::new().await;
    let service = service(&world);
    let late = proceeds(ask(&service, 1).await);
    world.clock.advance(Entry::LEASE);
    let next = proceeds(ask(&service, 1).await);
    late.answered(&answer("too late")).await;
    assert!(matches!(entry(&world).await.expect("stored").state, EntryState::Reserved { .. }));
    late.ended(Ending::Nothing).await;
    next.answered(&answer("in time")).await;
    assert_eq!(replays(ask(&service, 1).await), answer("in time"));
}

#[tokio::test]
async fn while_the_store_is_away_a_lease_is_tried_to_be_renewed_again() {
    let world = World::new().await;
    let service = service(&world);
    let attempt = proceeds(ask(&service, 1).await);
    world.clock.advance(TimeDelta::seconds(10));
    world.unsteady.set_down(true);
    soon(world.sleeper.until_somebody_sleeps()).await;
    world.sleeper.wake();
    soon(async {
        while world.sleeper.asked().len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    world.unsteady.set_down(false);
    renewed(&world).await;
    world.clock.advance(Entry::LEASE - TimeDelta::seconds(1));
    waits(ask(&service, 1).await);
    attempt.ended(Ending::Nothing).await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_kept_does_not_hold_up_who_asked_and_the_lease_runs_out() {
    let world = World::new().await;
    let service = service(&world);
    let attempt = proceeds(ask(&service, 1).await);
    world.unsteady.set_down(true);
    attempt.answered(&answer("hello")).await;
    attempt.ended(Ending::Nothing).await;
    world.unsteady.set_down(false);
    waits(ask(&service, 1).await);
    world.clock.advance(Entry::LEASE);
    assert!(proceeds(ask(&service, 1).await).is_resumed());
}
