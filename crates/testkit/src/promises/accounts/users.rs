//! Users and their profiles.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    accounts::{PasswordHash, Profile, Purpose, User, UserState, UserType, Verification},
    ids::{UserId, WorkspaceId},
    store::{Durability, Scope, Store, StoreError},
};
use futures_util::future::join_all;

use super::super::conflicts::is_conflict;
use crate::fixtures::{ACME, ADA, EVE, at, id, invitation, mail, one_time, profile, session, user};

/// Everything about a user comes back as it was, by id and by address.
pub async fn a_user_is_read_back_by_id_and_by_address(store: &dyn Store) {
    let verified = Verification::Verified { at: at(5) };
    let closed = UserState::Deactivated { at: at(6) };
    for (number, user_type, verification, state, operator) in [
        (10, UserType::Customer, Verification::Pending, UserState::Active, false),
        (11, UserType::Developer, verified, closed, true),
    ] {
        let user =
            User { user_type, verification, state, operator, ..user(UserId::new(id(number))) };
        let named =
            Profile { company: Some("Zoë & Söhne".parse().expect("a name")), ..profile(user.id) };
        let nameless = Profile { full_name: None, ..profile(user.id) };
        let profile = if number == 10 { named } else { nameless };
        insert_user(store, &user, &profile).await.expect("insert");
        let mut read = store.read(Scope::Platform).await.expect("read");
        let by_email = read.users().find_by_email(&user.email).await.expect("find");
        assert_eq!(by_email, Some(user.clone()));
        assert_eq!(read.users().profile(user.id).await.expect("profile"), Some(profile.clone()));
        assert_eq!(read.users().find(user.id).await.expect("find"), Some(user.clone()));
        let both = read.users().with_profile(user.id).await.expect("find");
        assert_eq!(both, Some((user, profile)));
    }
}

/// Nobody is nobody, and no error.
pub async fn who_is_not_there_is_not_found(store: &dyn Store) {
    let stranger = user(UserId::new(id(10)));
    let mut read = store.read(Scope::Platform).await.expect("read");
    assert_eq!(read.users().find(stranger.id).await.expect("find"), None);
    assert_eq!(read.users().find_by_email(&stranger.email).await.expect("find"), None);
    assert_eq!(read.users().profile(stranger.id).await.expect("profile"), None);
    assert_eq!(read.users().with_profile(stranger.id).await.expect("find"), None);
    let none = WorkspaceId::new(id(10));
    assert_eq!(read.workspaces().find(none).await.expect("find"), None);
    assert_eq!(read.workspaces().membership(ACME, stranger.id).await.expect("membership"), None);
    assert_eq!(read.workspaces().memberships(stranger.id).await.expect("memberships"), []);
    assert_eq!(read.workspaces().members(none).await.expect("members"), []);
    assert_eq!(read.sessions().find(session(10).id).await.expect("find"), None);
    assert_eq!(read.sessions().live(stranger.id, at(0)).await.expect("live"), []);
    assert_eq!(read.one_time().find(one_time(10, Purpose::SignIn).id).await.expect("find"), None);
    let current = read.one_time().current(stranger.id, Purpose::SignIn).await;
    assert_eq!(current.expect("current"), None);
    assert_eq!(read.mfa().totp(stranger.id).await.expect("totp"), None);
    assert_eq!(read.mfa().recovery_codes_left(stranger.id).await.expect("left"), 0);
    assert_eq!(read.email_changes().find(stranger.id).await.expect("find"), None);
    assert_eq!(read.mails().find(mail(10).id).await.expect("find"), None);
    assert_eq!(read.invitations().find(invitation(10).id).await.expect("find"), None);
}

/// An address is somebody's. Whoever comes second is told, and leaves no profile either.
pub async fn an_address_belongs_to_one_user(store: &dyn Store) {
    let newcomer = UserId::new(id(10));
    let second = User { email: user(ADA).email, ..user(newcomer) };
    let taken = insert_user(store, &second, &profile(newcomer)).await;
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    let mut read = store.read(Scope::Platform).await.expect("read");
    assert_eq!(read.users().find(newcomer).await.expect("find"), None);
    assert_eq!(read.users().profile(newcomer).await.expect("profile"), None);
    let owner = read.users().find_by_email(&second.email).await.expect("find");
    assert_eq!(owner, Some(user(ADA)));
}

