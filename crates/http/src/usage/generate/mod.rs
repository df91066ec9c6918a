//! `/v1beta/models`, in Google's format, and what its clients ask of `/v1/models`.
mod answer;
mod base64;
mod contents;
mod form;
mod log_probs;
pub(super) mod models;
mod names;
mod parts;
mod request;
mod schema;
mod stream;
pub mod v1;
pub mod v1beta;

use actix_web::HttpResponse;
use bytes::Bytes;
use cape_domain::access::{Permit, UseAi};
use cape_services::usage::{ChatError, ChatService, CountService, NewCall};
use cape_wire::gemini::CountTokensResponse;
use serde::Deserialize;

use self::stream::Framing;
use super::{headers::answer_with, wrong};
use crate::{error::ApiError, extract::Service};

/// How the contract describes the key in the query.
pub(crate) const ABOUT_KEY: &str = "The API key, for clients that cannot send a header. Prefer the header: addresses end up in logs";

/// How the contract describes the form of a stream.
const ABOUT_ALT: &str =
    "`sse` for server-sent events; otherwise the responses are items of one array";

/// What is asked beside the body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The form of the answer.
    alt: Option<String>,
    /// The key: whoever looks at it has looked.
    #[serde(rename = "key")]
    _key: Option<String>,
    /// Answers are never pretty.
    #[serde(rename = "prettyPrint")]
    _pretty: Option<String>,
}

impl Parameters {
    /// How the responses of a stream are told apart.
    fn framing(&self) -> Result<Framing, ApiError> {
        match self.alt.as_deref() {
            Some("sse") => Ok(Framing::Events),
            None | Some("json") => Ok(Framing::Array),
            Some(_) => Err(wrong("alt", "must be sse or json")),
        }
    }

    /// An answer in one piece has one form.
    fn json_alone(&self) -> Result<(), ApiError> {
        match self.alt.as_deref() {
            None | Some("json") => Ok(()),
            Some(_) => Err(wrong("alt", "must be json")),
        }
    }
}

/// A call, as far as its address tells.
struct Asked {
    permit: Permit<UseAi>,
    model: String,
    parameters: Parameters,
    body: Bytes,
}

/// The call that a request asks for, and how its failures are told here.
pub(super) fn to_explain(
    model: &str,
    body: &[u8],
    streamed: bool,
) -> Result<(NewCall, impl Fn(ChatError) -> ApiError + Send + Sync + use<>), ApiError> {
    let (new, names) = request::translate(model, request::read(body)?, streamed)?;
    Ok((new, move |error| names.tell(error)))
}

async fn whole(asked: Asked, chat: Service<ChatService>) -> Result<HttpResponse, ApiError> {
    let Asked { permit, model, parameters, body } = asked;
    parameters.json_alone()?;
    let (new, names) = request::translate(&model, request::read(&body)?, false)?;
    let completed = chat.complete(permit, new).await.map_err(|error| names.tell(error))?;
    let mut answer = answer_with(&completed.call, &completed.standings, completed.shortened_to);
    Ok(answer.json(answer::response(model, completed)))
}

async fn pieces(asked: Asked, chat: Service<ChatService>) -> Result<HttpResponse, ApiError> {
    let Asked { permit, model, parameters, body } = asked;
    let framing = parameters.framing()?;
    let (new, names) = request::translate(&model, request::read(&body)?, true)?;
    let probable = new.chat.log_probs.is_some();
    let streaming = chat.stream(permit, new).await.map_err(|error| names.tell(error))?;
    let mut answer = answer_with(&streaming.call, &streaming.standings, streaming.shortened_to);
    Ok(stream::responses(&mut answer, framing, (model, names, probable), streaming))
}

async fn count(asked: Asked, counts: Service<CountService>) -> Result<HttpResponse, ApiError> {
    let Asked { permit, model, parameters, body } = asked;
    parameters.json_alone()?;
    let (new, names) = request::translate(&model, request::read_count(&body)?, false)?;
    let counted = counts.count(permit, new.chat).await.map_err(|error| names.tell(error))?;
    let total_tokens = Some(counted.input_tokens);
    Ok(HttpResponse::Ok().json(CountTokensResponse { total_tokens }))
}
