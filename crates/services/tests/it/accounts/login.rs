//! Signing in.
use cape_domain::{
    access::{AccessClaims, AccessTokens as _, Principal, Role, TokenId},
    accounts::{Password, RefreshToken, Session, SessionState},
    audit::{Action, Vault as _},
    ids::UserId,
    store::{Durability, Scope, Store as _, StoreError},
    time::Clock as _,
};
use cape_services::accounts::SignInError;
use cape_testkit::{
    fakes::PlainHasher,
    fixtures::{ACME, ADA, PASSWORD, id, personal_key, profile, user},
};

use super::{ada, address, given_an_unverified_user, show};
use crate::world::{Setup, World, client};

async fn log_in(world: &World, email: &str, password: &str) -> Result<(), SignInError> {
    let (email, password) = (address(email), Password::given(password));
    world.accounts.login.with_password(&client(), &email, &password).await.map(|_| ())
}

#[tokio::test]
async fn the_right_password_begins_a_session_with_its_first_pair() {
    let world = World::new().await;
    let now = world.clock.now();
    let signed_in = world.ada_signs_in().await;
    assert_eq!((signed_in.user.id, signed_in.workspace.id), (ADA, ACME));
    let token: RefreshToken = signed_in.refresh_token.expose().parse().expect("a token");
    let claims = world.tokens.verify(signed_in.access_token.expose(), now).expect("good");
    let expected = AccessClaims {
        user: ADA,
        session: token.session,
        epoch: 0,
        workspace: ACME,
        role: Role::Owner,
        operator: false,
        authenticated_at: now,
        issued_at: now,
        expires_at: now + AccessClaims::LIFE,
        id: TokenId { session: token.session, generation: 1 },
    };
    assert_eq!(claims, expected);
    assert_eq!(signed_in.access_expires_at, claims.expires_at);
    let session = world.session(token.session).await;
    assert_eq!(session.state, SessionState::Live { expires_at: now + Session::LIFE });
    assert_ne!(session.salt, [0; 32]);
}

