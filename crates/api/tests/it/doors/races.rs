//! Many at once with one thing that is good once: one is let in, on both databases.
use std::sync::Arc;

use serde_json::{Value, json};

use super::{at_once, one, phone::Phone};
use crate::app::{
    Answer, Place, TestApp,
    caller::{PASSWORD, Person},
    on_both_databases,
};

on_both_databases!(
    of_many_with_one_login_code_one_is_let_in,
    of_many_with_one_recovery_code_one_is_believed,
    of_many_with_one_code_of_an_app_one_is_believed_wherever_it_is_shown,
    of_many_with_one_question_for_a_second_factor_one_is_let_in,
    one_question_is_answered_once_whichever_recovery_code_does,
    of_many_with_one_verification_one_verifies_by_link_or_code,
    of_many_with_one_reset_link_one_chooses_the_password,
    of_many_with_the_links_of_a_move_one_agrees_at_each_address,
    of_many_with_one_invitation_one_joins,
    many_who_sign_up_with_one_invitation_are_one_who_joins,
);

/// So many present one thing at the same time.
const MANY: usize = 64;

const INVALID_CODE: (u16, &str) = (401, "auth.invalid_code");
const INVALID_TOKEN: (u16, &str) = (400, "auth.invalid_token");
const INVALID_INVITATION: (u16, &str) = (400, "auth.invalid_invitation");

/// A platform that makes nobody wait, and somebody there.
async fn with_ada(place: Arc<Place>) -> (TestApp, Person) {
    let app = TestApp::at(place, &[("CAPE_ACCOUNTS__THROTTLE", "off")]).await;
    let ada = app.person("ada").await;
    (app, ada)
}

/// Sends the same many times at once, as nobody in particular.
async fn post_at_once(app: &TestApp, path: &'static str, body: &Value) -> Vec<Answer> {
    at_once(MANY, |_| {
        let (http, body) = (app.http.clone(), body.clone());
        async move { http.post(path, &body).await }
    })
    .await
}

async fn of_many_with_one_login_code_one_is_let_in(place: Arc<Place>) {
    let (app, _) = with_ada(place).await;
    app.vouch("ada@example.com").await;
    let address = json!({ "email": "ada@example.com" });
    app.http.post("/api/auth/code/request", &address).await.with(202);
    let mail = app.mail("ada@example.com", "Your code to sign in").await;
    let body = json!({ "email": "ada@example.com", "code": mail.code() });
    let answers = post_at_once(&app, "/api/auth/code/login", &body).await;
    let signed_in = one(answers, 200, INVALID_CODE).json();
    let ada = Person::of(app.http.clone(), &signed_in);
    assert_eq!(sessions(&ada).await, 2, "the one that she had, and the one that was begun");
    app.finish().await;
}

async fn of_many_with_one_recovery_code_one_is_believed(place: Arc<Place>) {
    let (app, ada) = with_ada(place).await;
    let phone = Phone::set_up(&ada).await;
    let body = json!({ "password": PASSWORD, "code": phone.recovery_codes[3] });
    let answers = at_once(MANY, |_| {
        let (ada, body) = (ada.clone(), body.clone());
        async move { ada.post("/api/auth/reauthenticate", &body).await }
    });
    one(answers.await, 200, INVALID_CODE);
    assert_eq!(recovery_codes_left(&ada).await, 9);
    app.finish().await;
}

async fn of_many_with_one_code_of_an_app_one_is_believed_wherever_it_is_shown(place: Arc<Place>) {
    let (app, ada) = with_ada(place).await;
    let code = Phone::set_up(&ada).await.next_code();
    let answers = at_once(MANY, |number| {
        let ada = ada.clone();
        let (path, body) = if number % 2 == 0 {
            ("/api/auth/reauthenticate", json!({ "password": PASSWORD, "code": code }))
        } else {
            ("/api/auth/mfa/recovery-codes", json!({ "code": code }))
        };
        async move { ada.post(path, &body).await }
    });
    one(answers.await, 200, INVALID_CODE);
    assert_eq!(recovery_codes_left(&ada).await, 10);
    app.finish().await;
}

