//! Sessions.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    accounts::{EndReason, Session},
    ids::SessionId,
    store::{Durability, Scope, Store, StoreError},
    time::Timestamp,
};

use super::super::OWN;
use crate::fixtures::{at, session};

/// Everything about a session comes back as it was, whether it lives or is over.
pub async fn a_session_is_read_back_in_every_state(store: &dyn Store) {
    let rotated = session(11).rotate(at(100)).rotate(at(200)).outdate().reauthenticate(at(250));
    let device = Some("Zoë's Browser/7.0 (🔑; 'x86_64')".parse().expect("a device"));
    let old = Session { device, address: Some([192, 0, 2, 7].into()), ..session(12) };
    let new = Session { address: Some([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into()), ..session(13) };
    let over = EndReason::ALL
        .iter()
        .zip(14..)
        .map(|(reason, number)| session(number).end(*reason, at(number.into())));
    for session in [session(10), rotated, old, new].into_iter().chain(over) {
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

/// News of uses arrive in any order; the latest generation and the latest time stand, each for
/// itself.
pub async fn a_note_of_use_never_moves_back(store: &dyn Store) {
    insert_session(store, &session(10)).await.expect("insert");
    for (noted, second, expected) in
        [(1, 10, (1, 10)), (3, 5, (3, 10)), (2, 30, (3, 30)), (3, 30, (3, 30)), (1, 1, (3, 30))]
    {
        note_use(store, noted, at(second)).await.expect("note");
        let stored = find_session(store, session(10).id).await;
        let (generation, seen) = expected;
        assert_eq!((stored.used_generation, stored.last_seen_at), (generation, at(seen)));
    }
}

/// Whoever loaded the session before a use was noted can still change it, and does not make the
/// store forget the use.
pub async fn a_note_of_use_is_no_change_and_survives_one(store: &dyn Store) {
    insert_session(store, &session(10)).await.expect("insert");
    note_use(store, 5, at(500)).await.expect("note");
    let rotated = session(10).rotate(at(100));
    update_session(store, &rotated).await.expect("nothing changed");
    let expected = Session { used_generation: 5, last_seen_at: at(500), version: 1, ..rotated };
    assert_eq!(find_session(store, expected.id).await, expected);
    let seen_later = expected.reauthenticate(at(600));
    update_session(store, &seen_later).await.expect("update");
    assert_eq!(find_session(store, seen_later.id).await, Session { version: 2, ..seen_later });
}

pub(super) async fn insert_session(store: &dyn Store, session: &Session) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    work.sessions().insert(session).await?;
    work.commit().await
}

async fn update_session(store: &dyn Store, session: &Session) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    work.sessions().update(session).await?;
    work.commit().await
}

async fn note_use(store: &dyn Store, generation: u32, at: Timestamp) -> Result<(), StoreError> {
    let mut work = store.begin(OWN, Durability::Process).await?;
    work.sessions().note_use(session(10).id, generation, at).await?;
    work.commit().await
}

async fn find_session(store: &dyn Store, id: SessionId) -> Session {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.sessions().find(id).await.expect("find").expect("a session")
}
