//! Slowing down who guesses.
use std::{net::IpAddr, sync::Arc, time::Duration};

use cape_domain::{
    accounts::{Password, PresentedToken, RefreshToken},
    secret::Secret,
};
use cape_services::{
    access::{Origin, Wait},
    accounts::{Carried, Client, Evidence, PasswordError, SignInError},
};
use cape_testkit::{fakes::PlainThrottle, fixtures::PASSWORD};
use chrono::TimeDelta;

use super::{
    ada, address, code, given_an_unverified_user, letter, link,
    resets::NEW,
    second_factors::{challenge, given_a_second_factor, totp},
    wrong,
};
use crate::world::{Setup, World, client, origin};

async fn guarded() -> World {
    let throttle = Arc::new(PlainThrottle::default());
    World::with(Setup { throttle, ..Setup::default() }).await
}

/// A program at another address than the usual one.
fn stranger() -> Client {
    let address: IpAddr = "198.51.100.9".parse().expect("an address");
    Client { origin: Origin { address: Some(address), ..origin() }, device: None }
}

async fn log_in(world: &World, client: &Client, password: &str) -> Result<(), SignInError> {
    let password = Password::given(password);
    world.accounts.login.with_password(client, &ada(), &password).await.map(|_| ())
}

/// How long somebody has to wait.
fn wait(outcome: Result<(), SignInError>) -> Duration {
    match outcome {
        Err(SignInError::Throttled(Wait { retry_after })) => retry_after,
        other => panic!("{other:?}"),
    }
}

async fn guess(world: &World, client: &Client, times: usize) {
    for _ in 0..times {
        let refused = log_in(world, client, "wrong").await;
        assert!(matches!(refused, Err(SignInError::InvalidCredentials)), "{refused:?}");
    }
}

#[tokio::test]
async fn after_five_wrong_passwords_even_the_right_one_has_to_wait_and_nothing_is_hashed() {
    let world = guarded().await;
    guess(&world, &client(), 5).await;
    let hashed = world.hasher.verifications();
    assert_eq!(wait(log_in(&world, &client(), PASSWORD).await), Duration::from_secs(1));
    assert_eq!(world.hasher.verifications(), hashed);
    world.clock.advance(TimeDelta::seconds(1));
    log_in(&world, &client(), PASSWORD).await.expect("a second later");
}

#[tokio::test]
async fn an_unknown_address_has_to_wait_alike() {
    let world = guarded().await;
    let nobody = address("nobody@example.com");
    let attempt = async || {
        let password = Password::given("wrong");
        world.accounts.login.with_password(&client(), &nobody, &password).await.map(|_| ())
    };
    for _ in 0..5 {
        let refused = attempt().await;
        assert!(matches!(refused, Err(SignInError::InvalidCredentials)), "{refused:?}");
    }
    assert_eq!(wait(attempt().await), Duration::from_secs(1));
}