async fn of_many_with_one_question_for_a_second_factor_one_is_let_in(place: Arc<Place>) {
    let (app, ada) = with_ada(place).await;
    let mut phone = Phone::set_up(&ada).await;
    let body = json!({ "challenge": question(&app).await, "code": phone.next_code() });
    let answers = post_at_once(&app, "/api/auth/login/mfa", &body).await;
    one(answers, 200, INVALID_TOKEN);
    assert_eq!(sessions(&ada).await, 2);
    app.finish().await;
}

async fn one_question_is_answered_once_whichever_recovery_code_does(place: Arc<Place>) {
    let (app, ada) = with_ada(place).await;
    let phone = Phone::set_up(&ada).await;
    let challenge = question(&app).await;
    let answers = at_once(MANY, |number| {
        let code = &phone.recovery_codes[number % phone.recovery_codes.len()];
        let body = json!({ "challenge": challenge, "code": code });
        let http = app.http.clone();
        async move { http.post("/api/auth/login/mfa", &body).await }
    });
    one(answers.await, 200, INVALID_TOKEN);
    assert_eq!(recovery_codes_left(&ada).await, 9, "the others are still good");
    assert_eq!(sessions(&ada).await, 2);
    app.finish().await;
}

/// The question that a password is answered with.
async fn question(app: &TestApp) -> String {
    let asked = app.http.login("ada@example.com").await.with(200);
    asked["challenge"].as_str().expect("a challenge").to_owned()
}

async fn of_many_with_one_verification_one_verifies_by_link_or_code(place: Arc<Place>) {
    let (app, ada) = with_ada(place).await;
    let mail = app.mail("ada@example.com", "Confirm your email address").await;
    let by_link = json!({ "token": mail.token() });
    let by_code = json!({ "email": "ada@example.com", "code": mail.code() });
    let answers = at_once(MANY, |number| {
        let body = if number % 2 == 0 { by_link.clone() } else { by_code.clone() };
        let http = app.http.clone();
        async move { (number, http.post("/api/auth/verify", &body).await) }
    });
    let (links, codes): (Vec<_>, Vec<_>) =
        answers.await.into_iter().partition(|(number, _)| number % 2 == 0);
    let mut verified = 0;
    for (answers, refusal) in [(links, INVALID_TOKEN), (codes, INVALID_CODE)] {
        for (_, answer) in answers {
            if answer.status == 204 {
                verified += 1;
            } else {
                answer.problem(refusal.0, refusal.1);
            }
        }
    }
    assert_eq!(verified, 1);
    let signed_in = app.http.login("ada@example.com").await.with(200);
    assert_eq!(signed_in["user"]["is_verified"], true);
    assert_eq!(sessions(&ada).await, 2);
    app.mails_are_sent().await;
    let mails = app.mails("ada@example.com").await;
    let welcomes = mails.iter().filter(|mail| mail.subject.starts_with("Welcome"));
    assert_eq!(welcomes.count(), 1);
    app.finish().await;
}

async fn of_many_with_one_reset_link_one_chooses_the_password(place: Arc<Place>) {
    let (app, ada) = with_ada(place).await;
    let address = json!({ "email": "ada@example.com" });
    app.http.post("/api/auth/password/forgot", &address).await.with(202);
    let token = app.mail("ada@example.com", "Choose a new password").await.token().to_owned();
    let chosen = |number: usize| format!("nine purple trams in March {number}");
    let answers = at_once(MANY, |number| {
        let body = json!({ "token": token, "new_password": chosen(number) });
        let http = app.http.clone();
        async move { (number, http.post("/api/auth/password/reset", &body).await) }
    });
    let answers = answers.await;
    let winner = answers.iter().find(|(_, answer)| answer.status == 204).expect("a winner").0;
    one(answers.into_iter().map(|(_, answer)| answer).collect(), 204, INVALID_TOKEN);
    for number in 0..MANY {
        let body = json!({ "email": "ada@example.com", "password": chosen(number) });
        let answer = app.http.post("/api/auth/login", &body).await;
        assert_eq!(answer.status, if number == winner { 200 } else { 401 }, "{number}");
    }
    app.http.refresh(&ada.refresh).await.problem(401, "auth.invalid_refresh_token");
    app.finish().await;
}

