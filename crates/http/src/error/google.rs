//! Failures in Google's shape.
use cape_domain::ids::RequestId;
use cape_wire::{Raw, gemini::ErrorBody};
use serde_json::{Value, json};
use utoipa::{IntoResponses, ToSchema};

use super::ApiError;

/// A failure of what Google's clients ask, in Google's shape.
#[expect(dead_code, reason = "it describes what `cape-wire` writes")]
#[derive(ToSchema)]
pub struct GoogleError {
    /// What went wrong.
    error: GoogleErrorDetail,
}

/// What went wrong with what Google's clients ask.
#[expect(dead_code, reason = "it describes what `cape-wire` writes")]
#[derive(ToSchema)]
pub struct GoogleErrorDetail {
    /// The status of the answer.
    #[schema(example = 404)]
    code: u16,
    /// For people. May change at any time.
    message: String,
    /// The kind, in Google's words.
    #[schema(example = "NOT_FOUND")]
    status: String,
    /// More of it, each with an `@type`: an `ErrorInfo`, whose `reason` is the stable, documented
    /// identifier in capitals; a `BadRequest` with the parameter at fault; a `RetryInfo`; a
    /// `RequestInfo`.
    #[schema(value_type = Vec<Object>)]
    details: Vec<Value>,
}

/// What every route of Google's clients may answer instead.
#[derive(IntoResponses)]
pub enum GoogleFailure {
    /// `UNAUTHENTICATED`
    #[response(status = 401)]
    Unauthenticated(GoogleError),
    /// Any failure.
    #[response(status = "default")]
    Other(GoogleError),
}

impl ApiError {
    /// The same, in Google's words.
    pub(crate) fn google(&self, request: Option<RequestId>) -> ErrorBody {
        let code = self.status.as_u16();
        let kind = match code {
            401 => "UNAUTHENTICATED",
            402 => "FAILED_PRECONDITION",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            405 => "UNIMPLEMENTED",
            409 => "ABORTED",
            429 => "RESOURCE_EXHAUSTED",
            503 => "UNAVAILABLE",
            504 => "DEADLINE_EXCEEDED",
            500.. => "INTERNAL",
            _ => "INVALID_ARGUMENT",
        };
        let details = self.details(request);
        let details = details.iter().filter_map(|detail| Raw::of(detail).ok()).collect();
        ErrorBody::new(code, kind, &*self.more.detail, details)
    }

    fn details(&self, request: Option<RequestId>) -> Vec<Value> {
        let reason = self.code.replace('.', "_").to_ascii_uppercase();
        let mut details = vec![typed("ErrorInfo", json!({ "reason": reason, "domain": "cape" }))];
        if let Some(param) = &self.more.param {
            let violation = json!({ "field": param, "description": self.more.detail });
            details.push(typed("BadRequest", json!({ "fieldViolations": [violation] })));
        }
        let retry = self.more.headers.iter().find(|(name, _)| name.as_str() == "retry-after");
        if let Some(seconds) = retry.and_then(|(_, value)| value.to_str().ok()) {
            details.push(typed("RetryInfo", json!({ "retryDelay": format!("{seconds}s") })));
        }
        if let Some(request) = request {
            details.push(typed("RequestInfo", json!({ "requestId": request.to_string() })));
        }
        details
    }
}

fn typed(kind: &str, mut detail: Value) -> Value {
    detail["@type"] = format!("type.googleapis.com/google.rpc.{kind}").into();
    detail
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;

    use super::*;

    fn told(error: &ApiError) -> Value {
        let id = "req_00000000000000000000000000000007".parse().expect("an id");
        serde_json::to_value(error.google(Some(id))).expect("JSON")
    }

    #[test]
    fn a_failure_tells_its_kind_its_code_and_what_is_at_fault() {
        let wrong = ApiError::client(StatusCode::BAD_REQUEST, "invalid_request", "too hot")
            .about("generationConfig.temperature");
        let told = told(&wrong);
        let details = json!([
            { "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "INVALID_REQUEST", "domain": "cape" },
            { "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [
                { "field": "generationConfig.temperature", "description": "too hot" }] },
            { "@type": "type.googleapis.com/google.rpc.RequestInfo",
                "requestId": "req_00000000000000000000000000000007" },
        ]);
        let expected = json!({ "error": { "code": 400, "message": "too hot",
            "status": "INVALID_ARGUMENT", "details": details } });
        assert_eq!(told, expected);
    }

    #[test]
    fn a_status_has_googles_name() {
        for (status, name) in [
            (400, "INVALID_ARGUMENT"),
            (401, "UNAUTHENTICATED"),
            (402, "FAILED_PRECONDITION"),
            (403, "PERMISSION_DENIED"),
            (404, "NOT_FOUND"),
            (405, "UNIMPLEMENTED"),
            (409, "ABORTED"),
            (413, "INVALID_ARGUMENT"),
            (422, "INVALID_ARGUMENT"),
            (429, "RESOURCE_EXHAUSTED"),
            (500, "INTERNAL"),
            (502, "INTERNAL"),
            (503, "UNAVAILABLE"),
            (504, "DEADLINE_EXCEEDED"),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let told = told(&ApiError::client(status, "x.y", "").with_header("retry-after", 7));
            assert_eq!(told["error"]["status"], name);
            assert_eq!(told["error"]["details"][0]["reason"], "X_Y");
            assert_eq!(told["error"]["details"][1]["retryDelay"], "7s");
        }
    }
}
