//! Signing up, and showing that an address is one's own.
use std::sync::Arc;

use serde_json::{Value, json};

use super::{OTHER_PASSWORD, are_alike, is_done, is_locked_out, log_in_with, look};
use crate::app::{
    Place, TestApp,
    caller::{PASSWORD, Person},
    eventually, on_both_databases,
};

on_both_databases!(
    the_link_of_the_mail_verifies_once_and_looking_at_it_burns_nothing,
    a_known_address_is_answered_alike_and_its_owner_is_told,
    where_only_verified_people_are_let_in_nobody_else_is,
);

const ADA: &str = "ada@example.com";
const VERIFY: &str = "/api/auth/verify";
const MAIL: &str = "Confirm your email address";

async fn is_verified(person: &Person) -> Value {
    person.get("/api/user/profile").await.with(200)["user"]["is_verified"].clone()
}

async fn the_link_of_the_mail_verifies_once_and_looking_at_it_burns_nothing(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let mail = app.mail(ADA, MAIL).await;
    let page = format!("http://{}{VERIFY}?token=cape_ot_", app.instance.address);
    assert!(mail.link().starts_with(&page), "{mail:?}");
    assert!(mail.html.contains(mail.token()) && mail.html.contains(mail.code()), "{mail:?}");
    for method in ["GET", "HEAD", "GET"] {
        look(&app, method, &mail).await;
    }
    assert_eq!(is_verified(&ada).await, false);
    let body = json!({ "token": mail.token() });
    is_done(&app.http.post(VERIFY, &body).await);
    assert_eq!(is_verified(&ada).await, true);
    app.http.post(VERIFY, &body).await.problem(400, "auth.invalid_token");
    app.mail(ADA, "Welcome").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_code_of_the_mail_does_the_same() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    let mail = app.mail(ADA, MAIL).await;
    let wrong = if mail.code() == "000000" { "000001" } else { "000000" };
    for (email, code) in [(ADA, wrong), ("bob@example.com", mail.code()), (ADA, "x"), ("x", "y")] {
        let body = json!({ "email": email, "code": code });
        app.http.post(VERIFY, &body).await.problem(401, "auth.invalid_code");
    }
    let body = json!({ "email": ADA, "code": mail.code() });
    is_done(&app.http.post(VERIFY, &body).await);
    assert_eq!(is_verified(&ada).await, true);
    app.http.post(VERIFY, &body).await.problem(401, "auth.invalid_code");
    // It was one thing with two faces.
    let link = json!({ "token": mail.token() });
    app.http.post(VERIFY, &link).await.problem(400, "auth.invalid_token");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_mail_within_a_minute_would_only_repeat_the_first() {
    let app = TestApp::on_sqlite(&[]).await;
    app.http.register(ADA).await.with(201);
    let mail = app.mail(ADA, MAIL).await;
    let resend = "/api/auth/verify/resend";
    let again = app.http.post(resend, &json!({ "email": ADA })).await;
    again.with(202);
    let nobody = app.http.post(resend, &json!({ "email": "bob@example.com" })).await;
    are_alike(&again, &nobody);
    assert_eq!(app.subjects(ADA).await.len(), 1);
    assert_eq!(app.subjects("bob@example.com").await.len(), 0);
    is_done(&app.http.post(VERIFY, &json!({ "token": mail.token() })).await);
    are_alike(&again, &app.http.post(resend, &json!({ "email": ADA })).await);
    assert_eq!(app.subjects(ADA).await.len(), 2, "the first mail, and a welcome");
    app.http.post(resend, &json!({ "email": "x" })).await.blames("email");
    app.finish().await;
}

async fn a_known_address_is_answered_alike_and_its_owner_is_told(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let first = app.http.register(ADA).await;
    first.with(201);
    let body = json!({ "email": ADA, "password": OTHER_PASSWORD, "full_name": "Eve" });
    let second = app.http.post("/api/auth/register", &body).await;
    are_alike(&first, &second);
    let told = app.mail(ADA, "You already have").await;
    assert!(!told.text.contains("http://"), "{told:?}");
    log_in_with(&app, ADA, OTHER_PASSWORD).await.problem(401, "auth.invalid_credentials");
    log_in_with(&app, ADA, PASSWORD).await.with(200);
    assert_eq!(app.place.count("SELECT count(*) FROM users").await, 1);
    app.finish().await;
}

async fn where_only_verified_people_are_let_in_nobody_else_is(place: Arc<Place>) {
    let app = TestApp::at(Arc::clone(&place), &[]).await;
    let (_, program) = app.program("ada").await;
    let mail = app.mail(ADA, MAIL).await;
    app.finish().await;

    let app = TestApp::at(place, &[("CAPE_ACCOUNTS__VERIFIED_ONLY", "true")]).await;
    let program = program.at(&app);
    app.http.login(ADA).await.problem(403, "auth.email_not_verified");
    // Only who knows the password learns that.
    log_in_with(&app, ADA, "wrong").await.problem(401, "auth.invalid_credentials");
    is_locked_out(&program).await;
    let body = json!({ "email": ADA, "code": mail.code() });
    is_done(&app.http.post(VERIFY, &body).await);
    app.http.login(ADA).await.with(200);
    eventually("the key is good", async || program.models().await.status == 200).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_registration_is_told_by_field_and_nothing_is_kept() {
    let app = TestApp::on_sqlite(&[]).await;
    let good = json!({ "email": ADA, "password": PASSWORD, "full_name": "Hieronymus Bosch" });
    for (field, value) in [
        ("email", json!("ada")),
        ("full_name", json!("")),
        ("company", json!("a\u{202e}b")),
        ("user_type", json!("admin")),
        ("terms_accepted", json!(false)),
        ("invite_token", json!("x")),
        ("password", json!("short")),
        ("password", json!("x1 ".repeat(50))),
        ("password", json!("abababababababab")),
        ("password", json!("hieronymus bosch")),
        ("password", json!("Realmadrid2013")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = app.http.post("/api/auth/register", &body).await;
        refused.blames(field);
        assert_eq!(refused.json()["errors"].as_object().map(serde_json::Map::len), Some(1));
    }
    let all = json!({ "email": "x", "password": "x", "terms_accepted": false });
    let refused = app.http.post("/api/auth/register", &all).await;
    for field in ["email", "password", "terms_accepted"] {
        refused.blames(field);
    }
    assert_eq!(app.place.count("SELECT count(*) FROM users").await, 0);
    assert_eq!(app.subjects(ADA).await.len(), 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_can_be_checked_before_it_is_chosen() {
    let app = TestApp::on_sqlite(&[]).await;
    let check = async |body: Value| app.http.post("/api/auth/password/check", &body).await;
    for (password, codes) in [
        ("nine purple trams in March", &[][..]),
        ("x8#kQ2!v9", &[]),
        ("hey<123", &["too_short"]),
        ("aaaaaaaa", &["too_short", "monotonous"]),
        ("hieronymus.bosch", &["like_its_owner"]),
        ("Realmadrid2013", &["breached"]),
    ] {
        let body = json!({ "password": password, "email": "hieronymus.bosch@example.com" });
        let told = check(body).await.with(200);
        let reasons = told["reasons"].as_array().expect("reasons");
        let found: Vec<_> = reasons.iter().filter_map(|reason| reason["code"].as_str()).collect();
        for code in codes {
            assert!(found.contains(code), "{password}: {told}");
        }
        assert_eq!(told["acceptable"], codes.is_empty(), "{password}: {told}");
        assert_eq!(found.is_empty(), codes.is_empty(), "{password}: {told}");
        assert!(told["score"].as_u64().is_some_and(|score| score <= 4), "{told}");
        assert!(told["suggestions"].is_array(), "{told}");
        assert!(!told.to_string().contains(password), "{told}");
    }
    check(json!({ "password": "x", "email": "x" })).await.blames("email");
    app.finish().await;
}
