//! Showing that an address is one's own.
use cape_domain::{
    access::Principal,
    accounts::{Email, Letter, MailKind, PresentedToken, Purpose},
    audit::Action,
    secret::Secret,
};
use cape_services::accounts::{Evidence, SignInError, VouchError};
use chrono::TimeDelta;

use super::{GRACE, address, code, letter, link, newcomer, register, sent, wrong};
use crate::world::{World, origin};

async fn by_link(world: &World, token: PresentedToken) -> Result<(), SignInError> {
    world.accounts.verification.verify(origin(), &Evidence::Link(token)).await
}

async fn by_code(world: &World, email: &Email, code: Secret) -> Result<(), SignInError> {
    let evidence = Evidence::Code { email: email.clone(), code };
    world.accounts.verification.verify(origin(), &evidence).await
}

fn bad_token(outcome: Result<(), SignInError>) -> bool {
    matches!(outcome, Err(SignInError::InvalidToken))
}

fn bad_code(outcome: Result<(), SignInError>) -> bool {
    matches!(outcome, Err(SignInError::InvalidCode))
}

/// Somebody who just signed up, and its letter.
async fn given_grace() -> (World, Email, Letter) {
    let world = World::new().await;
    register(&world, newcomer(GRACE)).await;
    let grace = address(GRACE);
    let letter = letter(&world, &grace).await;
    (world, grace, letter)
}

async fn resend(world: &World, email: &Email) {
    world.accounts.verification.resend(origin(), email).await.expect("the usual answer");
}

async fn is_verified(world: &World) -> bool {
    world.user(GRACE).await.expect("a user").is_verified()
}

#[tokio::test]
async fn the_link_verifies_once_and_is_welcomed() {
    let (world, grace, letter) = given_grace().await;
    assert!(!is_verified(&world).await);
    by_link(&world, link(&letter)).await.expect("verified");
    assert!(is_verified(&world).await);
    assert!(bad_token(by_link(&world, link(&letter)).await));
    let sent = sent(&world).await;
    assert_eq!(sent, [(grace.clone(), MailKind::VerifyEmail), (grace, MailKind::Welcome)]);
    assert_eq!(world.actions().await.last(), Some(&Action::UserVerified));
}

#[tokio::test]
async fn the_code_verifies_once_and_takes_the_link_with_it() {
    let (world, grace, letter) = given_grace().await;
    by_code(&world, &grace, code(&letter)).await.expect("verified");
    assert!(is_verified(&world).await);
    assert!(bad_code(by_code(&world, &grace, code(&letter)).await));
    assert!(bad_token(by_link(&world, link(&letter)).await));
}

#[tokio::test]
async fn a_code_of_somebody_else_or_for_nobody_is_refused() {
    let (world, _, letter) = given_grace().await;
    register(&world, newcomer("heidi@example.com")).await;
    for other in ["heidi@example.com", "nobody@example.com"] {
        assert!(bad_code(by_code(&world, &address(other), code(&letter)).await), "{other}");
    }
    assert!(!is_verified(&world).await);
}

#[tokio::test]
async fn a_token_with_another_secret_is_refused_and_the_right_one_stays_good() {
    let (world, _, letter) = given_grace().await;
    let token = link(&letter);
    let forged = PresentedToken { secret: Secret::new("0".repeat(64)), ..token.clone() };
    assert!(bad_token(by_link(&world, forged).await));
    by_link(&world, token).await.expect("verified");
}

#[tokio::test]
async fn after_five_wrong_codes_the_right_one_is_refused_too_but_not_the_link() {
    let (world, grace, letter) = given_grace().await;
    for _ in 0..5 {
        assert!(bad_code(by_code(&world, &grace, wrong(&code(&letter))).await));
    }
    assert!(bad_code(by_code(&world, &grace, code(&letter)).await));
    assert!(!is_verified(&world).await);
    by_link(&world, link(&letter)).await.expect("nobody can guess a link");
}

#[tokio::test]
async fn guesses_stay_counted_over_every_code_of_a_quarter_of_an_hour() {
    let (world, grace, first) = given_grace().await;
    for _ in 0..3 {
        assert!(bad_code(by_code(&world, &grace, wrong(&code(&first))).await));
    }
    world.pass(TimeDelta::seconds(60)).await;
    resend(&world, &grace).await;
    let second = letter(&world, &grace).await;
    assert_ne!(code(&second), code(&first));
    assert!(bad_code(by_code(&world, &grace, code(&first)).await), "it was replaced");
    assert!(bad_code(by_code(&world, &grace, wrong(&code(&second))).await));
    assert!(bad_code(by_code(&world, &grace, code(&second)).await), "that was the sixth");
    world.pass(TimeDelta::minutes(14)).await;
    resend(&world, &grace).await;
    let third = letter(&world, &grace).await;
    by_code(&world, &grace, code(&third)).await.expect("a new quarter of an hour");
}