#[tokio::test]
async fn the_wait_doubles_and_is_never_longer_than_a_minute() {
    let world = guarded().await;
    guess(&world, &client(), 5).await;
    let mut waits = Vec::new();
    for _ in 0..9 {
        let wait = wait(log_in(&world, &client(), "wrong").await);
        waits.push(wait.as_secs());
        world.clock.advance(TimeDelta::from_std(wait).expect("a while"));
        guess(&world, &client(), 1).await;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[tokio::test]
async fn success_forgets_what_failed_before() {
    let world = guarded().await;
    for _ in 0..3 {
        guess(&world, &client(), 4).await;
        log_in(&world, &client(), PASSWORD).await.expect("let in");
    }
}

#[tokio::test]
async fn a_quarter_of_an_hour_of_quiet_forgets_as_well() {
    let world = guarded().await;
    guess(&world, &client(), 5).await;
    world.clock.advance(TimeDelta::minutes(15));
    guess(&world, &client(), 5).await;
}

#[tokio::test]
async fn strangers_who_guess_do_not_keep_the_owner_out_of_a_network_it_came_from_before() {
    let world = guarded().await;
    log_in(&world, &client(), PASSWORD).await.expect("at home");
    guess(&world, &stranger(), 5).await;
    assert_eq!(wait(log_in(&world, &stranger(), PASSWORD).await), Duration::from_secs(1));
    log_in(&world, &client(), PASSWORD).await.expect("at home");
    assert_eq!(wait(log_in(&world, &stranger(), PASSWORD).await), Duration::from_secs(1));
}

#[tokio::test]
async fn a_network_that_guesses_at_many_accounts_has_to_wait_at_all_of_them() {
    let world = guarded().await;
    for number in 0..20 {
        let email = address(&format!("guess{number}@example.com"));
        let password = Password::given("Spring2026!");
        let refused = world.accounts.login.with_password(&stranger(), &email, &password).await;
        assert!(matches!(refused, Err(SignInError::InvalidCredentials)), "{refused:?}");
    }
    assert_eq!(wait(log_in(&world, &stranger(), PASSWORD).await), Duration::from_secs(1));
    log_in(&world, &client(), PASSWORD).await.expect("from elsewhere");
}

#[tokio::test]
async fn who_has_to_wait_at_the_password_can_sign_in_with_a_code() {
    let world = guarded().await;
    guess(&world, &client(), 5).await;
    world.accounts.login.request_code(origin(), &ada()).await.expect("asked");
    let code = code(&letter(&world, &ada()).await);
    world.accounts.login.with_code(&client(), &ada(), &code).await.expect("signed in");
}

#[tokio::test]
async fn wrong_codes_have_to_wait_as_well() {
    let world = guarded().await;
    let newcomer = given_an_unverified_user(&world, 20).await;
    world.accounts.verification.resend(stranger().origin, &newcomer.email).await.expect("asked");
    let right = code(&letter(&world, &newcomer.email).await);
    let verify = async |code| {
        let evidence = Evidence::Code { email: newcomer.email.clone(), code };
        world.accounts.verification.verify(origin(), &evidence).await
    };
    for _ in 0..5 {
        let refused = verify(wrong(&right)).await;
        assert!(matches!(refused, Err(SignInError::InvalidCode)), "{refused:?}");
    }
    assert_eq!(wait(verify(right).await), Duration::from_secs(1));
}

#[tokio::test]
async fn who_asks_for_letters_without_end_has_to_wait() {
    let world = guarded().await;
    for number in 0..20 {
        let email = address(&format!("somebody{number}@example.com"));
        world.accounts.passwords.forgot(origin(), &email).await.expect("asked");
        world.accounts.login.request_code(origin(), &email).await.expect("asked");
    }
    let waits = [
        world.accounts.passwords.forgot(origin(), &ada()).await,
        world.accounts.login.request_code(origin(), &ada()).await,
        world.accounts.verification.resend(origin(), &ada()).await,
    ];
    for outcome in waits {
        assert_eq!(wait(outcome), Duration::from_secs(1));
    }
    world.accounts.passwords.forgot(stranger().origin, &ada()).await.expect("from elsewhere");
}

/// Twenty times something that nobody can guess is tried in vain, and then once more.
async fn tried_in_vain(attempt: impl AsyncFn() -> Result<(), SignInError>) {
    for _ in 0..20 {
        let refused = attempt().await.expect_err("refused");
        let bad = matches!(
            refused,
            SignInError::InvalidRefreshToken | SignInError::InvalidToken | SignInError::Csrf
        );
        assert!(bad, "{refused:?}");
    }
    assert_eq!(wait(attempt().await), Duration::from_secs(1));
}

#[tokio::test]
async fn bad_refresh_tokens_have_to_wait_and_good_ones_never() {
    let world = guarded().await;
    let pair = world.ada_signs_in().await;
    let good: RefreshToken = pair.refresh_token.expose().parse().expect("a token");
    let forged = RefreshToken { generation: 9, ..good.clone() };
    let refresh = async |token: &RefreshToken, carried: &Carried| {
        let outcome = world.accounts.sessions.refresh(origin(), token, carried).await;
        outcome.map(|_| ())
    };
    tried_in_vain(async || refresh(&forged, &Carried::InBody).await).await;
    for _ in 0..3 {
        refresh(&good, &Carried::InBody).await.expect("who has a good one never waits");
    }
    let foreign = refresh(&good, &Carried::InCookie { csrf: None }).await;
    assert_eq!(wait(foreign), Duration::from_secs(1));
}

#[tokio::test]
async fn bad_links_have_to_wait_and_good_ones_never() {
    let world = guarded().await;
    world.accounts.passwords.forgot(origin(), &ada()).await.expect("asked");
    let good = link(&letter(&world, &ada()).await);
    let forged = PresentedToken { secret: Secret::new("0".repeat(64)), ..good.clone() };
    let reset = async |token: &PresentedToken| match world
        .accounts
        .passwords
        .reset(stranger().origin, token, NEW)
        .await
    {
        Ok(()) => Ok(()),
        Err(PasswordError::SignIn(error)) => Err(error),
        Err(weak @ PasswordError::Weak(_)) => panic!("{weak:?}"),
    };
    tried_in_vain(async || reset(&forged).await).await;
    let agree = world.accounts.email_changes.agree(stranger().origin, &forged).await;
    assert_eq!(wait(agree.map(|_| ())), Duration::from_secs(1), "it is the same door");
    reset(&good).await.expect("who has a good one never waits");
    let evidence = Evidence::Link(forged);
    tried_in_vain(async || world.accounts.verification.verify(origin(), &evidence).await).await;
}

#[tokio::test]
async fn second_factors_have_to_wait() {
    let world = guarded().await;
    given_a_second_factor(&world).await;
    let question = challenge(&world).await;
    let forged = PresentedToken { secret: Secret::new("0".repeat(64)), ..question.clone() };
    let factor = totp(&world);
    let answer = async |question: &PresentedToken| {
        world.accounts.login.with_second_factor(&client(), question, &factor).await.map(|_| ())
    };
    tried_in_vain(async || answer(&forged).await).await;
    assert_eq!(wait(answer(&question).await), Duration::from_secs(1));
    world.clock.advance(TimeDelta::seconds(1));
    answer(&question).await.expect("signed in");
}
