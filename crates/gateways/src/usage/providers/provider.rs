//! The connection to one provider, whatever its format.
use std::time::Duration;

use async_trait::async_trait;
use cape_domain::{
    secret::Secret,
    usage::{
        ChatCompletion, ChatProvider, ChatRequest, ChatStream, ModelProviderError,
        UnsupportedParameter,
    },
};
use reqwest::{
    Response, Url,
    header::{HeaderMap, RETRY_AFTER},
};
use serde::Serialize;
use tokio::time::timeout;

use super::{
    client::{InvalidProviderOptions, ProviderClient},
    events::{self, Patience},
    failure::{Censor, Fault, Unreadable, connection},
    format::{Format, Mode, refuse},
    stream::AnswerStream,
};

/// The most bytes that an answer in one piece may have.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;
/// The most bytes of a refusal that are read.
const LARGEST_REFUSAL: usize = 64 * 1024;

/// Where a provider is, who asks it, and how long it is waited for.
#[derive(Clone, Debug)]
pub struct ProviderOptions {
    /// Where it is: see [`Provider::BASE_URL`]. A slash at the end makes no difference.
    pub base_url: String,
    /// Our key there.
    pub api_key: Secret,
    /// How long an answer in one piece may take. 120 seconds by default.
    pub answer_timeout: Duration,
    /// How long a stream may take to begin: once until the provider accepts the request, once more
    /// until the first byte. 120 seconds by default.
    pub first_byte_timeout: Duration,
    /// How long a stream may be silent afterwards. 60 seconds by default.
    pub idle_timeout: Duration,
    /// How long a stream may take in all, however much comes. 15 minutes by default.
    pub longest_stream: Duration,
}

impl ProviderOptions {
    /// The default patience with the provider at this address.
    #[must_use]
    pub fn new(base_url: impl Into<String>, api_key: Secret) -> Self {
        Self {
            base_url: base_url.into(),
            api_key,
            answer_timeout: Duration::from_mins(2),
            first_byte_timeout: Duration::from_mins(2),
            idle_timeout: Duration::from_mins(1),
            longest_stream: Duration::from_mins(15),
        }
    }
}

/// A provider that speaks the format `F`.
#[derive(Debug)]
pub struct Provider<F> {
    client: ProviderClient,
    pub(super) base: Url,
    headers: HeaderMap,
    censor: Censor,
    pub(super) answer_timeout: Duration,
    patience: Patience,
    pub(super) format: F,
}

impl<F: Format> Provider<F> {
    /// Where the provider itself is.
    pub const BASE_URL: &'static str = F::BASE_URL;

    /// The provider itself with these options, asked through `client`.
    ///
    /// # Errors
    ///
    /// [`InvalidProviderOptions`] names the option that is wrong.
    pub fn new(
        client: &ProviderClient,
        options: ProviderOptions,
    ) -> Result<Self, InvalidProviderOptions>
    where
        F: Default,
    {
        Self::speaking(F::default(), client, options)
    }

    /// Whoever speaks `format`, with these options, asked through `client`.
    ///
    /// # Errors
    ///
    /// [`InvalidProviderOptions`] names the option that is wrong.
    pub fn speaking(
        format: F,
        client: &ProviderClient,
        options: ProviderOptions,
    ) -> Result<Self, InvalidProviderOptions> {
        let base = Url::parse(&options.base_url).ok();
        let base =
            base.filter(|base| ["http", "https"].contains(&base.scheme()) && base.has_host());
        let headers =
            format.headers(&options.api_key).map_err(|_| InvalidProviderOptions::ApiKey)?;
        Ok(Self {
            client: client.clone(),
            base: base.ok_or(InvalidProviderOptions::BaseUrl(options.base_url))?,
            headers,
            censor: Censor::new(options.api_key),
            answer_timeout: options.answer_timeout,
            patience: Patience {
                first: options.first_byte_timeout,
                idle: options.idle_timeout,
                whole: options.longest_stream,
            },
            format,
        })
    }

