//! What needs a fresh proof of who one is.
use chrono::TimeDelta;
use serde_json::json;

use super::claims;
use crate::app::{
    TestApp,
    caller::{PASSWORD, Person},
};

/// The same person, a while after it signed in.
fn later(app: &TestApp, person: &Person) -> Person {
    let mut claims = claims(app, person);
    claims.authenticated_at -= TimeDelta::minutes(11);
    let access = app.instance.platform.services.tokens.sign(&claims).expose().to_owned();
    Person { access, ..person.clone() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signed_in_long_ago_shows_again_who_it_is() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = later(&app, &app.person("ada").await);
    let name = json!({ "name": "test" });
    let refused = ada.post("/api/keys", &name).await;
    refused.problem(403, "access.reauthentication_required");
    let path = "/api/auth/reauthenticate";
    let wrong = ada.post(path, &json!({ "password": "wrong" })).await;
    wrong.problem(401, "auth.invalid_credentials");
    ada.post(path, &json!({ "password": PASSWORD, "code": "x" })).await.blames("code");
    let shown = ada.post(path, &json!({ "password": PASSWORD })).await.with(200);
    let fresh = ada.renewed(&shown);
    fresh.post("/api/keys", &name).await.with(201);
    // The token that was refused is no better for it.
    let refused = ada.post("/api/keys", &name).await;
    refused.problem(403, "access.reauthentication_required");
    // Staying signed in shows nothing: the next token is as fresh as the proof.
    let next = Person::of(app.http.clone(), &app.http.refresh(&fresh.refresh).await.with(200));
    assert_eq!(claims(&app, &next).authenticated_at, claims(&app, &fresh).authenticated_at);
    app.finish().await;
}
