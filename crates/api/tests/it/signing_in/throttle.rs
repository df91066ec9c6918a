//! Whoever guesses is slowed down, and nobody else.
use std::sync::Arc;

use serde_json::json;

use super::{are_alike, log_in_from};
use crate::app::{
    Answer, Http, Place, TestApp,
    caller::{PASSWORD, Person, send},
    on_both_databases,
};

on_both_databases!(an_owner_gets_in_from_a_familiar_network_while_a_stranger_guesses);

const PROXY: (&str, &str) = ("CAPE_HTTP__TRUSTED_PROXIES", "127.0.0.0/8");
const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const HOME: &str = "203.0.113.9";
const STRANGER: &str = "198.51.100.7";

/// Guesses until somebody has to wait, and says how many guesses were heard. The waits double, so
/// a busy machine catches up with one of them soon.
async fn guess(http: &Http, from: &str, email: impl Fn(usize) -> String) -> (usize, Answer) {
    for guesses in 0..40 {
        let answer = log_in_from(http, from, &email(guesses), "wrong").await;
        if answer.status == 429 {
            return (guesses, answer);
        }
        answer.problem(401, "auth.invalid_credentials");
    }
    panic!("nobody was slowed down");
}

/// Whoever has to wait is not heard with the right password either: otherwise it could be guessed.
/// On a machine that is so busy that the wait is over before, it is tried again, from a network
/// that is still a stranger's.
async fn a_right_guess_waits_too(http: &Http) {
    for number in 10..20 {
        let from = format!("192.0.2.{number}");
        guess(http, &from, |_| ADA.to_owned()).await;
        let right = log_in_from(http, &from, ADA, PASSWORD).await;
        if right.status == 429 {
            return has_to_wait(&right);
        }
    }
    panic!("the right password is always heard");
}

#[track_caller]
fn has_to_wait(answer: &Answer) {
    answer.problem(429, "auth.throttled");
    let seconds = answer.header("retry-after").expect("how long").parse::<u64>().expect("seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_at_an_account_waits_whether_it_exists_or_not() {
    let app = TestApp::on_sqlite(&[PROXY]).await;
    app.http.register(ADA).await.with(201);
    app.http.register(BOB).await.with(201);
    for email in [ADA, "nobody@example.com"] {
        let (heard, refused) = guess(&app.http, STRANGER, |_| email.to_owned()).await;
        assert!((5..12).contains(&heard), "{heard}");
        has_to_wait(&refused);
    }
    // Others are let in from there, with their password and with a wrong one.
    log_in_from(&app.http, STRANGER, BOB, PASSWORD).await.with(200);
    let wrong = log_in_from(&app.http, STRANGER, BOB, "wrong").await;
    wrong.problem(401, "auth.invalid_credentials");
    let nobody = log_in_from(&app.http, STRANGER, "nobody2@example.com", "wrong").await;
    are_alike(&wrong, &nobody);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_guesses_at_many_accounts_waits_at_all_of_them_but_stays_signed_in() {
    let app = TestApp::on_sqlite(&[PROXY]).await;
    app.http.register(ADA).await.with(201);
    let signed_in = log_in_from(&app.http, STRANGER, ADA, PASSWORD).await.with(200);
    let ada = Person::of(app.http.clone(), &signed_in);
    let (heard, refused) =
        guess(&app.http, STRANGER, |number| format!("user{number}@example.com")).await;
    assert!((20..27).contains(&heard), "{heard}");
    has_to_wait(&refused);
    has_to_wait(&log_in_from(&app.http, STRANGER, "new@example.com", "wrong").await);
    let other = log_in_from(&app.http, HOME, "new@example.com", "wrong").await;
    other.problem(401, "auth.invalid_credentials");
    log_in_from(&app.http, HOME, ADA, PASSWORD).await.with(200);
    // Every door counts for itself.
    let refresh = app.http.request("POST", "/api/auth/refresh");
    let refresh = refresh.header("x-forwarded-for", STRANGER);
    send(refresh.json(&json!({ "refresh_token": ada.refresh }))).await.with(200);
    let code = app.http.request("POST", "/api/auth/code/request");
    let code = code.header("x-forwarded-for", STRANGER).json(&json!({ "email": ADA }));
    send(code).await.with(202);
    app.finish().await;
}

async fn an_owner_gets_in_from_a_familiar_network_while_a_stranger_guesses(place: Arc<Place>) {
    let app = TestApp::at(place, &[PROXY]).await;
    app.http.register(ADA).await.with(201);
    log_in_from(&app.http, HOME, ADA, PASSWORD).await.with(200);
    let (heard, refused) = guess(&app.http, STRANGER, |_| ADA.to_owned()).await;
    assert!((5..12).contains(&heard), "{heard}");
    has_to_wait(&refused);
    // Writing that one is at home does not help, nor does coming from yet another place.
    for from in ["203.0.113.9, 198.51.100.7", "192.0.2.1"] {
        let (heard, refused) = guess(&app.http, from, |_| ADA.to_owned()).await;
        assert!(heard < 5, "{from}: {heard}");
        has_to_wait(&refused);
    }
    a_right_guess_waits_too(&app.http).await;
    log_in_from(&app.http, HOME, ADA, PASSWORD).await.with(200);
    let own = format!("192.0.2.99, {HOME}");
    log_in_from(&app.http, &own, ADA, PASSWORD).await.with(200);
    app.finish().await;
}
