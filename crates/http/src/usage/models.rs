//! Which models can be called.
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, get, web::Path};
use cape_domain::access::ViewModels;
use cape_services::usage::{ModelService, OpenModel};
use cape_wire::openai::{Model, ModelList};

use super::generate::models::{self as google, Page};
use crate::{
    error::{ApiError, GatewayError, GatewayFailure, asks_as_google},
    extract::{KeyPermitted, QueryOf, Service},
};

fn view(model: OpenModel) -> Model {
    let created = u64::try_from(model.released_at.timestamp()).unwrap_or_default();
    Model::new(model.id, created, model.provider.name())
}

/// List the models this plan reaches.
///
/// In `OpenAI`'s shape, all at once; or in Google's, as below `/v1beta`, for a key in
/// `x-goog-api-key`.
#[utoipa::path(
    tag = "usage", operation_id = "listModels",
    security(("api_key" = [])),
    responses(
        (status = 200, description = "The models", body = Object, example = json!({"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model", "created": 1_721_260_800, "owned_by": "openai"}]})),
        GatewayFailure,
    ),
)]
#[get("/models")]
pub async fn list(
    KeyPermitted(permit): KeyPermitted<ViewModels>,
    request: HttpRequest,
    models: Service<ModelService>,
) -> Result<HttpResponse, ApiError> {
    let open = models.list(permit).await?;
    let mut answer = HttpResponse::Ok();
    if asks_as_google(request.headers()) {
        let QueryOf(page) = QueryOf::<Page>::extract(&request).await?;
        return Ok(answer.json(google::page(open, &page)?));
    }
    Ok(answer.json(ModelList::new(open.into_iter().map(view).collect())))
}

/// Show a model this plan reaches.
///
/// By its name or an alias, in `OpenAI`'s shape; or in Google's for a key in `x-goog-api-key`.
#[utoipa::path(
    tag = "usage", operation_id = "getModel",
    security(("api_key" = [])),
    params(("model" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The model", body = Object, example = json!({"id": "gpt-4o-mini", "object": "model", "created": 1_721_260_800, "owned_by": "openai"})),
        (status = 404, description = "`model_not_found`", body = GatewayError),
        GatewayFailure,
    ),
)]
#[get("/models/{model}")]
pub async fn show(
    KeyPermitted(permit): KeyPermitted<ViewModels>,
    model: Path<String>,
    request: HttpRequest,
    models: Service<ModelService>,
) -> Result<HttpResponse, ApiError> {
    let found = models.find(permit, &model).await?;
    let mut answer = HttpResponse::Ok();
    if asks_as_google(request.headers()) {
        return Ok(answer.json(google::view(found)));
    }
    Ok(answer.json(view(found)))
}
