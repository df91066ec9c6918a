//! `/v1/messages`, in Anthropic's format.
mod answer;
mod request;
mod stream;

use actix_web::{HttpResponse, post};
use cape_domain::access::UseAi;
use cape_services::usage::ChatService;

use super::chat::answer_with;
use crate::{
    error::{AnthropicFailure, ApiError},
    extract::{KeyPermitted, RawBody, Service},
};

/// Call a model, in Anthropic's format.
///
/// Whatever provider runs the model. The key goes in `x-api-key`, or as bearer. With
/// `"stream": true` the answer comes as Anthropic's events; how much went in is an estimate in the
/// first of them, and exact in the last. What the call cost is in `/api/usage/records/{id}`, under
/// the id in the header `x-cape-call-id`. A retry is a new call.
#[utoipa::path(
    tag = "usage", operation_id = "createMessage",
    security(("api_key" = []), ("api_key_header" = [])),
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
) -> Result<HttpResponse, ApiError> {
    let asked = request::read(&body)?;
    let name = asked.model.clone();
    let new = request::translate(asked)?;
    if new.streamed {
        let streaming = chat.stream(permit, new).await?;
        let mut answer = answer_with(streaming.call.id, &streaming.standings);
        return Ok(stream::events(&mut answer, name, streaming));
    }
    let completed = chat.complete(permit, new).await?;
    let mut answer = answer_with(completed.call.id, &completed.standings);
    Ok(answer.json(answer::message(name, completed)?))
}
