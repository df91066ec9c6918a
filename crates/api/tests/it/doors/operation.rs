//! The operations of the contract, and what each asks of who calls it.
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::app::{
    Answer, TestApp,
    caller::{saying, send},
};

/// What an operation wants to see as bearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    AccessToken,
    ApiKey,
    ServiceSecret,
    Nothing,
}

/// An operation.
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) wants: Wants,
    method: String,
    path: String,
}

impl Operation {
    /// All of them.
    pub(super) async fn all(app: &TestApp) -> Vec<Self> {
        let document = app.http.get("/openapi.json").await.with(200);
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("methods") {
                let schemes = operation["security"].as_array().expect("it says who may");
                let named = schemes.first().and_then(Value::as_object).expect("one way");
                all.push(Self {
                    id: operation["operationId"].as_str().expect("a name").to_owned(),
                    wants: match named.keys().next().map(String::as_str) {
                        Some("access_token") => Wants::AccessToken,
                        Some("api_key") => Wants::ApiKey,
                        Some("service_secret") => Wants::ServiceSecret,
                        Some(other) => panic!("{other} is no way to sign in"),
                        None => Wants::Nothing,
                    },
                    method: method.to_uppercase(),
                    path: path.clone(),
                });
            }
        }
        all
    }

    /// Whether it is for operators of the platform alone.
    pub(super) fn is_for_operators(&self) -> bool {
        self.path.starts_with("/api/admin/") || self.path.starts_with("/api/billing/")
    }

    /// Whether it is in Gemini's format.
    fn is_googles(&self) -> bool {
        self.path.starts_with("/v1beta/") || self.path.contains("{model}:")
    }

    /// Asks for it, with this as bearer.
    pub(super) async fn ask(&self, app: &TestApp, bearer: Option<&str>) -> Answer {
        let request = self.request(app);
        send(match bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        })
        .await
    }

    /// Asks for it, with this where Anthropic's clients put a key.
    pub(super) async fn ask_with_key_header(&self, app: &TestApp, key: &str) -> Answer {
        send(self.request(app).header("x-api-key", key)).await
    }

    /// Where the body is nothing to it, whoever is let in is told so: what is opened is the door,
    /// and nothing behind it.
    fn request(&self, app: &TestApp) -> RequestBuilder {
        let path = self.path.replace("{id}", &format!("key_{}", "0".repeat(32)));
        let path = path.replace("{kind}/{target}", "model/nothing");
        let path = path.replace("{provider}", "openai");
        let request = app.http.request(&self.method, &path.replace("{model}", "gpt-4o-mini"));
        if !["POST", "PUT", "PATCH"].contains(&&*self.method) {
            return request;
        }
        let hello = || saying("gpt-4o-mini", "hello");
        request.json(&match self.id.as_str() {
            "countMessageTokens" | "createChatCompletion" | "explainCall" => hello(),
            "createMessage" => {
                let mut body = hello();
                body["max_tokens"] = 10.into();
                body
            }
            "createResponse" => json!({ "model": "gpt-4o-mini", "input": "hello" }),
            "createEmbedding" => json!({ "model": "text-embedding-3-small", "input": "hello" }),
            "createModeration" => json!({ "input": "hello" }),
            _ if self.is_googles() => json!({ "contents": [{ "parts": [{ "text": "hello" }] }] }),
            "introspect" => json!({ "token": "x" }),
            _ => json!({}),
        })
    }

    /// Its answer to somebody who shows nothing, or what is not good here.
    #[track_caller]
    pub(super) fn refuses(&self, kind: &str, bearer: Option<&str>, answer: &Answer) {
        let what = format!("{} with a bearer {kind}: {}", self.id, answer.text);
        assert_eq!(answer.status, 401, "{what}");
        let code = match (self.wants, bearer) {
            (Wants::AccessToken, None) => "access.unauthenticated",
            (Wants::AccessToken, Some(_)) => "access.invalid_token",
            (Wants::ServiceSecret, _) => "access.unknown_service",
            (Wants::ApiKey, _) if self.path.starts_with("/v1/messages") => {
                let said = answer.anthropic_error(401, "authentication_error");
                assert!(said.ends_with("(invalid_api_key)"), "{what}");
                return;
            }
            (Wants::ApiKey, _) if self.is_googles() => {
                assert_eq!(answer.json()["error"]["status"], "UNAUTHENTICATED", "{what}");
                return;
            }
            (Wants::ApiKey, _) => {
                answer.error(401, "invalid_api_key");
                return;
            }
            (Wants::Nothing, _) => panic!("{} asks nobody", self.id),
        };
        answer.problem(401, code);
        assert!(answer.header("www-authenticate").is_some(), "{what}");
    }
}
