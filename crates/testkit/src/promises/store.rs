//! Units of work, reads and scopes.
//!
//! # Panics
//!
//! Every promise panics when the backend breaks it.
#![expect(clippy::missing_panics_doc, reason = "said once, above")]
use cape_domain::{
    access::{ApiKey, ControlChange, ControlEntry},
    accounts::{Purpose, Session, User, Verification},
    billing::Credits,
    ids::{ControlId, UserId},
    store::{Durability, Scope, Store, StoreError, UnitOfWork},
};
use futures_util::future::join_all;

use super::{FOREIGN, OWN, everything};
use crate::fixtures::{
    ADA, api_key, at, audit_entry, email_change, id, idempotency_entry, invitation, job, mail,
    one_time, personal_key, process, profile, session, totp, user,
};

/// Committed rows survive the unit of work that wrote them.
pub async fn what_is_committed_is_read_back(store: &dyn Store) {
    for (number, durability) in [(10, Durability::Process), (11, Durability::Power)] {
        let mut work = store.begin(OWN, durability).await.expect("begin");
        work.api_keys().insert(&api_key(number)).await.expect("insert");
        work.commit().await.expect("commit");
        assert_eq!(find_key(store, OWN, number).await, Some(api_key(number)));
    }
}

/// An abandoned unit of work leaves nothing behind, in no area.
pub async fn what_is_dropped_is_undone(store: &dyn Store) {
    let newcomer = UserId::new(id(10));
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    write_everywhere(work.as_mut(), newcomer).await.expect("write");
    drop(work);

    let mut read = store.read(OWN).await.expect("read");
    assert_eq!(read.users().find(newcomer).await.expect("find"), None);
    assert_eq!(read.mails().find(mail(10).id).await.expect("find"), None);
    assert_eq!(read.api_keys().find(api_key(10).id).await.expect("find"), None);
    assert_eq!(read.trail().list(everything()).await.expect("list").rows, []);
    assert_eq!(read.jobs().backlog().await.expect("backlog").waiting, 0);
    assert_eq!(read.processes().silent(at(1)).await.expect("silent"), []);
    drop(read);

    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    write_everywhere(work.as_mut(), newcomer).await.expect("write again");
    work.commit().await.expect("commit");
}

/// Changes in several areas become visible together.
pub async fn what_is_written_together_is_seen_together(store: &dyn Store) {
    let newcomer = UserId::new(id(10));
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    write_everywhere(work.as_mut(), newcomer).await.expect("write");
    work.commit().await.expect("commit");

    let mut read = store.read(OWN).await.expect("read");
    assert_eq!(read.users().find(newcomer).await.expect("find"), Some(user(newcomer)));
    assert_eq!(read.api_keys().find(api_key(10).id).await.expect("find"), Some(api_key(10)));
    assert_eq!(read.trail().list(everything()).await.expect("list").rows, [audit_entry(10)]);
    assert_eq!(read.jobs().backlog().await.expect("backlog").waiting, 1);
    assert_eq!(read.processes().silent(at(1)).await.expect("silent"), [process(10)]);
}

/// A unit of work reads its own changes before anybody else does.
pub async fn a_unit_of_work_sees_what_it_wrote(store: &dyn Store) {
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    work.api_keys().insert(&api_key(10)).await.expect("insert");
    assert_eq!(work.api_keys().find(api_key(10).id).await.expect("find"), Some(api_key(10)));
    assert_eq!(work.api_keys().list(everything()).await.expect("list").rows, [api_key(10)]);
    assert_eq!(find_key(store, OWN, 10).await, None);
}

/// Reads go on while somebody writes, and do not change under the reader's eyes. The instant is
/// at the latest that of the first look.
pub async fn a_reader_sees_one_instant_and_waits_for_nobody(store: &dyn Store) {
    let key = api_key(10);
    let mut writer = store.begin(OWN, Durability::Power).await.expect("begin");
    writer.api_keys().insert(&key).await.expect("insert");
    writer.users().update(&unverified(ADA)).await.expect("update");
    let mut reader = store.read(OWN).await.expect("read");
    assert_eq!(reader.api_keys().find(key.id).await.expect("find"), None);
    writer.commit().await.expect("commit");
    assert_eq!(reader.api_keys().find(key.id).await.expect("find"), None);
    assert_eq!(reader.users().find(ADA).await.expect("find"), Some(user(ADA)));
    assert_eq!(find_key(store, OWN, 10).await, Some(key));
}

