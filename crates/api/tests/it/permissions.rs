//! Who may do what, asked of every operation that the contract knows.
use cape_domain::{
    access::{AccessClaims, Role},
    accounts::Membership,
    ids::WorkspaceId,
    store::{Durability, Scope, Store as _},
};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::app::{
    Answer, Http, TestApp,
    caller::{Person, send},
};

/// Every operation that is not public, with the permission that it needs.
const PERMISSIONS: [(&str, &str); 83] = [
    ("acceptInvitation", "accounts.sessions"),
    ("cancelSubscription", "billing.manage"),
    ("changeEmail", "accounts.email"),
    ("changeMemberRole", "accounts.members.manage"),
    ("changePassword", "accounts.password"),
    ("changeProfile", "accounts.edit"),
    ("changeSubscription", "billing.manage"),
    ("closeAccount", "accounts.close"),
    ("countMessageTokens", "usage.spend, by API key"),
    ("countTokens", "usage.spend, by API key"),
    ("countTokensV1", "usage.spend, by API key"),
    ("createApiKey", "access.keys.create"),
    ("createChatCompletion", "usage.spend, by API key"),
    ("createEmbedding", "usage.spend, by API key"),
    ("createLimitRule", "platform.operate"),
    ("createMessage", "usage.spend, by API key"),
    ("createModeration", "usage.spend, by API key"),
    ("createPlan", "platform.operate"),
    ("createResponse", "usage.spend, by API key"),
    ("deleteLimitRule", "platform.operate"),
    ("describeModel", "platform.operate"),
    ("disableMfa", "accounts.mfa"),
    ("generateContent", "usage.spend, by API key"),
    ("generateContentV1", "usage.spend, by API key"),
    ("getAiPerformance", "usage.view"),
    ("getCredits", "billing.view"),
    ("getGoogleModel", "usage.models, by API key"),
    ("getMfaStatus", "accounts.view"),
    ("getModel", "usage.models, by API key"),
    ("getPlan", "platform.view"),
    ("getProfile", "accounts.view"),
    ("getProviderCredential", "usage.credentials"),
    ("getSubscription", "billing.view"),
    ("getUsageLimits", "usage.view"),
    ("getUsageQuota", "usage.view"),
    ("getUsageRecord", "usage.view"),
    ("getUsageSummary", "usage.view"),
    ("getUsageTimeseries", "usage.view"),
    ("inviteMember", "accounts.members.manage"),
    ("listAiModels", "usage.view"),
    ("listAiProviders", "usage.view"),
    ("listApiKeys", "access.keys"),
    ("listGoogleModels", "usage.models, by API key"),
    ("listInvitations", "accounts.members"),
    ("listLimitRules", "platform.view"),
    ("listManagedModels", "platform.view"),
    ("listMembers", "accounts.members"),
    ("listModels", "usage.models, by API key"),
    ("listPlans", "platform.view"),
    ("listProviderCredentials", "usage.credentials"),
    ("listSessions", "accounts.sessions"),
    ("listSubscriptions", "billing.view"),
    ("listSwitches", "platform.view"),
    ("listUsageRecords", "usage.view"),
    ("listUsageViolations", "usage.view"),
    ("logout", "accounts.sign_out"),
    ("logoutAll", "accounts.sign_out"),
    ("priceModel", "platform.operate"),
    ("purchaseCredits", "billing.manage"),
    ("putProviderCredential", "usage.credentials.manage"),
    ("quoteSubscriptionChange", "billing.manage"),
    ("reauthenticate", "accounts.sessions"),
    ("releaseCalls", "platform.operate"),
    ("removeMember", "accounts.members.manage"),
    ("removeProviderCredential", "usage.credentials.manage"),
    ("renewRecoveryCodes", "accounts.mfa"),
    ("replaceLimitRule", "platform.operate"),
    ("resumeSubscription", "billing.manage"),
    ("retireModel", "platform.operate"),
    ("retirePlan", "platform.operate"),
    ("revisePlan", "platform.operate"),
    ("revokeApiKey", "access.keys"),
    ("revokeInvitation", "accounts.members.manage"),
    ("revokeOtherSessions", "accounts.sessions"),
    ("revokeSession", "accounts.sessions"),
    ("rotateApiKey", "access.keys.create"),
    ("setUpMfa", "accounts.mfa"),
    ("stopCalls", "platform.operate"),
    ("streamGenerateContent", "usage.spend, by API key"),
    ("streamGenerateContentV1", "usage.spend, by API key"),
    ("subscribe", "billing.manage"),
    ("switchWorkspace", "accounts.sessions"),
    ("verifyMfa", "accounts.mfa"),
];

