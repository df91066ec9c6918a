//! Who calls: somebody unknown, a person who signed in, and a program with a key.
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect::Policy};
use serde_json::{Value, json};

use super::{Answer, TestApp, eventually, stream::Stream};

/// A password that nobody finds weak.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Somebody unknown.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    base: String,
}

impl Http {
    /// Somebody who calls the platform that is there.
    pub(crate) fn to(base: String) -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only([]);
        Self { client: client.build().expect("a client"), base }
    }

    /// Where the platform is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A request to a path, or to a whole address.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().expect("a method");
        if path.starts_with("http://") {
            return self.client.request(method, path);
        }
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request("POST", path).json(body)).await
    }

    pub(crate) async fn register(&self, email: &str) -> Answer {
        self.post("/api/auth/register", &json!({ "email": email, "password": PASSWORD })).await
    }

    pub(crate) async fn login(&self, email: &str) -> Answer {
        self.post("/api/auth/login", &json!({ "email": email, "password": PASSWORD })).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/api/auth/refresh", &json!({ "refresh_token": token })).await
    }

    /// Signs somebody in who signed up before.
    pub(crate) async fn sign_in(&self, email: &str) -> Person {
        Person::of(self.clone(), &self.login(email).await.with(200))
    }

    /// Pays on the page of the sandbox, as a browser does: it submits the first form.
    pub(crate) async fn pay(&self, checkout_url: &str) {
        let page = self.get(checkout_url).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let (_, form) = page.text.split_once("<form ").expect("a form");
        let (_, action) = form.split_once("action=\"").expect("an action");
        let (action, _) = action.split_once('"').expect("its end");
        let (origin, _) = checkout_url.split_once("/stripe/").expect("a page of the sandbox");
        let paid = send(self.request("POST", &format!("{origin}{action}"))).await;
        assert_eq!(paid.status, 303, "{}", paid.text);
    }
}

/// Sends a request, and reads the answer to its end.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    Answer::of(super::soon(request.send()).await.expect("an answer")).await
}

impl TestApp {
    /// Somebody who signs up and in.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let email = format!("{name}@example.com");
        self.http.register(&email).await.with(201);
        self.http.sign_in(&email).await
    }

    /// Somebody who signs up, whose address is vouched for, and who signs in.
    pub(crate) async fn verified_person(&self, name: &str) -> Person {
        let email = format!("{name}@example.com");
        self.http.register(&email).await.with(201);
        self.vouch(&email).await;
        self.http.sign_in(&email).await
    }

    /// Somebody who operates the platform, and is signed in.
    pub(crate) async fn operator(&self, name: &str) -> Person {
        let email = format!("{name}@example.com");
        self.http.register(&email).await.with(201);
        self.vouch(&email).await;
        let address = email.parse().expect("an address");
        self.instance.platform.services.operators.promote(&address).await.expect("promoted");
        self.http.sign_in(&email).await
    }

    /// Takes an address as verified, as an operator does.
    pub(crate) async fn vouch(&self, email: &str) {
        let address = email.parse().expect("an address");
        self.instance.platform.services.verification.vouch(&address).await.expect("vouched for");
    }

    /// A program of somebody who signs up for it.
    pub(crate) async fn program(&self, owner: &str) -> (Person, Program) {
        let person = self.person(owner).await;
        let program = person.program().await;
        (person, program)
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) http: Http,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// A workspace's credits, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credits {
    pub(crate) balance: i64,
    pub(crate) held: i64,
    pub(crate) owed: i64,
}

impl Credits {
    /// So many that are free, and none that are not.
    pub(crate) const fn free(balance: i64) -> Self {
        Self { balance, held: 0, owed: 0 }
    }
}

impl Person {
    /// Whom these tokens were given to.
    pub(crate) fn of(http: Http, signed_in: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (access, refresh) = (&signed_in["access_token"], &signed_in["refresh_token"]);
        Self { http, access: text(access), refresh: text(refresh) }
    }

    /// The same, with another access token. What gives one leaves the refresh token alone.
    #[track_caller]
    pub(crate) fn renewed(&self, answer: &Value) -> Self {
        assert!(answer.get("refresh_token").is_none(), "{answer}");
        let access = answer["access_token"].as_str().expect("a text").to_owned();
        Self { access, ..self.clone() }
    }

