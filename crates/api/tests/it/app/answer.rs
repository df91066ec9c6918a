//! What the platform answered.
use reqwest::{Response, header::HeaderMap};
use serde_json::Value;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// Reads an answer to its end.
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a whole answer");
        Self { status, headers, text }
    }

    /// The header of this name, or nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a text"))
    }

    /// The answer of a request that was to succeed with this status.
    #[track_caller]
    pub(crate) fn with(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The JSON that it is.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The problem that it tells, after a look at its shape.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.with(status);
        assert_eq!(problem["code"], code, "{}", self.text);
        assert_eq!(problem["status"], status, "{}", self.text);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{}", self.text);
        problem
    }

    /// The field that it finds fault with is this one.
    #[track_caller]
    pub(crate) fn blames(&self, field: &str) {
        let problem = self.problem(422, "request.invalid_fields");
        let errors = problem["errors"].as_object().expect("errors");
        assert!(errors.contains_key(field), "{}", self.text);
    }

    /// What it tells in Anthropic's shape, after a look at that.
    #[track_caller]
    pub(crate) fn anthropic_error(&self, status: u16, kind: &str) -> String {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        let told = self.with(status);
        assert_eq!((&told["type"], &told["error"]["type"]), (&"error".into(), &kind.into()));
        assert_eq!(told["request_id"].as_str(), self.header("x-request-id"));
        told["error"]["message"].as_str().expect("a text").to_owned()
    }

    /// The error that it tells in `OpenAI`'s shape, after a look at that.
    #[track_caller]
    pub(crate) fn error(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        assert!(self.header("x-request-id").is_some(), "{self:?}");
        let error = self.with(status)["error"].clone();
        assert_eq!(error["code"], code, "{}", self.text);
        assert!(error["message"].is_string() && error["type"].is_string(), "{}", self.text);
        assert!(error.get("param").is_some(), "{}", self.text);
        error
    }
}
