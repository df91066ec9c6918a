//! What a failure looks like.
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Raw, lenient};

/// The body of an answer that tells a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// The status of HTTP.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub code: Option<u64>,
    /// For humans.
    #[serde(default, deserialize_with = "lenient::text_or_empty")]
    pub message: String,
    /// The kind of failure: `INVALID_ARGUMENT`, `RESOURCE_EXHAUSTED`, `UNAVAILABLE`, ...
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// More of it, each an object with an `@type`.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub details: Vec<Raw>,
}

#[derive(Deserialize)]
struct Detail {
    reason: Option<String>,
    #[serde(rename = "retryDelay")]
    retry_delay: Option<String>,
}

impl ErrorBody {
    /// A failure, with what else is told of it.
    #[must_use]
    pub fn new(code: u16, status: &str, message: impl Into<String>, details: Vec<Raw>) -> Self {
        let (code, status) = (Some(code.into()), Some(status.to_owned()));
        Self { error: ErrorDetail { code, message: message.into(), status, details } }
    }

    /// Reads the body of an answer; a stream that fails at once sends it in a list.
    ///
    /// # Errors
    ///
    /// When it tells no failure of this shape.
    pub fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let in_list = body.trim_ascii_start().starts_with(b"[");
        if in_list {
            let [body]: [Self; 1] = serde_json::from_slice(body)?;
            return Ok(body);
        }
        serde_json::from_slice(body)
    }
}

impl ErrorDetail {
    /// The exact failure, where it is told: `API_KEY_INVALID`, ...
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.read_details().find_map(|detail| detail.reason)
    }

    /// How long to wait before trying again, where it is told.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        let delay = self.read_details().find_map(|detail| detail.retry_delay)?;
        let seconds = delay.strip_suffix('s')?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    fn read_details(&self) -> impl Iterator<Item = Detail> {
        self.details.iter().filter(|detail| detail.is_object()).filter_map(|raw| raw.read().ok())
    }
}
