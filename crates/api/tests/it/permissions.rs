//! Who may do what, asked of every operation that the contract knows.
use cape_domain::{
    access::{AccessClaims, Role},
    accounts::Membership,
    ids::WorkspaceId,
    store::{Durability, Scope, Store as _},
};
use chrono::Utc;
use serde_json::{Value, json};

use crate::app::{
    Answer, Http, TestApp,
    caller::{Person, send},
};

/// Every operation that is not public, with the permission that it needs of a person. Programs
/// sign in with a key, and a key is good for spending.
const PERMISSIONS: [(&str, &str); 12] = [
    ("createApiKey", "access.keys"),
    ("createChatCompletion", "usage.spend, by API key"),
    ("getCredits", "billing.view"),
    ("getProfile", "accounts.view"),
    ("getUsageQuota", "usage.view"),
    ("getUsageRecord", "usage.view"),
    ("getUsageSummary", "usage.view"),
    ("listApiKeys", "access.keys"),
    ("listModels", "usage.spend, by API key"),
    ("listUsageRecords", "usage.view"),
    ("purchaseCredits", "billing.manage"),
    ("revokeApiKey", "access.keys"),
];

/// What everybody who is signed in may do. It is asked for last: it ends the session.
const LOGOUT: (&str, &str) = ("logout", "accounts.sign_out");

/// Operations that ask nobody who they are.
const PUBLIC: [&str; 15] = [
    "getDatabaseHealth",
    "getHealth",
    "getInfo",
    "getKeySet",
    "getLiveness",
    "getMetrics",
    "getPricing",
    "getReadiness",
    "getRedisHealth",
    "getVaultHealth",
    "getVersion",
    "login",
    "receiveStripeWebhook",
    "refresh",
    "register",
];

/// An operation of the contract.
struct Operation {
    id: String,
    method: String,
    path: String,
    /// By what it wants its caller to sign in, if at all.
    scheme: Option<String>,
}

impl Operation {
    /// Asks for it, with a body that is in order. Ids are of the right kind, and of nothing.
    async fn ask(&self, http: &Http, bearer: Option<&str>) -> Answer {
        let kind = if self.path.contains("records") { "cal" } else { "key" };
        let path = self.path.replace("{id}", &format!("{kind}_{}", "0".repeat(32)));
        let mut request = http.request(&self.method, &path);
        if self.method == "POST" {
            request = request.json(&match self.id.as_str() {
                "createApiKey" => json!({ "name": "test" }),
                "purchaseCredits" => json!({ "pack": "small" }),
                _ => json!({}),
            });
        }
        send(match bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        })
        .await
    }
}

async fn operations(app: &TestApp) -> Vec<Operation> {
    let document = app.http.get("/openapi.json").await.with(200);
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let schemes = operation["security"].as_array().expect("it says who may");
            let named = schemes.first().and_then(Value::as_object).expect("one way to sign in");
            all.push(Operation {
                id: operation["operationId"].as_str().expect("a name").to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                scheme: named.keys().next().cloned(),
            });
        }
    }
    all.sort_by(|a, b| (a.id == LOGOUT.0, &a.id).cmp(&(b.id == LOGOUT.0, &b.id)));
    all
}

#[expect(clippy::disallowed_methods, reason = "the platform under test runs by the same clock")]
fn claims(app: &TestApp, person: &Person) -> AccessClaims {
    app.instance.platform.services.tokens.verify(&person.access, Utc::now()).expect("a good token")
}

/// The same person, active in another workspace.
fn active_in(app: &TestApp, person: &Person, workspace: WorkspaceId) -> Person {
    let claims = AccessClaims { workspace, ..claims(app, person) };
    let access = app.instance.platform.services.tokens.sign(&claims).expose().to_owned();
    Person { access, ..person.clone() }
}

