//! What surrounds every answer, whatever it says.
use crate::app::{Answer, TestApp, caller::send};

/// Every shape of answer: good ones and refusals, on each side.
async fn answers(app: &TestApp) -> Vec<Answer> {
    let (ada, program) = app.program("ada").await;
    let mut all = vec![program.models().await, program.say("gpt-4o-mini", "hello").await];
    all.push(program.say("gpt-9", "hello").await);
    for path in [
        "/healthz",
        "/info",
        "/api/version",
        "/openapi.json",
        "/docs/",
        "/redoc",
        "/nothing",
        "/v1/nothing",
        "/api/user/profile",
        "/metrics",
        "/.well-known/jwks.json",
    ] {
        all.push(app.http.get(path).await);
    }
    all.push(ada.get("/api/keys").await);
    all.push(ada.get("/api/keys?limit=0").await);
    all.push(send(ada.request("PUT", "/api/keys")).await);
    all.push(send(ada.request("POST", "/api/keys")).await);
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_protects_whoever_reads_it() {
    let app = TestApp::on_sqlite(&[]).await;
    for answer in answers(&app).await {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}: {answer:?}");
        }
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(answer.header("cache-control").is_some(), "{answer:?}");
        let time = answer.header("x-response-time").expect("a time");
        assert!(time.strip_suffix('s').is_some_and(|it| it.parse::<f64>().is_ok()), "{time}");
        let id = answer.header("x-request-id").expect("an id");
        assert!(id.strip_prefix("req_").is_some_and(|raw| raw.len() == 32), "{id}");
        assert!(answer.header("server").is_none());
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_keeps_the_id_that_its_caller_gave_it_if_that_is_one() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let own = "req_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e";
    let with =
        |request: reqwest::RequestBuilder, id: &[u8]| send(request.header("x-request-id", id));
    let refused = with(app.http.request("GET", "/nothing"), own.as_bytes()).await;
    assert_eq!(refused.problem(404, "route.not_found")["request_id"], own);
    let models = with(program.request("GET", "/v1/models"), own.as_bytes()).await;
    assert_eq!(models.header("x-request-id"), Some(own));
    let long = format!("{own}{}", "0".repeat(5_000));
    for id in ["", "1", "req_1", &own.to_uppercase(), &long, "req_'; DROP TABLE calls; --"] {
        let answer = with(ada.request("GET", "/api/keys"), id.as_bytes()).await;
        assert_ne!(answer.header("x-request-id"), Some(id));
    }
    let answer = with(ada.request("GET", "/api/keys"), b"req_\xff").await;
    assert_eq!(answer.status, 200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_paths_and_methods_are_told_in_the_shape_of_their_side() {
    let app = TestApp::on_sqlite(&[]).await;
    for path in [
        "/nothing",
        "/api",
        "/api/",
        "/api/nothing",
        "/api/keys/",
        "/api/keys/a/b",
        "/%00",
        "/%ff",
        "/v10",
        "//",
    ] {
        app.http.get(path).await.problem(404, "route.not_found");
    }
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/chat", "/v1/%ff", "/v1/chat/completions/"] {
        app.http.get(path).await.error(404, "route.not_found");
    }
    for (method, path, allowed) in [
        ("PUT", "/api/keys", "GET, POST"),
        ("PATCH", "/api/keys", "GET, POST"),
        ("GET", "/api/keys/key_1", "DELETE"),
        ("GET", "/api/auth/login", "POST"),
        ("PATCH", "/api/user/profile", "DELETE, GET, PUT"),
        ("POST", "/healthz", "GET"),
        ("BREW", "/healthz", "GET"),
    ] {
        let refused = send(app.http.request(method, path)).await;
        refused.problem(405, "route.method_not_allowed");
        assert_eq!(refused.header("allow"), Some(allowed), "{method} {path}");
    }
    for (method, path, allowed) in
        [("GET", "/v1/chat/completions", "POST"), ("POST", "/v1/models", "GET")]
    {
        let refused = send(app.http.request(method, path)).await;
        refused.error(405, "route.method_not_allowed");
        assert_eq!(refused.header("allow"), Some(allowed), "{method} {path}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_the_origins_that_are_named_may_call_and_no_others() {
    let origins = [("CAPE_HTTP__CORS_ORIGINS", "https://app.example.com,http://localhost:3000")];
    let app = TestApp::on_sqlite(&origins).await;
    let ask = |method: &str, origin: &str| {
        let request = app.http.request(method, "/api/payment/pricing").header("origin", origin);
        let asked = request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        send(asked)
    };
    for origin in ["https://app.example.com", "http://localhost:3000"] {
        for method in ["OPTIONS", "GET"] {
            let answer = ask(method, origin).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            assert!(answer.header("access-control-allow-credentials").is_none());
            assert!(answer.header("vary").is_some_and(|it| it.to_lowercase().contains("origin")));
        }
        let refused = app.http.request("GET", "/api/keys").header("origin", origin);
        let refused = send(refused).await;
        refused.problem(401, "access.unauthenticated");
        assert_eq!(
            refused.header("access-control-allow-origin"),
            Some(origin),
            "errors are read, too"
        );
    }
    for origin in [
        "https://example.com",
        "https://app.example.com.evil.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "null",
    ] {
        for method in ["OPTIONS", "GET"] {
            let answer = ask(method, origin).await;
            assert!(answer.header("access-control-allow-origin").is_none(), "{answer:?}");
        }
    }
    app.finish().await;

    let closed = TestApp::on_sqlite(&[]).await;
    let request = closed.http.request("GET", "/api/payment/pricing");
    let answer = send(request.header("origin", "https://app.example.com")).await;
    assert!(answer.status == 200 && answer.header("access-control-allow-origin").is_none());
    closed.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_may_send_what_the_clients_of_every_format_send_and_nothing_else() {
    let origin = "https://app.example.com";
    let app = TestApp::on_sqlite(&[("CAPE_HTTP__CORS_ORIGINS", origin)]).await;
    let asks = async |path: &str, headers: &str| {
        let asked = app.http.request("OPTIONS", path).header("origin", origin);
        let asked = asked.header("access-control-request-method", "POST");
        send(asked.header("access-control-request-headers", headers)).await
    };
    for (path, headers) in [
        ("/v1/chat/completions", "authorization,content-type,idempotency-key,x-stainless-lang"),
        ("/v1/messages", "x-api-key,anthropic-version,anthropic-dangerous-direct-browser-access"),
        ("/v1beta/models/m:generateContent", "x-goog-api-key,x-goog-api-client"),
        ("/api/auth/refresh", "x-csrf-token"),
    ] {
        let answer = asks(path, headers).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let allowed = answer.header("access-control-allow-headers").expect("headers");
        let allowed = allowed.to_lowercase();
        for header in headers.split(',') {
            assert!(allowed.contains(header), "{header} is not in {allowed}");
        }
    }
    for header in ["x-forwarded-for", "cookie", "x-real-ip"] {
        let answer = asks("/v1/chat/completions", header).await;
        assert_eq!(answer.status, 400, "{header}: {answer:?}");
        assert!(answer.header("access-control-allow-headers").is_none());
    }
    app.finish().await;
}
