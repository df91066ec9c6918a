//! Telling other services of the operator's whose a token is.
use std::sync::Arc;

use serde_json::json;

use super::{claims, is_done, program};
use crate::app::{Answer, Place, TestApp, caller::send, eventually, on_both_databases};

on_both_databases!(a_service_learns_whose_a_good_token_is_and_nothing_of_another);

/// A secret that other services know, and all that there are.
const SERVICE: &str = "0123456789abcdef0123456789abcdef";
const SERVICES: &str = "fedcba9876543210fedcba9876543210,0123456789abcdef0123456789abcdef";

async fn inspect(app: &TestApp, service: &str, token: &str) -> Answer {
    let request = app.http.request("POST", "/api/auth/introspect").bearer_auth(service);
    send(request.json(&json!({ "token": token }))).await
}

async fn a_service_learns_whose_a_good_token_is_and_nothing_of_another(place: Arc<Place>) {
    let variables = [("CAPE_ACCESS__INTROSPECTION_SECRETS", SERVICES)];
    let app = TestApp::at(place, &variables).await;
    let ada = app.person("ada").await;
    let body =
        json!({ "name": "test", "scopes": ["models"], "expires_at": "2100-01-01T00:00:00Z" });
    let key = program(&ada, &body).await;
    let ask = async |token: &str| inspect(&app, SERVICE, token).await.with(200);
    let claims = claims(&app, &ada);
    let person = ask(&ada.access).await;
    let scope = person["scope"].as_str().expect("a text").to_owned();
    assert!(scope.split(' ').any(|name| name == "access.keys.create"), "{scope}");
    let expected = json!({
        "active": true, "token_type": "access_token", "sub": claims.user.to_string(),
        "wsp": claims.workspace.to_string(), "sid": claims.session.to_string(), "scope": scope,
        "role": "owner", "exp": claims.expires_at.timestamp(), "iat": claims.issued_at.timestamp(),
        "auth_time": claims.authenticated_at.timestamp(), "iss": person["iss"],
    });
    assert_eq!(person, expected);
    let program = ask(&key.key).await;
    assert_eq!(program["token_type"], "api_key");
    assert_eq!(program["scope"], "usage.models");
    assert_eq!((&program["sub"], &program["wsp"]), (&expected["sub"], &expected["wsp"]));
    assert_eq!((&program["key_id"], &program["exp"]), (&json!(key.id), &json!(4_102_444_800_i64)));

    let inactive = json!({ "active": false });
    for bad in [ada.refresh.as_str(), "x", "", &format!("{}0", key.key), SERVICE] {
        assert_eq!(ask(bad).await, inactive, "{bad}");
    }
    is_done(&ada.delete(&format!("/api/keys/{}", key.id)).await);
    is_done(&ada.log_out().await);
    eventually("both are inactive", async || {
        (ask(&key.key).await, ask(&ada.access).await) == (inactive.clone(), inactive.clone())
    })
    .await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_service_that_knows_a_secret_may_ask() {
    let app = TestApp::on_sqlite(&[("CAPE_ACCESS__INTROSPECTION_SECRETS", SERVICES)]).await;
    let ada = app.person("ada").await;
    for service in SERVICES.split(',') {
        inspect(&app, service, &ada.access).await.with(200);
    }
    for stranger in ["", "x", SERVICES, &ada.access, &SERVICE.to_uppercase()] {
        let refused = inspect(&app, stranger, &ada.access).await;
        refused.problem(401, "access.unknown_service");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    }
    let body = json!({ "token": ada.access });
    let nobody = app.http.post("/api/auth/introspect", &body).await;
    nobody.problem(401, "access.unknown_service");
    app.finish().await;

    let app = TestApp::on_sqlite(&[]).await;
    inspect(&app, SERVICE, "x").await.problem(503, "integration_disabled");
    app.finish().await;
}
