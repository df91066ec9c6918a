//! Moving to another address.
use std::sync::Arc;

use serde_json::{Value, json};

use super::{are_alike, is_in, is_put_out, look};
use crate::app::{Answer, Place, TestApp, caller::Person, on_both_databases};

on_both_databases!(a_move_is_made_when_both_addresses_have_agreed_in_either_order);

const ADA: &str = "ada@example.com";
const NEW: &str = "ada@example.org";
const RELEASE: &str = "Do you want to move";
const CLAIM: &str = "Confirm your new email address";

async fn request(person: &Person, new_email: &str) -> Answer {
    person.post("/api/auth/email/change", &json!({ "new_email": new_email })).await
}

async fn agree(app: &TestApp, token: &str) -> Answer {
    app.http.post("/api/auth/email/confirm", &json!({ "token": token })).await
}

fn status(status: &str) -> Value {
    json!({ "status": status })
}

async fn a_move_is_made_when_both_addresses_have_agreed_in_either_order(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    for (name, first) in [("ada", RELEASE), ("bob", CLAIM)] {
        let (old, new) = (format!("{name}@example.com"), format!("{name}@example.org"));
        let person = app.person(name).await;
        assert_eq!(request(&person, &new).await.with(202), status("waiting"));
        let release = app.mail(&old, RELEASE).await;
        assert!(release.text.contains(&new), "{release:?}");
        let claim = app.mail(&new, CLAIM).await;
        assert!(!claim.text.contains(&old), "{claim:?}");
        for mail in [&release, &claim] {
            look(&app, "GET", mail).await;
        }
        let (first, second) =
            if first == RELEASE { (&release, &claim) } else { (&claim, &release) };
        assert_eq!(agree(&app, first.token()).await.with(200), status("waiting"));
        agree(&app, first.token()).await.problem(400, "auth.invalid_token");
        app.http.login(&new).await.problem(401, "auth.invalid_credentials");
        assert!(is_in(&person).await, "nothing happened so far");

        assert_eq!(agree(&app, second.token()).await.with(200), status("done"));
        is_put_out(&person).await;
        app.http.login(&old).await.problem(401, "auth.invalid_credentials");
        let signed_in = app.http.login(&new).await.with(200);
        assert_eq!(signed_in["user"]["email"], new);
        assert_eq!(signed_in["user"]["is_verified"], true);
        app.mail(&old, "has a new email address").await;
        agree(&app, second.token()).await.problem(400, "auth.invalid_token");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_somebody_has_is_answered_alike_and_never_moved_to() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    app.http.register("bob@example.com").await.with(201);
    let taken = request(&ada, "bob@example.com").await;
    assert_eq!(taken.with(202), status("waiting"));
    app.mail("bob@example.com", "You already have").await;
    let release = app.mail(ADA, RELEASE).await;
    assert_eq!(agree(&app, release.token()).await.with(200), status("waiting"));
    let mails = app.subjects("bob@example.com").await;
    assert!(!mails.iter().any(|subject| subject.contains(CLAIM)), "{mails:?}");
    assert!(is_in(&ada).await);
    are_alike(&taken, &request(&ada, NEW).await);
    request(&ada, "x").await.blames("new_email");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_somebody_took_meanwhile_is_not_moved_to() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    request(&ada, NEW).await.with(202);
    let (release, claim) = (app.mail(ADA, RELEASE).await, app.mail(NEW, CLAIM).await);
    assert_eq!(agree(&app, claim.token()).await.with(200), status("waiting"));
    app.http.register(NEW).await.with(201);
    agree(&app, release.token()).await.problem(400, "auth.invalid_token");
    assert!(is_in(&ada).await);
    app.http.login(ADA).await.with(200);
    app.finish().await;
}
