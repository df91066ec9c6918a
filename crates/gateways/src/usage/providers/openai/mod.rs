//! `OpenAI`, and whoever speaks as it does.
mod answer;
mod request;

use cape_domain::{
    secret::Secret,
    usage::{ChatCompletion, ChatRequest, UnsupportedParameter},
};
use cape_wire::openai::{ChatRequest as Body, ErrorBody};
use reqwest::{
    Url,
    header::{AUTHORIZATION, HeaderMap, InvalidHeaderValue},
};

use super::{
    failure::{Complaint, Fault, Unreadable},
    format::{Format, Mode, below, sensitive},
    provider::Provider,
};

/// Asks models of `OpenAI`, by chat completions.
pub type OpenAiProvider = Provider<OpenAiFormat>;

/// Chat completions.
#[derive(Clone, Copy, Debug)]
pub struct OpenAiFormat;

impl Format for OpenAiFormat {
    type Body = Body;
    type Reader = answer::Reader;

    const BASE_URL: &'static str = "https://api.openai.com/v1";

    fn address(base: &Url, _model: &str, _mode: Mode) -> Url {
        below(base, &["chat", "completions"])
    }

    fn headers(key: &Secret) -> Result<HeaderMap, InvalidHeaderValue> {
        let bearer = sensitive(&format!("Bearer {}", key.expose()))?;
        Ok(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
    }

    fn body(request: &ChatRequest, mode: Mode) -> Result<Body, UnsupportedParameter> {
        request::body(request, mode)
    }

    fn answer(body: &[u8]) -> Result<ChatCompletion, Unreadable> {
        answer::whole(body)
    }

    fn complaint(fault: Fault, body: &[u8]) -> Complaint {
        let body = serde_json::from_slice::<ErrorBody>(body);
        Complaint::new(fault, body.map(|body| body.error.message).unwrap_or_default())
    }
}
