//! Which models can be called.
use actix_web::{
    get,
    web::{Json, Path},
};
use cape_domain::access::ViewModels;
use cape_services::usage::{ModelService, OpenModel};
use cape_wire::openai::{Model, ModelList};

use crate::{
    error::{ApiError, GatewayError, GatewayFailure},
    extract::{KeyPermitted, Service},
};

fn view(model: OpenModel) -> Model {
    let created = u64::try_from(model.released_at.timestamp()).unwrap_or_default();
    Model::new(model.id, created, model.provider.name())
}

/// List the models this plan reaches.
///
/// In `OpenAI`'s shape.
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
    models: Service<ModelService>,
) -> Result<Json<ModelList>, ApiError> {
    let open = models.list(permit).await?;
    Ok(Json(ModelList::new(open.into_iter().map(view).collect())))
}

/// Show a model this plan reaches.
///
/// By its name or an alias, in `OpenAI`'s shape.
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
    models: Service<ModelService>,
) -> Result<Json<Model>, ApiError> {
    Ok(Json(view(models.find(permit, &model).await?)))
}
