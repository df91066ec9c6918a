//! What a failure looks like. Which status it has is not said in it.
use serde::{Deserialize, Serialize};

use crate::{
    lenient,
    words::{constant, words},
};

constant! {
    /// What a failure calls itself.
    ErrorMark = "error"
}

/// The body of an answer that tells a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// `error`.
    #[serde(rename = "type", default)]
    pub kind: ErrorMark,
    /// What went wrong.
    pub error: ErrorDetail,
    /// The provider's own name of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// The kind of failure.
    #[serde(rename = "type")]
    pub kind: ErrorKind,
    /// For humans.
    #[serde(default, deserialize_with = "lenient::text_or_empty")]
    pub message: String,
}

words! {
    /// The kind of a failure.
    ErrorKind {
        /// The request is at fault.
        InvalidRequest = "invalid_request_error",
        /// The key is wrong.
        Authentication = "authentication_error",
        /// The account cannot pay.
        Billing = "billing_error",
        /// The key is not allowed to do that.
        Permission = "permission_error",
        /// There is no such model.
        NotFound = "not_found_error",
        /// The request is too long.
        RequestTooLarge = "request_too_large",
        /// Too much in too short a time.
        RateLimit = "rate_limit_error",
        /// It took too long.
        Timeout = "timeout_error",
        /// The provider is at fault.
        Api = "api_error",
        /// The provider has too much to do.
        Overloaded = "overloaded_error",
    }
}