/// Somebody who has this role in the workspace.
async fn member(app: &TestApp, workspace: WorkspaceId, role: Role) -> Person {
    let person = app.person(role.name()).await;
    let AccessClaims { user, issued_at: created_at, .. } = claims(app, &person);
    let mut work =
        app.instance.store.begin(Scope::Platform, Durability::Power).await.expect("work");
    let place = Membership { workspace, user, role, created_at };
    work.workspaces().add(&place).await.expect("a new member");
    work.commit().await.expect("committed");
    active_in(app, &person, workspace)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_that_is_not_public_asks_who_calls() {
    let app = TestApp::on_sqlite(&[]).await;
    let mut public = Vec::new();
    for operation in operations(&app).await {
        let answer = operation.ask(&app.http, None).await;
        match operation.scheme.as_deref() {
            Some("access_token") => {
                answer.problem(401, "access.unauthenticated");
            }
            Some("api_key") => {
                answer.error(401, "invalid_api_key");
            }
            Some(other) => panic!("{other} is no way to sign in"),
            None => {
                assert_ne!(answer.status, 401, "{}", operation.id);
                public.push(operation.id);
            }
        }
    }
    assert_eq!(public, PUBLIC);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_needs_the_permission_that_stands_in_the_table() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    // Somebody who signed in, and who is nothing in the workspace.
    let nobody = active_in(&app, &app.person("bob").await, claims(&app, &ada).workspace);
    let mut found = Vec::new();
    for operation in operations(&app).await {
        match operation.scheme.as_deref() {
            Some("access_token") => {
                let refused = operation.ask(&app.http, Some(&nobody.access)).await;
                let problem = refused.problem(403, "access.forbidden");
                let detail = problem["detail"].as_str().expect("a text").to_owned();
                let permission = detail.split('`').nth(1).expect("a permission").to_owned();
                found.push((operation.id, permission));
            }
            Some(_) => {
                let refused = operation.ask(&app.http, Some(&nobody.access)).await;
                refused.error(401, "invalid_api_key");
                found.push((operation.id, "usage.spend, by API key".to_owned()));
            }
            None => {}
        }
    }
    let found: Vec<_> = found.iter().map(|(id, needs)| (id.as_str(), needs.as_str())).collect();
    assert_eq!(found, [&PERMISSIONS[..], &[LOGOUT]].concat());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_do_what_it_is_for_and_is_told_what_it_lacks() {
    let viewer = &["accounts.view", "accounts.sign_out", "usage.view"][..];
    let member_too = &["billing.view"][..];
    let owner_too = &["billing.manage", "access.keys"][..];
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    let workspace = claims(&app, &ada).workspace;
    let operations = operations(&app).await;
    for (role, may) in [
        (Role::Viewer, viewer.to_vec()),
        (Role::Member, [viewer, member_too].concat()),
        (Role::Owner, [viewer, member_too, owner_too].concat()),
    ] {
        let person = member(&app, workspace, role).await;
        for operation in &operations {
            let named = PERMISSIONS.iter().chain([&LOGOUT]).find(|(id, _)| *id == operation.id);
            let Some((_, permission)) = named else { continue };
            if operation.scheme.as_deref() != Some("access_token") {
                continue;
            }
            let answer = operation.ask(&app.http, Some(&person.access)).await;
            if may.contains(permission) {
                assert!(![401, 403].contains(&answer.status), "{role:?} {}", operation.id);
            } else {
                let problem = answer.problem(403, "access.forbidden");
                let detail = problem["detail"].as_str().expect("a text");
                assert!(detail.contains(&format!("`{permission}`")), "{detail}");
            }
        }
    }
    let keys = ada.get("/api/keys").await.with(200);
    assert_eq!(keys["data"].as_array().map(Vec::len), Some(1), "only an owner made one");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_another_workspace_is_not_there() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, own) = app.program("ada").await;
    let (bob, other) = app.program("bob").await;
    let answer = other.say("gpt-4o-mini", "hello").await;
    let call = answer.header("x-cape-call-id").expect("a call").to_owned();
    bob.record(&call).await;
    let refused = ada.get(&format!("/api/usage/records/{call}")).await;
    refused.problem(404, "call.not_found");
    let refused = ada.delete(&format!("/api/keys/{}", other.id)).await;
    refused.problem(404, "api_key.not_found");
    other.models().await.with(200);
    let keys = ada.get("/api/keys").await.with(200);
    assert_eq!(keys["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(keys["data"][0]["id"], own.id);
    assert_eq!(ada.get("/api/usage/records").await.with(200)["data"], json!([]));
    assert_eq!(ada.get("/api/usage/summary").await.with(200)["calls"], 0);
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 0);
    app.finish().await;
}
