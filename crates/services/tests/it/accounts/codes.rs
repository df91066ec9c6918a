//! Signing in with a code from the mail box.
use cape_domain::{
    access::{CreateKeys, KeyRules},
    accounts::{Email, MailKind},
    secret::Secret,
};
use cape_services::{
    access::Refused,
    accounts::{Login, SignInError},
};
use cape_testkit::fixtures::PASSWORD;
use chrono::TimeDelta;

use super::{
    ada, address, code, given_an_unverified_user, letter, permit_of, sent, sign_in, wrong,
};
use crate::world::{Setup, World, client, origin, signed_in};

async fn ask(world: &World, email: &Email) {
    world.accounts.login.request_code(origin(), email).await.expect("the usual answer");
}

async fn show(world: &World, email: &Email, code: &Secret) -> Result<Login, SignInError> {
    world.accounts.login.with_code(&client(), email, code).await
}

fn refused(outcome: Result<Login, SignInError>) -> bool {
    matches!(outcome, Err(SignInError::InvalidCode))
}

#[tokio::test]
async fn a_code_signs_in_once() {
    let world = World::new().await;
    ask(&world, &ada()).await;
    let letter = letter(&world, &ada()).await;
    assert_eq!((letter.kind, letter.link.clone()), (MailKind::SignInCode, None));
    let pair = signed_in(show(&world, &ada(), &code(&letter)).await.expect("the right code"));
    assert_eq!(pair.user.email, ada());
    assert!(refused(show(&world, &ada(), &code(&letter)).await));
}

#[tokio::test]
async fn it_shows_whose_the_address_is() {
    let world = World::with(Setup { verified_only: true, ..Setup::default() }).await;
    let newcomer = given_an_unverified_user(&world, 20).await;
    ask(&world, &newcomer.email).await;
    let letter = letter(&world, &newcomer.email).await;
    let pair = signed_in(show(&world, &newcomer.email, &code(&letter)).await.expect("let in"));
    assert!(pair.user.is_verified());
    let stored = world.user(newcomer.email.as_str()).await.expect("a user");
    assert!(stored.is_verified());
}

#[tokio::test]
async fn a_stranger_who_signed_up_with_the_address_keeps_no_way_in() {
    let world = World::new().await;
    let victim = given_an_unverified_user(&world, 20).await;
    let stranger = sign_in(&world, &victim.email).await;
    let name = "trap".parse().expect("a name");
    let rules = KeyRules::unlimited();
    let permit = permit_of::<CreateKeys>(&world, &stranger).await;
    let trap = world.keys.create(permit, name, rules).await.expect("made").secret;

    ask(&world, &victim.email).await;
    let letter = letter(&world, &victim.email).await;
    let pair = signed_in(self::show(&world, &victim.email, &code(&letter)).await.expect("let in"));
    assert!(pair.user.is_verified());

    world.feed.poll().await.expect("polled");
    let token = stranger.access_token.expose();
    assert!(world.authenticator.person(token, origin()).await.is_err(), "the session is over");
    let trap = world.authenticator.program(trap.expose(), origin()).await;
    assert!(matches!(trap, Err(Refused::Key)), "the key is dead");
    let password = super::show(&world, &victim.email, PASSWORD).await;
    assert!(matches!(password, Err(SignInError::InvalidCredentials)), "nobody knows the password");
    let token = pair.access_token.expose();
    world.authenticator.person(token, origin()).await.expect("its owner is in");
    assert!(sent(&world).await.contains(&(victim.email, MailKind::Welcome)));
}

#[tokio::test]
async fn after_five_wrong_codes_the_right_one_is_refused_whatever_is_asked_for_anew() {
    let world = World::new().await;
    ask(&world, &ada()).await;
    let first = code(&letter(&world, &ada()).await);
    for _ in 0..5 {
        assert!(refused(show(&world, &ada(), &wrong(&first)).await));
    }
    assert!(refused(show(&world, &ada(), &first).await));
    world.pass(TimeDelta::minutes(2)).await;
    ask(&world, &ada()).await;
    let second = code(&letter(&world, &ada()).await);
    assert_ne!(first, second);
    assert!(refused(show(&world, &ada(), &second).await));
    world.pass(TimeDelta::minutes(13)).await;
    ask(&world, &ada()).await;
    let third = code(&letter(&world, &ada()).await);
    show(&world, &ada(), &third).await.expect("a new quarter of an hour");
}

#[tokio::test]
async fn a_code_is_good_for_a_quarter_of_an_hour() {
    let world = World::new().await;
    for (time, good) in [(TimeDelta::microseconds(1), true), (TimeDelta::zero(), false)] {
        ask(&world, &ada()).await;
        let code = code(&letter(&world, &ada()).await);
        world.pass(TimeDelta::minutes(15) - time).await;
        assert_eq!(show(&world, &ada(), &code).await.is_ok(), good);
    }
}

#[tokio::test]
async fn the_code_of_another_purpose_signs_nobody_in() {
    let world = World::new().await;
    let newcomer = given_an_unverified_user(&world, 20).await;
    world.accounts.verification.resend(origin(), &newcomer.email).await.expect("asked");
    let verify = letter(&world, &newcomer.email).await;
    assert!(refused(show(&world, &newcomer.email, &code(&verify)).await));
}

#[tokio::test]
async fn a_stranger_is_answered_alike_and_refused_alike() {
    let world = World::new().await;
    let nobody = address("nobody@example.com");
    ask(&world, &nobody).await;
    assert_eq!(world.backlog().await.waiting, 1, "the same is written");
    assert_eq!(sent(&world).await, []);
    let refusals = [
        show(&world, &nobody, &Secret::new("123456")).await.expect_err("refused"),
        show(&world, &ada(), &Secret::new("123456")).await.expect_err("refused"),
    ];
    assert_eq!(refusals[0].to_string(), refusals[1].to_string());
}

#[tokio::test]
async fn who_asks_twice_in_a_minute_is_sent_one() {
    let world = World::new().await;
    for _ in 0..2 {
        ask(&world, &ada()).await;
    }
    assert_eq!(sent(&world).await, [(ada(), MailKind::SignInCode)]);
}
