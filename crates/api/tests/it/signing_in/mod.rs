//! Accounts, sessions and keys, as clients and their mail boxes see them.
mod codes;
mod cookies;
mod elsewhere;
mod email_changes;
mod flood;
mod introspection;
mod key_limits;
mod keys;
mod mail;
mod members;
mod pages;
mod passwords;
mod registration;
mod second_factors;
mod sessions;
mod step_up;
mod throttle;

use cape_domain::access::AccessClaims;
use chrono::Utc;
use serde_json::{Value, json};

use crate::app::{
    Answer, Http, TestApp,
    caller::{Person, Program, send},
    eventually,
    mailbox::Mail,
};

/// Another password that nobody finds weak.
const OTHER_PASSWORD: &str = "a second battery of horses";

/// It was done, and there is nothing to say about it.
#[track_caller]
fn is_done(answer: &Answer) {
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
}

/// Two answers that nobody can tell apart.
#[track_caller]
fn are_alike(one: &Answer, other: &Answer) {
    let told = |answer: &Answer| {
        let mut told = answer.json();
        if let Some(fields) = told.as_object_mut() {
            fields.remove("request_id");
        }
        (answer.status, told)
    };
    assert_eq!(told(one), told(other));
    let named = |answer: &Answer| {
        let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(named(one), named(other));
}

/// Looks at the page behind a link, as programs do that look at mails before their receivers.
async fn look(app: &TestApp, method: &str, mail: &Mail) {
    let looked = send(app.http.request(method, mail.link())).await;
    // There is nothing to ask a page for without its text.
    let expected = if method == "HEAD" { 405 } else { 200 };
    assert_eq!(looked.status, expected, "{method} {}", mail.link());
}

/// Whether somebody's access token is good.
async fn is_in(person: &Person) -> bool {
    let answer = person.get("/api/user/profile").await;
    if answer.status == 200 {
        return true;
    }
    answer.problem(401, "access.invalid_token");
    false
}

/// Waits until somebody's access token is refused.
async fn is_put_out(person: &Person) {
    eventually("the access token is refused", async || !is_in(person).await).await;
}

/// Waits until a program's key is refused.
async fn is_locked_out(program: &Program) {
    eventually("the key is refused", async || program.models().await.status == 401).await;
    program.models().await.error(401, "invalid_api_key");
}

/// Somebody's program, with a key that is made so.
async fn program(person: &Person, body: &Value) -> Program {
    let made = person.post("/api/keys", body).await.with(201);
    program_of(person, &made)
}

/// A program that was just given a key.
fn program_of(person: &Person, made: &Value) -> Program {
    let text = |field: &str| made[field].as_str().expect("a text").to_owned();
    Program { http: person.http.clone(), id: text("id"), key: text("key") }
}

/// Asks for a sign-in, from an address that a trusted proxy tells.
async fn log_in_from(http: &Http, forwarded: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    let request = http.request("POST", "/api/auth/login").header("x-forwarded-for", forwarded);
    send(request.json(&body)).await
}

/// Asks for a sign-in with a password of one's own choice.
async fn log_in_with(app: &TestApp, email: &str, password: &str) -> Answer {
    app.http.post("/api/auth/login", &json!({ "email": email, "password": password })).await
}

/// What somebody's access token says.
#[expect(clippy::disallowed_methods, reason = "the platform under test runs by the same clock")]
fn claims(app: &TestApp, person: &Person) -> AccessClaims {
    app.instance.platform.services.tokens.verify(&person.access, Utc::now()).expect("a good token")
}

/// Somebody who joined the workspace of who invites it, and works there now.
async fn joined(app: &TestApp, owner: &Person, name: &str, role: &str) -> Person {
    let person = app.person(name).await;
    let email = format!("{name}@example.com");
    let body = json!({ "email": email, "role": role });
    owner.post("/api/workspace/invitations", &body).await.with(201);
    let mail = app.mail(&email, "You are invited").await;
    let token = json!({ "token": mail.token() });
    let joined = person.post("/api/auth/invitations/accept", &token).await.with(200);
    let switched = person.post("/api/auth/switch", &joined).await.with(200);
    person.renewed(&switched)
}
