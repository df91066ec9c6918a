//! `/v1/chat/completions`, in `OpenAI`'s format.
mod answer;
pub(super) mod request;
mod stream;

use actix_web::{HttpResponse, post};
use bytes::Bytes;
use cape_domain::access::{Permit, UseAi};
use cape_services::usage::{ChatService, NewCall};

use super::headers::answer_with;
use crate::{
    error::{ApiError, GatewayFailure},
    extract::{KeyPermitted, RawBody, Service},
    idempotency::{ABOUT_KEY, Idempotent},
};

/// Call a model.
///
/// In `OpenAI`'s format, whatever provider runs the model. With `"stream": true` the answer
/// comes as server-sent events. What the call cost is in `/api/usage/records/{id}`, under the id
/// in the header `x-cape-call-id`, before the last byte of the answer is sent. Asking again with the
/// same `Idempotency-Key` gives the same answer, and is paid once; without one, it is a new call.
#[utoipa::path(
    tag = "usage", operation_id = "createChatCompletion",
    security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = ABOUT_KEY)),
    request_body(content = Object, description = "`OpenAI`'s request", example = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100})),
    responses(
        (status = 200, description = "`OpenAI`'s response, or its events", content(
            (Object = "application/json"),
            (String = "text/event-stream"),
        )),
        GatewayFailure,
    ),
)]
#[post("/chat/completions")]
pub async fn complete(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    RawBody(body): RawBody,
    chat: Service<ChatService>,
    once: Idempotent,
) -> Result<HttpResponse, ApiError> {
    once.call(permit.actor().clone(), respond(permit, body, chat)).await
}

/// The call that a request asks for.
pub(super) fn new_call(body: &[u8]) -> Result<NewCall, ApiError> {
    request::translate(request::read(body)?)
}

async fn respond(
    permit: Permit<UseAi>,
    body: Bytes,
    chat: Service<ChatService>,
) -> Result<HttpResponse, ApiError> {
    let asked = request::read(&body)?;
    let with_usage = asked.wants_stream_usage();
    let name = asked.model.clone();
    let new = request::translate(asked)?;
    if new.streamed {
        let wishes = stream::Wishes { usage: with_usage, log_probs: new.chat.log_probs.is_some() };
        let streaming = chat.stream(permit, new).await?;
        let mut answer = answer_with(&streaming.call, &streaming.standings, streaming.shortened_to);
        return Ok(stream::events(&mut answer, name, wishes, streaming));
    }
    let completed = chat.complete(permit, new).await?;
    let mut answer = answer_with(&completed.call, &completed.standings, completed.shortened_to);
    Ok(answer.json(answer::response(name, completed)))
}
