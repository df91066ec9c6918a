//! Signing in with a second factor.
use cape_domain::{
    access::ManageMfa,
    accounts::{OneTimeToken, PresentedToken, RecoveryCode},
    audit::Action,
    secret::Secret,
    store::{Durability, Scope, Store as _},
    time::Clock as _,
};
use cape_services::accounts::{Factor, Login, SignInError, SignedIn};
use cape_testkit::{
    fakes::PlainTotp,
    fixtures::{ACME, PASSWORD, permit},
};
use chrono::TimeDelta;

use super::{ada, code, letter, show};
use crate::world::{Setup, World, client, origin};

/// What ADA's app shows.
pub fn shown(world: &World) -> Secret {
    Secret::new(PlainTotp::code_at(world.clock.now()))
}

pub fn totp(world: &World) -> Factor {
    Factor::Totp(shown(world))
}

/// ADA switches an app on, half a minute before now, and writes down her recovery codes.
pub async fn given_a_second_factor(world: &World) -> Vec<RecoveryCode> {
    world.accounts.mfa.set_up(permit::<ManageMfa>(ACME)).await.expect("set up");
    let codes = world.accounts.mfa.switch_on(permit(ACME), &shown(world)).await;
    world.pass(TimeDelta::seconds(30)).await;
    codes.expect("switched on")
}

/// ADA shows her password, and is asked for more.
pub async fn challenge(world: &World) -> PresentedToken {
    match show(world, &ada(), PASSWORD).await.expect("the right password") {
        Login::SecondFactor { challenge, .. } => challenge.expose().parse().expect("a token"),
        Login::SignedIn(pair) => panic!("{pair:?}"),
    }
}

async fn answer(
    world: &World,
    challenge: &PresentedToken,
    factor: &Factor,
) -> Result<SignedIn, SignInError> {
    world.accounts.login.with_second_factor(&client(), challenge, factor).await
}

fn wrong_factor() -> Factor {
    Factor::Totp(Secret::new("999999"))
}

fn bad_code(outcome: Result<SignedIn, SignInError>) -> bool {
    matches!(outcome, Err(SignInError::InvalidCode))
}

fn bad_token(outcome: Result<SignedIn, SignInError>) -> bool {
    matches!(outcome, Err(SignInError::InvalidToken))
}

#[tokio::test]
async fn the_password_alone_begins_no_session() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let login = show(&world, &ada(), PASSWORD).await.expect("the right password");
    let Login::SecondFactor { expires_at, .. } = login else { panic!("{login:?}") };
    assert_eq!(expires_at, world.clock.now() + TimeDelta::minutes(5));
    assert!(!world.actions().await.contains(&Action::SessionBegun));
}

#[tokio::test]
async fn the_code_of_the_app_ends_the_sign_in() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let challenge = challenge(&world).await;
    let pair = answer(&world, &challenge, &totp(&world)).await.expect("signed in");
    assert_eq!(pair.user.email, ada());
    assert_eq!(world.actions().await.last(), Some(&Action::SessionBegun));
    assert!(bad_token(answer(&world, &challenge, &totp(&world)).await), "it is good once");
}

#[tokio::test]
async fn a_code_from_the_mail_box_is_the_first_factor_and_not_the_second() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    world.accounts.login.request_code(origin(), &ada()).await.expect("asked");
    let code = code(&letter(&world, &ada()).await);
    let login = world.accounts.login.with_code(&client(), &ada(), &code).await;
    let Ok(Login::SecondFactor { challenge, .. }) = login else { panic!("{login:?}") };
    let challenge = challenge.expose().parse().expect("a token");
    answer(&world, &challenge, &totp(&world)).await.expect("signed in");
}

#[tokio::test]
async fn a_wrong_code_can_be_corrected() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let challenge = challenge(&world).await;
    for _ in 0..4 {
        assert!(bad_code(answer(&world, &challenge, &wrong_factor()).await));
    }
    answer(&world, &challenge, &totp(&world)).await.expect("the fifth");
}

#[tokio::test]
async fn after_five_wrong_codes_the_question_is_dead_and_showing_the_password_again_is_no_help() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let first = challenge(&world).await;
    for _ in 0..5 {
        assert!(bad_code(answer(&world, &first, &wrong_factor()).await));
    }
    assert!(bad_token(answer(&world, &first, &totp(&world)).await));
    let second = challenge(&world).await;
    assert!(bad_token(answer(&world, &second, &totp(&world)).await));
    world.pass(OneTimeToken::CODE_LIFE).await;
    let third = challenge(&world).await;
    answer(&world, &third, &totp(&world)).await.expect("a new quarter of an hour");
}

