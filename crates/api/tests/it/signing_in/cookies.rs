//! Tokens in cookies, for browsers.
use std::sync::Arc;

use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};

use super::is_done;
use crate::app::{
    Answer, Place, TestApp,
    caller::{PASSWORD, Person, send},
    on_both_databases,
};

on_both_databases!(a_browser_stays_signed_in_if_its_own_page_asks);

const ADA: &str = "ada@example.com";
const REFRESH: &str = "__Host-cape_refresh";
const CSRF: &str = "__Host-cape_csrf";

/// A browser that is signed in.
struct Browser {
    refresh: String,
    csrf: String,
    body: Value,
}

/// The cookies of an answer: name, value, and attributes.
fn set_cookies(answer: &Answer) -> Vec<(String, String, String)> {
    let all = answer.headers.get_all(SET_COOKIE).iter();
    let parts = all.map(|header| {
        let text = header.to_str().expect("a text");
        let (name, rest) = text.split_once('=').expect("a name");
        let (value, attributes) = rest.split_once("; ").expect("attributes");
        (name.to_owned(), value.to_owned(), attributes.to_owned())
    });
    parts.collect()
}

impl Browser {
    /// A browser that was just given its cookies.
    #[track_caller]
    fn of(answer: &Answer) -> Self {
        let body = answer.with(200);
        let cookies = set_cookies(answer);
        let [(first, refresh, hidden), (second, csrf, shown)] = &cookies[..] else {
            panic!("{cookies:?}");
        };
        assert_eq!((first.as_str(), second.as_str()), (REFRESH, CSRF));
        assert_eq!(hidden, "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=2592000");
        assert_eq!(shown, "SameSite=Lax; Secure; Path=/; Max-Age=2592000");
        assert!(body.get("refresh_token").is_none(), "{body}");
        assert_eq!(body["csrf_token"], *csrf);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        Self { refresh: refresh.clone(), csrf: csrf.clone(), body }
    }

    async fn sign_in(app: &TestApp) -> Self {
        let body = json!({ "email": ADA, "password": PASSWORD, "transport": "cookie" });
        Self::of(&app.http.post("/api/auth/login", &body).await)
    }

    /// Asks for the next pair, with these cookies for the page, and this header of the page's.
    async fn refresh(&self, app: &TestApp, cookie: Option<&str>, header: Option<&str>) -> Answer {
        let csrf = cookie.map_or_else(String::new, |csrf| format!("; {CSRF}={csrf}"));
        let request = app.http.request("POST", "/api/auth/refresh").json(&json!({}));
        let request = request.header("cookie", format!("{REFRESH}={}{csrf}", self.refresh));
        send(match header {
            Some(header) => request.header("x-csrf-token", header),
            None => request,
        })
        .await
    }

    fn person(&self, app: &TestApp) -> Person {
        let access = self.body["access_token"].as_str().expect("a token").to_owned();
        Person { http: app.http.clone(), access, refresh: self.refresh.clone() }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_gets_cookies_that_no_script_and_no_other_host_can_read() {
    let app = TestApp::on_sqlite(&[]).await;
    app.verified_person("ada").await;
    let browser = Browser::sign_in(&app).await;
    browser.person(&app).get("/api/user/profile").await.with(200);
    // A cookie is no bearer.
    let request = app.http.request("GET", "/api/user/profile");
    let cookie = format!("{REFRESH}={}", browser.refresh);
    send(request.header("cookie", cookie)).await.problem(401, "access.unauthenticated");
    // Codes sign in alike, and whoever does not ask for cookies gets none.
    app.http.post("/api/auth/code/request", &json!({ "email": ADA })).await.with(202);
    let code = app.mail(ADA, "Your code to sign in").await.code().to_owned();
    let body = json!({ "email": ADA, "code": code, "transport": "cookie" });
    Browser::of(&app.http.post("/api/auth/code/login", &body).await);
    let plain = app.http.login(ADA).await;
    assert!(plain.with(200).get("csrf_token").is_none());
    assert_eq!(set_cookies(&plain), []);
    let body = json!({ "email": ADA, "password": PASSWORD, "transport": "pigeon" });
    app.http.post("/api/auth/login", &body).await.problem(400, "request.wrong_shape");
    app.finish().await;
}

async fn a_browser_stays_signed_in_if_its_own_page_asks(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    app.http.register(ADA).await.with(201);
    let browser = Browser::sign_in(&app).await;
    let other = Browser::sign_in(&app).await;
    assert_ne!(browser.csrf, other.csrf);
    let (own, foreign) = (Some(browser.csrf.as_str()), Some(other.csrf.as_str()));
    for (cookie, header) in [
        (None, None),
        (own, None),
        (None, own),
        (own, Some("x")),
        (Some("x"), own),
        (own, Some("")),
        (Some("x"), Some("x")),
        (Some(""), Some("")),
        // It has to belong to this very session.
        (own, foreign),
        (foreign, foreign),
    ] {
        let refused = browser.refresh(&app, cookie, header).await;
        refused.problem(403, "auth.csrf");
        assert_eq!(set_cookies(&refused), []);
    }
    let next = Browser::of(&browser.refresh(&app, own, own).await);
    assert_ne!(next.refresh, browser.refresh);
    next.person(&app).get("/api/user/profile").await.with(200);

    // In the body or in the cookie, not in both, and not in neither.
    let cookie = format!("{REFRESH}={}", next.refresh);
    let request = app.http.request("POST", "/api/auth/refresh").header("cookie", cookie);
    let both = send(request.json(&json!({ "refresh_token": next.refresh }))).await;
    both.problem(400, "auth.ambiguous_credentials");
    let neither = app.http.post("/api/auth/refresh", &json!({})).await;
    neither.problem(401, "auth.invalid_refresh_token");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_takes_the_cookies_away() {
    let app = TestApp::on_sqlite(&[]).await;
    app.http.register(ADA).await.with(201);
    for path in ["/api/auth/logout", "/api/auth/logout-all"] {
        let browser = Browser::sign_in(&app).await;
        let out = send(browser.person(&app).request("POST", path)).await;
        is_done(&out);
        let gone = |name: &str, hidden: &str| {
            let attributes = format!("{hidden}SameSite=Lax; Secure; Path=/; Max-Age=0");
            (name.to_owned(), String::new(), attributes)
        };
        assert_eq!(set_cookies(&out), [gone(REFRESH, "HttpOnly; "), gone(CSRF, "")]);
        let csrf = Some(browser.csrf.as_str());
        let refused = browser.refresh(&app, csrf, csrf).await;
        refused.problem(401, "auth.invalid_refresh_token");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_access_token_tells_no_page_what_its_cookies_keep_from_it() {
    let app = TestApp::on_sqlite(&[]).await;
    app.http.register(ADA).await.with(201);
    let browser = Browser::sign_in(&app).await;
    let workspace = browser.body["workspace"]["id"].clone();
    for (path, body) in [
        ("/api/auth/reauthenticate", json!({ "password": PASSWORD })),
        ("/api/auth/switch", json!({ "workspace_id": workspace })),
    ] {
        // A script can leave the cookies out: nothing may come of it.
        let answer = send(browser.person(&app).request("POST", path).json(&body)).await;
        let told = answer.with(200);
        assert!(told["access_token"].is_string(), "{path}");
        assert!(told.get("refresh_token").is_none() && told.get("csrf_token").is_none(), "{path}");
        assert_eq!(set_cookies(&answer), [], "{path}");
    }
    app.finish().await;
}
