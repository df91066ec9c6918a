//! Who operates the platform, as the command line says and everybody else feels.
use std::{sync::Arc, time::Instant};

use serde_json::Value;

use super::{MODEL, SECOND, stop};
use crate::{
    app::{Place, TestApp, caller::Person, eventually, on_both_databases},
    kill::program::done,
};

on_both_databases!(an_operator_is_one_from_the_promotion_to_the_demotion);

/// What a busy machine may take on top of a second to ask and to answer.
const BUSY: std::time::Duration = std::time::Duration::from_secs(2);

const ADA: &str = "ada@example.com";

async fn is_operator(person: &Person) -> Value {
    person.get("/api/user/profile").await.with(200)["user"]["is_operator"].clone()
}

/// Its access token is refused within a second, and its refresh token gives the next one.
async fn outdated(app: &TestApp, person: &Person) -> Person {
    let said = Instant::now();
    eventually("the token is refused", async || {
        person.get("/api/user/profile").await.status == 401
    })
    .await;
    assert!(said.elapsed() < SECOND + BUSY);
    person.get("/api/admin/switches").await.problem(401, "access.invalid_token");
    Person::of(app.http.clone(), &app.http.refresh(&person.refresh).await.with(200))
}

async fn an_operator_is_one_from_the_promotion_to_the_demotion(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.verified_person("ada").await;
    let elsewhere = app.http.sign_in(ADA).await;
    assert_eq!(is_operator(&ada).await, false);
    ada.get("/api/admin/switches").await.problem(403, "access.forbidden");
    stop(&ada, &format!("model/{MODEL}")).await.problem(403, "access.forbidden");

    assert_eq!(done(&app.place, &["admin", "promote", ADA]), format!("{ADA} is an operator\n"));
    let ada = outdated(&app, &ada).await;
    let elsewhere = outdated(&app, &elsewhere).await;
    for person in [&ada, &elsewhere] {
        assert_eq!(is_operator(person).await, true);
        person.get("/api/admin/switches").await.with(200);
    }

    assert_eq!(done(&app.place, &["admin", "demote", ADA]), format!("{ADA} is no operator\n"));
    for person in [&ada, &elsewhere] {
        let person = outdated(&app, person).await;
        assert_eq!(is_operator(&person).await, false);
        person.get("/api/admin/switches").await.problem(403, "access.forbidden");
        stop(&person, &format!("model/{MODEL}")).await.problem(403, "access.forbidden");
    }
    assert_eq!(app.place.count("SELECT count(*) FROM switches").await, 0);
    let trail = "SELECT count(*) FROM audit_entries WHERE principal = 'system' AND action IN
        ('operator.promoted', 'operator.demoted')";
    assert_eq!(app.place.count(trail).await, 2);
    app.finish().await;
}
