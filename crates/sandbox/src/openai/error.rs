//! `{"error": {"message", "type", "param", "code"}}`.
use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::json;

use crate::{
    directive::InvalidDirective,
    fields::{BadField, Fault},
};

const REQUEST: &str = "invalid_request_error";

/// An answer that is an error.
#[derive(Debug)]
pub(crate) struct OpenAiError {
    status: u16,
    message: String,
    kind: &'static str,
    param: Option<String>,
    code: Option<&'static str>,
    retry_after: Option<u64>,
}

impl OpenAiError {
    fn new(status: u16, kind: &'static str, code: Option<&'static str>, message: String) -> Self {
        Self { status, message, kind, param: None, code, retry_after: None }
    }

    /// No key was sent.
    pub(crate) fn no_key() -> Self {
        let message = "You didn't provide an API key. You need to provide your API key in an \
                       Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
        Self::new(401, REQUEST, Some("invalid_api_key"), message.into())
    }

    /// A key that is not accepted; only its ends are shown.
    pub(crate) fn bad_key(key: &str) -> Self {
        let start: String = key.chars().take(3).collect();
        let message = format!("Incorrect API key provided: {start}***.");
        Self::new(401, REQUEST, Some("invalid_api_key"), message)
    }

    /// The body is no JSON object.
    pub(crate) fn malformed() -> Self {
        let message = "We could not parse the JSON body of your request. (HINT: This likely means \
                       you aren't using your HTTP library correctly. The OpenAI API expects a JSON \
                       payload, but what was sent was not valid JSON.)";
        Self::new(400, REQUEST, None, message.into())
    }

    /// A model that does not exist.
    pub(crate) fn unknown_model(model: &str) -> Self {
        let message =
            format!("The model `{model}` does not exist or you do not have access to it.");
        Self::new(404, REQUEST, Some("model_not_found"), message)
    }

    /// A route that does not exist.
    pub(crate) fn unknown_url(method: &str, path: &str) -> Self {
        Self::new(404, REQUEST, Some("unknown_url"), format!("Invalid URL ({method} {path})"))
    }

    /// A parameter that this model does not take.
    pub(crate) fn unsupported(param: &str, message: String) -> Self {
        let error = Self::new(400, REQUEST, Some("unsupported_parameter"), message);
        Self { param: Some(param.into()), ..error }
    }

    /// The status that a directive asked for.
    pub(crate) fn scripted(status: u16, retry_after: Option<u64>) -> Self {
        let (kind, code) = match status {
            401 => (REQUEST, Some("invalid_api_key")),
            404 => (REQUEST, Some("model_not_found")),
            429 => ("requests", Some("rate_limit_exceeded")),
            400..500 => (REQUEST, None),
            _ => ("server_error", None),
        };
        let message = format!("A sandbox directive asked for status {status}.");
        Self { retry_after, ..Self::new(status, kind, code, message) }
    }

    /// The answer itself.
    pub(crate) fn answer(&self) -> HttpResponse {
        let mut builder = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after {
            builder.insert_header(("Retry-After", seconds.to_string()));
        }
        let Self { message, kind, param, code, .. } = self;
        let error = json!({ "message": message, "type": kind, "param": param, "code": code });
        builder.json(json!({ "error": error }))
    }
}

impl From<BadField> for OpenAiError {
    fn from(BadField { path, fault }: BadField) -> Self {
        let (code, message) = match fault {
            Fault::Unknown => (Some("unknown_parameter"), format!("Unknown parameter: '{path}'.")),
            Fault::Missing => (
                Some("missing_required_parameter"),
                format!("Missing required parameter: '{path}'."),
            ),
            Fault::NotA(expected) => {
                (Some("invalid_type"), format!("Invalid type for '{path}': expected {expected}."))
            }
            Fault::Refused(reason) => {
                (Some("invalid_value"), format!("Invalid '{path}': {reason}."))
            }
        };
        Self { param: Some(path), ..Self::new(400, REQUEST, code, message) }
    }
}

impl From<InvalidDirective> for OpenAiError {
    fn from(InvalidDirective(message): InvalidDirective) -> Self {
        let error = Self::new(400, REQUEST, Some("invalid_value"), message);
        Self { param: Some("messages".into()), ..error }
    }
}

impl fmt::Display for OpenAiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for OpenAiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.answer()
    }
}
