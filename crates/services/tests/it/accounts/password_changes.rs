//! Changing a password that is known.
use cape_domain::{
    access::ChangePassword,
    accounts::{MailKind, Password, WeakPassword},
    audit::Action,
    store::{Durability, Scope, Store as _},
};
use cape_services::accounts::{PasswordError, SignInError, SignedIn};
use cape_testkit::fixtures::{ADA, PASSWORD, at, owner, program};

use super::{
    ada, code, letter, permit_of,
    refresh::{call, refresh, refused, token},
    resets::{NEW, given_a_key, only_marked_keys_died},
    sent, show,
};
use crate::world::{World, client, origin, signed_in};

async fn change(world: &World, pair: &SignedIn, old: &str, new: &str) -> Result<(), PasswordError> {
    let permit = permit_of::<ChangePassword>(world, pair).await;
    world.accounts.passwords.change(permit, &Password::given(old), new).await
}

fn wrong_password(outcome: &Result<(), PasswordError>) -> bool {
    matches!(outcome, Err(PasswordError::SignIn(SignInError::InvalidCredentials)))
}

/// How many sessions of ADA's live.
async fn sessions(world: &World) -> usize {
    let now = world.base.now();
    world.look().await.sessions().live(ADA, now).await.expect("listed").len()
}

#[tokio::test]
async fn the_own_session_goes_on_and_all_others_end() {
    let world = World::new().await;
    let [own, other] = [world.ada_signs_in().await, world.ada_signs_in().await];
    change(&world, &own, PASSWORD, NEW).await.expect("changed");
    world.feed.poll().await.expect("polled");
    refused(&world, &token(&other)).await;
    call(&world, &own).await;
    refresh(&world, &token(&own)).await;
    signed_in(show(&world, &ada(), NEW).await.expect("the new one"));
    let old = show(&world, &ada(), PASSWORD).await;
    assert!(matches!(old, Err(SignInError::InvalidCredentials)), "{old:?}");
    assert_eq!(sent(&world).await, [(ada(), MailKind::PasswordChanged)]);
    assert!(world.actions().await.contains(&Action::PasswordChanged));
}

#[tokio::test]
async fn who_does_not_know_the_old_one_changes_nothing() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let before = world.user(ada().as_str()).await;
    let outcome = change(&world, &pair, "wrong", NEW).await;
    assert!(wrong_password(&outcome), "{outcome:?}");
    assert_eq!(world.user(ada().as_str()).await, before);
}

#[tokio::test]
async fn a_weak_one_changes_nothing() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let before = world.user(ada().as_str()).await;
    let outcome = change(&world, &pair, PASSWORD, "short").await;
    let weak = matches!(&outcome, Err(PasswordError::Weak(r)) if r == &[WeakPassword::TooShort]);
    assert!(weak, "{outcome:?}");
    assert_eq!(world.user(ada().as_str()).await, before);
}

#[tokio::test]
async fn keys_that_are_marked_so_die_and_others_do_not() {
    let world = World::new().await;
    let [marked, other] = [given_a_key(&world, true).await, given_a_key(&world, false).await];
    let pair = world.ada_signs_in().await;
    change(&world, &pair, PASSWORD, NEW).await.expect("changed");
    only_marked_keys_died(&world, &marked, &other).await;
}

#[tokio::test]
async fn whatever_was_on_its_way_dies_too() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    world.accounts.login.request_code(origin(), &ada()).await.expect("asked");
    let code = code(&letter(&world, &ada()).await);
    change(&world, &pair, PASSWORD, NEW).await.expect("changed");
    let refused = world.accounts.login.with_code(&client(), &ada(), &code).await;
    assert!(matches!(refused, Err(SignInError::InvalidCode)), "{refused:?}");
}

#[tokio::test]
async fn who_signs_in_with_the_old_one_meanwhile_has_no_session() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let (email, old) = (ada(), Password::given(PASSWORD));
    let permit = permit_of::<ChangePassword>(&world, &pair).await;
    let busy = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    // Both have seen the old hash; the change has its turn first.
    let (changed, login, ()) = tokio::join!(
        world.accounts.passwords.change(permit, &old, NEW),
        show(&world, &email, PASSWORD),
        async { drop(busy) },
    );
    changed.expect("changed");
    assert!(matches!(login, Err(SignInError::InvalidCredentials)), "{login:?}");
    assert_eq!(sessions(&world).await, 1);
}

#[tokio::test]
async fn who_was_let_in_with_the_old_one_just_before_is_out_again() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let (email, old) = (ada(), Password::given(PASSWORD));
    let permit = permit_of::<ChangePassword>(&world, &pair).await;
    let busy = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let (login, changed, ()) = tokio::join!(
        show(&world, &email, PASSWORD),
        world.accounts.passwords.change(permit, &old, NEW),
        async { drop(busy) },
    );
    changed.expect("changed");
    let late = signed_in(login.expect("it was right at its turn"));
    refused(&world, &token(&late)).await;
    assert_eq!(sessions(&world).await, 1);
}

#[tokio::test]
async fn of_two_who_change_it_at_once_one_does() {
    let world = World::new().await;
    let [one, other] = [world.ada_signs_in().await, world.ada_signs_in().await];
    let old = Password::given(PASSWORD);
    let permits = [permit_of(&world, &one).await, permit_of(&world, &other).await];
    let [first, second] = permits;
    let busy = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let (first, second, ()) = tokio::join!(
        world.accounts.passwords.change(first, &old, NEW),
        world.accounts.passwords.change(second, &old, "quite another password"),
        async { drop(busy) },
    );
    first.expect("changed");
    assert!(wrong_password(&second), "{second:?}");
    signed_in(show(&world, &ada(), NEW).await.expect("the first one's"));
}

#[tokio::test]
async fn a_program_has_no_password() {
    let world = World::new().await;
    let permit = owner().permit::<ChangePassword>(program(10), at(0)).expect("permitted");
    let old = Password::given(PASSWORD);
    let outcome = world.accounts.passwords.change(permit, &old, NEW).await;
    assert!(wrong_password(&outcome), "{outcome:?}");
}
