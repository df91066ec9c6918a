//! Sessions.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    accounts::{EndReason, Session},
    ids::SessionId,
    store::{Durability, Scope, Store, StoreError},
};

use super::super::OWN;
use crate::fixtures::{at, session};

/// Everything about a session comes back as it was, whether it lives or is over.
pub async fn a_session_is_read_back_in_every_state(store: &dyn Store) {
    let rotated = session(11).rotate(at(100)).rotate(at(200));
    let stolen = session(12).end(EndReason::Theft, at(5));
    let left = session(13).end(EndReason::LoggedOut, at(6));
    for session in [session(10), rotated, stolen, left] {
        insert_session(store, &session).await.expect("insert");
        assert_eq!(find_session(store, session.id).await, session);
    }
    let again = insert_session(store, &session(10)).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
}

/// A change replaces everything, and its version is the next one.
pub async fn a_session_is_changed(store: &dyn Store) {
    insert_session(store, &session(10)).await.expect("insert");
    let rotated = session(10).rotate(at(100));
    update_session(store, &rotated).await.expect("rotate");
    let stored = find_session(store, rotated.id).await;
    assert_eq!(stored, Session { version: 1, ..rotated });
    let ended = stored.end(EndReason::LoggedOut, at(101));
    update_session(store, &ended).await.expect("end");
    assert_eq!(find_session(store, ended.id).await, Session { version: 2, ..ended });
}

/// Of two who rotate the same generation, the second is told.
pub async fn a_stale_session_is_not_stored(store: &dyn Store) {
    insert_session(store, &session(10)).await.expect("insert");
    let rotated = session(10).rotate(at(100));
    update_session(store, &rotated).await.expect("first writer");
    let early = Session { version: 2, ..rotated.clone() };
    for stale in [session(10).end(EndReason::Theft, at(101)), early, session(11)] {
        let refused = update_session(store, &stale).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }
    assert_eq!(find_session(store, rotated.id).await, Session { version: 1, ..rotated });
}

/// News of uses arrive in any order; the latest generation stands.
pub async fn a_note_of_use_never_moves_back(store: &dyn Store) {
    insert_session(store, &session(10)).await.expect("insert");
    for (noted, expected) in [(1, 1), (3, 3), (2, 3), (3, 3)] {
        note_use(store, noted).await.expect("note");
        assert_eq!(find_session(store, session(10).id).await.used_generation, expected);
    }
}

/// Whoever loaded the session before a use was noted can still change it, and does not make the
/// store forget the use.
pub async fn a_note_of_use_is_no_change_and_survives_one(store: &dyn Store) {
    insert_session(store, &session(10)).await.expect("insert");
    note_use(store, 5).await.expect("note");
    let rotated = session(10).rotate(at(100));
    update_session(store, &rotated).await.expect("nothing changed");
    let expected = Session { used_generation: 5, version: 1, ..rotated };
    assert_eq!(find_session(store, expected.id).await, expected);
}

async fn insert_session(store: &dyn Store, session: &Session) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    work.sessions().insert(session).await?;
    work.commit().await
}

async fn update_session(store: &dyn Store, session: &Session) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    work.sessions().update(session).await?;
    work.commit().await
}

async fn note_use(store: &dyn Store, generation: u32) -> Result<(), StoreError> {
    let mut work = store.begin(OWN, Durability::Process).await?;
    work.sessions().note_use(session(10).id, generation).await?;
    work.commit().await
}

async fn find_session(store: &dyn Store, id: SessionId) -> Session {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.sessions().find(id).await.expect("find").expect("a session")
}
