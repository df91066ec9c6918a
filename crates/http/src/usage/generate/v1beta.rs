//! What Google's clients ask below `/v1beta`.
use actix_web::{
    HttpResponse, get, post,
    web::{Json, Path},
};
use cape_domain::access::{UseAi, ViewModels};
use cape_services::usage::{ChatService, CountService, ModelService};
use cape_wire::gemini::{Model, ModelList};

use super::{
    ABOUT_ALT, ABOUT_KEY, Asked, Parameters, count,
    models::{self, Page},
    pieces, whole,
};
use crate::{
    error::{ApiError, GoogleFailure},
    extract::{KeyPermitted, QueryOf, RawBody, Service},
    idempotency::{ABOUT_KEY as ABOUT_ONCE, Idempotent},
};

/// List the models this plan reaches, in Google's shape.
///
/// All of them, whoever runs them.
#[utoipa::path(
    tag = "usage", operation_id = "listGoogleModels",
    security(("api_key" = []), ("google_key" = [])),
    params(Page, ("key" = Option<String>, Query, description = ABOUT_KEY)),
    responses(
        (status = 200, description = "A page of models", body = Object, example = json!({"models": [{"name": "models/gemini-2.5-flash", "displayName": "gemini-2.5-flash", "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536, "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"]}]})),
        GoogleFailure,
    ),
)]
#[get("/models")]
pub async fn list_models(
    KeyPermitted(permit): KeyPermitted<ViewModels>,
    QueryOf(page): QueryOf<Page>,
    service: Service<ModelService>,
) -> Result<Json<ModelList>, ApiError> {
    let open = service.list(permit).await?;
    models::page(open, &page).map(Json)
}

/// Show a model this plan reaches, in Google's shape.
///
/// By its name or an alias.
#[utoipa::path(
    tag = "usage", operation_id = "getGoogleModel",
    security(("api_key" = []), ("google_key" = [])),
    params(
        ("model" = String, Path, description = "Its name"),
        ("key" = Option<String>, Query, description = ABOUT_KEY),
    ),
    responses((status = 200, description = "The model", body = Object), GoogleFailure),
)]
#[get("/models/{model}")]
pub async fn show_model(
    KeyPermitted(permit): KeyPermitted<ViewModels>,
    model: Path<String>,
    service: Service<ModelService>,
) -> Result<Json<Model>, ApiError> {
    Ok(Json(models::view(service.find(permit, &model).await?)))
}

/// Call a model, in Google's format.
///
/// Whatever provider runs the model. The key goes in `x-goog-api-key`, as bearer, or in the query.
/// What the call cost is in `/api/usage/records/{id}`, under the id in the header `x-cape-call-id`.
/// Asking again with the same `Idempotency-Key` gives the same answer, and is paid once; without one,
/// it is a new call.
#[utoipa::path(
    tag = "usage", operation_id = "generateContent",
    security(("api_key" = []), ("google_key" = [])),
    params(
        ("model" = String, Path, description = "Its name"),
        ("key" = Option<String>, Query, description = ABOUT_KEY),
        ("Idempotency-Key" = Option<String>, Header, description = ABOUT_ONCE),
    ),
    request_body(content = Object, description = "Google's request", example = json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}], "generationConfig": {"maxOutputTokens": 100}})),
    responses((status = 200, description = "Google's response", body = Object), GoogleFailure),
)]
#[post("/models/{model}:generateContent")]
pub async fn generate_content(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    model: Path<String>,
    QueryOf(parameters): QueryOf<Parameters>,
    RawBody(body): RawBody,
    chat: Service<ChatService>,
    once: Idempotent,
) -> Result<HttpResponse, ApiError> {
    let actor = permit.actor().clone();
    let asked = Asked { permit, model: model.into_inner(), parameters, body };
    once.call(actor, whole(asked, chat)).await
}

/// Call a model in Google's format, for an answer in pieces.
///
/// With `?alt=sse` the responses are server-sent events, without it the items of one JSON array. What
/// it took stands in the last one, and so do the functions that are asked for. A failure after the
/// first response is the last event or item.
#[utoipa::path(
    tag = "usage", operation_id = "streamGenerateContent",
    security(("api_key" = []), ("google_key" = [])),
    params(
        ("model" = String, Path, description = "Its name"),
        ("alt" = Option<String>, Query, description = ABOUT_ALT),
        ("key" = Option<String>, Query, description = ABOUT_KEY),
        ("Idempotency-Key" = Option<String>, Header, description = ABOUT_ONCE),
    ),
    request_body(content = Object, description = "Google's request", example = json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]})),
    responses(
        (status = 200, description = "Google's responses", content(
            (Object = "application/json"),
            (String = "text/event-stream"),
        )),
        GoogleFailure,
    ),
)]
#[post("/models/{model}:streamGenerateContent")]
pub async fn stream_generate_content(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    model: Path<String>,
    QueryOf(parameters): QueryOf<Parameters>,
    RawBody(body): RawBody,
    chat: Service<ChatService>,
    once: Idempotent,
) -> Result<HttpResponse, ApiError> {
    let actor = permit.actor().clone();
    let asked = Asked { permit, model: model.into_inner(), parameters, body };
    once.call(actor, pieces(asked, chat)).await
}

/// Count the tokens of a request, in Google's format.
///
/// Of `contents` alone, or of a whole `generateContentRequest`. The provider that runs the model is
/// asked. It costs nothing and is no call: it counts as a request at the limits of the plan, and
/// nowhere else.
#[utoipa::path(
    tag = "usage", operation_id = "countTokens",
    security(("api_key" = []), ("google_key" = [])),
    params(
        ("model" = String, Path, description = "Its name"),
        ("key" = Option<String>, Query, description = ABOUT_KEY),
    ),
    request_body(content = Object, description = "Google's request", example = json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]})),
    responses((status = 200, description = "How many", body = Object, example = json!({"totalTokens": 4})), GoogleFailure),
)]
#[post("/models/{model}:countTokens")]
pub async fn count_tokens(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    model: Path<String>,
    QueryOf(parameters): QueryOf<Parameters>,
    RawBody(body): RawBody,
    counts: Service<CountService>,
) -> Result<HttpResponse, ApiError> {
    count(Asked { permit, model: model.into_inner(), parameters, body }, counts).await
}
