//! Anthropic.
mod answer;
mod messages;
mod output;
mod request;
mod stream;

use cape_domain::{
    secret::Secret,
    usage::{ChatCompletion, ChatRequest, UnsupportedParameter},
};
use cape_wire::anthropic::{CountTokensRequest, ErrorBody, MessagesRequest, TokenCount};
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
#[derive(Clone, Copy, Debug, Default)]
pub struct AnthropicFormat;

impl Format for AnthropicFormat {
    type Body = MessagesRequest;
    type Question = CountTokensRequest;
    type Reader = stream::Reader;

    const BASE_URL: &'static str = "https://api.anthropic.com";

    fn address(&self, base: &Url, _model: &str, _mode: Mode) -> Url {
        below(base, &["v1", "messages"])
    }

    fn headers(&self, key: &Secret) -> Result<HeaderMap, InvalidHeaderValue> {
        Ok(HeaderMap::from_iter([
            (HeaderName::from_static("x-api-key"), sensitive(key.expose())?),
            (HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01")),
        ]))
    }

    fn body(
        &self,
        request: &ChatRequest,
        mode: Mode,
    ) -> Result<MessagesRequest, UnsupportedParameter> {
        request::body(request, mode)
    }

    fn answer(&self, body: &[u8]) -> Result<ChatCompletion, Unreadable> {
        answer::whole(body)
    }

    fn reader(&self, _request: &ChatRequest) -> stream::Reader {
        stream::Reader::default()
    }

    fn count_address(&self, base: &Url, _model: &str) -> Url {
        below(base, &["v1", "messages", "count_tokens"])
    }

    fn question(&self, request: &ChatRequest) -> Result<CountTokensRequest, UnsupportedParameter> {
        request::body(request, Mode::Whole).map(CountTokensRequest::from)
    }

    fn count(&self, body: &[u8]) -> Result<u64, Unreadable> {
        let counted: TokenCount = serde_json::from_slice(body)?;
        counted.input_tokens.ok_or(Unreadable::Shape("a count without a number"))
    }

    fn complaint(&self, fault: Fault, body: &[u8]) -> Complaint {
        match serde_json::from_slice::<ErrorBody>(body) {
            Ok(body) => answer::complaint(fault, body.error),
            Err(_) => Complaint::new(fault, String::new()),
        }
    }
}
