//! `/v1/messages`, in Anthropic's format.
mod answer;
mod blocks;
mod content;
mod known;
mod names;
mod request;
mod stream;

use actix_web::{HttpResponse, post, web::Json};
use bytes::Bytes;
use cape_domain::access::{Permit, UseAi};
use cape_services::usage::{ChatError, ChatService, CountService, NewCall};
use serde::Serialize;
use utoipa::ToSchema;

use super::headers::answer_with;
use crate::{
    error::{AnthropicFailure, ApiError},
    extract::{KeyPermitted, RawBody, Service},
    idempotency::{ABOUT_KEY, Idempotent},
};

/// Call a model, in Anthropic's format.
///
/// Whatever provider runs the model. The key goes in `x-api-key`, or as bearer. With
/// `"stream": true` the answer comes as Anthropic's events; how much went in is an estimate in the
/// first of them, and exact in the last. What the call cost is in `/api/usage/records/{id}`, under
/// the id in the header `x-cape-call-id`. Asking again with the same `Idempotency-Key` gives the same
/// answer, and is paid once; without one, it is a new call.
#[utoipa::path(
    tag = "usage", operation_id = "createMessage",
    security(("api_key" = []), ("api_key_header" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = ABOUT_KEY)),
    request_body(content = Object, description = "Anthropic's request", example = json!({"model": "claude-haiku-4-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]})),
    responses(
        (status = 200, description = "Anthropic's message, or its events", content(
            (Object = "application/json"),
            (String = "text/event-stream"),
        )),
        AnthropicFailure,
    ),
)]
#[post("/messages")]
pub async fn create(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    RawBody(body): RawBody,
    chat: Service<ChatService>,
    once: Idempotent,
) -> Result<HttpResponse, ApiError> {
    once.call(permit.actor().clone(), respond(permit, body, chat)).await
}

/// The call that a request asks for, and how its failures are told here.
pub(super) fn to_explain(
    body: &[u8],
) -> Result<(NewCall, impl Fn(ChatError) -> ApiError + Send + Sync + use<>), ApiError> {
    let (new, names) = request::translate(request::read(body)?)?;
    Ok((new, move |error| names.tell(error)))
}

async fn respond(
    permit: Permit<UseAi>,
    body: Bytes,
    chat: Service<ChatService>,
) -> Result<HttpResponse, ApiError> {
    let asked = request::read(&body)?;
    let name = asked.model.clone();
    let (new, names) = request::translate(asked)?;
    if new.streamed {
        let streaming = chat.stream(permit, new).await.map_err(|error| names.tell(error))?;
        let mut answer = answer_with(&streaming.call, &streaming.standings, streaming.shortened_to);
        return Ok(stream::events(&mut answer, (name, names), streaming));
    }
    let completed = chat.complete(permit, new).await.map_err(|error| names.tell(error))?;
    let mut answer = answer_with(&completed.call, &completed.standings, completed.shortened_to);
    Ok(answer.json(answer::message(name, completed)?))
}

/// How many tokens a request has.
#[derive(Serialize, ToSchema)]
pub struct TokenCount {
    /// System, messages and tools together, as the provider of the model counts them.
    #[schema(example = 14)]
    input_tokens: u64,
}

/// Count the tokens of a request, in Anthropic's format.
///
/// The provider that runs the model is asked. It costs nothing and is no call: it counts as a
/// request at the limits of the plan, and nowhere else.
#[utoipa::path(
    tag = "usage", operation_id = "countMessageTokens",
    security(("api_key" = []), ("api_key_header" = [])),
    request_body(content = Object, description = "Anthropic's request, without what concerns the answer", example = json!({"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "Hello"}]})),
    responses((status = 200, body = TokenCount), AnthropicFailure),
)]
#[post("/messages/count_tokens")]
pub async fn count_tokens(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    RawBody(body): RawBody,
    counts: Service<CountService>,
) -> Result<Json<TokenCount>, ApiError> {
    let (new, names) = request::translate(request::read_count(&body)?)?;
    let counted = counts.count(permit, new.chat).await.map_err(|error| names.tell(error))?;
    Ok(Json(TokenCount { input_tokens: counted.input_tokens }))
}
