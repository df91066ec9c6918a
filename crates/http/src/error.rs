//! One error for every failure. `/api` answers `application/problem+json` (RFC 9457); `/v1`
//! answers in `OpenAI`'s shape, `/v1/messages` in Anthropic's, `/v1beta` and what Google's clients
//! ask of `/v1/models` in Google's, so that their SDKs raise their own exceptions.
mod access;
mod accounts;
mod billing;
mod google;
mod idempotency;
mod usage;

use std::{collections::BTreeMap, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
};
use cape_domain::{
    ids::RequestId,
    store::{BoxError, StoreError},
};
use cape_wire::{
    anthropic::{ErrorBody as AnthropicBody, ErrorDetail, ErrorKind, ErrorMark},
    openai::ErrorBody,
};
pub use google::{GoogleError, GoogleErrorDetail, GoogleFailure};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::extract::GOOGLE_KEY_HEADER;

/// What a client is told when a request fails.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What went wrong, in general: the name of the status.
    #[schema(example = "Not Found")]
    pub title: String,
    /// The status of the answer.
    #[schema(example = 404)]
    pub status: u16,
    /// A stable, documented identifier of the kind of failure.
    #[schema(example = "call.not_found")]
    pub code: &'static str,
    /// What went wrong here, for people. May change at any time.
    pub detail: String,
    /// The request, as the header `X-Request-ID` names it.
    #[schema(example = "req_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    pub request_id: Option<String>,
    /// Which fields are wrong, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, String>,
}

/// What every route may answer instead, whatever it does.
#[derive(IntoResponses)]
pub enum Failure {
    /// Any failure; its `code` says which.
    #[response(status = "default", content_type = "application/problem+json")]
    Other(Problem),
}

/// What every route of a person may answer.
#[derive(IntoResponses)]
pub enum Unpermitted {
    /// `access.unauthenticated`, `access.invalid_token`
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// `access.forbidden`: the role lacks the permission; `access.reauthentication_required`: who
    /// one is has to be shown again
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
}

/// A failure below `/v1`, in `OpenAI`'s shape.
#[expect(dead_code, reason = "it describes what `cape-wire` writes")]
#[derive(ToSchema)]
pub struct GatewayError {
    /// What went wrong.
    error: GatewayErrorDetail,
}

/// What went wrong below `/v1`.
#[expect(dead_code, reason = "it describes what `cape-wire` writes")]
#[derive(ToSchema)]
pub struct GatewayErrorDetail {
    /// For people. May change at any time.
    message: String,
    /// The kind, in `OpenAI`'s words.
    #[schema(example = "invalid_request_error")]
    r#type: String,
    /// The parameter at fault.
    #[schema(example = "model")]
    param: Option<String>,
    /// A stable, documented identifier.
    #[schema(example = "model_not_found")]
    code: String,
}

/// What every route of a program may answer instead.
#[derive(IntoResponses)]
pub enum GatewayFailure {
    /// `invalid_api_key`
    #[response(status = 401)]
    Unauthenticated(GatewayError),
    /// Any failure; its `code` says which.
    #[response(status = "default")]
    Other(GatewayError),
}

/// A failure below `/v1/messages`, in Anthropic's shape.
#[expect(dead_code, reason = "it describes what `cape-wire` writes")]
#[derive(ToSchema)]
pub struct AnthropicError {
    /// Always `error`.
    r#type: String,
    /// What went wrong.
    error: AnthropicErrorDetail,
    /// The request, as the header `X-Request-ID` names it.
    request_id: Option<String>,
}

/// What went wrong below `/v1/messages`.
#[expect(dead_code, reason = "it describes what `cape-wire` writes")]
#[derive(ToSchema)]
pub struct AnthropicErrorDetail {
    /// The kind, in Anthropic's words.
    #[schema(example = "not_found_error")]
    r#type: String,
    /// For people, with the stable identifier in brackets.
    message: String,
}

/// What `/v1/messages` may answer instead.
#[derive(IntoResponses)]
pub enum AnthropicFailure {
    /// `authentication_error`
    #[response(status = 401)]
    Unauthenticated(AnthropicError),
    /// Any failure.
    #[response(status = "default")]
    Other(AnthropicError),
}

/// A failed request: what to answer, and what to log.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    more: Box<More>,
}

/// What else is known of a failure. It is rare, and need not burden every result.
#[derive(Debug, Default)]
struct More {
    detail: String,
    errors: BTreeMap<String, String>,
    param: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<BoxError>,
}

/// In which shape a failure is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// RFC 9457.
    Problem,
    /// `OpenAI`'s.
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// Google's.
    Gemini,
}