async fn of_many_with_the_links_of_a_move_one_agrees_at_each_address(place: Arc<Place>) {
    let (app, ada) = with_ada(place).await;
    let moving = json!({ "new_email": "lovelace@example.com" });
    ada.post("/api/auth/email/change", &moving).await.with(202);
    let release = app.mail("ada@example.com", "Do you want to move").await;
    let claim = app.mail("lovelace@example.com", "Confirm your new").await;
    let answers = at_once(2 * MANY, |number| {
        let mail = if number % 2 == 0 { &release } else { &claim };
        let (http, body) = (app.http.clone(), json!({ "token": mail.token() }));
        async move { http.post("/api/auth/email/confirm", &body).await }
    });
    let (agreed, refused): (Vec<_>, Vec<_>) =
        answers.await.into_iter().partition(|answer| answer.status == 200);
    for answer in refused {
        answer.problem(INVALID_TOKEN.0, INVALID_TOKEN.1);
    }
    let mut agreed: Vec<Value> =
        agreed.iter().map(|answer| answer.json()["status"].clone()).collect();
    agreed.sort_by_key(ToString::to_string);
    assert_eq!(agreed, ["done", "waiting"]);
    app.http.login("ada@example.com").await.problem(401, "auth.invalid_credentials");
    app.http.login("lovelace@example.com").await.with(200);
    app.finish().await;
}

async fn of_many_with_one_invitation_one_joins(place: Arc<Place>) {
    let (app, ada) = with_ada(place).await;
    let token = invite(&app, &ada, "bob").await;
    let bob = app.person("bob").await;
    let body = json!({ "token": token });
    let answers = at_once(MANY, |_| {
        let (bob, body) = (bob.clone(), body.clone());
        async move { bob.post("/api/auth/invitations/accept", &body).await }
    });
    one(answers.await, 200, INVALID_INVITATION);
    assert_eq!(members(&ada).await, 2);
    app.finish().await;
}

async fn many_who_sign_up_with_one_invitation_are_one_who_joins(place: Arc<Place>) {
    let (app, ada) = with_ada(place).await;
    let token = invite(&app, &ada, "bob").await;
    let body = json!({ "email": "bob@example.com", "password": PASSWORD, "invite_token": token });
    let answers = post_at_once(&app, "/api/auth/register", &body).await;
    let (signed_up, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 201);
    // Whoever read the invitation before it was used and the address after that is told what
    // everybody is told whose address is known: nothing.
    assert!(!signed_up.is_empty());
    for answer in refused {
        answer.problem(INVALID_INVITATION.0, INVALID_INVITATION.1);
    }
    assert_eq!(members(&ada).await, 2);
    assert_eq!(app.place.count("SELECT count(*) FROM users").await, 2);
    assert_eq!(app.place.count("SELECT count(*) FROM workspaces").await, 2);
    app.finish().await;
}

async fn invite(app: &TestApp, host: &Person, name: &str) -> String {
    let email = format!("{name}@example.com");
    let asked = json!({ "email": email, "role": "member" });
    host.post("/api/workspace/invitations", &asked).await.with(201);
    app.mail(&email, "You are invited").await.token().to_owned()
}

async fn members(person: &Person) -> usize {
    let members = person.get("/api/workspace/members").await.with(200);
    members["data"].as_array().expect("a list").len()
}

async fn sessions(person: &Person) -> usize {
    let sessions = person.get("/api/auth/sessions").await.with(200);
    sessions["data"].as_array().expect("a list").len()
}

async fn recovery_codes_left(person: &Person) -> u64 {
    let status = person.get("/api/auth/mfa/status").await.with(200);
    status["recovery_codes_left"].as_u64().expect("a number")
}
