//! Credentials that are not good here.
use cape_domain::access::{AccessClaims, AccessTokens};
use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::Before;
use crate::app::{
    Answer, TestApp,
    caller::{Http, send},
};

/// Asks with what stands in the header `Authorization`.
async fn ask(http: &Http, path: &str, authorization: &[u8]) -> Answer {
    let request = http.request("GET", path).header("authorization", authorization);
    send(request).await
}

/// The same token, signed when it is over already.
#[expect(clippy::disallowed_methods, reason = "the platform under test runs by the same clock")]
fn expired(tokens: &dyn AccessTokens, token: &str) -> String {
    let now = Utc::now();
    let claims = tokens.verify(token, now).expect("a good token");
    let issued_at = now - AccessClaims::LIFE - TimeDelta::seconds(1);
    let claims = AccessClaims { issued_at, expires_at: issued_at + AccessClaims::LIFE, ..claims };
    tokens.sign(&claims).expose().to_owned()
}

/// The same token in which one letter of a part is another.
fn tampered(token: &str, part: usize) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let other = if parts[part].as_bytes()[10] == b'A' { "B" } else { "A" };
    parts[part].replace_range(10..11, other);
    parts.join(".")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_good_access_token_opens_the_api() {
    let app = TestApp::on_sqlite(&[]).await;
    let elsewhere = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let stranger = elsewhere.person("ada").await;
    let before = Before::at(&app).await;
    let expired = expired(&*app.instance.platform.services.tokens, &ada.access);
    let [_, claims, _] = ada.access.split('.').collect::<Vec<_>>()[..] else { panic!("three") };
    // {"alg":"none","typ":"JWT"}
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
    for token in [
        "x".to_owned(),
        program.key.clone(),
        ada.refresh.clone(),
        stranger.access.clone(),
        expired.clone(),
        unsigned,
        tampered(&ada.access, 0),
        tampered(&ada.access, 1),
        tampered(&ada.access, 2),
        format!("{} {}", ada.access, ada.access),
        "x".repeat(20_000),
    ] {
        let refused =
            ask(&app.http, "/api/user/profile", format!("Bearer {token}").as_bytes()).await;
        let problem = refused.problem(401, "access.invalid_token");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        if token == expired {
            assert_eq!(problem["detail"], "the token is expired");
        }
    }
    for nothing in [b"".as_slice(), b"Bearer", b"Basic YTpi", b"\xff\xfe", b"Token x"] {
        let refused = ask(&app.http, "/api/user/profile", nothing).await;
        refused.problem(401, "access.unauthenticated");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    }
    // A good one is good in other spellings of the scheme.
    assert_eq!(
        ask(&app.http, "/api/user/profile", format!("bearer {}", ada.access).as_bytes())
            .await
            .status,
        200
    );
    before.still_holds(&app).await;
    app.finish().await;
    elsewhere.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_good_api_key_opens_the_gateway() {
    let app = TestApp::on_sqlite(&[]).await;
    let elsewhere = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let (_, stranger) = elsewhere.program("ada").await;
    let before = Before::at(&app).await;
    let (id, secret) = program.key.rsplit_once('_').expect("a secret");
    let turned: String = secret.chars().rev().collect();
    for key in [
        "x".to_owned(),
        ada.access.clone(),
        ada.refresh.clone(),
        stranger.key.clone(),
        id.to_owned(),
        format!("{id}_{turned}"),
        format!("{}0", program.key),
        program.key.to_uppercase(),
        "x".repeat(20_000),
    ] {
        let refused = ask(&app.http, "/v1/models", format!("Bearer {key}").as_bytes()).await;
        assert_eq!(refused.error(401, "invalid_api_key")["type"], "authentication_error");
    }
    for nothing in [b"".as_slice(), b"Bearer", b"Basic YTpi", b"\xff\xfe"] {
        let refused = ask(&app.http, "/v1/models", nothing).await;
        refused.error(401, "invalid_api_key");
    }
    let body = json!({ "model": "gpt-4o-mini" });
    app.http.post("/v1/chat/completions", &body).await.error(401, "invalid_api_key");
    before.still_holds(&app).await;
    app.finish().await;
    elsewhere.finish().await;
}
