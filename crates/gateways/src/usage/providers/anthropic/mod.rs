//! Anthropic.
mod answer;
mod request;

use cape_domain::{
    secret::Secret,
    usage::{ChatCompletion, ChatRequest, UnsupportedParameter},
};
use cape_wire::anthropic::{ErrorBody, MessagesRequest};
use reqwest::{
    Url,
    header::{HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue},
};

use super::{
    failure::{Complaint, Fault, Unreadable},
    format::{Format, Mode, below, sensitive},
    provider::Provider,
};

/// Asks models of Anthropic, by messages.
pub type AnthropicProvider = Provider<AnthropicFormat>;

/// Messages.
#[derive(Clone, Copy, Debug)]
pub struct AnthropicFormat;

impl Format for AnthropicFormat {
    type Body = MessagesRequest;
    type Reader = answer::Reader;

    const BASE_URL: &'static str = "https://api.anthropic.com";

    fn address(base: &Url, _model: &str, _mode: Mode) -> Url {
        below(base, &["v1", "messages"])
    }

    fn headers(key: &Secret) -> Result<HeaderMap, InvalidHeaderValue> {
        Ok(HeaderMap::from_iter([
            (HeaderName::from_static("x-api-key"), sensitive(key.expose())?),
            (HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01")),
        ]))
    }

    fn body(request: &ChatRequest, mode: Mode) -> Result<MessagesRequest, UnsupportedParameter> {
        request::body(request, mode)
    }

    fn answer(body: &[u8]) -> Result<ChatCompletion, Unreadable> {
        answer::whole(body)
    }

    fn complaint(fault: Fault, body: &[u8]) -> Complaint {
        match serde_json::from_slice::<ErrorBody>(body) {
            Ok(body) => answer::complaint(fault, body.error),
            Err(_) => Complaint::new(fault, String::new()),
        }
    }
}
