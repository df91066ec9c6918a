//! What becomes of running calls when somebody stops what they are made with, by or to.
use std::sync::Arc;

use cape_domain::{
    access::ManageKeys,
    usage::{CallState, FailureKind, Provider, SwitchTarget},
};
use cape_services::{
    access::Overlap,
    usage::{ChatError, Completed, StreamItem, Streaming},
};
use cape_testkit::{
    fakes::Step,
    fixtures::{ACME, RIVAL, api_key, completion, permit, tokens},
};
use tokio::{sync::Notify, task::JoinHandle};

use super::{
    begin, end, given_a_key, question_to, read, settled, spend, stream,
    switches::{
        GIVEN, all, cheap_ones, given_a_credit, given_a_route, is_stopped, key, polled, stop,
    },
    text,
};
use crate::world::{World, soon};

/// A stream of which a piece has come, and whose provider then says nothing more.
async fn given_a_silent_stream(world: &World) -> Streaming {
    let silence = Step::Wait(Arc::new(Notify::new()));
    world.models.will_stream([text("1234"), text("5678"), silence, text("never")]);
    let mut streaming = stream(world, "hello").await;
    for _ in 0..2 {
        let item = soon(streaming.items.recv()).await;
        assert!(matches!(item, Some(StreamItem::Piece { .. })), "{item:?}");
    }
    streaming
}

/// A call in one piece whose provider says nothing.
async fn given_a_silent_call(world: &World) -> JoinHandle<Result<Completed, ChatError>> {
    world.models.will_answer_after(Arc::new(Notify::new()), completion("never", None));
    begin(world, "hello").await
}

#[tokio::test]
async fn a_stream_ends_though_its_provider_is_silent_and_what_came_is_paid_for() {
    for target in all() {
        let world = given_a_credit().await;
        let mut streaming = given_a_silent_stream(&world).await;
        stop(&world, target.clone()).await;
        polled(&world).await;
        let rest = read(&mut streaming).await;
        let [StreamItem::Failed(error)] = &rest[..] else { panic!("{rest:?}") };
        assert!(is_stopped(error, &target), "{error:?}");
        soon(world.tasks.finish()).await;
        assert_eq!(world.models.hung_up(), 1, "nothing more is waited for");
        let used = settled(&world.calls().await[0]);
        assert_eq!((used.tokens, used.charge.micros(), used.estimated), (tokens(4, 2), 216, true));
        assert_eq!((world.micros().await, world.counted().await), ([GIVEN - 216, 0, 0], 1));
        world.proves_its_ledger().await;
    }
}

