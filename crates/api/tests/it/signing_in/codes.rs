//! Signing in with a code from a mail.
use std::sync::Arc;

use serde_json::json;

use super::are_alike;
use crate::app::{Answer, Place, TestApp, on_both_databases};

on_both_databases!(a_code_from_the_mail_box_signs_in_once_and_shows_whose_that_is);

const ADA: &str = "ada@example.com";
const MAIL: &str = "Your code to sign in";

async fn request(app: &TestApp, email: &str) -> Answer {
    app.http.post("/api/auth/code/request", &json!({ "email": email })).await
}

async fn log_in(app: &TestApp, email: &str, code: &str) -> Answer {
    app.http.post("/api/auth/code/login", &json!({ "email": email, "code": code })).await
}

/// Six digits that are not these.
fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

async fn a_code_from_the_mail_box_signs_in_once_and_shows_whose_that_is(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    app.http.register(ADA).await.with(201);
    request(&app, ADA).await.with(202);
    let mail = app.mail(ADA, MAIL).await;
    assert!(!mail.text.contains("http://"), "there is nothing to click: {mail:?}");
    let verify = json!({ "email": ADA, "code": mail.code() });
    // The code of one thing is not good for another.
    let verified = app.http.post("/api/auth/verify", &verify).await;
    verified.problem(401, "auth.invalid_code");
    let signed_in = log_in(&app, ADA, mail.code()).await.with(200);
    assert_eq!(signed_in["user"]["is_verified"], true);
    log_in(&app, ADA, mail.code()).await.problem(401, "auth.invalid_code");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_spent_when_five_wrong_ones_were_tried() {
    let app = TestApp::on_sqlite(&[("CAPE_ACCOUNTS__THROTTLE", "off")]).await;
    app.http.register(ADA).await.with(201);
    request(&app, ADA).await.with(202);
    let code = app.mail(ADA, MAIL).await.code().to_owned();
    for _ in 0..5 {
        log_in(&app, ADA, wrong(&code)).await.problem(401, "auth.invalid_code");
    }
    log_in(&app, ADA, &code).await.problem(401, "auth.invalid_code");
    // Asking again does not give five more guesses.
    request(&app, ADA).await.with(202);
    let mails = app.subjects(ADA).await;
    assert_eq!(mails.iter().filter(|subject| subject.contains(MAIL)).count(), 1, "{mails:?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_learns_from_codes_who_has_an_account() {
    let app = TestApp::on_sqlite(&[]).await;
    app.http.register(ADA).await.with(201);
    let (known, unknown) = (request(&app, ADA).await, request(&app, "bob@example.com").await);
    known.with(202);
    are_alike(&known, &unknown);
    let code = app.mail(ADA, MAIL).await.code().to_owned();
    let wrong = wrong(&code);
    let (known, unknown) =
        (log_in(&app, ADA, wrong).await, log_in(&app, "bob@example.com", wrong).await);
    known.problem(401, "auth.invalid_code");
    are_alike(&known, &unknown);
    assert_eq!(app.subjects("bob@example.com").await.len(), 0);
    request(&app, "bob").await.blames("email");
    are_alike(&known, &log_in(&app, "bob", wrong).await);
    app.finish().await;
}
