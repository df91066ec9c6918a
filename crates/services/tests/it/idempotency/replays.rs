//! What becomes of a request that comes again.
use cape_domain::{
    audit::Vault as _,
    idempotency::{Answer, Entry, EntryState, Requester},
    store::{Durability, Scope, Store as _, StoreError},
};
use cape_services::idempotency::{Ending, IdempotencyError};
use cape_testkit::fixtures::{ADA, RIVAL, answer, fingerprint, person, program, sealed_answer};
use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::{ask, ask_as, entry, is_reused, proceeds, replays, service, waits};
use crate::world::{World, soon};

#[tokio::test]
async fn a_request_that_was_answered_is_answered_alike() {
    let world = World::new().await;
    let service = service(&world);
    let attempt = proceeds(ask(&service, 1).await);
    attempt.answered(&answer("hello")).await;
    for _ in 0..3 {
        assert_eq!(replays(ask(&service, 1).await), answer("hello"));
    }
    drop(attempt);
    soon(world.tasks.finish()).await;
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused_whether_the_first_is_answered_or_not() {
    let world = World::new().await;
    let service = service(&world);
    let attempt = proceeds(ask(&service, 1).await);
    is_reused(ask(&service, 2).await);
    attempt.answered(&answer("hello")).await;
    is_reused(ask(&service, 2).await);
    assert_eq!(replays(ask(&service, 1).await), answer("hello"));
}

#[tokio::test]
async fn of_sixty_four_at_once_one_is_carried_out_and_the_others_are_told_to_wait() {
    let world = World::new().await;
    let service = service(&world);
    let mut asked = JoinSet::new();
    for _ in 0..64 {
        let service = service.clone();
        asked.spawn(async move { ask(&service, 1).await });
    }
    let begun = soon(asked.join_all()).await;
    let (mine, others): (Vec<_>, Vec<_>) = begun.into_iter().partition(Result::is_ok);
    assert_eq!((mine.len(), others.len()), (1, 63));
    for other in others {
        assert_eq!(waits(other).as_secs(), 1);
    }
}

#[tokio::test]
async fn the_same_key_of_somebody_else_is_another_request() {
    let world = World::new().await;
    let service = service(&world);
    let own = proceeds(ask(&service, 1).await);
    own.answered(&answer("for ADA")).await;
    for actor in [program(10), program(11), person(RIVAL)] {
        let other = Requester::of(&actor).expect("somebody");
        let attempt = proceeds(ask_as(&service, other, fingerprint(1)).await);
        attempt.answered(&answer("for somebody else")).await;
        let again = ask_as(&service, other, fingerprint(1)).await;
        assert_eq!(replays(again), answer("for somebody else"));
    }
    assert_eq!(replays(ask(&service, 1).await), answer("for ADA"));
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day_and_then_the_key_is_free() {
    let world = World::new().await;
    let service = service(&world);
    let first = proceeds(ask(&service, 1).await);
    world.clock.advance(TimeDelta::minutes(5));
    first.answered(&answer("yesterday")).await;
    world.clock.advance(Entry::KEPT - TimeDelta::seconds(1));
    assert_eq!(replays(ask(&service, 1).await), answer("yesterday"));
    world.clock.advance(TimeDelta::seconds(1));
    let second = proceeds(ask(&service, 2).await);
    assert!(second.id() != first.id() && !second.is_resumed());
    second.answered(&answer("today")).await;
    assert_eq!(replays(ask(&service, 2).await), answer("today"));
}

#[tokio::test]
async fn what_has_expired_is_pruned() {
    let world = World::new().await;
    let service = service(&world);
    proceeds(ask(&service, 1).await).answered(&answer("hello")).await;
    assert_eq!(service.prune().await.expect("pruned"), 0);
    assert!(entry(&world).await.is_some());
    world.clock.advance(Entry::KEPT);
    assert_eq!(service.prune().await.expect("pruned"), 1);
    assert_eq!(entry(&world).await, None);
    assert_eq!(service.prune().await.expect("pruned"), 0);
}

#[tokio::test]
async fn what_was_refused_for_certain_leaves_the_key_free_for_any_request() {
    let world = World::new().await;
    let service = service(&world);
    let first = proceeds(ask(&service, 1).await);
    let id = first.id();
    first.ended(Ending::Nothing).await;
    assert_eq!(entry(&world).await, None);
    let second = proceeds(ask(&service, 2).await);
    assert!(second.id() != id && !second.is_resumed());
}

#[tokio::test]
async fn what_may_have_had_an_effect_is_resumed_under_its_identity_by_the_same_request_alone() {
    let world = World::new().await;
    let service = service(&world);
    let first = proceeds(ask(&service, 1).await);
    let id = first.id();
    first.ended(Ending::Unknown).await;
    is_reused(ask(&service, 2).await);
    let second = proceeds(ask(&service, 1).await);
    assert!(second.id() == id && second.is_resumed());
    waits(ask(&service, 1).await);
}

#[tokio::test]
async fn neither_an_answer_nor_a_key_is_stored_to_be_read() {
    let world = World::new().await;
    let service = service(&world);
    proceeds(ask(&service, 1).await).answered(&answer("a secret of ADA's")).await;
    let stored = entry(&world).await.expect("stored");
    let EntryState::Answered { answer: sealed } = &stored.state else { panic!("{stored:?}") };
    assert_eq!(sealed.person, ADA);
    for told in ["secret", "content-type", "200", "request-1"] {
        let is_told = |bytes: &[u8]| bytes.windows(told.len()).any(|part| part == told.as_bytes());
        assert!(!is_told(&sealed.ciphertext) && !is_told(&stored.key.0), "{told}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_kept_and_the_request_is_not_carried_out_again() {
    let world = World::new().await;
    let service = service(&world);
    let headers = vec![("x-cape-call-id".to_owned(), "cal_1".to_owned())];
    let large = Answer::new(200, headers.clone(), vec![b'x'; Answer::LARGEST + 1]);
    proceeds(ask(&service, 1).await).answered(&large).await;
    for _ in 0..2 {
        match ask(&service, 1).await.err().expect("refused") {
            IdempotencyError::NotKept { headers: told, .. } => assert_eq!(told, headers),
            error => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn an_answer_whose_person_was_erased_is_gone() {
    let world = World::new().await;
    let service = service(&world);
    let attempt = proceeds(ask(&service, 1).await);
    // Nothing was ever sealed for ADA in this world: there is no key.
    let mut work = world.store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    let expires_at = entry(&world).await.expect("stored").expires_at;
    let stored = work.idempotency().answer(attempt.id(), 1, &sealed_answer(1), expires_at).await;
    assert!(stored.expect("stored"));
    work.commit().await.expect("commit");
    let error = ask(&service, 1).await.err().expect("refused");
    assert!(matches!(error, IdempotencyError::NotKept { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_to_another_request_does_not_pass_for_this_ones() {
    let world = World::new().await;
    let service = service(&world);
    let attempt = proceeds(ask(&service, 1).await);
    let mut work = world.store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    let key = world.vault.make_key(ADA).expect("a key");
    work.personal_keys().insert(&key).await.expect("inserted");
    let swapped = answer("of another request").to_text(fingerprint(2));
    let swapped = world.vault.seal(&key, &swapped).expect("sealed");
    let expires_at = entry(&world).await.expect("stored").expires_at;
    let requests = work.idempotency();
    assert!(requests.answer(attempt.id(), 1, &swapped, expires_at).await.expect("stored"));
    work.commit().await.expect("commit");
    let error = ask(&service, 1).await.err().expect("refused");
    assert!(matches!(error, IdempotencyError::Store(StoreError::Corrupt { .. })), "{error}");
}

#[tokio::test]
async fn without_a_store_nothing_is_carried_out() {
    let world = World::new().await;
    let service = service(&world);
    world.unsteady.set_down(true);
    let error = ask(&service, 1).await.err().expect("refused");
    assert!(matches!(error, IdempotencyError::Store(StoreError::Unavailable(_))), "{error}");
    world.unsteady.set_down(false);
    let _attempt = proceeds(ask(&service, 1).await);
}

#[tokio::test]
async fn a_lost_race_is_run_again_and_in_the_end_told_as_one() {
    let world = World::new().await;
    let service = service(&world);
    world.unsteady.conflict(3);
    assert_eq!(waits(ask(&service, 1).await).as_secs(), 1);
    assert_eq!(entry(&world).await, None);
    world.unsteady.conflict(2);
    let attempt = proceeds(ask(&service, 1).await);
    world.unsteady.conflict(2);
    attempt.answered(&answer("hello")).await;
    assert_eq!(replays(ask(&service, 1).await), answer("hello"));
}
