//! Google's Gemini.
mod answer;
mod count;
mod embeddings;
mod generation;
mod log_probs;
mod parts;
mod reader;
mod request;

use cape_domain::{
    secret::Secret,
    usage::{ChatCompletion, ChatRequest, UnsupportedParameter},
};
use cape_wire::gemini::{ErrorBody, GenerateContentRequest};
use reqwest::{
    Url,
    header::{HeaderMap, HeaderName, InvalidHeaderValue},
};

use super::{
    failure::{Complaint, Fault, Unreadable},
    format::{Format, Mode, below, sensitive},
    provider::Provider,
};

/// Asks models of Google, by `generateContent`.
pub type GeminiProvider = Provider<GeminiFormat>;

/// Generated content.
#[derive(Clone, Copy, Debug, Default)]
pub struct GeminiFormat;

impl Format for GeminiFormat {
    type Body = GenerateContentRequest;
    type Question = count::Question;
    type Reader = reader::Reader;

    const BASE_URL: &'static str = "https://generativelanguage.googleapis.com";
    const HAS_SAFETY: bool = true;

    fn address(&self, base: &Url, model: &str, mode: Mode) -> Url {
        let (action, query) = match mode {
            Mode::Whole => ("generateContent", None),
            Mode::Pieces => ("streamGenerateContent", Some("alt=sse")),
        };
        let mut address = below(base, &["v1beta", "models", &format!("{model}:{action}")]);
        address.set_query(query);
        address
    }

    fn headers(&self, key: &Secret) -> Result<HeaderMap, InvalidHeaderValue> {
        let name = HeaderName::from_static("x-goog-api-key");
        Ok(HeaderMap::from_iter([(name, sensitive(key.expose())?)]))
    }

    fn body(
        &self,
        request: &ChatRequest,
        _mode: Mode,
    ) -> Result<GenerateContentRequest, UnsupportedParameter> {
        request::body(request)
    }

    fn answer(&self, body: &[u8]) -> Result<ChatCompletion, Unreadable> {
        answer::whole(body)
    }

    fn reader(&self, request: &ChatRequest) -> reader::Reader {
        reader::Reader::of(request.choices)
    }

    fn count_address(&self, base: &Url, model: &str) -> Url {
        below(base, &["v1beta", "models", &format!("{model}:countTokens")])
    }

    fn question(&self, request: &ChatRequest) -> Result<count::Question, UnsupportedParameter> {
        count::question(request)
    }

    fn count(&self, body: &[u8]) -> Result<u64, Unreadable> {
        count::read(body)
    }

    fn complaint(&self, fault: Fault, body: &[u8]) -> Complaint {
        match ErrorBody::read(body) {
            Ok(body) => answer::complaint(fault, body.error),
            Err(_) => Complaint::new(fault, String::new()),
        }
    }
}
