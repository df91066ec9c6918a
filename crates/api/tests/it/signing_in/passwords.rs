//! Forgetting passwords and changing them, and what dies with them.
use std::sync::Arc;

use serde_json::json;

use super::{
    OTHER_PASSWORD, are_alike, is_done, is_in, is_locked_out, is_put_out, log_in_with, look,
    program,
};
use crate::app::{
    Answer, Place, TestApp,
    caller::{PASSWORD, Person},
    on_both_databases,
};

on_both_databases!(
    a_forgotten_password_is_replaced_and_what_was_got_with_it_dies,
    a_changed_password_ends_all_sessions_but_the_one_that_changed_it,
);

const ADA: &str = "ada@example.com";
const RESET: &str = "/api/auth/password/reset";

async fn forget(app: &TestApp, email: &str) -> Answer {
    app.http.post("/api/auth/password/forgot", &json!({ "email": email })).await
}

async fn change(person: &Person, old: &str, new: &str) -> Answer {
    let body = json!({ "old_password": old, "new_password": new });
    person.post("/api/auth/password/change", &body).await
}

async fn a_forgotten_password_is_replaced_and_what_was_got_with_it_dies(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.verified_person("ada").await;
    let mortal = program(&ada, &json!({ "name": "mortal", "ends_with_password": true })).await;
    let other = ada.program().await;
    mortal.models().await.with(200);
    let (known, unknown) = (forget(&app, ADA).await, forget(&app, "bob@example.com").await);
    known.with(202);
    are_alike(&known, &unknown);
    forget(&app, "bob").await.blames("email");

    let mail = app.mail(ADA, "Choose a new password").await;
    for method in ["HEAD", "GET"] {
        look(&app, method, &mail).await;
    }
    let reset = async |token: &str, password: &str| {
        let body = json!({ "token": token, "new_password": password });
        app.http.post(RESET, &body).await
    };
    for weak in ["short", "Realmadrid2013", "ada@example.com"] {
        reset(mail.token(), weak).await.blames("new_password");
    }
    assert!(is_in(&ada).await, "nothing happened so far");
    is_done(&reset(mail.token(), OTHER_PASSWORD).await);
    reset(mail.token(), PASSWORD).await.problem(400, "auth.invalid_token");
    reset("cape_ot_x.y", PASSWORD).await.problem(400, "auth.invalid_token");

    is_put_out(&ada).await;
    app.http.refresh(&ada.refresh).await.problem(401, "auth.invalid_refresh_token");
    is_locked_out(&mortal).await;
    other.models().await.with(200);
    log_in_with(&app, ADA, PASSWORD).await.problem(401, "auth.invalid_credentials");
    let signed_in = log_in_with(&app, ADA, OTHER_PASSWORD).await.with(200);
    assert_eq!(signed_in["user"]["is_verified"], true, "who has the link has the mail box");
    app.mail(ADA, "password was changed").await;
    assert_eq!(app.subjects("bob@example.com").await.len(), 0);
    app.finish().await;
}

async fn a_changed_password_ends_all_sessions_but_the_one_that_changed_it(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let elsewhere = app.http.sign_in(ADA).await;
    let mortal = program(&ada, &json!({ "name": "mortal", "ends_with_password": true })).await;
    let other = ada.program().await;
    change(&ada, "wrong", OTHER_PASSWORD).await.problem(401, "auth.invalid_credentials");
    change(&ada, PASSWORD, "short").await.blames("new_password");
    assert!(is_in(&elsewhere).await, "nothing happened so far");

    is_done(&change(&ada, PASSWORD, OTHER_PASSWORD).await);
    is_put_out(&elsewhere).await;
    is_locked_out(&mortal).await;
    other.models().await.with(200);
    assert!(is_in(&ada).await);
    app.http.refresh(&ada.refresh).await.with(200);
    log_in_with(&app, ADA, PASSWORD).await.problem(401, "auth.invalid_credentials");
    log_in_with(&app, ADA, OTHER_PASSWORD).await.with(200);
    app.mail(ADA, "password was changed").await;
    app.finish().await;
}
