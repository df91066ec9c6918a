//! Where one is signed in.
use std::sync::Arc;

use serde_json::{Value, json};

use super::{is_done, is_in, is_put_out};
use crate::app::{
    Place, TestApp,
    caller::{PASSWORD, Person, send},
    on_both_databases,
};

on_both_databases!(somebody_sees_where_it_is_signed_in_and_ends_what_it_does_not_know);

const ADA: &str = "ada@example.com";
const SESSIONS: &str = "/api/auth/sessions";
const PROXY: (&str, &str) = ("CAPE_HTTP__TRUSTED_PROXIES", "127.0.0.0/8");

/// Signs in with a device, from an address.
async fn sign_in(app: &TestApp, device: &str, address: &str) -> Person {
    let request = app.http.request("POST", "/api/auth/login");
    let request = request.header("user-agent", device).header("x-forwarded-for", address);
    let body = json!({ "email": ADA, "password": PASSWORD });
    Person::of(app.http.clone(), &send(request.json(&body)).await.with(200))
}

async fn list(person: &Person) -> Vec<Value> {
    let all = person.get(SESSIONS).await.with(200);
    all["data"].as_array().expect("sessions").clone()
}

fn path(session: &Value) -> String {
    format!("{SESSIONS}/{}", session["id"].as_str().expect("an id"))
}

async fn somebody_sees_where_it_is_signed_in_and_ends_what_it_does_not_know(place: Arc<Place>) {
    let app = TestApp::at(place, &[PROXY]).await;
    app.http.register(ADA).await.with(201);
    let phone = sign_in(&app, "Phone/1.0", "203.0.113.9").await;
    let laptop = sign_in(&app, "Laptop/2.0", "2001:db8::7").await;
    let thief = sign_in(&app, &"x".repeat(300), "198.51.100.1").await;
    let seen = list(&laptop).await;
    let told: Vec<_> = seen
        .iter()
        .map(|s| (s["device"].clone(), s["address"].clone(), s["current"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!("x".repeat(200)), json!("198.51.100.1"), json!(false)),
            (json!("Laptop/2.0"), json!("2001:db8::7"), json!(true)),
            (json!("Phone/1.0"), json!("203.0.113.9"), json!(false)),
        ]
    );
    let mail = app.mail(ADA, "A new sign-in").await;
    assert!(mail.text.contains("from 198.51.100.1") || mail.text.contains("2001:db8::7"));

    let bob = app.person("bob").await;
    bob.delete(&path(&seen[0])).await.problem(404, "session.not_found");
    assert!(is_in(&thief).await);
    is_done(&laptop.delete(&path(&seen[0])).await);
    laptop.delete(&path(&seen[0])).await.problem(404, "session.not_found");
    laptop.delete(&format!("{SESSIONS}/x")).await.problem(404, "path.invalid_id");
    is_put_out(&thief).await;
    app.http.refresh(&thief.refresh).await.problem(401, "auth.invalid_refresh_token");
    assert_eq!(list(&laptop).await.len(), 2);

    is_done(&laptop.post("/api/auth/sessions/revoke-others", &json!({})).await);
    is_put_out(&phone).await;
    assert!(is_in(&laptop).await && is_in(&bob).await);
    let left = list(&laptop).await;
    assert_eq!((left.len(), &left[0]["current"]), (1, &json!(true)));
    is_done(&laptop.delete(&path(&left[0])).await);
    is_put_out(&laptop).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_everywhere_ends_every_session() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    let bob = app.person("bob").await;
    let elsewhere = app.http.sign_in(ADA).await;
    is_done(&send(elsewhere.request("POST", "/api/auth/logout-all")).await);
    for gone in [&ada, &elsewhere] {
        is_put_out(gone).await;
        app.http.refresh(&gone.refresh).await.problem(401, "auth.invalid_refresh_token");
    }
    assert!(is_in(&bob).await);
    app.http.login(ADA).await.with(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_refresh_token_was_copied_is_told() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    let second = Person::of(app.http.clone(), &app.http.refresh(&ada.refresh).await.with(200));
    let third = Person::of(app.http.clone(), &app.http.refresh(&second.refresh).await.with(200));
    app.http.refresh(&ada.refresh).await.problem(401, "auth.invalid_refresh_token");
    is_put_out(&third).await;
    app.mail(ADA, "was ended for your safety").await;
    app.finish().await;
}
