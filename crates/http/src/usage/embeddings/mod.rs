//! `/v1/embeddings`, in `OpenAI`'s format.
mod answer;
mod request;

use actix_web::{HttpResponse, post};
use bytes::Bytes;
use cape_domain::{
    access::{Permit, UseAi},
    usage::EmbeddingRequest,
};
use cape_services::usage::ChatService;

use super::headers::answer_with;
use crate::{
    error::{ApiError, GatewayFailure},
    extract::{KeyPermitted, RawBody, Service},
    idempotency::{ABOUT_KEY, Idempotent},
};

/// Turn texts into vectors.
///
/// In `OpenAI`'s format, whatever provider runs the model: 1 to 2048 inputs, each a text or the tokens
/// of one, and a vector for each, in their order. What the call cost is in
/// `/api/usage/records/{id}`, under the id in the header `x-cape-call-id`. Asking again with the same
/// `Idempotency-Key` gives the same answer, and is paid once; without one, it is a new call.
#[utoipa::path(
    tag = "usage", operation_id = "createEmbedding",
    security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = ABOUT_KEY)),
    request_body(content = Object, description = "`OpenAI`'s request", example = json!({"model": "text-embedding-3-small", "input": ["Hello", "Goodbye"], "encoding_format": "float"})),
    responses(
        (status = 200, description = "`OpenAI`'s response", body = Object, example = json!({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}], "model": "text-embedding-3-small", "usage": {"prompt_tokens": 1, "total_tokens": 1}})),
        GatewayFailure,
    ),
)]
#[post("/embeddings")]
pub async fn create(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    RawBody(body): RawBody,
    chat: Service<ChatService>,
    once: Idempotent,
) -> Result<HttpResponse, ApiError> {
    once.call(permit.actor().clone(), respond(permit, body, chat)).await
}

/// What a request asks for.
pub(super) fn to_explain(body: &[u8]) -> Result<EmbeddingRequest, ApiError> {
    let asked = request::read(body)?;
    request::form(&asked)?;
    request::translate(asked)
}

async fn respond(
    permit: Permit<UseAi>,
    body: Bytes,
    chat: Service<ChatService>,
) -> Result<HttpResponse, ApiError> {
    let asked = request::read(&body)?;
    let form = request::form(&asked)?;
    let name = asked.model.clone();
    let embedded = chat.embed(permit, request::translate(asked)?).await?;
    let mut answer = answer_with(&embedded.call, &embedded.standings, None);
    Ok(answer.json(answer::response(name, form, embedded)))
}