    /// The same provider with the same patience, asked under another key. The connections are
    /// those that are there.
    ///
    /// # Errors
    ///
    /// [`InvalidProviderOptions::ApiKey`].
    pub fn under(&self, api_key: Secret) -> Result<Self, InvalidProviderOptions>
    where
        F: Clone,
    {
        let headers = self.format.headers(&api_key).map_err(|_| InvalidProviderOptions::ApiKey)?;
        Ok(Self {
            client: self.client.clone(),
            base: self.base.clone(),
            headers,
            censor: Censor::new(api_key),
            answer_timeout: self.answer_timeout,
            patience: self.patience,
            format: self.format.clone(),
        })
    }

    fn body(&self, request: &ChatRequest, mode: Mode) -> Result<F::Body, UnsupportedParameter> {
        refuse(request.safety.is_some() && !F::HAS_SAFETY, "safetySettings")?;
        self.format.body(request, mode)
    }

    /// Sends a request, and gives the answer as soon as it is known to be one.
    async fn ask(&self, request: &ChatRequest, mode: Mode) -> Result<Response, ModelProviderError> {
        let body = self.body(request, mode).map_err(unsaid)?;
        self.send(self.format.address(&self.base, &request.model, mode), &body).await
    }

    /// Sends a body, and gives what comes back as soon as it is known to be no refusal.
    pub(super) async fn send<B>(
        &self,
        address: Url,
        body: &B,
    ) -> Result<Response, ModelProviderError>
    where
        B: Serialize + Sync,
    {
        let sent = self.client.inner().post(address).headers(self.headers.clone()).json(body);
        let response = sent.send().await.map_err(connection)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let fault = Fault::of_status(response.status().as_u16());
        let status = response.status().to_string();
        let retry_after = retry_after(response.headers());
        // The status is known; a body that breaks off takes nothing from it.
        let body = read(response, LARGEST_REFUSAL).await.unwrap_or_default();
        let mut complaint = self.format.complaint(fault, &body);
        if complaint.message.trim().is_empty() {
            complaint.message = status;
        }
        complaint.retry_after = retry_after.or(complaint.retry_after);
        Err(self.censor.tell(complaint))
    }
}

#[async_trait]
impl<F: Format> ChatProvider for Provider<F> {
    fn check(&self, request: &ChatRequest) -> Result<(), UnsupportedParameter> {
        self.body(request, Mode::Pieces).map(drop)
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatCompletion, ModelProviderError> {
        let answer = async {
            let response = self.ask(request, Mode::Whole).await?;
            let body = read(response, LARGEST_ANSWER).await?;
            Ok(self.format.answer(&body)?)
        };
        timeout(self.answer_timeout, answer).await.unwrap_or(Err(ModelProviderError::Timeout))
    }

    async fn stream(
        &self,
        request: &ChatRequest,
    ) -> Result<Box<dyn ChatStream>, ModelProviderError> {
        let response = timeout(self.patience.first, self.ask(request, Mode::Pieces)).await;
        let response = response.unwrap_or(Err(ModelProviderError::Timeout))?;
        let events = events::of_response(response, self.patience);
        let reader = self.format.reader(request);
        Ok(Box::new(AnswerStream::new(events, reader, self.censor.clone())))
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u64, ModelProviderError> {
        let count = async {
            let question = self.format.question(request).map_err(unsaid)?;
            let address = self.format.count_address(&self.base, &request.model);
            let body = read(self.send(address, &question).await?, LARGEST_ANSWER).await?;
            Ok(self.format.count(&body)?)
        };
        timeout(self.answer_timeout, count).await.unwrap_or(Err(ModelProviderError::Timeout))
    }
}

/// What cannot be said is never sent.
pub(super) fn unsaid(error: UnsupportedParameter) -> ModelProviderError {
    ModelProviderError::Rejected { message: error.to_string() }
}

/// A whole body of no more than `limit` bytes.
pub(super) async fn read(
    mut response: Response,
    limit: usize,
) -> Result<Vec<u8>, ModelProviderError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(connection)? {
        if body.len() + chunk.len() > limit {
            return Err(Unreadable::Shape("an answer that is too long").into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// When the provider wants to be asked again. Dates are passed over: they need a clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