/// Whoever looks waits for nobody who writes, and sees what is committed and within scope.
pub async fn a_look_sees_what_is_committed_and_waits_for_nobody(store: &dyn Store) {
    let key = api_key(10);
    let look = async |scope| {
        let mut look = store.look(scope).await.expect("look");
        look.api_keys().find(key.id).await.expect("find")
    };
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    work.api_keys().insert(&key).await.expect("insert");
    assert_eq!(look(OWN).await, None);
    work.commit().await.expect("commit");
    assert_eq!(look(OWN).await, Some(key.clone()));
    assert_eq!(look(FOREIGN).await, None);
}

/// Nobody writes into a workspace that is not theirs, and nothing of the attempt is kept.
pub async fn a_write_out_of_scope_is_refused(store: &dyn Store) {
    let mut work = store.begin(FOREIGN, Durability::Power).await.expect("begin");
    let refused = work.api_keys().insert(&api_key(10)).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    let refused = work.trail().append(&audit_entry(10)).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    work.commit().await.expect("commit");
    assert_eq!(find_key(store, Scope::Platform, 10).await, None);
}

/// Jobs and operators write and see the rows of all tenants.
pub async fn the_platform_reaches_every_workspace(store: &dyn Store) {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.api_keys().insert(&api_key(10)).await.expect("insert");
    work.commit().await.expect("commit");
    assert_eq!(find_key(store, OWN, 10).await, Some(api_key(10)));
    assert_eq!(find_key(store, Scope::Platform, 10).await, Some(api_key(10)));
}

/// What belongs to no workspace is reached from every scope: users and all that is their own,
/// mails, jobs, processes and the control feed.
pub async fn what_belongs_to_no_workspace_is_reached_from_every_scope(store: &dyn Store) {
    let newcomer = UserId::new(id(10));
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    write_everywhere(work.as_mut(), newcomer).await.expect("write");
    work.commit().await.expect("commit");

    for scope in [FOREIGN, Scope::Platform] {
        let mut read = store.read(scope).await.expect("read");
        assert_eq!(read.users().find(newcomer).await.expect("find"), Some(user(newcomer)));
        assert!(read.users().profile(newcomer).await.expect("find").is_some());
        assert!(read.sessions().find(session(10).id).await.expect("find").is_some());
        let token = one_time(10, Purpose::SignIn).id;
        assert!(read.one_time().find(token).await.expect("find").is_some());
        assert!(read.mfa().totp(newcomer).await.expect("totp").is_some());
        assert!(read.email_changes().find(newcomer).await.expect("find").is_some());
        assert!(read.mails().find(mail(10).id).await.expect("find").is_some());
        assert!(read.personal_keys().find(newcomer).await.expect("find").is_some());
        assert_eq!(read.jobs().backlog().await.expect("backlog").waiting, 1);
        assert_eq!(read.processes().silent(at(1)).await.expect("silent"), [process(10)]);
        assert_eq!(read.control().since(at(0)).await.expect("since").len(), 1);
    }
    let mut work = store.begin(FOREIGN, Durability::Power).await.expect("begin");
    work.users().update(&unverified(newcomer)).await.expect("update");
    work.sessions().note_use(session(10).id, 1, at(1)).await.expect("note");
    assert_eq!(work.jobs().claim(at(0), at(60), 10).await.expect("claim").len(), 1);
    work.processes().remove(process(10).id).await.expect("remove");
    work.commit().await.expect("commit");
}

/// Of two writers that loaded the same version, the second to write is told.
pub async fn of_two_writers_one_is_told(store: &dyn Store) {
    let loaded = find_user(store, ADA).await;
    let write = async || {
        let mut work = store.begin(OWN, Durability::Power).await?;
        work.users().update(&loaded).await?;
        work.commit().await
    };
    let outcomes = tokio::join!(write(), write());
    assert!(
        matches!(
            outcomes,
            (Ok(()), Err(StoreError::Conflict { .. })) | (Err(StoreError::Conflict { .. }), Ok(()))
        ),
        "{outcomes:?}",
    );
    assert_eq!(find_user(store, ADA).await, User { version: loaded.version + 1, ..loaded });
}

