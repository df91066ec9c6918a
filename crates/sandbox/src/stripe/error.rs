//! `{"error": {"type", "code", "param", "message", "doc_url"}}`.
use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::{Value, json};

use super::cards::Decline;

const REQUEST: &str = "invalid_request_error";

/// An answer that is an error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StripeError {
    status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<String>,
    message: String,
    more: Value,
}

impl StripeError {
    fn new(status: u16, code: Option<&'static str>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, kind: REQUEST, code, param: None, message, more: Value::Null }
    }

    fn about(param: &str, code: &'static str, message: String) -> Self {
        Self { param: Some(param.into()), ..Self::new(400, Some(code), message) }
    }

    /// No key was sent.
    pub(crate) fn no_key() -> Self {
        let message = "You did not provide an API key. You need to provide your API key in the \
                       Authorization header, using Bearer auth (e.g. 'Authorization: Bearer \
                       YOUR_SECRET_KEY').";
        Self::new(401, None, message)
    }

    /// A key that is not accepted; only its start is shown.
    pub(crate) fn bad_key(key: &str) -> Self {
        let start: String = key.chars().take(8).collect();
        Self::new(401, None, format!("Invalid API Key provided: {start}***"))
    }

    /// A route that does not exist.
    pub(crate) fn unknown_url(method: &str, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        Self::new(404, None, message)
    }

    /// A body that is no form.
    pub(crate) fn not_a_form() -> Self {
        let message = "Invalid request (check that your POST content type is \
                       application/x-www-form-urlencoded).";
        Self::new(400, None, message)
    }

    /// A parameter that does not exist.
    pub(crate) fn unknown(param: &str) -> Self {
        Self::about(param, "parameter_unknown", format!("Received unknown parameter: {param}"))
    }

    /// A parameter that is required.
    pub(crate) fn missing(param: &str) -> Self {
        Self::about(param, "parameter_missing", format!("Missing required param: {param}."))
    }

    /// A parameter that is there but empty.
    pub(crate) fn empty(param: &str) -> Self {
        let message = format!(
            "You passed an empty string for '{param}'. We assume empty values are an attempt to \
             unset a parameter; however '{param}' cannot be unset."
        );
        Self::about(param, "parameter_invalid_empty", message)
    }

    /// A parameter that should be a whole number.
    pub(crate) fn not_an_integer(param: &str, value: &str) -> Self {
        Self::about(param, "parameter_invalid_integer", format!("Invalid integer: {value}"))
    }

    /// A parameter with a value that is refused under a code of its own.
    pub(crate) fn refused(param: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::about(param, code, message.into())
    }

    /// A parameter with a value that is refused, without a code.
    pub(crate) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::new(400, None, message) }
    }

    /// Something that does not exist: 404 for what the path names, 400 for what a parameter names.
    pub(crate) fn no_such(status: u16, kind: &str, param: &str, id: &str) -> Self {
        let message = format!("No such {kind}: '{id}'");
        let error = Self::new(status, Some("resource_missing"), message);
        Self { param: Some(param.into()), ..error }
    }

    /// A key that was used for another request.
    pub(crate) fn idempotency(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were \
             first used with. Try using a key other than '{key}' if you meant to execute a \
             different request."
        );
        Self { kind: "idempotency_error", ..Self::new(400, None, message) }
    }

    /// A card that was declined. What was done about it stays done.
    pub(crate) fn declined(decline: Decline, intent: Option<&Value>) -> Self {
        let mut more = json!({ "decline_code": decline.reason });
        if let Some(intent) = intent {
            more["payment_intent"] = intent.clone();
            more["charge"] = intent["latest_charge"].clone();
        }
        Self { kind: "card_error", more, ..Self::new(402, Some(decline.code), decline.message) }
    }

    /// A payment that its payer has to approve first.
    pub(crate) fn requires_action(intent: &Value) -> Self {
        let message = "This payment requires additional user action before it can be completed \
                       successfully. Payment can be completed using the PaymentIntent.";
        let code = Some("invoice_payment_intent_requires_action");
        let more = json!({ "payment_intent": intent });
        Self { kind: "card_error", more, ..Self::new(402, code, message) }
    }

    /// Something that is in the wrong state for what is asked.
    pub(crate) fn state(code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// A failure that was asked for.
    pub(crate) fn fault(status: u16) -> Self {
        match status {
            429 => {
                let message = "Request rate limit exceeded. You can learn more about rate limits \
                               here https://stripe.com/docs/rate-limits.";
                Self::new(429, Some("rate_limit"), message)
            }
            status => {
                let message = "An unknown error occurred, as the sandbox was told.";
                let kind = if status < 500 { REQUEST } else { "api_error" };
                Self { kind, ..Self::new(status, None, message) }
            }
        }
    }

    /// A key of somebody else's account.
    pub(crate) fn wrong_account(account: &str) -> Self {
        let message = format!(
            "The provided key does not have access to account '{account}' (or that account does \
             not exist). Application access may have been revoked."
        );
        Self::new(403, Some("account_invalid"), message)
    }

    /// Whether the request was executed and failed, so that its answer is repeated.
    pub(crate) fn is_outcome(&self) -> bool {
        self.status == 402
    }

    /// Its status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The answer itself.
    pub(crate) fn answer(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(self.body())
    }

    /// The answer's body.
    pub(crate) fn body(&self) -> Value {
        let mut error = json!({ "type": self.kind, "message": self.message });
        if let Some(code) = self.code {
            error["code"] = code.into();
            let page = code.replace('_', "-");
            error["doc_url"] = format!("https://stripe.com/docs/error-codes/{page}").into();
        }
        if let Some(param) = &self.param {
            error["param"] = param.as_str().into();
        }
        for (name, value) in self.more.as_object().into_iter().flatten() {
            error[name] = value.clone();
        }
        json!({ "error": error })
    }
}

impl fmt::Display for StripeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for StripeError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.answer()
    }
}