    /// The same, at another platform.
    pub(crate) fn at(&self, app: &TestApp) -> Self {
        Self { http: app.http.clone(), ..self.clone() }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(method, path).bearer_auth(&self.access)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request("POST", path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request("DELETE", path)).await
    }

    pub(crate) async fn log_out(&self) -> Answer {
        send(self.request("POST", "/api/auth/logout")).await
    }

    /// A program with a new key.
    pub(crate) async fn program(&self) -> Program {
        let made = self.post("/api/keys", &json!({ "name": "test" })).await.with(201);
        let text = |field: &str| made[field].as_str().expect("a text").to_owned();
        Program { http: self.http.clone(), id: text("id"), key: text("key") }
    }

    pub(crate) async fn credits(&self) -> Credits {
        let account = self.get("/api/payment/credits").await.with(200);
        let micros = |field: &str| micros(&account[field]);
        Credits { balance: micros("balance"), held: micros("held"), owed: micros("owed") }
    }

    /// Waits until there are so many credits, and nothing is held.
    pub(crate) async fn has(&self, balance: i64) {
        eventually(&format!("the balance is {balance}"), async || {
            self.credits().await == Credits::free(balance)
        })
        .await;
    }

    /// Orders a pack, and says where it is paid.
    pub(crate) async fn order(&self, pack: &str) -> String {
        let body = json!({ "pack": pack });
        let order = self.post("/api/payment/credits/purchase", &body).await.with(201);
        assert_eq!(order["provider"], "stripe");
        assert!(order["order_id"].as_str().is_some_and(|id| id.starts_with("ord_")), "{order}");
        order["checkout_url"].as_str().expect("an address").to_owned()
    }

    /// The receipt of a call.
    pub(crate) async fn record(&self, call: &str) -> Value {
        self.get(&format!("/api/usage/records/{call}")).await.with(200)
    }

    /// The receipt of a call, once that is over.
    pub(crate) async fn ended(&self, call: &str) -> Value {
        eventually("the call ends", async || self.record(call).await["state"] != "running").await;
        self.record(call).await
    }
}

/// A program that signs in with a key.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) http: Http,
    pub(crate) id: String,
    pub(crate) key: String,
}

impl Program {
    /// The same, at another platform.
    pub(crate) fn at(&self, app: &TestApp) -> Self {
        Self { http: app.http.clone(), ..self.clone() }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(method, path).bearer_auth(&self.key)
    }

    pub(crate) async fn models(&self) -> Answer {
        send(self.request("GET", "/v1/models")).await
    }

    /// Asks a model.
    pub(crate) async fn chat(&self, body: &Value) -> Answer {
        loop {
            let answer = send(self.request("POST", "/v1/chat/completions").json(body)).await;
            if !is_closed(&answer) {
                return answer;
            }
        }
    }

    /// Says something to a model.
    pub(crate) async fn say(&self, model: &str, text: &str) -> Answer {
        self.chat(&saying(model, text)).await
    }

    /// Asks for an answer in pieces, with its usage at the end.
    pub(crate) async fn stream(&self, body: &Value) -> Stream {
        let mut body = body.clone();
        body["stream"] = true.into();
        body["stream_options"] = json!({ "include_usage": true });
        loop {
            let request = self.request("POST", "/v1/chat/completions").json(&body);
            let response = super::soon(request.send()).await.expect("an answer");
            if response.status() == StatusCode::OK {
                return Stream::of(response);
            }
            let answer = Answer::of(response).await;
            assert!(is_closed(&answer), "{}", answer.text);
        }
    }
}

/// Whether paid routes are closed. They are when the machine was so busy that the platform could
/// not ask for a second what was taken back; whoever is told so comes back.
fn is_closed(answer: &Answer) -> bool {
    answer.status == 503 && answer.json()["error"]["code"] == "paid_calls_closed"
}

/// One message of a user, for a model.
pub(crate) fn saying(model: &str, text: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": text }] })
}

/// Credits as they are written, in millionths.
pub(crate) fn micros(credits: &Value) -> i64 {
    let text = credits.as_str().expect("a text");
    let (whole, part) = text.split_once('.').expect("a point");
    assert_eq!(part.len(), 6, "{text}");
    format!("{whole}{part}").parse().expect("a number")
}
