//! Messages that are not the payment provider's.
use std::sync::Arc;

use super::Before;
use crate::app::{
    Place, TestApp, on_both_databases,
    webhook::{SECRET, now, post, sign},
};

on_both_databases!(
    a_message_that_is_not_signed_as_it_should_be_is_not_taken_in,
    a_message_that_came_before_is_taken_in_once,
);

const EVENT: &str = r#"{"id":"evt_1","object":"event","type":"checkout.session.completed",
    "data":{"object":{"id":"cs_1","object":"checkout.session"}}}"#;

async fn a_message_that_is_not_signed_as_it_should_be_is_not_taken_in(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let before = Before::at(&app).await;
    let now = now();
    let signed = sign(SECRET, now, EVENT);
    for (signature, code) in [
        (None, "webhook.invalid_signature"),
        (Some(String::new()), "webhook.invalid_signature"),
        (Some(format!("t={now}")), "webhook.invalid_signature"),
        (Some(format!("t={now},v1={}", "0".repeat(64))), "webhook.invalid_signature"),
        (Some(sign("whsec_other", now, EVENT)), "webhook.invalid_signature"),
        (Some(sign(SECRET, now, "{}")), "webhook.invalid_signature"),
        (Some(signed.replace("v1=", "v0=")), "webhook.invalid_signature"),
        (
            Some(signed.replace(&now.to_string(), &(now + 1).to_string())),
            "webhook.invalid_signature",
        ),
        (Some(sign(SECRET, now - 310, EVENT)), "webhook.stale_signature"),
        (Some(sign(SECRET, now + 310, EVENT)), "webhook.stale_signature"),
    ] {
        post(&app.http, EVENT, signature.as_deref()).await.problem(400, code);
    }
    for body in ["", "not JSON", "[]", "{}", r#"{"id":"evt_1","type":"x"}"#] {
        let refused = post(&app.http, body, Some(&sign(SECRET, now, body))).await;
        refused.problem(400, "webhook.malformed");
    }
    before.still_holds(&app).await;
    app.finish().await;
}

async fn a_message_that_came_before_is_taken_in_once(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    for _ in 0..3 {
        let taken = post(&app.http, EVENT, Some(&sign(SECRET, now(), EVENT))).await;
        assert_eq!(taken.with(200)["received"], true);
    }
    assert_eq!(app.place.count("SELECT count(*) FROM jobs").await, 1);
    app.jobs_are_done().await;
    app.finish().await;
}