/// However many write at once, to one row and to rows of their own, each gets its turn.
pub async fn sixty_four_competing_writers_all_finish(store: &dyn Store) {
    const WRITERS: u32 = 64;
    let shared = session(10);
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    work.sessions().insert(&shared).await.expect("insert");
    work.commit().await.expect("commit");

    let write = async |number: u32| {
        let durability =
            if number.is_multiple_of(2) { Durability::Process } else { Durability::Power };
        let mut work = store.begin(OWN, durability).await?;
        work.sessions().note_use(shared.id, number, at(number.into())).await?;
        work.api_keys().insert(&api_key(100 + number)).await?;
        work.commit().await
    };
    let outcomes = join_all((1..=WRITERS).map(write)).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");

    let mut read = store.read(OWN).await.expect("read");
    let stored = read.sessions().find(shared.id).await.expect("find");
    let last_seen_at = at(WRITERS.into());
    assert_eq!(stored, Some(Session { used_generation: WRITERS, last_seen_at, ..shared }));
    let keys = read.api_keys().list(everything()).await.expect("list").rows;
    assert_eq!(keys.len(), WRITERS as usize);
}

/// Readers that come while writers queue up see whole commits: both rows of each, or none.
pub async fn readers_among_writers_see_whole_commits(store: &dyn Store) {
    let write = async |number: u32| {
        let mut work = store.begin(OWN, Durability::Process).await.expect("begin");
        work.api_keys().insert(&api_key(100 + number)).await.expect("insert");
        work.trail().append(&audit_entry(100 + number)).await.expect("append");
        work.commit().await.expect("commit");
    };
    let look = async || {
        let mut read = store.read(OWN).await.expect("read");
        let keys = read.api_keys().list(everything()).await.expect("list").rows.len();
        let entries = read.trail().list(everything()).await.expect("list").rows.len();
        assert_eq!(keys, entries);
    };
    let pair = async |number| tokio::join!(write(number), look());
    join_all((0..32).map(pair)).await;
}

fn unverified(id: UserId) -> User {
    User { verification: Verification::Pending, ..user(id) }
}

/// One row of every kind that these areas know, for ACME.
async fn write_everywhere(work: &mut dyn UnitOfWork, newcomer: UserId) -> Result<(), StoreError> {
    let ApiKey { id: key, created_at, .. } = api_key(10);
    let change = ControlChange::ApiKeyChanged(key);
    let entry = ControlEntry { id: ControlId::new(id(10)), at: created_at, change };
    work.users().insert(&user(newcomer), &profile(newcomer)).await?;
    work.sessions().insert(&session(10)).await?;
    work.one_time().put(&one_time(10, Purpose::SignIn)).await?;
    work.mfa().put_totp(&totp(newcomer)).await?;
    work.email_changes().put(&email_change(newcomer)).await?;
    work.mails().insert(&mail(10)).await?;
    work.invitations().put(&invitation(10)).await?;
    work.personal_keys().insert(&personal_key(newcomer)).await?;
    work.api_keys().insert(&api_key(10)).await?;
    work.key_spending().take(key, Credits::ZERO, Credits::ZERO).await?;
    work.control().publish(&entry).await?;
    work.trail().append(&audit_entry(10)).await?;
    work.idempotency().reserve(&idempotency_entry(10)).await?;
    work.jobs().enqueue(&job(10)).await?;
    work.processes().beat(&process(10)).await
}

async fn find_key(store: &dyn Store, scope: Scope, number: u32) -> Option<ApiKey> {
    let mut read = store.read(scope).await.expect("read");
    read.api_keys().find(api_key(number).id).await.expect("find")
}

async fn find_user(store: &dyn Store, id: UserId) -> User {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.users().find(id).await.expect("find").expect("somebody")
}

/// The promises about units of work, one test each.
#[doc(hidden)]
#[macro_export]
macro_rules! work_promises {
    ($fresh:expr) => {
        $crate::each_promise!(store, $fresh;
            what_is_committed_is_read_back
            what_is_dropped_is_undone
            what_is_written_together_is_seen_together
            a_unit_of_work_sees_what_it_wrote
            a_reader_sees_one_instant_and_waits_for_nobody
            a_look_sees_what_is_committed_and_waits_for_nobody
            a_write_out_of_scope_is_refused
            the_platform_reaches_every_workspace
            what_belongs_to_no_workspace_is_reached_from_every_scope
            of_two_writers_one_is_told
            sixty_four_competing_writers_all_finish
            readers_among_writers_see_whole_commits
        );
    };
}