impl Shape {
    /// The shape that clients of this path read. Below `/v1/models` it depends on who asks: paths
    /// are the same there for clients of `OpenAI` and of Google.
    #[must_use]
    pub fn of(path: &str, headers: &HeaderMap) -> Self {
        let below = |above: &str| {
            path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if below("/v1beta")
            || (below("/v1/models") && (path.contains(':') || asks_as_google(headers)))
        {
            Self::Gemini
        } else if below("/v1/messages") {
            Self::Anthropic
        } else if below("/v1") {
            Self::OpenAi
        } else {
            Self::Problem
        }
    }
}

/// Whether the key stands where Google's clients put it.
pub(crate) fn asks_as_google(headers: &HeaderMap) -> bool {
    headers.contains_key(GOOGLE_KEY_HEADER)
}

impl ApiError {
    /// A failure the client caused and may read about.
    pub(crate) fn client(
        status: StatusCode,
        code: &'static str,
        detail: impl fmt::Display,
    ) -> Self {
        let more = More { detail: detail.to_string(), ..More::default() };
        Self { status, code, more: Box::new(more) }
    }

    /// A failure of ours. The cause is logged, never shown.
    pub(crate) fn server(
        status: StatusCode,
        code: &'static str,
        cause: impl Into<BoxError>,
    ) -> Self {
        let mut failure = Self::client(status, code, "The request could not be completed.");
        failure.more.cause = Some(cause.into());
        failure
    }

    /// A body whose fields are wrong, each for its own reason.
    pub(crate) fn fields(errors: BTreeMap<String, String>) -> Self {
        let detail = "Some fields are not valid; `errors` says which and why.";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let mut failure = Self::client(status, "request.invalid_fields", detail);
        failure.more.errors = errors;
        failure
    }

    /// A body with one field that is wrong.
    pub(crate) fn field(name: &str, why: impl Into<String>) -> Self {
        Self::fields(BTreeMap::from([(name.to_owned(), why.into())]))
    }

    /// The same, about one parameter.
    pub(crate) fn about(mut self, param: impl Into<String>) -> Self {
        self.more.param = Some(param.into());
        self
    }

    /// The same, with one more header.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
            self.more.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// Its code, and what it is about, for who shows it as something else than a failure.
    pub(crate) fn told(&self) -> (&'static str, &str, Option<&str>) {
        (self.code, &self.more.detail, self.more.param.as_deref())
    }

    /// The answer, in one shape or the other.
    #[must_use]
    pub fn answer(&self, shape: Shape, request: Option<RequestId>) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        for (name, value) in &self.more.headers {
            answer.insert_header((name.clone(), value.clone()));
        }
        match shape {
            Shape::Problem => {
                answer.content_type("application/problem+json").json(self.problem(request))
            }
            Shape::OpenAi => answer.json(self.open_ai()),
            Shape::Gemini => answer.json(self.google(request)),
            Shape::Anthropic => answer.json(AnthropicBody {
                kind: ErrorMark,
                error: self.anthropic(),
                request_id: request.map(|id| id.to_string()),
            }),
        }
    }

    /// Logs the cause, once, where there is one.
    pub(crate) fn log(&self, request: RequestId) {
        if let Some(cause) = &self.more.cause {
            let chain = chain(cause.as_ref());
            tracing::error!(request.id = %request, code = self.code, cause = %chain, "request failed");
        }
    }

    fn problem(&self, request: Option<RequestId>) -> Problem {
        Problem {
            title: self.status.canonical_reason().unwrap_or("Failure").to_owned(),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.more.detail.clone(),
            request_id: request.map(|id| id.to_string()),
            errors: self.more.errors.clone(),
        }
    }

    /// The same, in `OpenAI`'s words.
    pub(crate) fn open_ai(&self) -> ErrorBody {
        let kind = match self.status.as_u16() {
            401 => "authentication_error",
            402 => "insufficient_quota",
            403 => "permission_error",
            429 => "rate_limit_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        let body = ErrorBody::new(kind, &*self.more.detail).with_code(self.code);
        match &self.more.param {
            Some(param) => body.with_param(param),
            None => body,
        }
    }
}

impl ApiError {
    /// The same, in Anthropic's words.
    pub(crate) fn anthropic(&self) -> ErrorDetail {
        let kind = match self.status.as_u16() {
            401 => ErrorKind::Authentication,
            402 => ErrorKind::Billing,
            403 => ErrorKind::Permission,
            404 => ErrorKind::NotFound,
            413 => ErrorKind::RequestTooLarge,
            429 => ErrorKind::RateLimit,
            503 => ErrorKind::Overloaded,
            504 => ErrorKind::Timeout,
            500.. => ErrorKind::Api,
            _ => ErrorKind::InvalidRequest,
        };
        // The format has no place for our code, and people look for it.
        ErrorDetail { kind, message: format!("{} ({})", self.more.detail, self.code) }
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.code)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// A plain problem: what wraps every request turns it into the shape that its path reads.
    fn error_response(&self) -> HttpResponse {
        self.answer(Shape::Problem, None)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => {
                Self::client(StatusCode::CONFLICT, "store.conflict", error)
            }
            StoreError::Unavailable(_) => {
                Self::server(StatusCode::SERVICE_UNAVAILABLE, "store.unavailable", error)
            }
            StoreError::Corrupt { .. } => {
                Self::server(StatusCode::INTERNAL_SERVER_ERROR, "store.corrupt", error)
            }
        }
    }
}
