//! `/v1/explain`: what would become of a call, without making it.
mod endpoint;
mod view;

use actix_web::{post, web::Json};
use cape_domain::access::UseAi;
use cape_services::usage::{AskedChat, AskedEmbedding, AskedModeration, ChatService};

use self::{
    endpoint::{Question, Wanted},
    view::ExplanationView,
};
use crate::{
    error::{ApiError, GatewayFailure},
    extract::{KeyPermitted, RawBody, Service},
};

/// Show what would become of a call, without making it.
///
/// The body is a request of `/v1/chat/completions` as it is; or it names the `endpoint` that a
/// `request` is for: `/v1/chat/completions`, `/v1/responses`, `/v1/messages`, `/v1/embeddings`,
/// `/v1/moderations` or `/v1beta/models/{model}:generateContent` (`:streamGenerateContent`). Nothing is
/// held, counted or recorded, and no provider is asked. Every rule that a call has to pass is shown
/// with its limit, what is used, what the call wants, and what would let it pass. Parameters are named
/// as in the request.
#[utoipa::path(
    tag = "usage", operation_id = "explainCall",
    security(("api_key" = [])),
    request_body(content = Object, description = "`OpenAI`'s request, or an endpoint and a request", example = json!({"endpoint": "/v1/embeddings", "request": {"model": "text-embedding-3-small", "input": "Hello"}})),
    responses(
        (status = 200, description = "What would become of it", body = ExplanationView),
        GatewayFailure,
    ),
)]
#[post("/explain")]
pub async fn explain(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    RawBody(body): RawBody,
    chat: Service<ChatService>,
) -> Result<Json<ExplanationView>, ApiError> {
    let Question { wanted, tell } = endpoint::read(&body)?;
    let explained = match wanted {
        Wanted::Chat(new) => chat.explain::<AskedChat>(permit, *new).await?,
        Wanted::Embedding(wanted) => chat.explain::<AskedEmbedding>(permit, wanted).await?,
        Wanted::Moderation(wanted) => chat.explain::<AskedModeration>(permit, wanted).await?,
    };
    Ok(Json(ExplanationView::of(explained, &tell)))
}
