//! `{"type": "error", "error": {"type", "message"}}`.
use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::json;

use crate::{
    directive::InvalidDirective,
    fields::{BadField, Fault},
};

/// An answer that is an error. Its type follows from its status.
#[derive(Debug)]
pub(crate) struct AnthropicError {
    status: u16,
    message: String,
    retry_after: Option<u64>,
}

impl AnthropicError {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    /// No key was sent.
    pub(crate) fn no_key() -> Self {
        Self::new(401, "x-api-key header is required")
    }

    /// A key that is not accepted.
    pub(crate) fn bad_key() -> Self {
        Self::new(401, "invalid x-api-key")
    }

    /// A version that is missing or unknown.
    pub(crate) fn version(version: Option<&str>) -> Self {
        Self::new(
            400,
            match version {
                None => "anthropic-version: header is required".into(),
                Some(version) => {
                    format!("anthropic-version: \"{version}\" is not emulated by this sandbox")
                }
            },
        )
    }

    /// The body is no JSON object.
    pub(crate) fn malformed() -> Self {
        Self::new(400, "The request body is not valid JSON")
    }

    /// A model that does not exist.
    pub(crate) fn unknown_model(model: &str) -> Self {
        Self::new(404, format!("model: {model}"))
    }

    /// A route that does not exist.
    pub(crate) fn unknown_url() -> Self {
        Self::new(404, "Not Found")
    }

    /// The status that a directive asked for.
    pub(crate) fn scripted(status: u16, retry_after: Option<u64>) -> Self {
        let message = format!("A sandbox directive asked for status {status}.");
        Self { retry_after, ..Self::new(status, message) }
    }

    /// The answer itself.
    pub(crate) fn answer(&self) -> HttpResponse {
        let mut builder = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after {
            builder.insert_header(("retry-after", seconds.to_string()));
        }
        let error = json!({ "type": kind(self.status), "message": self.message });
        builder.json(json!({ "type": "error", "error": error }))
    }
}

fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..500 => "invalid_request_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}

impl From<BadField> for AnthropicError {
    fn from(BadField { path, fault }: BadField) -> Self {
        let reason = match fault {
            Fault::Unknown => "Extra inputs are not permitted".into(),
            Fault::Missing => "Field required".into(),
            Fault::NotA(expected) => format!("Input should be a valid {expected}"),
            Fault::Refused(reason) => reason,
        };
        Self::new(400, format!("{path}: {reason}"))
    }
}

impl From<InvalidDirective> for AnthropicError {
    fn from(InvalidDirective(message): InvalidDirective) -> Self {
        Self::new(400, message)
    }
}

impl fmt::Display for AnthropicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for AnthropicError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.answer()
    }
}
