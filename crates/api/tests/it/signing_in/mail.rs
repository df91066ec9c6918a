//! Without anybody who takes mails.
use std::sync::Arc;

use serde_json::json;

use super::is_done;
use crate::app::{Place, TestApp, caller::PASSWORD, eventually, on_both_databases};

on_both_databases!(a_mail_server_that_is_away_keeps_nobody_waiting_but_the_mail);

const ADA: &str = "ada@example.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_sense_without_mail_is_refused_where_there_is_none() {
    let app = TestApp::on_sqlite(&[("CAPE_SANDBOX__ENABLED", "false")]).await;
    let ready = app.http.get("/healthz/ready").await.with(200);
    assert_eq!(ready["integrations"]["mail"], "disabled", "{ready}");
    let ada = app.person("ada").await;
    let email = json!({ "email": ADA });
    for path in ["password/forgot", "code/request", "verify/resend"] {
        let refused = app.http.post(&format!("/api/auth/{path}"), &email).await;
        refused.problem(503, "integration_disabled");
    }
    let change = ada.post("/api/auth/email/change", &json!({ "new_email": "a@b.cc" })).await;
    change.problem(503, "integration_disabled");
    let body = json!({ "email": "bob@example.com", "role": "viewer" });
    let invitation = ada.post("/api/workspace/invitations", &body).await;
    invitation.problem(503, "integration_disabled");
    // What is only news is not written, and keeps nobody from anything.
    app.http.register(ADA).await.with(201);
    let body = json!({ "old_password": PASSWORD, "new_password": super::OTHER_PASSWORD });
    is_done(&ada.post("/api/auth/password/change", &body).await);
    assert_eq!(app.place.count("SELECT count(*) FROM mails").await, 0);
    assert_eq!(app.place.count("SELECT count(*) FROM jobs").await, 0);
    app.finish().await;
}

async fn a_mail_server_that_is_away_keeps_nobody_waiting_but_the_mail(place: Arc<Place>) {
    let app = TestApp::at(Arc::clone(&place), &[("SMTP_URL", "smtp://127.0.0.1:1")]).await;
    let ready = app.http.get("/healthz/ready").await.with(200);
    assert_eq!(ready["integrations"]["mail"], "live", "{ready}");
    app.person("ada").await;
    let waiting = "SELECT count(*) FROM jobs WHERE kind = 'mail.send' AND state = 'pending'";
    eventually("it is tried in vain", async || {
        app.place.count(&format!("{waiting} AND attempt > 0")).await == 1
    })
    .await;
    assert_eq!(app.place.count("SELECT count(*) FROM mails").await, 1);
    app.http.login(ADA).await.with(200);
    app.finish().await;

    // It is sent when there is a server again.
    let app = TestApp::at(place, &[]).await;
    app.mail(ADA, "Confirm your email address").await;
    app.finish().await;
}
