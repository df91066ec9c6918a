//! `/v1/moderations`, in `OpenAI`'s format.
mod answer;
mod request;

use actix_web::{HttpResponse, post};
use bytes::Bytes;
use cape_domain::{
    access::{Permit, UseAi},
    usage::ModerationRequest,
};
use cape_services::usage::ChatService;

use super::headers::answer_with;
use crate::{
    error::{ApiError, GatewayFailure},
    extract::{KeyPermitted, RawBody, Service},
    idempotency::{ABOUT_KEY, Idempotent},
};

/// Judge texts and images by what they must not be.
///
/// In `OpenAI`'s format: a text, 1 to 2048 texts of which each is judged by itself, or the parts of one
/// input, texts and images, which are judged together. Without a `model` it is
/// `omni-moderation-latest`. It costs nothing, and counts as a call at the limits and in the quota of
/// the plan; its record is in `/api/usage/records/{id}`, under the id in the header `x-cape-call-id`.
/// Asking again with the same `Idempotency-Key` gives the same answer, and is one call.
#[utoipa::path(
    tag = "usage", operation_id = "createModeration",
    security(("api_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = ABOUT_KEY)),
    request_body(content = Object, description = "`OpenAI`'s request", example = json!({"model": "omni-moderation-latest", "input": [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]})),
    responses(
        (status = 200, description = "`OpenAI`'s response", body = Object, example = json!({"id": "modr-0190a1b2c3d47e5f8a9b0c1d2e3f4a5b", "model": "omni-moderation-latest", "results": [{"flagged": false, "categories": {"violence": false}, "category_scores": {"violence": 0.0001}, "category_applied_input_types": {"violence": ["text", "image"]}}]})),
        GatewayFailure,
    ),
)]
#[post("/moderations")]
pub async fn create(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    RawBody(body): RawBody,
    chat: Service<ChatService>,
    once: Idempotent,
) -> Result<HttpResponse, ApiError> {
    once.call(permit.actor().clone(), respond(permit, body, chat)).await
}

/// What a request asks for.
pub(super) fn to_explain(body: &[u8]) -> Result<ModerationRequest, ApiError> {
    request::read(body)
}

async fn respond(
    permit: Permit<UseAi>,
    body: Bytes,
    chat: Service<ChatService>,
) -> Result<HttpResponse, ApiError> {
    let wanted = request::read(&body)?;
    let name = wanted.model.clone();
    let moderated = chat.moderate(permit, wanted).await?;
    let mut answer = answer_with(&moderated.call, &moderated.standings, None);
    Ok(answer.json(answer::response(name, moderated)))
}
