//! Fields, queries and paths whose values are not acceptable.
use std::sync::Arc;

use serde_json::{Value, json};

use super::Before;
use crate::app::{Place, TestApp, caller::PASSWORD, on_both_databases};

on_both_databases!(
    a_field_that_is_not_acceptable_is_named,
    what_is_not_sold_is_refused,
    wrong_credentials_are_all_the_same,
    pages_and_paths_that_nobody_gave_out_are_refused,
);

/// Texts that are in no name.
fn disturbing() -> [Value; 8] {
    let long = "x".repeat(101);
    let longest = "x".repeat(1_000_000);
    ["", "   ", "a\0b", "a\nb", "a\u{1b}[2Jb", "a\u{202E}b", &long, &longest].map(Value::from)
}

async fn a_field_that_is_not_acceptable_is_named(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let before = Before::at(&app).await;
    let long = format!("{}@example.com", "a".repeat(250));
    let register = |field: &str, value: Value| {
        let mut body = json!({ "email": "bob@example.com", "password": PASSWORD });
        body[field] = value;
        body
    };
    for email in [
        "",
        "bob",
        "bob@",
        "@example.com",
        "bob@localhost",
        "b\0b@example.com",
        "bob@example.com\n",
        "b b@example.com",
        "Bob <bob@example.com>",
        "bob@[127.0.0.1]",
        &long,
    ] {
        // Space around an address is left out, and nothing else.
        let body = register("email", format!("{email}\0").into());
        app.http.post("/api/auth/register", &body).await.blames("email");
        if !email.ends_with('\n') {
            let body = register("email", email.into());
            app.http.post("/api/auth/register", &body).await.blames("email");
        }
    }
    for password in ["", "short", "aaaaaaaaaaaaaaaa", "bob@example.com", &"x1Y2".repeat(40)] {
        let body = register("password", password.into());
        app.http.post("/api/auth/register", &body).await.blames("password");
    }
    for kind in ["", "admin", "owner", "Customer", "developer\0"] {
        let body = register("user_type", kind.into());
        app.http.post("/api/auth/register", &body).await.blames("user_type");
    }
    for text in disturbing() {
        for field in ["full_name", "company"] {
            let body = register(field, text.clone());
            app.http.post("/api/auth/register", &body).await.blames(field);
        }
        ada.post("/api/keys", &json!({ "name": text })).await.blames("name");
    }
    before.still_holds(&app).await;
    app.finish().await;
}

async fn what_is_not_sold_is_refused(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let before = Before::at(&app).await;
    let long = "x".repeat(100_000);
    for pack in
        ["", "tiny", "SMALL", " small", "small\0", "a\nb", "%00", "'; DROP TABLE packs; --", &long]
    {
        let body = json!({ "pack": pack });
        let refused = ada.post("/api/payment/credits/purchase", &body).await;
        refused.problem(400, "billing.unknown_pack");
    }
    for currency in ["", "usd", "US", "XXXX", "U\0D", "$"] {
        let body = json!({ "pack": "small", "currency": currency });
        ada.post("/api/payment/credits/purchase", &body).await.blames("currency");
    }
    let body = json!({ "pack": "small", "currency": "EUR" });
    let refused = ada.post("/api/payment/credits/purchase", &body).await;
    refused.problem(400, "billing.currency_not_sold");
    before.still_holds(&app).await;
    app.finish().await;
}

async fn wrong_credentials_are_all_the_same(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let key = ada.program().await.key;
    let before = Before::at(&app).await;
    let long = "x".repeat(100_000);
    let mut details = Vec::new();
    for (email, password) in [
        ("ada@example.com", "correct horse battery stable"),
        ("ada@example.com", ""),
        ("ada@example.com", "a\0b"),
        ("ada@example.com", &long),
        ("nobody@example.com", PASSWORD),
        ("ada", PASSWORD),
        ("ada\0@example.com", PASSWORD),
        (&long, PASSWORD),
    ] {
        let body = json!({ "email": email, "password": password });
        let refused = app.http.post("/api/auth/login", &body).await;
        details.push(refused.problem(401, "auth.invalid_credentials")["detail"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1, "it is not said what was wrong: {details:?}");

    let (head, secret) = ada.refresh.rsplit_once('.').expect("a secret");
    let (session, _) = head.rsplit_once('.').expect("a generation");
    let turned: String = secret.chars().rev().collect();
    for token in [
        String::new(),
        "\0".to_owned(),
        long,
        key,
        ada.access.clone(),
        head.to_owned(),
        format!("{head}.{turned}"),
        format!("{session}.2.{secret}"),
        format!("{session}.0.{secret}"),
        format!("{session}.4294967296.{secret}"),
        format!("{}0", ada.refresh),
        ada.refresh.to_uppercase(),
    ] {
        app.http.refresh(&token).await.problem(401, "auth.invalid_refresh_token");
    }
    ada.get("/api/user/profile").await.with(200);
    before.still_holds(&app).await;
    app.finish().await;
}

async fn pages_and_paths_that_nobody_gave_out_are_refused(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let before = Before::at(&app).await;
    for list in ["/api/keys", "/api/usage/records"] {
        for limit in ["0", "101", "4294967295"] {
            ada.get(&format!("{list}?limit={limit}")).await.blames("limit");
        }
        for query in
            ["limit=-1", "limit=ten", "limit=4294967296", "limit=", "page=2", "limit=1&limit=2"]
        {
            ada.get(&format!("{list}?{query}")).await.problem(400, "request.query");
        }
        let least = format!("-8000000000000000-{}", "0".repeat(32));
        for cursor in ["", "x", "1-1", "%00", "%ff", "-", &least, &"9".repeat(5_000)] {
            ada.get(&format!("{list}?cursor={cursor}")).await.blames("cursor");
        }
    }
    let of_another_kind = format!("key_{}", "0".repeat(32));
    for id in ["1", "%00", "%ff", "cal_", "..%2f", &of_another_kind, &"x".repeat(5_000)] {
        let record = ada.get(&format!("/api/usage/records/{id}")).await;
        record.problem(404, "path.invalid_id");
    }
    let nothing = format!("cal_{}", "0".repeat(32));
    ada.get(&format!("/api/usage/records/{nothing}")).await.problem(404, "call.not_found");
    ada.delete(&format!("/api/keys/{nothing}")).await.problem(404, "path.invalid_id");
    ada.delete(&format!("/api/keys/{of_another_kind}")).await.problem(404, "api_key.not_found");
    before.still_holds(&app).await;
    app.finish().await;
}
