//! Bodies that cannot be read at all.
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use super::Before;
use crate::app::{
    Answer, TestApp,
    caller::{PASSWORD, Person, send},
};

/// Every write below `/api` that has a body, with one that would be taken.
fn writes() -> [(&'static str, Value); 5] {
    [
        ("/api/auth/register", json!({ "email": "bob@example.com", "password": PASSWORD })),
        ("/api/auth/login", json!({ "email": "ada@example.com", "password": PASSWORD })),
        ("/api/auth/refresh", json!({ "refresh_token": "cape_rt_1" })),
        ("/api/keys", json!({ "name": "key" })),
        ("/api/payment/credits/purchase", json!({ "pack": "small" })),
    ]
}

async fn post(ada: &Person, path: &str, body: Vec<u8>) -> Answer {
    let request = ada.request("POST", path).header("content-type", "application/json");
    send(request.body(body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_no_json_is_refused_by_every_write() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    let before = Before::at(&app).await;
    for (path, good) in writes() {
        let good = good.to_string();
        let (nested, open) = (["[".repeat(65), "]".repeat(65)].concat(), "[".repeat(200_000));
        for (body, code) in [
            (b"".to_vec(), "request.malformed_json"),
            (b"{".to_vec(), "request.malformed_json"),
            (b"name=value".to_vec(), "request.malformed_json"),
            (format!("{good} x").into_bytes(), "request.malformed_json"),
            (format!("{good}{good}").into_bytes(), "request.malformed_json"),
            (good.replace(':', "=").into_bytes(), "request.malformed_json"),
            (good.replace("\"}", "\\ud800\"}").into_bytes(), "request.malformed_json"),
            (
                [good.trim_end_matches("\"}").as_bytes(), b"\xff\"}"].concat(),
                "request.malformed_json",
            ),
            (good.replace("\"}", "\u{1}\"}").into_bytes(), "request.malformed_json"),
            (b"null".to_vec(), "request.wrong_shape"),
            (b"[]".to_vec(), "request.wrong_shape"),
            (b"\"text\"".to_vec(), "request.wrong_shape"),
            (nested.into_bytes(), "request.too_deep"),
            (open.into_bytes(), "request.too_deep"),
        ] {
            let refused = post(&ada, path, body).await;
            refused.problem(400, code);
        }
        for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"] {
            let request = ada.request("POST", path).header("content-type", kind);
            send(request.body(good.clone())).await.problem(415, "request.not_json");
        }
    }
    before.still_holds(&app).await;
    app.finish().await;
}

/// A refresh token may be absent: a browser has it in a cookie.
fn wrong_is_absent(path: &str, value: &Value) -> bool {
    path == "/api/auth/refresh" && value.is_null()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_another_shape_is_refused_by_every_write() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    let before = Before::at(&app).await;
    for (path, good) in writes() {
        let mut unknown = good.clone();
        unknown["role"] = "owner".into();
        let refused = post(&ada, path, unknown.to_string().into()).await;
        let problem = refused.problem(400, "request.wrong_shape");
        assert!(problem["detail"].as_str().is_some_and(|it| it.contains("role")), "{problem}");

        let fields = good.as_object().expect("an object");
        let values: Vec<&Value> = fields.values().collect();
        let in_a_row = serde_json::to_vec(&values).expect("JSON");
        post(&ada, path, in_a_row).await.problem(400, "request.wrong_shape");
        for name in fields.keys() {
            for wrong in [json!(1), json!(true), json!(null), json!([]), json!({})] {
                let mut body = good.clone();
                body[name] = wrong;
                let refused = post(&ada, path, body.to_string().into()).await;
                if wrong_is_absent(path, &body[name]) {
                    refused.problem(401, "auth.invalid_refresh_token");
                } else {
                    refused.problem(400, "request.wrong_shape");
                }
            }
            let mut without = good.clone();
            without.as_object_mut().expect("an object").remove(name);
            let refused = post(&ada, path, without.to_string().into()).await;
            if wrong_is_absent(path, &json!(null)) {
                refused.problem(401, "auth.invalid_refresh_token");
            } else {
                refused.problem(400, "request.wrong_shape");
            }
            let twice = good.to_string().replacen('{', &format!("{{\"{name}\":\"x\","), 1);
            post(&ada, path, twice.into()).await.problem(400, "request.wrong_shape");
        }
    }
    before.still_holds(&app).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_over_ten_megabytes_is_refused_before_it_is_sent() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let before = Before::at(&app).await;
    let too_large = (10 << 20) + 1;
    for (path, bearer) in [
        ("/api/auth/register", ""),
        ("/api/keys", ada.access.as_str()),
        ("/api/payment/webhook", ""),
        ("/v1/chat/completions", program.key.as_str()),
    ] {
        let answer = announce(app.instance.address, path, bearer, too_large);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");
        let code = "\"code\":\"request.too_large\"";
        assert!(answer.contains(code), "{path}: {answer}");
    }
    // One that is just not too large is read.
    let request = app.http.request("POST", "/api/payment/webhook").body(vec![b' '; 10 << 20]);
    send(request).await.problem(400, "webhook.invalid_signature");
    before.still_holds(&app).await;
    app.finish().await;
}

/// Announces a body of this length, and reads the answer without ever sending it.
fn announce(platform: std::net::SocketAddr, path: &str, bearer: &str, length: usize) -> String {
    let mut connection = TcpStream::connect(platform).expect("a connection");
    connection.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    write!(
        connection,
        "POST {path} HTTP/1.1\r\nhost: cape\r\nauthorization: Bearer {bearer}\r\n\
         stripe-signature: t=1\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{{"
    )
    .expect("a request");
    let mut answer = Vec::new();
    // The connection is closed over what was announced: the answer was sent before.
    drop(connection.read_to_end(&mut answer));
    String::from_utf8(answer).expect("text")
}
