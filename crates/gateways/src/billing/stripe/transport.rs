//! Requests to Stripe: how they are sent, repeated and given up.
//!
//! Every write carries a key, and its repetitions carry the same one, so repeating is always
//! safe. What the answers mean is *not* known here.
use std::{fmt, time::Duration};

use cape_domain::{billing::PaymentProviderError, store::BoxError};
use reqwest::{
    Client, Method, Request, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use super::{API_VERSION, InvalidStripeOptions, StripeOptions, wire};

/// How often a request is repeated.
const REPETITIONS: u32 = 2;

/// The longest that Stripe is obeyed when it asks us to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;

/// Sends requests, with the secret key, and repeats them.
pub(super) struct Transport {
    client: Client,
    base_url: String,
    timeout: Duration,
    backoff: Duration,
}

/// What came back.
struct Answer {
    status: StatusCode,
    should_retry: Option<bool>,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

/// What came back was more than anybody reads.
#[derive(Debug, thiserror::Error)]
#[error("the answer is too long")]
struct TooLong;

/// What came back is not what Stripe says it sends.
#[derive(Debug, thiserror::Error)]
#[error("unexpected answer: {0}")]
struct Unexpected(String);

/// An answer that makes no sense. Whether anything was done is not known.
pub(super) fn unreadable(what: impl Into<String>) -> PaymentProviderError {
    unavailable(Unexpected(what.into()))
}

/// Whether this is an id of that kind, and nothing that would lead elsewhere in a path.
pub(super) fn is_plain(kind: &str, id: &str) -> bool {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && id.split_once('_').is_some_and(|(prefix, _)| prefix == kind)
}

fn unavailable(error: impl Into<BoxError>) -> PaymentProviderError {
    PaymentProviderError::Unavailable(error.into())
}

impl Transport {
    pub fn new(options: &StripeOptions) -> Result<Self, InvalidStripeOptions> {
        let key = options.secret_key.expose();
        let mut bearer = HeaderValue::try_from(format!("Bearer {key}"))
            .ok()
            .filter(|_| !key.is_empty())
            .ok_or(InvalidStripeOptions::SecretKey)?;
        bearer.set_sensitive(true);
        let url = reqwest::Url::parse(&options.base_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none())
            .ok_or(InvalidStripeOptions::BaseUrl)?;
        let version = HeaderValue::from_static(API_VERSION);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, bearer),
            (reqwest::header::HeaderName::from_static("stripe-version"), version),
        ]);
        let mut builder = Client::builder()
            .default_headers(headers)
            .connect_timeout(options.connect_timeout)
            .redirect(Policy::none()) // the key goes nowhere else
            .user_agent("capecontrol");
        if matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")) {
            builder = builder.no_proxy();
        }
        Ok(Self {
            client: builder.build().map_err(|error| InvalidStripeOptions::Client(error.into()))?,
            base_url: options.base_url.trim_end_matches('/').to_owned(),
            timeout: options.timeout,
            backoff: options.backoff,
        })
    }

    /// Reads something.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, PaymentProviderError> {
        let request = self.client.request(Method::GET, self.url(path)).query(query);
        self.send(request.build().map_err(unavailable)?).await
    }

    /// Writes something, once for each key.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, String)],
        key: &str,
    ) -> Result<T, PaymentProviderError> {
        let request = self
            .client
            .request(Method::POST, self.url(path))
            .header("Idempotency-Key", key)
            .form(form);
        self.send(request.build().map_err(unavailable)?).await
    }

    /// Ends something, once for each key.
    pub async fn delete<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        key: &str,
    ) -> Result<T, PaymentProviderError> {
        let request = self
            .client
            .request(Method::DELETE, self.url(path))
            .header("Idempotency-Key", key)
            .query(query);
        self.send(request.build().map_err(unavailable)?).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    async fn send<T: DeserializeOwned>(&self, request: Request) -> Result<T, PaymentProviderError> {
        let answer = timeout(self.timeout, self.persist(&request)).await.map_err(unavailable)??;
        if answer.status.is_success() {
            return serde_json::from_slice(&answer.body).map_err(unavailable);
        }
        let status = answer.status;
        if !status.is_client_error() || is_transient(status) {
            return Err(unreadable(format!("status {status}")));
        }
        let detail =
            serde_json::from_slice::<wire::Failure>(&answer.body).unwrap_or_default().error;
        if detail.is_unknown_customer() {
            return Err(PaymentProviderError::UnknownCustomer);
        }
        let code = detail.code.or(detail.kind);
        let code = code.unwrap_or_else(|| format!("http_{}", status.as_u16()));
        Err(PaymentProviderError::Refused { code })
    }

    /// Sends until there is an answer that another attempt would not change.
    async fn persist(&self, request: &Request) -> Result<Answer, PaymentProviderError> {
        for repetition in 0..REPETITIONS {
            let outcome = self.attempt(request).await;
            let asked_to_wait = match &outcome {
                Ok(answer) if !answer.is_worth_repeating() => return outcome,
                Ok(answer) => answer.retry_after.unwrap_or_default(),
                Err(_) => Duration::ZERO,
            };
            let wait = asked_to_wait.min(LONGEST_WAIT).max(self.backoff * 2_u32.pow(repetition));
            let (path, repetition) = (request.url().path(), repetition + 1);
            match &outcome {
                Ok(Answer { status, .. }) => {
                    tracing::warn!(
                        path,
                        repetition,
                        status = status.as_u16(),
                        "Stripe is asked again"
                    );
                }
                Err(error) => tracing::warn!(path, repetition, %error, "Stripe is asked again"),
            }
            sleep(wait).await;
        }
        self.attempt(request).await
    }

    async fn attempt(&self, request: &Request) -> Result<Answer, PaymentProviderError> {
        let request = request.try_clone().ok_or_else(|| unreadable("a request that streams"))?;
        let mut response = self.client.execute(request).await.map_err(unavailable)?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let mut answer = Answer {
            status: response.status(),
            should_retry: header("stripe-should-retry").and_then(|value| value.parse().ok()),
            retry_after: header(RETRY_AFTER.as_str())
                .and_then(|value| value.parse().ok())
                .map(Duration::from_secs),
            body: Vec::new(),
        };
        while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
            if answer.body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(unavailable(TooLong));
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

impl Answer {
    /// Stripe knows best; where it does not say, the status tells.
    fn is_worth_repeating(&self) -> bool {
        self.should_retry.unwrap_or(self.status.is_server_error() || is_transient(self.status))
    }
}

/// Whether the request failed for what else was going on.
fn is_transient(status: StatusCode) -> bool {
    matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS)
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
