//! Switching a second factor on and off.
use cape_domain::{
    access::{Actor, Forbidden, ManageMfa, Principal},
    accounts::{MailKind, RecoveryCode},
    audit::Action,
    secret::Secret,
    time::Clock as _,
};
use cape_services::{
    access::Refused,
    accounts::{Factor, Login, MfaError, MfaStatus, SignInError},
};
use cape_testkit::fixtures::{ACME, PASSWORD, RIVAL, at, owner, permit, person};
use chrono::TimeDelta;

use super::{
    ada, letter,
    second_factors::{given_a_second_factor, shown, totp},
    sent, show,
};
use crate::world::{World, origin};

async fn status(world: &World) -> MfaStatus {
    world.accounts.mfa.status(permit(ACME)).await.expect("shown")
}

fn bad_code<T>(outcome: Result<T, MfaError>) -> bool {
    matches!(outcome, Err(MfaError::SignIn(SignInError::InvalidCode)))
}

#[tokio::test]
async fn setting_up_shows_a_secret_that_only_its_owner_can_read_again() {
    let world = World::new().await;
    let setup = world.accounts.mfa.set_up(permit(ACME)).await.expect("set up");
    let uri = setup.uri.expose();
    assert!(uri.starts_with("otpauth://totp/") && uri.contains(setup.secret.expose()), "{uri}");
    let mut look = world.look().await;
    let totp = look.mfa().totp(cape_testkit::fixtures::ADA).await.expect("found").expect("an app");
    let stored = String::from_utf8_lossy(&totp.secret.ciphertext).into_owned();
    assert!(!stored.contains(setup.secret.expose()), "it is sealed");
    assert_eq!(status(&world).await, MfaStatus { active_since: None, recovery_codes_left: 0 });
}

#[tokio::test]
async fn what_was_set_up_and_not_shown_to_work_is_not_asked_for() {
    let world = World::new().await;
    world.accounts.mfa.set_up(permit(ACME)).await.expect("set up");
    let login = show(&world, &ada(), PASSWORD).await.expect("signed in");
    assert!(matches!(login, Login::SignedIn(_)), "{login:?}");
    assert_eq!(sent(&world).await, []);
}

#[tokio::test]
async fn the_first_code_switches_it_on_and_hands_out_ten_recovery_codes() {
    let world = World::new().await;
    let codes = given_a_second_factor(&world).await;
    assert_eq!(codes.len(), RecoveryCode::AT_ONCE);
    let active_since = Some(at(0));
    assert_eq!(status(&world).await, MfaStatus { active_since, recovery_codes_left: 10 });
    assert_eq!(world.actions().await, [Action::MfaEnabled]);
    assert_eq!(sent(&world).await, [(ada(), MailKind::SecondFactorChanged)]);
    let detail = letter(&world, &ada()).await.detail.expect("a detail");
    assert_eq!(detail.as_str(), "on");
}

#[tokio::test]
async fn a_wrong_first_code_switches_nothing_on() {
    let world = World::new().await;
    world.accounts.mfa.set_up(permit(ACME)).await.expect("set up");
    let outcome = world.accounts.mfa.switch_on(permit(ACME), &Secret::new("999999")).await;
    assert!(bad_code(outcome));
    assert_eq!(status(&world).await.active_since, None);
    world.accounts.mfa.switch_on(permit(ACME), &shown(&world)).await.expect("switched on");
}

#[tokio::test]
async fn setting_up_again_before_the_first_code_replaces_the_secret() {
    let world = World::new().await;
    let first = world.accounts.mfa.set_up(permit(ACME)).await.expect("set up");
    let second = world.accounts.mfa.set_up(permit(ACME)).await.expect("set up");
    assert_ne!(first.secret, second.secret);
    world.accounts.mfa.switch_on(permit(ACME), &shown(&world)).await.expect("switched on");
}

#[tokio::test]
async fn one_that_is_in_use_is_neither_replaced_nor_switched_on_again() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let again = world.accounts.mfa.set_up(permit(ACME)).await;
    assert!(matches!(again, Err(MfaError::AlreadyActive)), "{again:?}");
    let again = world.accounts.mfa.switch_on(permit(ACME), &shown(&world)).await;
    assert!(matches!(again, Err(MfaError::AlreadyActive)), "{again:?}");
    assert_eq!(status(&world).await.recovery_codes_left, 10);
}

