//! Requests that come again: one is carried out, and all are answered alike.
mod leases;
mod purchases;
mod replays;

use std::{sync::Arc, time::Duration};

use cape_domain::{
    idempotency::{Answer, Entry, Fingerprint, Requester},
    store::Durability,
};
use cape_services::idempotency::{Attempt, Begun, IdempotencyError, IdempotencyService};
use cape_testkit::fixtures::{fingerprint, idempotency_key, requester};

use crate::world::World;

/// The service, over the fakes of a world.
fn service(world: &World) -> Arc<IdempotencyService> {
    IdempotencyService::new(
        world.base.clone(),
        world.trail.clone(),
        world.vault.clone(),
        world.tasks.clone(),
        world.sleeper.clone(),
    )
}

/// The request of this number, by the owner of ACME, under the first key.
async fn ask(service: &Arc<IdempotencyService>, number: u32) -> Result<Begun, IdempotencyError> {
    ask_as(service, requester(), fingerprint(number)).await
}

async fn ask_as(
    service: &Arc<IdempotencyService>,
    requester: Requester,
    fingerprint: Fingerprint,
) -> Result<Begun, IdempotencyError> {
    let key = idempotency_key(1);
    service.begin(requester, &key, fingerprint, Durability::Process).await
}

/// The attempt at a request that is carried out.
#[track_caller]
fn proceeds(begun: Result<Begun, IdempotencyError>) -> Attempt {
    match begun.expect("it is carried out") {
        Begun::Proceed(attempt) => attempt,
        Begun::Replay(answer) => panic!("{answer:?}"),
    }
}

/// The answer to a request that is not carried out again.
#[track_caller]
fn replays(begun: Result<Begun, IdempotencyError>) -> Answer {
    match begun.expect("it was answered") {
        Begun::Replay(answer) => answer,
        Begun::Proceed(_) => panic!("it is carried out again"),
    }
}

/// When asking again may be worth it, for a request that is being carried out.
#[track_caller]
fn waits(begun: Result<Begun, IdempotencyError>) -> Duration {
    match begun.err().expect("it is being carried out") {
        IdempotencyError::InFlight { retry_after } => retry_after,
        error => panic!("{error}"),
    }
}

/// The key belongs to another request.
#[track_caller]
fn is_reused(begun: Result<Begun, IdempotencyError>) {
    let error = begun.err().expect("refused");
    assert!(matches!(error, IdempotencyError::Reused), "{error}");
}

/// What is stored of the request under the first key.
async fn entry(world: &World) -> Option<Entry> {
    let mut look = world.look().await;
    look.idempotency().find(&requester(), idempotency_key(1).digest()).await.expect("found")
}
