//! `OpenAI`, and whoever speaks as it does.
mod answer;
mod count;
mod dialect;
mod embeddings;
mod moderations;
mod request;

use cape_domain::{
    secret::Secret,
    usage::{ChatCompletion, ChatRequest, UnsupportedParameter},
};
use cape_wire::openai::{ChatRequest as Body, ErrorBody};
use reqwest::{
    Url,
    header::{AUTHORIZATION, HeaderMap, HeaderName, InvalidHeaderValue},
};

pub use self::dialect::{KeyPlace, ModelPath, OpenAiDialect, OutputBound, SeedName};
use super::{
    failure::{Complaint, Fault, Unreadable},
    format::{Format, Mode, below, sensitive},
    provider::Provider,
};

/// Asks models of `OpenAI`, or of whoever speaks as it does, by chat completions.
///
/// `OpenAI` itself is [`OpenAiProvider::new`]. Any other server is [`OpenAiProvider::speaking`]
/// with an [`OpenAiFormat`] of its dialect.
pub type OpenAiProvider = Provider<OpenAiFormat>;

/// Chat completions.
#[derive(Clone, Debug, Default)]
pub struct OpenAiFormat {
    dialect: OpenAiDialect,
}

impl OpenAiFormat {
    /// Chat completions in a dialect.
    #[must_use]
    pub const fn of(dialect: OpenAiDialect) -> Self {
        Self { dialect }
    }

    /// Where something is asked of a model.
    fn place(&self, base: &Url, model: &str, what: &[&str]) -> Url {
        let mut address = match self.dialect.path {
            ModelPath::Shared => below(base, what),
            ModelPath::Deployments => below(&below(base, &["deployments", model]), what),
        };
        if let Some(version) = &self.dialect.api_version {
            address.query_pairs_mut().append_pair("api-version", version);
        }
        address
    }
}

impl Format for OpenAiFormat {
    type Body = Body;
    type Question = count::Question;
    type Reader = answer::Reader;

    const BASE_URL: &'static str = "https://api.openai.com/v1";

    fn address(&self, base: &Url, model: &str, _mode: Mode) -> Url {
        self.place(base, model, &["chat", "completions"])
    }

    fn headers(&self, key: &Secret) -> Result<HeaderMap, InvalidHeaderValue> {
        if key.expose().is_empty() {
            return Ok(HeaderMap::new());
        }
        let (name, value) = match self.dialect.key {
            KeyPlace::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose())),
            KeyPlace::ApiKey => (HeaderName::from_static("api-key"), key.expose().to_owned()),
        };
        Ok(HeaderMap::from_iter([(name, sensitive(&value)?)]))
    }

    fn body(&self, request: &ChatRequest, mode: Mode) -> Result<Body, UnsupportedParameter> {
        request::body(&self.dialect, request, mode)
    }

    fn answer(&self, body: &[u8]) -> Result<ChatCompletion, Unreadable> {
        answer::whole(body)
    }

    fn reader(&self, request: &ChatRequest) -> answer::Reader {
        answer::Reader::of(request.choices)
    }

    fn count_address(&self, base: &Url, _model: &str) -> Url {
        below(base, &["responses", "input_tokens"])
    }

    fn question(&self, request: &ChatRequest) -> Result<count::Question, UnsupportedParameter> {
        count::question(request)
    }

    fn count(&self, body: &[u8]) -> Result<u64, Unreadable> {
        count::read(body)
    }

    fn complaint(&self, fault: Fault, body: &[u8]) -> Complaint {
        let body = serde_json::from_slice::<ErrorBody>(body);
        Complaint::new(fault, body.map(|body| body.error.message).unwrap_or_default())
    }
}
