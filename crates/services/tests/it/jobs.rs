//! Carrying out what is due.
use cape_domain::{
    billing::{PaymentProviderError, WebhookState},
    jobs::{Backlog, LEASE, Task},
    store::{Durability, Scope, Store as _, StoreError},
    time::Clock as _,
};
use cape_services::billing::WebhookError;
use cape_testkit::fakes::ScriptedPayments;
use chrono::TimeDelta;

use crate::world::World;

const COMPLETED: &str = "checkout.session.completed";

/// A message that leads to a job, about something that is not ours.
async fn given_a_message(world: &World, event: &str, object: &str) {
    let body = ScriptedPayments::webhook_body(event, COMPLETED, object);
    world.webhooks.receive(&body, ScriptedPayments::SIGNATURE).await.expect("taken in");
}

fn unavailable() -> PaymentProviderError {
    PaymentProviderError::Unavailable("no answer".into())
}

async fn run(world: &World) -> usize {
    world.jobs.run_due().await.expect("run")
}

/// How long from now until the next job is due.
async fn delay(world: &World) -> TimeDelta {
    world.backlog().await.oldest_due.expect("a job") - world.clock.now()
}

/// Twelve attempts, each at its time, and all of them fail.
async fn exhaust(world: &World) {
    for attempt in 1..=12 {
        world.payments.fail_next(unavailable());
        assert_eq!(run(world).await, 1, "attempt {attempt}");
        world.clock.advance(TimeDelta::hours(2));
    }
}

#[tokio::test]
async fn what_is_done_is_done_once() {
    let world = World::new().await;
    given_a_message(&world, "evt_1", "cs_1").await;
    assert_eq!(world.backlog().await.waiting, 1);
    assert_eq!(run(&world).await, 1);
    assert_eq!(world.backlog().await, Backlog::default());
    assert_eq!(run(&world).await, 0);
}

#[tokio::test]
async fn a_failed_attempt_is_repeated_after_delays_that_double() {
    let world = World::new().await;
    given_a_message(&world, "evt_1", "cs_1").await;
    for seconds in [1, 2, 4, 8, 16] {
        world.payments.fail_next(unavailable());
        assert_eq!(run(&world).await, 1);
        let (delay, least) = (delay(&world).await, TimeDelta::seconds(seconds));
        assert!(least <= delay && delay <= least * 5 / 4, "{delay} after {seconds}");
        world.clock.advance(delay - TimeDelta::microseconds(1));
        assert_eq!(run(&world).await, 0, "it is not due yet");
        world.clock.advance(TimeDelta::microseconds(2));
    }
    assert_eq!(run(&world).await, 1);
    assert_eq!(world.backlog().await, Backlog::default());
    assert_eq!(world.payments.calls(), 7, "the last asks of an order, and of a subscription");
}

#[tokio::test]
async fn after_twelve_attempts_a_job_is_given_up() {
    let world = World::new().await;
    given_a_message(&world, "evt_1", "cs_1").await;
    exhaust(&world).await;
    assert_eq!(world.backlog().await, Backlog { dead: 1, ..Backlog::default() });
    world.clock.advance(TimeDelta::days(30));
    assert_eq!(run(&world).await, 0);
    assert_eq!(world.payments.calls(), 12);
}

#[tokio::test]
async fn a_job_that_was_given_up_holds_up_its_own_subject_alone() {
    let world = World::new().await;
    given_a_message(&world, "evt_1", "cs_1").await;
    exhaust(&world).await;
    given_a_message(&world, "evt_2", "cs_1").await;
    given_a_message(&world, "evt_3", "cs_2").await;
    assert_eq!(run(&world).await, 1);
    let Backlog { waiting, dead, .. } = world.backlog().await;
    assert_eq!((waiting, dead), (1, 1));
    assert_eq!(run(&world).await, 0, "it waits until somebody looks");
}

#[tokio::test]
async fn jobs_of_one_subject_are_done_one_after_the_other() {
    let world = World::new().await;
    for event in ["evt_1", "evt_2", "evt_3"] {
        given_a_message(&world, event, "cs_1").await;
    }
    world.payments.fail_next(unavailable());
    assert_eq!(run(&world).await, 1);
    assert_eq!(run(&world).await, 0, "the second waits for the first");
    world.clock.advance(TimeDelta::seconds(2));
    for _ in 0..3 {
        assert_eq!(run(&world).await, 1);
    }
    assert_eq!(world.backlog().await, Backlog::default());
}

#[tokio::test]
async fn one_that_fails_does_not_hold_up_the_others() {
    let world = World::new().await;
    for number in 1..=3 {
        given_a_message(&world, &format!("evt_{number}"), &format!("cs_{number}")).await;
    }
    world.payments.fail_next(unavailable());
    assert_eq!(run(&world).await, 3);
    assert_eq!(world.backlog().await.waiting, 1);
}

#[tokio::test]
async fn ten_are_done_at_once() {
    let world = World::new().await;
    for number in 1..=25 {
        given_a_message(&world, &format!("evt_{number}"), &format!("cs_{number}")).await;
    }
    for expected in [10, 10, 5, 0] {
        assert_eq!(run(&world).await, expected);
    }
}

#[tokio::test]
async fn an_attempt_that_lost_its_lease_leaves_nothing_behind() {
    let world = World::new().await;
    given_a_message(&world, "evt_1", "cs_1").await;
    let claim = async || {
        let now = world.clock.now();
        let begun = world.store.begin(Scope::Platform, Durability::Process).await;
        let mut work = begun.expect("begin");
        let jobs = work.jobs().claim(now, now + LEASE, 1).await.expect("claimed");
        work.commit().await.expect("commit");
        jobs
    };
    let slow = claim().await.remove(0);
    assert_eq!(claim().await, [], "it is leased");
    world.clock.advance(LEASE);
    let quick = claim().await.remove(0);
    assert_eq!((slow.attempt, quick.attempt), (1, 2));
    let Task::HandleWebhook(id) = slow.task else { panic!("{slow:?}") };
    let late = world.webhooks.handle(&slow, id).await;
    assert!(matches!(late, Err(WebhookError::Store(StoreError::Conflict { .. }))), "{late:?}");
    let webhook = world.look().await.webhooks().find(id).await.expect("found").expect("stored");
    assert_eq!(webhook.state, WebhookState::Received);
    world.webhooks.handle(&quick, id).await.expect("handled");
    assert_eq!(world.backlog().await, Backlog::default());
}

#[tokio::test]
async fn a_process_that_died_at_work_is_followed_by_another() {
    let world = World::new().await;
    given_a_message(&world, "evt_1", "cs_1").await;
    let now = world.clock.now();
    let mut work = world.store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    work.jobs().claim(now, now + LEASE, 1).await.expect("claimed");
    work.commit().await.expect("commit");
    assert_eq!(run(&world).await, 0);
    world.clock.advance(LEASE);
    assert_eq!(run(&world).await, 1);
    assert_eq!(world.backlog().await, Backlog::default());
}

#[tokio::test]
async fn without_a_store_there_is_nothing_to_carry_out() {
    let world = World::new().await;
    given_a_message(&world, "evt_1", "cs_1").await;
    world.unsteady.set_down(true);
    assert!(world.jobs.run_due().await.is_err());
    world.unsteady.set_down(false);
    assert_eq!(run(&world).await, 1);
}
