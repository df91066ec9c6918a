//! Requests that may come again: with an `Idempotency-Key`, they are carried out once.
//!
//! A handler takes [`Idempotent`] and hands over what it would have done:
//!
//! ```text
//! once.call(permit.actor().clone(), respond(permit, body, chat)).await
//! ```
//!
//! Without the header, that is done and nothing else. With it, the key is reserved first, and what
//! is answered is kept: a success for a day, in whatever pieces it is sent. Everything else leaves
//! the key free, because it has no effect or may still get one.
mod answer;
mod canonical;
mod record;

use std::{
    future::{Future, Ready, ready},
    ops::AsyncFnOnce,
};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _,
    body::{BodySize, MessageBody as _},
    dev::Payload,
    http::StatusCode,
    web,
};
use cape_domain::{
    access::Actor,
    idempotency::{Fingerprint, IdempotencyKey, Requester},
    store::Durability,
};
use cape_services::{
    Tasks,
    idempotency::{Attempt, Begun, Ending, IdempotencyService},
};

pub(crate) use answer::kept_json;

use crate::{error::ApiError, extract::SentBody};

/// The header in which a client names its request.
pub(crate) const KEY: &str = "idempotency-key";

/// What an answer says that was given before.
pub(crate) const REPLAYED: &str = "idempotent-replayed";

/// How the contract describes the header.
pub(crate) const ABOUT_KEY: &str = "1 to 255 visible ASCII characters that name this request. \
    Asking again with the same within 24 hours is answered alike, and done once";

/// A request that may come again.
pub struct Idempotent {
    request: HttpRequest,
    key: Option<IdempotencyKey>,
}

impl FromRequest for Idempotent {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        ready(key(&request).map(|key| Self { request, key }))
    }
}

impl Idempotent {
    /// Calls a model once. What a power cut undoes of the call, it undoes of the reservation too.
    ///
    /// # Errors
    ///
    /// Those of the call, and those of the key: 409 while the same request is being carried out,
    /// 422 when the key belongs to another one.
    pub async fn call(
        self,
        actor: Actor,
        respond: impl Future<Output = Result<HttpResponse, ApiError>>,
    ) -> Result<HttpResponse, ApiError> {
        self.once(actor, Durability::Process, async |_| respond.await).await
    }

    /// Moves money once. The use case gets the attempt, so that what it makes takes over its
    /// identity, and its answer is kept in the same commit
    /// ([`Once`](cape_services::idempotency::Once)).
    ///
    /// # Errors
    ///
    /// Those of the use case, and those of the key.
    pub async fn money(
        self,
        actor: Actor,
        effect: impl AsyncFnOnce(Option<&Attempt>) -> Result<HttpResponse, ApiError>,
    ) -> Result<HttpResponse, ApiError> {
        self.once(actor, Durability::Power, effect).await
    }

    async fn once(
        self,
        actor: Actor,
        durability: Durability,
        effect: impl AsyncFnOnce(Option<&Attempt>) -> Result<HttpResponse, ApiError>,
    ) -> Result<HttpResponse, ApiError> {
        let Some(key) = &self.key else { return effect(None).await };
        let requester = Requester::of(&actor).ok_or_else(nobody)?;
        let service = self.mounted::<IdempotencyService>();
        let begun = service.begin(requester, key, self.fingerprint(), durability).await?;
        let attempt = match begun {
            Begun::Replay(answer) => return answer::again(answer),
            Begun::Proceed(attempt) => attempt,
        };
        match effect(Some(&attempt)).await {
            Ok(response) if response.status().is_success() => self.keep(attempt, response).await,
            Ok(response) => {
                attempt.ended(ending(response.status())).await;
                Ok(response)
            }
            Err(error) => {
                attempt.ended(ending(error.status_code())).await;
                Err(error)
            }
        }
    }

    /// Keeps a success: at once where it is there, or while it is sent.
    async fn keep(
        &self,
        attempt: Attempt,
        response: HttpResponse,
    ) -> Result<HttpResponse, ApiError> {
        match response.body().size() {
            BodySize::Stream => {
                let token = self.mounted::<Tasks>().token();
                Ok(record::keep_what_is_sent(response, attempt, token))
            }
            BodySize::None | BodySize::Sized(_) => {
                let (answer, response) = answer::read(response).await?;
                attempt.answered(&answer).await;
                Ok(response)
            }
        }
    }

    /// What the request says, whoever says it.
    fn fingerprint(&self) -> Fingerprint {
        let uri = self.request.uri();
        let target = uri.path_and_query().map_or(uri.path(), |target| target.as_str());
        let sent = self.request.extensions().get::<SentBody>().cloned().unwrap_or_default();
        let body = canonical::canonical(&sent.0);
        Fingerprint::of(self.request.method().as_str(), target, &body)
    }

    fn mounted<T: 'static>(&self) -> web::Data<T> {
        self.request.app_data::<web::Data<T>>().expect("it is mounted").clone()
    }
}

/// The one key that a request carries, if it carries any.
fn key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, ApiError> {
    let wrong = |why: String| {
        let (status, code) = (StatusCode::BAD_REQUEST, "idempotency.invalid_key");
        ApiError::client(status, code, why).about("Idempotency-Key")
    };
    let mut given = request.headers().get_all(KEY);
    let Some(first) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(wrong("a request has one idempotency key".to_owned()));
    }
    let text = first.to_str().unwrap_or_default();
    text.parse().map(Some).map_err(|error| wrong(format!("{error}")))
}

/// How a failure ends an attempt. These may leave something behind, which the next attempt goes on
/// with; every other is certain, and leaves nothing.
fn ending(status: StatusCode) -> Ending {
    match status {
        StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Ending::Unknown,
        _ => Ending::Nothing,
    }
}

/// Whoever is permitted something is somebody; should that ever be otherwise, nothing is done.
fn nobody() -> ApiError {
    let detail = "an idempotency key belongs to a person or a program";
    ApiError::client(StatusCode::FORBIDDEN, "access.forbidden", detail)
}
