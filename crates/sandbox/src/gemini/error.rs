//! `{"error": {"code", "message", "status", "details"}}`.
use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::{Value, json};

use crate::{
    directive::InvalidDirective,
    fields::{BadField, Fault},
};

/// An answer that is an error. Google's name of it follows from its status.
#[derive(Debug)]
pub(crate) struct GeminiError {
    status: u16,
    message: String,
    reason: Option<&'static str>,
    retry_after: Option<u64>,
}

impl GeminiError {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), reason: None, retry_after: None }
    }

    /// No key was sent.
    pub(crate) fn no_key() -> Self {
        Self::new(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). \
             Please use API Key or other form of API consumer identity to call this API.",
        )
    }

    /// A key that is not accepted: Google answers 400, not 401.
    pub(crate) fn bad_key() -> Self {
        let error = Self::new(400, "API key not valid. Please pass a valid API key.");
        Self { reason: Some("API_KEY_INVALID"), ..error }
    }

    /// The body is no JSON object.
    pub(crate) fn malformed() -> Self {
        Self::new(400, "Invalid JSON payload received. Unexpected token.")
    }

    /// A model that does not exist.
    pub(crate) fn unknown_model(model: &str) -> Self {
        let message = format!(
            "models/{model} is not found for API version v1beta, or is not supported for \
             generateContent. Call ListModels to see the list of available models and their \
             supported methods."
        );
        Self::new(404, message)
    }

    /// A route that does not exist.
    pub(crate) fn unknown_url() -> Self {
        Self::new(404, "Method not found.")
    }

    /// The status that a directive asked for.
    pub(crate) fn scripted(status: u16, retry_after: Option<u64>) -> Self {
        let message = format!("A sandbox directive asked for status {status}.");
        Self { retry_after, ..Self::new(status, message) }
    }

    /// The answer itself.
    pub(crate) fn answer(&self) -> HttpResponse {
        let mut builder = HttpResponse::build(self.status_code());
        let mut details: Vec<Value> = Vec::new();
        if let Some(reason) = self.reason {
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason, "domain": "googleapis.com",
            }));
        }
        if let Some(seconds) = self.retry_after {
            builder.insert_header(("Retry-After", seconds.to_string()));
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": format!("{seconds}s"),
            }));
        }
        let mut error = json!({
            "code": self.status, "message": self.message, "status": name(self.status),
        });
        if !details.is_empty() {
            error["details"] = details.into();
        }
        builder.json(json!({ "error": error }))
    }
}

fn name(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ if status < 500 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

impl From<BadField> for GeminiError {
    fn from(BadField { path, fault }: BadField) -> Self {
        let message = match fault {
            Fault::Unknown => {
                format!(
                    "Invalid JSON payload received. Unknown name \"{path}\": Cannot find field."
                )
            }
            Fault::Missing => format!("* GenerateContentRequest.{path}: {path} is not specified"),
            Fault::NotA(expected) => format!("Invalid value at '{path}' (expected {expected})"),
            Fault::Refused(reason) => format!("* GenerateContentRequest.{path}: {reason}"),
        };
        Self::new(400, message)
    }
}

impl From<InvalidDirective> for GeminiError {
    fn from(InvalidDirective(message): InvalidDirective) -> Self {
        Self::new(400, message)
    }
}

impl fmt::Display for GeminiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for GeminiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.answer()
    }
}