#[tokio::test]
async fn where_none_was_set_up_there_is_nothing_to_switch() {
    let world = World::new().await;
    let on = world.accounts.mfa.switch_on(permit(ACME), &shown(&world)).await;
    assert!(matches!(on, Err(MfaError::NotSetUp)), "{on:?}");
    world.accounts.mfa.set_up(permit(ACME)).await.expect("set up");
    let off = world.accounts.mfa.switch_off(permit(ACME), &totp(&world)).await;
    assert!(matches!(off, Err(MfaError::NotSetUp)), "{off:?}");
    let codes = world.accounts.mfa.renew_recovery_codes(permit(ACME), &totp(&world)).await;
    assert!(matches!(codes, Err(MfaError::NotSetUp)), "{codes:?}");
}

#[tokio::test]
async fn who_shows_it_once_more_switches_it_off() {
    let world = World::new().await;
    given_a_second_factor(&world).await;
    let wrong = Factor::Totp(Secret::new("999999"));
    assert!(bad_code(world.accounts.mfa.switch_off(permit(ACME), &wrong).await));
    world.accounts.mfa.switch_off(permit(ACME), &totp(&world)).await.expect("switched off");
    let none = MfaStatus { active_since: None, recovery_codes_left: 0 };
    assert_eq!(status(&world).await, none);
    let login = show(&world, &ada(), PASSWORD).await.expect("signed in");
    assert!(matches!(login, Login::SignedIn(_)), "{login:?}");
    let detail = letter(&world, &ada()).await.detail.expect("a detail");
    assert_eq!(detail.as_str(), "off");
    assert!(world.actions().await.contains(&Action::MfaDisabled));
}

#[tokio::test]
async fn a_recovery_code_switches_it_off_too() {
    let world = World::new().await;
    let codes = given_a_second_factor(&world).await;
    let factor = Factor::Recovery(codes[0].clone());
    world.accounts.mfa.switch_off(permit(ACME), &factor).await.expect("switched off");
    assert_eq!(status(&world).await.active_since, None);
}

#[tokio::test]
async fn new_recovery_codes_take_the_place_of_the_old_ones() {
    let world = World::new().await;
    let old = given_a_second_factor(&world).await;
    let wrong = Factor::Totp(Secret::new("999999"));
    assert!(bad_code(world.accounts.mfa.renew_recovery_codes(permit(ACME), &wrong).await));
    let renewed = world.accounts.mfa.renew_recovery_codes(permit(ACME), &totp(&world)).await;
    let new = renewed.expect("renewed");
    assert!(new.iter().all(|code| !old.contains(code)));
    assert_eq!(status(&world).await.recovery_codes_left, 10);
    assert_eq!(world.actions().await.last(), Some(&Action::RecoveryCodesReplaced));
    let by = |code: &RecoveryCode| Factor::Recovery(code.clone());
    assert!(bad_code(world.accounts.mfa.switch_off(permit(ACME), &by(&old[0])).await));
    world.accounts.mfa.switch_off(permit(ACME), &by(&new[0])).await.expect("switched off");
}

#[tokio::test]
async fn recovery_codes_are_somebodys_own() {
    let world = World::new().await;
    let codes = given_a_second_factor(&world).await;
    world.accounts.mfa.set_up(permit(RIVAL)).await.expect("set up");
    world.accounts.mfa.switch_on(permit(RIVAL), &shown(&world)).await.expect("switched on");
    let factor = Factor::Recovery(codes[0].clone());
    assert!(bad_code(world.accounts.mfa.switch_off(permit(RIVAL), &factor).await));
    assert_eq!(status(&world).await.recovery_codes_left, 10);
}

#[tokio::test]
async fn ten_minutes_after_the_last_proof_another_one_is_asked_for() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let ask = async || {
        let token = pair.access_token.expose();
        let caller = world.authenticator.person(token, origin()).await.expect("recognised");
        world.authenticator.permit::<ManageMfa>(caller)
    };
    world.pass(TimeDelta::minutes(10) - TimeDelta::microseconds(1)).await;
    assert!(ask().await.is_ok());
    world.pass(TimeDelta::microseconds(1)).await;
    let refused = ask().await;
    assert!(matches!(refused, Err(Refused::Forbidden(Forbidden::Stale(_)))), "{refused:?}");
    assert!(world.clock.now() < pair.access_expires_at, "the token itself is good");
}

#[tokio::test]
async fn who_is_no_person_has_none() {
    let world = World::new().await;
    let job = Actor { principal: Principal::System, ..person(ACME) };
    let permit = owner().permit::<ManageMfa>(job, at(0)).expect("permitted");
    let refused = world.accounts.mfa.set_up(permit).await;
    assert!(matches!(refused, Err(MfaError::NotFound)), "{refused:?}");
}