#[tokio::test]
async fn a_code_is_good_for_a_quarter_of_an_hour_and_the_link_for_a_day() {
    let (world, grace, letter) = given_grace().await;
    let life = Some(TimeDelta::hours(24));
    assert_eq!((letter.link_life, Purpose::VerifyEmail.life()), (life, TimeDelta::hours(24)));
    world.pass(TimeDelta::minutes(15)).await;
    assert!(bad_code(by_code(&world, &grace, code(&letter)).await));
    world.pass(TimeDelta::hours(24) - TimeDelta::minutes(15) - TimeDelta::microseconds(1)).await;
    by_link(&world, link(&letter)).await.expect("verified");

    let (world, _, letter) = given_grace().await;
    world.pass(TimeDelta::hours(24)).await;
    assert!(bad_token(by_link(&world, link(&letter)).await));
    assert!(!is_verified(&world).await);
}

#[tokio::test]
async fn the_last_moment_of_a_code_is_good() {
    let (world, grace, letter) = given_grace().await;
    world.pass(TimeDelta::minutes(15) - TimeDelta::microseconds(1)).await;
    by_code(&world, &grace, code(&letter)).await.expect("verified");
}

#[tokio::test]
async fn what_was_made_for_another_purpose_verifies_nothing() {
    let (world, grace, _) = given_grace().await;
    world.accounts.passwords.forgot(origin(), &grace).await.expect("asked");
    let reset = letter(&world, &grace).await;
    assert_eq!(reset.kind, MailKind::ResetPassword);
    assert!(bad_token(by_link(&world, link(&reset)).await));
    world.accounts.login.request_code(origin(), &grace).await.expect("asked");
    let sign_in = letter(&world, &grace).await;
    assert_eq!(sign_in.kind, MailKind::SignInCode);
    assert!(bad_code(by_code(&world, &grace, code(&sign_in)).await));
    assert!(!is_verified(&world).await);
}

#[tokio::test]
async fn another_letter_comes_after_a_minute_and_not_before() {
    let (world, grace, first) = given_grace().await;
    world.pass(TimeDelta::seconds(60) - TimeDelta::microseconds(1)).await;
    resend(&world, &grace).await;
    assert_eq!(sent(&world).await.len(), 1, "the first is in the box");
    world.pass(TimeDelta::microseconds(1)).await;
    resend(&world, &grace).await;
    let second = letter(&world, &grace).await;
    assert_eq!(world.post.letters().len(), 2);
    assert!(bad_token(by_link(&world, link(&first)).await), "it was replaced");
    by_link(&world, link(&second)).await.expect("verified");
}

#[tokio::test]
async fn asking_again_is_answered_alike_whoever_asks_and_reaches_who_waits_for_it_alone() {
    let (world, grace, letter) = given_grace().await;
    by_link(&world, link(&letter)).await.expect("verified");
    let before = sent(&world).await;
    world.pass(TimeDelta::minutes(2)).await;
    for email in [grace, address("nobody@example.com")] {
        let waiting = world.backlog().await.waiting;
        resend(&world, &email).await;
        assert_eq!(world.backlog().await.waiting, waiting + 1, "the same is written");
    }
    assert_eq!(sent(&world).await, before);
}

#[tokio::test]
async fn who_is_verified_already_is_not_welcomed_again() {
    let (world, grace, letter) = given_grace().await;
    world.accounts.verification.vouch(&grace).await.expect("vouched for");
    let first = world.user(GRACE).await;
    by_link(&world, link(&letter)).await.expect("it is true, too");
    assert_eq!(world.user(GRACE).await, first);
    let welcomes = sent(&world).await.into_iter().filter(|(_, kind)| *kind == MailKind::Welcome);
    assert_eq!(welcomes.count(), 1);
    let verified = world.actions().await.into_iter().filter(|a| *a == Action::UserVerified);
    assert_eq!(verified.count(), 1);
}

#[tokio::test]
async fn an_operator_vouches_for_an_address_once() {
    let (world, grace, _) = given_grace().await;
    world.accounts.verification.vouch(&grace).await.expect("verified");
    let verified = world.user(GRACE).await.expect("a user");
    assert!(verified.is_verified());
    world.accounts.verification.vouch(&grace).await.expect("verified before");
    assert_eq!(world.user(GRACE).await, Some(verified.clone()));
    let entries = world.entries().await;
    let vouched: Vec<_> = entries.iter().filter(|e| e.action == Action::UserVerified).collect();
    assert_eq!(vouched.len(), 1);
    assert_eq!(vouched[0].principal, Principal::System);
    assert_eq!(vouched[0].subject, verified.id.to_string());
}

#[tokio::test]
async fn nobody_vouches_for_an_unknown_address() {
    let world = World::new().await;
    let refused = world.accounts.verification.vouch(&address(GRACE)).await;
    assert!(matches!(refused, Err(VouchError::NotFound(_))), "{refused:?}");
}