#[tokio::test]
async fn a_stream_that_is_stopped_before_its_first_piece_costs_nothing() {
    let world = given_a_credit().await;
    world.models.will_stream([Step::Wait(Arc::new(Notify::new())), text("never")]);
    let mut streaming = stream(&world, "hello").await;
    stop(&world, key()).await;
    polled(&world).await;
    assert!(matches!(&read(&mut streaming).await[..], [StreamItem::Failed(_)]));
    let call = world.calls().await.remove(0);
    let stopped = matches!(call.state, CallState::Failed { kind: FailureKind::Stopped, .. });
    assert!(stopped, "{call:?}");
    assert_eq!((world.micros().await, world.counted().await), ([GIVEN, 0, 0], 0));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_a_slow_reader_has_not_taken_is_not_given_to_it_any_more() {
    let world = given_a_credit().await;
    let pieces = (0..200).map(|number| text(&number.to_string()));
    world.models.will_stream(pieces.chain(end(Some(tokens(10, 10)))));
    let mut streaming = stream(&world, "hello").await;
    // The buffer is full.
    soon(world.sleeper.until_somebody_sleeps()).await;
    stop(&world, key()).await;
    polled(&world).await;
    soon(async {
        while world.micros().await[1] > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(world.models.hung_up(), 1);
    let rest = read(&mut streaming).await;
    assert!(matches!(&rest[..], [StreamItem::Failed(ChatError::Stopped(_))]), "{rest:?}");
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_call_in_one_piece_is_given_up_and_costs_nothing() {
    for target in all() {
        let world = given_a_credit().await;
        let call = given_a_silent_call(&world).await;
        stop(&world, target.clone()).await;
        polled(&world).await;
        let refused = soon(call).await.expect("a task").err().expect("stopped");
        assert!(is_stopped(&refused, &target), "{refused:?}");
        let call = world.calls().await.remove(0);
        let stopped = matches!(call.state, CallState::Failed { kind: FailureKind::Stopped, .. });
        assert!(stopped, "{call:?}");
        assert_eq!((world.micros().await, world.counted().await), ([GIVEN, 0, 0], 0));
        world.proves_its_ledger().await;
    }
}

#[tokio::test]
async fn calls_of_others_go_on() {
    let world = given_a_credit().await;
    given_a_key(&world, &api_key(11)).await;
    let gate = Arc::new(Notify::new());
    let steps = [text("one"), Step::Wait(gate.clone())];
    world.models.will_stream(steps.into_iter().chain(end(Some(tokens(10, 10)))));
    let mut streaming = stream(&world, "hello").await;
    stop(&world, SwitchTarget::Key(api_key(11).id)).await;
    stop(&world, SwitchTarget::Workspace(RIVAL)).await;
    stop(&world, SwitchTarget::Provider(Provider::GEMINI)).await;
    polled(&world).await;
    gate.notify_one();
    let items = read(&mut streaming).await;
    assert!(matches!(items.last(), Some(StreamItem::Done { .. })), "{items:?}");
}

#[tokio::test]
async fn a_key_that_is_taken_back_ends_what_runs_with_it() {
    let world = given_a_credit().await;
    given_a_key(&world, &api_key(11)).await;
    let mut streaming = given_a_silent_stream(&world).await;
    let [taken, other] = [api_key(10).id, api_key(11).id];
    let permit = || permit::<ManageKeys>(ACME);
    world.keys.revoke(permit(), other).await.expect("revoked");
    polled(&world).await;
    assert!(world.tasks.running() > 0, "another key is another matter");
    world.keys.revoke(permit(), taken).await.expect("revoked");
    polled(&world).await;
    let rest = read(&mut streaming).await;
    assert!(matches!(&rest[..], [StreamItem::Failed(ChatError::KeyTakenBack)]), "{rest:?}");
    soon(world.tasks.finish()).await;
    assert_eq!(world.models.hung_up(), 1);
    assert_eq!(world.micros().await, [GIVEN - 216, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_key_that_changed_and_is_good_goes_on() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    let steps = [text("one"), Step::Wait(gate.clone())];
    world.models.will_stream(steps.into_iter().chain(end(Some(tokens(10, 10)))));
    let mut streaming = stream(&world, "hello").await;
    let day = Overlap::default();
    world.keys.rotate(permit(ACME), api_key(10).id, day).await.expect("rotated");
    for _ in 0..3 {
        polled(&world).await;
    }
    gate.notify_one();
    let items = read(&mut streaming).await;
    assert!(matches!(items.last(), Some(StreamItem::Done { .. })), "{items:?}");
}

#[tokio::test]
async fn news_that_could_not_be_looked_up_are_looked_up_by_the_next_poll() {
    let world = given_a_credit().await;
    let mut streaming = given_a_silent_stream(&world).await;
    stop(&world, key()).await;
    world.unsteady.set_down(true);
    world.feed.poll().await.expect_err("the store is down");
    world.unsteady.set_down(false);
    polled(&world).await;
    assert!(matches!(&read(&mut streaming).await[..], [StreamItem::Failed(_)]));
}

#[tokio::test]
async fn a_call_whose_model_is_stopped_before_it_answers_goes_to_another() {
    for target in cheap_ones() {
        let world = given_a_route().await;
        world.models.will_answer_after(Arc::new(Notify::new()), completion("never", None));
        world.models.will_answer(completion("hi", Some(tokens(10, 10))));
        let chat = world.chat.clone();
        let call =
            world.tasks.spawn(async move { chat.complete(spend(), question_to("smart")).await });
        soon(async {
            while world.models.calls() == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        stop(&world, target).await;
        polled(&world).await;
        let done = soon(call).await.expect("a task").expect("answered");
        assert_eq!(done.call.model, "dear");
        assert_eq!(settled(&world.call(done.call.id).await).tokens, tokens(10, 10));
        world.proves_its_ledger().await;
    }
}

#[tokio::test]
async fn a_caller_that_is_stopped_is_sent_to_no_other_model() {
    let world = given_a_route().await;
    world.models.will_answer_after(Arc::new(Notify::new()), completion("never", None));
    let chat = world.chat.clone();
    let call = world.tasks.spawn(async move { chat.complete(spend(), question_to("smart")).await });
    soon(async {
        while world.models.calls() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stop(&world, key()).await;
    polled(&world).await;
    let refused = soon(call).await.expect("a task").err().expect("stopped");
    assert!(is_stopped(&refused, &key()), "{refused:?}");
    assert_eq!(world.models.calls(), 1);
}