#[tokio::test]
async fn the_entry_tells_who_signed_in_and_where_from_under_its_own_key() {
    let world = World::new().await;
    let signed_in = world.ada_signs_in().await;
    let token: RefreshToken = signed_in.refresh_token.expose().parse().expect("a token");
    let entries = world.entries().await;
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(entry.action, Action::SessionBegun);
    assert_eq!(entry.subject, token.session.to_string());
    let session = token.session;
    assert_eq!(entry.principal, Principal::User { id: ADA, session, impersonated_by: None });
    let key = world.look().await.personal_keys().find(ADA).await.expect("found").expect("a key");
    let sealed = entry.personal.clone().expect("an address");
    assert_eq!(world.vault.open(&key, &sealed).expect("opened"), r#"{"address":"192.0.2.7"}"#);
}

#[tokio::test]
async fn an_unknown_address_costs_the_same_work_as_a_wrong_password_and_is_told_the_same() {
    let world = World::new().await;
    let known = user(ADA).email;
    let wrong = log_in(&world, known.as_str(), "wrong").await.expect_err("refused");
    assert_eq!((world.hasher.verifications(), world.hasher.without_hash()), (1, 0));
    let unknown = log_in(&world, "nobody@example.com", PASSWORD).await.expect_err("refused");
    assert_eq!((world.hasher.verifications(), world.hasher.without_hash()), (2, 1));
    for refused in [&wrong, &unknown] {
        assert!(matches!(refused, SignInError::InvalidCredentials), "{refused:?}");
    }
    assert_eq!(wrong.to_string(), unknown.to_string());
    assert_eq!(world.entries().await, []);
}

#[tokio::test]
async fn an_address_nobody_vouched_for_is_refused_where_the_rules_say_so() {
    let strict = World::with(Setup { verified_only: true, ..Setup::default() }).await;
    let newcomer = given_an_unverified_user(&strict, 20).await;
    let refused = log_in(&strict, newcomer.email.as_str(), PASSWORD).await;
    assert!(matches!(refused, Err(SignInError::NotVerified)), "{refused:?}");
    assert_eq!(strict.entries().await, []);
    strict.accounts.verification.vouch(&newcomer.email).await.expect("verified");
    log_in(&strict, newcomer.email.as_str(), PASSWORD).await.expect("signed in");

    let lenient = World::new().await;
    let newcomer = given_an_unverified_user(&lenient, 20).await;
    log_in(&lenient, newcomer.email.as_str(), PASSWORD).await.expect("signed in");
}

#[tokio::test]
async fn whether_an_address_is_verified_is_told_only_to_who_knows_its_password() {
    let world = World::with(Setup { verified_only: true, ..Setup::default() }).await;
    let newcomer = given_an_unverified_user(&world, 20).await;
    let refused = log_in(&world, newcomer.email.as_str(), "wrong").await;
    assert!(matches!(refused, Err(SignInError::InvalidCredentials)), "{refused:?}");
    assert_eq!(world.hasher.verifications(), 1);
}

#[tokio::test]
async fn every_sign_in_is_a_session_of_its_own() {
    let world = World::new().await;
    let [first, second] = [world.ada_signs_in().await, world.ada_signs_in().await];
    assert_ne!(first.refresh_token, second.refresh_token);
    assert_ne!(first.access_token, second.access_token);
    assert_eq!(world.actions().await, [Action::SessionBegun; 2]);
}

#[tokio::test]
async fn who_belongs_nowhere_is_not_let_in() {
    let world = World::new().await;
    let nobody = UserId::new(id(21));
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.users().insert(&user(nobody), &profile(nobody)).await.expect("insert");
    work.commit().await.expect("commit");
    let refused = log_in(&world, user(nobody).email.as_str(), PASSWORD).await;
    assert!(matches!(refused, Err(SignInError::InvalidCredentials)), "{refused:?}");
}

#[tokio::test]
async fn an_address_that_cannot_be_sealed_is_never_stored_in_the_clear() {
    let world = World::new().await;
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.personal_keys().insert(&personal_key(ADA)).await.expect("a key no vault can use");
    work.commit().await.expect("commit");
    let refused = log_in(&world, user(ADA).email.as_str(), PASSWORD).await;
    let corrupt = matches!(refused, Err(SignInError::Store(StoreError::Corrupt { .. })));
    assert!(corrupt, "{refused:?}");
    assert_eq!(world.entries().await, []);
}

#[tokio::test]
async fn a_hash_that_took_too_little_work_is_replaced_at_the_next_sign_in() {
    let world = World::with(Setup { work: 3, ..Setup::default() }).await;
    world.ada_signs_in().await;
    let stored = world.user(ada().as_str()).await.expect("a user").password;
    assert_eq!(stored.expose(), PlainHasher::hashed_with(3, PASSWORD));
    world.ada_signs_in().await;
    log_in(&world, ada().as_str(), "wrong").await.expect_err("refused");
    assert_eq!(world.user(ada().as_str()).await.expect("a user").password, stored);
}

#[tokio::test]
async fn a_wrong_password_replaces_no_hash() {
    let world = World::with(Setup { work: 3, ..Setup::default() }).await;
    log_in(&world, ada().as_str(), "wrong").await.expect_err("refused");
    assert_eq!(world.user(ada().as_str()).await, Some(user(ADA)));
}

#[tokio::test]
async fn of_two_who_replace_one_hash_at_once_both_are_let_in() {
    let world = World::with(Setup { work: 3, ..Setup::default() }).await;
    let busy = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let email = ada();
    let one = show(&world, &email, PASSWORD);
    let other = show(&world, &email, PASSWORD);
    let (one, other, ()) = tokio::join!(one, other, async { drop(busy) });
    for outcome in [one, other] {
        outcome.expect("the password is right");
    }
}

#[tokio::test]
async fn whether_an_account_is_closed_is_told_only_to_who_knows_its_password() {
    let world = World::new().await;
    world.accounts.closing.deactivate(&ada()).await.expect("closed");
    let refused = log_in(&world, ada().as_str(), "wrong").await;
    assert!(matches!(refused, Err(SignInError::InvalidCredentials)), "{refused:?}");
    let refused = log_in(&world, ada().as_str(), PASSWORD).await;
    assert!(matches!(refused, Err(SignInError::Deactivated)), "{refused:?}");
}