#[tokio::test]
async fn guesses_are_counted_over_questions() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    for _ in 0..5 {
        let question = challenge(&world).await;
        assert!(bad_code(answer(&world, &question, &wrong_factor()).await));
    }
    let question = challenge(&world).await;
    assert!(bad_token(answer(&world, &question, &totp(&world)).await));
}

#[tokio::test]
async fn a_new_question_takes_the_place_of_the_former_one() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let [first, second] = [challenge(&world).await, challenge(&world).await];
    assert!(bad_token(answer(&world, &first, &totp(&world)).await));
    answer(&world, &second, &totp(&world)).await.expect("signed in");
}

#[tokio::test]
async fn a_question_waits_five_minutes_for_its_answer() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let question = challenge(&world).await;
    world.pass(TimeDelta::minutes(5)).await;
    assert!(bad_token(answer(&world, &question, &totp(&world)).await));
}

#[tokio::test]
async fn a_forged_question_or_one_of_another_purpose_is_refused() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let question = challenge(&world).await;
    let forged = PresentedToken { secret: Secret::new("0".repeat(64)), ..question };
    assert!(bad_token(answer(&world, &forged, &totp(&world)).await));
    world.accounts.passwords.forgot(origin(), &ada()).await.expect("asked");
    let reset = super::link(&letter(&world, &ada()).await);
    assert!(bad_token(answer(&world, &reset, &totp(&world)).await));
}

#[tokio::test]
async fn a_code_of_the_app_is_good_once_the_one_that_switched_it_on_included() {
    let world = World::new().await;
    world.accounts.mfa.set_up(permit::<ManageMfa>(ACME)).await.expect("set up");
    let enrolment = shown(&world);
    world.accounts.mfa.switch_on(permit(ACME), &enrolment).await.expect("switched on");
    let question = challenge(&world).await;
    assert!(bad_code(answer(&world, &question, &Factor::Totp(enrolment)).await));
    world.pass(TimeDelta::seconds(30)).await;
    let next = totp(&world);
    answer(&world, &question, &next).await.expect("the next code");
    let question = challenge(&world).await;
    assert!(bad_code(answer(&world, &question, &next).await), "it was seen");
}

#[tokio::test]
async fn no_code_is_good_that_is_older_than_one_that_was_used() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let older = totp(&world);
    world.pass(TimeDelta::seconds(30)).await;
    let question = challenge(&world).await;
    answer(&world, &question, &totp(&world)).await.expect("signed in");
    let question = challenge(&world).await;
    assert!(bad_code(answer(&world, &question, &older).await));
}

#[tokio::test]
async fn of_two_who_show_one_code_at_once_one_is_let_in() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let (question, factor) = (challenge(&world).await, totp(&world));
    let busy = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let one = answer(&world, &question, &factor);
    let other = answer(&world, &question, &factor);
    let (one, other, ()) = tokio::join!(one, other, async { drop(busy) });
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_the_app_once() {
    let world = World::new().await;
    let codes = given_a_second_factor(&world).await;
    let factor = Factor::Recovery(codes[3].clone());
    let question = challenge(&world).await;
    answer(&world, &question, &factor).await.expect("signed in");
    let actions = world.actions().await;
    assert!(actions.ends_with(&[Action::RecoveryCodeUsed, Action::SessionBegun]), "{actions:?}");
    let used = world.entries().await.into_iter().rfind(|e| e.action == Action::RecoveryCodeUsed);
    assert_eq!(used.and_then(|e| e.after).expect("a snapshot").as_str(), r#"{"left":"9"}"#);
    let question = challenge(&world).await;
    assert!(bad_code(answer(&world, &question, &factor).await));
    let other = Factor::Recovery(codes[4].clone());
    answer(&world, &question, &other).await.expect("another one is good");
}

#[tokio::test]
async fn who_was_closed_out_meanwhile_is_not_let_in() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let question = challenge(&world).await;
    world.accounts.closing.deactivate(&ada()).await.expect("closed");
    assert!(bad_token(answer(&world, &question, &totp(&world)).await));
}

#[tokio::test]
async fn who_is_not_verified_is_not_even_asked() {
    let world = World::with(Setup { verified_only: true, ..Setup::default() }).await;
    let newcomer = super::given_an_unverified_user(&world, 20).await;
    let refused = show(&world, &newcomer.email, PASSWORD).await;
    assert!(matches!(refused, Err(SignInError::NotVerified)), "{refused:?}");
}

#[test]
fn a_factor_is_six_digits_or_a_recovery_code() {
    assert!(matches!("123456".parse(), Ok(Factor::Totp(_))));
    assert!(matches!("abcd-efgh-ijkl-mnop".parse(), Ok(Factor::Recovery(_))));
    for wrong in ["", "12345", "1234567", "12345a", "ABCD-EFGH"] {
        assert!(wrong.parse::<Factor>().is_err(), "{wrong}");
    }
}
