//! What a dead process left open.
use std::sync::Arc;

use cape_domain::{
    billing::{self, Allocation, Credits, HoldState, TransactionKind},
    ids::ProcessId,
    processes::Process,
    store::{Durability, Scope, Store as _},
    usage::ModelProviderError,
};
use cape_services::{
    processes::ProcessService,
    usage::{ChatError, Deployment},
};
use cape_testkit::{
    fakes::Step,
    fixtures::{ACME, PROCESS, completion, head, hold, tokens},
};
use chrono::TimeDelta;
use tokio::sync::Notify;

use super::{HELD, LIKELY, begin, end, given_a_program, settled, so_far, stream, text};
use crate::world::{Setup, World, soon};

const GIVEN: i64 = 1_000_000;

async fn given_a_credit() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, GIVEN).await;
    world
}

/// A call whose answer comes when the gate is opened, if it ever is.
async fn given_a_call(world: &World) -> Arc<Notify> {
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    begin(world, "hello").await;
    gate
}

/// Another process that began after the world's own had died.
async fn survivor(world: &World) -> ProcessId {
    let survivor = ProcessService::new(world.base.clone());
    survivor.beat().await.expect("a heartbeat");
    survivor.id()
}

async fn sweep(world: &World, process: ProcessId, deployment: Deployment) -> usize {
    world.sweeper(process, deployment).run_due().await.expect("swept")
}

async fn processes(world: &World) -> Vec<ProcessId> {
    let since = world.base.now() + TimeDelta::days(1);
    let all = world.look().await.processes().silent(since).await.expect("processes");
    all.into_iter().map(|Process { id, .. }| id).collect()
}