/// What everybody who is signed in may do with the account that is its own.
const OWN: [&str; 8] = [
    "accounts.close",
    "accounts.edit",
    "accounts.email",
    "accounts.mfa",
    "accounts.password",
    "accounts.sessions",
    "accounts.sign_out",
    "accounts.view",
];

/// What operators may do, whatever they are in a workspace, and nobody else.
const PLATFORM: [&str; 2] = ["platform.operate", "platform.view"];

/// What needs a fresh proof of who one is.
const FRESH: [&str; 7] = [
    "access.keys.create",
    "accounts.close",
    "accounts.email",
    "accounts.members.manage",
    "accounts.mfa",
    "platform.operate",
    "usage.credentials.manage",
];

/// Operations that end the session: whoever asks for one asks for nothing more.
const LAST: [&str; 3] = ["closeAccount", "logout", "logoutAll"];

/// Operations that ask nobody who they are.
const PUBLIC: [&str; 28] = [
    "checkPassword",
    "confirmEmailChange",
    "forgotPassword",
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
    "loginWithCode",
    "loginWithSecondFactor",
    "receiveStripeWebhook",
    "refresh",
    "register",
    "requestLoginCode",
    "resendVerification",
    "resetPassword",
    "showEmailChangePage",
    "showRegisterPage",
    "showResetPage",
    "showVerifyPage",
    "verifyEmail",
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
        let kinds = [
            ("/records/", "cal"),
            ("/keys/", "key"),
            ("/subscriptions/", "sub"),
            ("/sessions/", "ses"),
            ("/members/", "usr"),
            ("/invitations/", "inv"),
        ];
        let kind = kinds.iter().find(|(part, _)| self.path.contains(part));
        let id = format!("{}_{}", kind.map_or("", |(_, kind)| kind), "0".repeat(32));
        let path = self.path.replace("{id}", &id).replace("{kind}/{target}", "model/nothing");
        let path = path.replace("{provider}", "openai");
        let mut request = http.request(&self.method, &path);
        if ["POST", "PUT", "PATCH"].contains(&&*self.method) {
            request = request.json(&self.body());
        }
        send(match bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        })
        .await
    }
}

impl Operation {
    /// A body that is in order, and changes nothing that others depend upon.
    fn body(&self) -> Value {
        match self.id.as_str() {
            "createApiKey" => json!({ "name": "test" }),
            "purchaseCredits" => json!({ "pack": "small" }),
            "changeSubscription" => json!({ "quote_id": format!("qte_{}", "0".repeat(32)) }),
            "subscribe" | "quoteSubscriptionChange" => {
                json!({ "plan": "nothing", "interval": "month" })
            }
            "createPlan" => json!({
                "code": "free", "name": "Taken", "prices": [], "models": ["small"],
                "limits": { "requests_per_month": 1, "requests_per_minute": 1,
                    "requests_per_hour": 1, "tokens_per_hour": 1 },
            }),
            "changeEmail" => json!({ "new_email": "other@example.com" }),
            "changeMemberRole" => json!({ "role": "viewer" }),
            "inviteMember" => json!({ "email": "carol@example.com", "role": "viewer" }),
            "changePassword" => json!({ "old_password": "x", "new_password": "y" }),
            "disableMfa" | "verifyMfa" | "renewRecoveryCodes" => json!({ "code": "123456" }),
            // Without one, it is refused as if it were bad.
            "refresh" => json!({ "refresh_token": 1 }),
            "introspect" | "acceptInvitation" => json!({ "token": "x" }),
            "putProviderCredential" => json!({ "api_key": "sk-test-1234" }),
            "reauthenticate" => json!({ "password": "x" }),
            "createLimitRule" | "replaceLimitRule" => json!({
                "name": "nothing", "applies_to": { "kind": "model", "target": "nothing" },
                "per": "user", "measure": "requests", "window": "minute", "limit": 1,
            }),
            "stopCalls" => json!({ "reason": "a test" }),
            "describeModel" => json!({
                "provider": "openai", "upstream": "m", "class": "small", "context_window": 0,
            }),
            "priceModel" => json!({ "version": "v", "price": { "kind": "free" } }),
            "switchWorkspace" => json!({ "workspace_id": format!("wsp_{}", "0".repeat(32)) }),
            _ => json!({}),
        }
    }

