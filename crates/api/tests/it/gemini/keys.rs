//! Where a key may stand, and how it is refused.
use super::asking;
use crate::app::{TestApp, caller::send};

const PATH: &str = "/v1beta/models/gemini-1.5-flash:generateContent";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_taken_from_a_header_and_from_the_address_of_googles_clients() {
    let app = TestApp::on_sqlite(&[]).await;
    let (owner, program) = app.program("ada").await;
    let ask = |path: &str| app.http.request("POST", path).json(&asking("hello"));
    let keyed = format!("{PATH}?key={}", program.key);
    let below_v1 = keyed.replace("v1beta", "v1");
    for request in [
        ask(PATH).header("x-goog-api-key", &program.key),
        ask(PATH).bearer_auth(&program.key),
        ask(&keyed),
        ask(&below_v1),
    ] {
        send(request).await.with(200);
    }
    for request in [
        ask(PATH),
        ask(PATH).header("x-goog-api-key", "cape_sk_nobody"),
        ask(PATH).bearer_auth(&owner.access),
        ask(&format!("{PATH}?key=cape_sk_nobody")),
    ] {
        let refused = send(request).await;
        assert_eq!(refused.google_error(401, "UNAUTHENTICATED").1, "INVALID_API_KEY");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_the_address_is_nobodys_elsewhere() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    for path in ["/v1/models", "/v1/models/gpt-4o-mini"] {
        app.http.get(&format!("{path}?key={}", program.key)).await.error(401, "invalid_api_key");
    }
    app.http
        .get(&format!("/api/user/profile?key={}", program.key))
        .await
        .problem(401, "access.unauthenticated");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_the_address_is_in_no_metric() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let request = app.http.request("POST", &format!("{PATH}?key={}", program.key));
    send(request.json(&asking("hello"))).await.with(200);
    let page = app.http.get("/metrics").await;
    assert!(page.text.contains("route=\"/v1beta/models/{model}:generateContent\""));
    assert!(!page.text.contains(&program.key));
    app.finish().await;
}