#[tokio::test]
async fn a_call_of_a_dead_process_is_charged_for_its_likely_input_and_flagged() {
    let world = given_a_credit().await;
    given_a_call(&world).await;
    let survivor = survivor(&world).await;
    assert_eq!(sweep(&world, survivor, Deployment::Alone).await, 1);
    assert_eq!(world.micros().await, [GIVEN - LIKELY, 0, 0]);
    let call = world.calls().await.remove(0);
    let used = settled(&call);
    assert_eq!((used.tokens, used.charge.micros(), used.estimated), (tokens(4, 0), LIKELY, true));
    let hold = world.hold(call.hold.expect("a hold")).await;
    assert_eq!(hold.state.name(), "settled");
    assert_eq!(world.counted().await, 1, "the provider may have done the work");
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_was_written_down_of_its_output_is_charged_as_well() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    let wait = Step::Wait(gate.clone());
    let for_ever = Step::Wait(Arc::new(Notify::new()));
    world.models.will_stream([wait, text("1234567812345678"), for_ever]);
    let streaming = stream(&world, "hello").await;
    world.pass(TimeDelta::seconds(1)).await;
    gate.notify_one();
    let id = streaming.call.id;
    soon(async {
        while so_far(&world.call(id).await).tokens != tokens(4, 4) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let survivor = survivor(&world).await;
    assert_eq!(sweep(&world, survivor, Deployment::Alone).await, 1);
    assert_eq!(settled(&world.call(id).await).charge.micros(), 360);
    assert_eq!(world.micros().await, [GIVEN - 360, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_dead_process_is_forgotten_once_nothing_of_it_is_open() {
    let world = given_a_credit().await;
    given_a_call(&world).await;
    let survivor = survivor(&world).await;
    assert_eq!(processes(&world).await, [world.process.id(), survivor]);
    assert_eq!(sweep(&world, survivor, Deployment::Alone).await, 1);
    assert_eq!(sweep(&world, survivor, Deployment::Alone).await, 0);
    assert_eq!(processes(&world).await, [survivor]);
}

#[tokio::test]
async fn a_process_is_dead_after_fifteen_silent_seconds_and_not_before() {
    let world = given_a_credit().await;
    given_a_call(&world).await;
    world.pass(TimeDelta::seconds(15)).await;
    let survivor = survivor(&world).await;
    assert_eq!(sweep(&world, survivor, Deployment::Shared).await, 0);
    assert_eq!(world.micros().await, [GIVEN - HELD, HELD, 0]);
    world.pass(TimeDelta::microseconds(1)).await;
    assert_eq!(sweep(&world, survivor, Deployment::Shared).await, 1);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_a_living_process_holds_is_left_alone() {
    let world = given_a_credit().await;
    let gate = given_a_call(&world).await;
    let survivor = survivor(&world).await;
    for _ in 0..4 {
        world.pass(TimeDelta::seconds(14)).await;
        world.process.beat().await.expect("a heartbeat");
        assert_eq!(sweep(&world, survivor, Deployment::Shared).await, 0);
    }
    assert_eq!(sweep(&world, world.process.id(), Deployment::Alone).await, 0, "its own");
    gate.notify_one();
    soon(world.tasks.finish()).await;
    assert_eq!(world.micros().await, [GIVEN - 900, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_hold_whose_time_is_over_is_swept_though_its_process_lives() {
    let world = given_a_credit().await;
    given_a_call(&world).await;
    world.pass(TimeDelta::minutes(10)).await;
    world.process.beat().await.expect("a heartbeat");
    assert_eq!(sweep(&world, world.process.id(), Deployment::Shared).await, 0);
    world.pass(TimeDelta::microseconds(1)).await;
    assert_eq!(sweep(&world, world.process.id(), Deployment::Shared).await, 1);
    assert_eq!(world.micros().await, [GIVEN - LIKELY, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_sweep_at_once_charge_once() {
    let world = given_a_credit().await;
    given_a_call(&world).await;
    let [one, other] = [survivor(&world).await, survivor(&world).await];
    world.pass(TimeDelta::seconds(16)).await;
    let (first, second) = tokio::join!(
        sweep(&world, one, Deployment::Shared),
        sweep(&world, other, Deployment::Shared)
    );
    assert!(first + second >= 1);
    assert_eq!(world.micros().await, [GIVEN - LIKELY, 0, 0]);
    let ends = world.transactions(ACME).await;
    assert_eq!(ends.iter().filter(|t| t.kind == TransactionKind::Settlement).count(), 1);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_failure_that_comes_after_the_sweep_gives_nothing_back() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    world.models.will_fail_after(gate.clone(), ModelProviderError::Timeout);
    let task = begin(&world, "hello").await;
    let survivor = survivor(&world).await;
    assert_eq!(sweep(&world, survivor, Deployment::Alone).await, 1);
    gate.notify_one();
    let failed = soon(task).await.expect("a task").err();
    let timeout = matches!(failed, Some(ChatError::Provider(ModelProviderError::Timeout)));
    assert!(timeout, "{failed:?}");
    assert_eq!((world.micros().await, world.counted().await), ([GIVEN - LIKELY, 0, 0], 1));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn fifty_streams_of_a_killed_process_leave_nothing_open_and_all_are_recorded() {
    let world = given_a_program(Setup { limited: false, ..Setup::default() }).await;
    world.give(1, 50 * HELD).await;
    let mut streams = Vec::new();
    for number in 0..50 {
        let for_ever = Step::Wait(Arc::new(Notify::new()));
        let steps = [text("12345678"), for_ever].into_iter().skip(number % 2);
        world.models.will_stream(steps.chain(end(None)));
        streams.push(stream(&world, "hello").await);
    }
    assert_eq!(world.micros().await, [0, 50 * HELD, 0]);
    let survivor = survivor(&world).await;
    assert_eq!(sweep(&world, survivor, Deployment::Alone).await, 50);
    assert_eq!(world.holds_of(world.process.id()).await, []);
    assert_eq!(world.micros().await, [50 * (HELD - LIKELY), 0, 0]);
    let calls = world.calls().await;
    assert_eq!(calls.len(), 50);
    assert!(calls.iter().all(|call| settled(call).estimated));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_hold_without_a_call_is_released() {
    let world = given_a_credit().await;
    let lot = world.grants(ACME).await[0].id;
    let amount = Credits::from_micros(300);
    let allocation = Allocation { grant: lot, amount };
    let orphan = hold(2, vec![allocation]);
    let mut work = world.store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    let held = billing::hold(head(2), orphan.id, amount).expect("something to hold");
    let _ = work.ledger().post(&[held]).await.expect("posted");
    work.ledger().move_grants(&[allocation.reserve().expect("in range")]).await.expect("moved");
    work.ledger().insert_hold(&orphan).await.expect("held");
    let dead = Process { id: PROCESS, heartbeat_at: world.base.now() };
    work.processes().beat(&dead).await.expect("a heartbeat");
    work.commit().await.expect("commit");
    assert_eq!(world.micros().await, [GIVEN - 300, 300, 0]);
    world.proves_its_ledger().await;
    assert_eq!(sweep(&world, world.process.id(), Deployment::Alone).await, 1);
    assert_eq!(world.micros().await, [GIVEN, 0, 0]);
    let at = world.base.now();
    assert_eq!(world.hold(orphan.id).await.state, HoldState::Released { at });
    world.proves_its_ledger().await;
}