    fn permission(&self) -> &'static str {
        let named = PERMISSIONS.iter().find(|(id, _)| *id == self.id);
        named.unwrap_or_else(|| panic!("{} is not in the table", self.id)).1
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
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

#[expect(clippy::disallowed_methods, reason = "the platform under test runs by the same clock")]
fn claims(app: &TestApp, person: &Person) -> AccessClaims {
    app.instance.platform.services.tokens.verify(&person.access, Utc::now()).expect("a good token")
}

/// The same person, with a token that says something else.
fn saying(app: &TestApp, person: &Person, change: impl FnOnce(&mut AccessClaims)) -> Person {
    let mut claims = claims(app, person);
    change(&mut claims);
    let access = app.instance.platform.services.tokens.sign(&claims).expose().to_owned();
    Person { access, ..person.clone() }
}

/// Somebody who has this role in the workspace.
async fn member(app: &TestApp, workspace: WorkspaceId, role: Role, number: usize) -> Person {
    let person = app.person(&format!("{}{number}", role.name())).await;
    let AccessClaims { user, issued_at: created_at, .. } = claims(app, &person);
    let mut work =
        app.instance.store.begin(Scope::Platform, Durability::Power).await.expect("work");
    let place = Membership { workspace, user, role, created_at };
    work.workspaces().add(&place).await.expect("a new member");
    work.commit().await.expect("committed");
    saying(app, &person, |claims| (claims.workspace, claims.role) = (workspace, role))
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
            Some("api_key") if operation.path.starts_with("/v1/messages") => {
                answer.anthropic_error(401, "authentication_error");
            }
            Some("api_key")
                if operation.path.starts_with("/v1beta") || operation.path.contains(':') =>
            {
                assert_eq!(answer.with(401)["error"]["status"], "UNAUTHENTICATED");
            }
            Some("api_key") => {
                answer.error(401, "invalid_api_key");
            }
            Some("service_secret") => {
                answer.problem(503, "integration_disabled");
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
async fn what_needs_a_fresh_proof_is_refused_to_who_signed_in_long_ago() {
    let app = TestApp::on_sqlite(&[]).await;
    let stale = saying(&app, &app.person("ada").await, |claims| {
        claims.authenticated_at -= TimeDelta::minutes(11);
        claims.operator = true;
    });
    let mut found = Vec::new();
    for operation in operations(&app).await {
        let person = operation.scheme.as_deref() == Some("access_token");
        if !person || LAST[1..].contains(&&*operation.id) {
            continue;
        }
        let answer = operation.ask(&app.http, Some(&stale.access)).await;
        if answer.status == 403 {
            let problem = answer.problem(403, "access.reauthentication_required");
            let detail = problem["detail"].as_str().expect("a text");
            let permission = operation.permission();
            assert!(detail.contains(&format!("`{permission}`")), "{detail}");
            found.push(permission);
        } else {
            assert!(!FRESH.contains(&operation.permission()), "{}", operation.id);
        }
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, FRESH);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_do_what_it_is_for_and_is_told_what_it_lacks() {
    let viewer = [&OWN[..], &["usage.view", "accounts.members"]].concat();
    let member_too = [&viewer[..], &["billing.view", "usage.credentials"]].concat();
    let owner_too =
        ["billing.manage", "access.keys", "access.keys.create", "usage.credentials.manage"];
    let owner_too = [&member_too[..], &owner_too, &["accounts.members.manage"]].concat();
    let app = TestApp::on_sqlite(&[("CAPE_ACCOUNTS__THROTTLE", "off")]).await;
    let ada = app.person("ada").await;
    let workspace = claims(&app, &ada).workspace;
    let operations = operations(&app).await;
    let operator_too = [&viewer[..], &PLATFORM].concat();
    for (role, operator, may) in [
        (Role::Viewer, false, viewer),
        (Role::Member, false, member_too),
        (Role::Owner, false, owner_too),
        (Role::Viewer, true, operator_too),
    ] {
        let place = if operator { 1_000 } else { 0 };
        let member = async |number| {
            let person = member(&app, workspace, role, place + number).await;
            saying(&app, &person, |claims| claims.operator = operator)
        };
        let person = member(0).await;
        for (number, operation) in operations.iter().enumerate() {
            if operation.scheme.as_deref() != Some("access_token") {
                continue;
            }
            let last = LAST.contains(&&*operation.id);
            let other;
            let person = if last {
                other = member(number).await;
                &other
            } else {
                &person
            };
            let permission = operation.permission();
            let answer = operation.ask(&app.http, Some(&person.access)).await;
            if may.contains(&permission) {
                // A password or a code that is wrong is 401 too, and says so.
                let let_in = answer.status != 403
                    && (answer.status != 401
                        || answer.json()["code"].as_str().is_some_and(|c| c.starts_with("auth.")));
                assert!(let_in, "{role:?} {operator} {} {}", operation.id, answer.text);
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