/// Of two who register the same address at once, one is told.
pub async fn of_two_newcomers_with_one_address_one_is_told(store: &dyn Store) {
    let register = async |number| {
        let newcomer = UserId::new(id(number));
        let email = "same@example.com".parse().expect("an address");
        insert_user(store, &User { email, ..user(newcomer) }, &profile(newcomer)).await
    };
    let outcomes = tokio::join!(register(10), register(11));
    assert!(
        matches!(
            outcomes,
            (Ok(()), Err(StoreError::Conflict { .. })) | (Err(StoreError::Conflict { .. }), Ok(()))
        ),
        "{outcomes:?}",
    );
}

/// A change replaces everything, and its version is the next one.
pub async fn a_user_is_changed(store: &dyn Store) {
    let changed = User {
        email: "ada@example.org".parse().expect("an address"),
        password: PasswordHash::from_phc("$another"),
        user_type: UserType::Developer,
        verification: Verification::Pending,
        state: UserState::Deactivated { at: at(9) },
        operator: true,
        ..user(ADA)
    };
    update_user(store, &changed).await.expect("update");
    assert_eq!(find_user(store, ADA).await, User { version: 1, ..changed });
    assert_eq!(find_user(store, EVE).await, user(EVE));
}

/// A change to a version that is no longer there, or never was, is a conflict.
pub async fn a_stale_user_is_not_stored(store: &dyn Store) {
    update_user(store, &user(ADA)).await.expect("first writer");
    let stranger = user(UserId::new(id(10)));
    let early = User { version: 2, ..user(ADA) };
    for stale in [user(ADA), early, stranger] {
        let refused = update_user(store, &stale).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }
    assert_eq!(find_user(store, ADA).await, User { version: 1, ..user(ADA) });
}

/// Nobody takes an address by changing to it.
pub async fn a_user_does_not_change_to_an_address_that_is_taken(store: &dyn Store) {
    let greedy = User { email: user(EVE).email, ..user(ADA) };
    let refused = update_user(store, &greedy).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(find_user(store, ADA).await, user(ADA));
}

/// Whoever locks a user first changes what is stored, however many do so at once: there is no
/// conflict, and nobody's change is lost.
pub async fn whoever_locks_a_user_changes_it_without_a_conflict(store: &dyn Store) {
    const WRITERS: u32 = 8;
    let change = async |number: u32| {
        let mut work = store.begin(Scope::Platform, Durability::Power).await?;
        let user = work.users().lock(ADA).await?.expect("somebody");
        let hash = format!("{}{number}", user.password.expose());
        work.users().update(&user.change_password(PasswordHash::from_phc(hash))).await?;
        work.commit().await
    };
    let outcomes = join_all((0..WRITERS).map(change)).await;
    assert!(!outcomes.iter().any(is_conflict), "{outcomes:?}");
    let stored = find_user(store, ADA).await;
    assert_eq!(stored.version, WRITERS);
    let before = user(ADA).password.expose().len();
    assert_eq!(stored.password.expose().len(), before + WRITERS as usize);
}

/// Nobody is locked where nobody is.
pub async fn a_locked_user_is_the_one_that_is_stored(store: &dyn Store) {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    assert_eq!(work.users().lock(ADA).await.expect("lock"), Some(user(ADA)));
    assert_eq!(work.users().lock(UserId::new(id(10))).await.expect("lock"), None);
}

/// A profile is replaced as a whole, and nobody else's is.
pub async fn a_profile_is_replaced(store: &dyn Store) {
    let named = |name: &str| Some(name.parse().expect("a name"));
    let company = Profile {
        user: ADA,
        full_name: named("Ada Lovelace"),
        company: named("Zoë & Söhne"),
        updated_at: at(5),
    };
    let nameless = Profile { user: ADA, full_name: None, company: None, updated_at: at(6) };
    for changed in [company, nameless] {
        let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        work.users().update_profile(&changed).await.expect("update");
        work.commit().await.expect("commit");
        let mut read = store.read(Scope::Platform).await.expect("read");
        assert_eq!(read.users().profile(ADA).await.expect("profile"), Some(changed));
        assert_eq!(read.users().profile(EVE).await.expect("profile"), Some(profile(EVE)));
    }
}

async fn insert_user(store: &dyn Store, user: &User, profile: &Profile) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    work.users().insert(user, profile).await?;
    work.commit().await
}

async fn update_user(store: &dyn Store, user: &User) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    work.users().update(user).await?;
    work.commit().await
}

async fn find_user(store: &dyn Store, id: UserId) -> User {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.users().find(id).await.expect("find").expect("somebody")
}
