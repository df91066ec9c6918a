//! The models there are, as the plan of a workspace sees them, and who runs them.
use actix_web::{get, web::Json};
use cape_domain::{
    access::ViewUsage,
    usage::{ModelKind, Price, PricedVersion, TokenPrices},
};
use cape_services::usage::{ModelCatalogue, ModelStanding, ProviderStanding};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Unpermitted},
    extract::{Permitted, Service},
    usage::reports::views::TokenPricesView,
};

/// Everybody who runs models.
#[derive(Serialize, ToSchema)]
pub struct ProviderListView {
    /// In the order of their names.
    data: Vec<ProviderView>,
}

/// Who runs models.
#[derive(Serialize, ToSchema)]
pub struct ProviderView {
    #[schema(example = "openai")]
    provider: String,
    /// Whether the platform has access to it. Calls to its models are answered 503 otherwise.
    configured: bool,
    /// Whether this workspace can call any of its models now.
    enabled: bool,
    /// How many of its models there are.
    models: usize,
    /// How many of them the plan reaches.
    models_in_plan: usize,
}

/// Every model.
#[derive(Serialize, ToSchema)]
pub struct ModelListView {
    /// In the order of the catalogue.
    data: Vec<ModelView>,
}

/// A model, as the plan of a workspace sees it.
#[derive(Serialize, ToSchema)]
pub struct ModelView {
    /// What callers call it.
    #[schema(example = "gpt-4o-mini")]
    id: String,
    /// Other names for it.
    aliases: Vec<String>,
    #[schema(example = "openai")]
    provider: String,
    /// `chat`, `embedding` or `moderation`: what it does.
    kind: &'static str,
    /// `small`, `medium` or `large`: which plans reach it.
    class: &'static str,
    /// How many numbers its vectors have, if it makes any.
    dimensions: Option<u32>,
    /// The most tokens that go in and come out together; of one input, where none come out.
    context_window: u64,
    /// The most tokens that come out. None do of models that do not answer.
    output_cap: u64,
    released_at: DateTime<Utc>,
    /// Whether the plan reaches it.
    in_plan: bool,
    /// Whether an operator has stopped it, or all models of its provider.
    stopped: bool,
    /// Whether it can be called now, by a key that may call any model.
    available: bool,
    /// What it costs now. Null, if that is not known: it is refused then.
    price: Option<ModelPriceView>,
}

/// What a model costs now.
#[derive(Serialize, ToSchema)]
pub struct ModelPriceView {
    /// Its name, as receipts show it.
    #[schema(example = "2024-07-18")]
    version: String,
    effective_at: DateTime<Utc>,
    /// Whether it explicitly costs nothing.
    free: bool,
    /// What is added to the cost, in hundredths of a per cent.
    markup_basis_points: u32,
    /// What it costs us, by the length of the input: the first that is not too short holds for
    /// all tokens of a call.
    tiers: Vec<TierView>,
}

/// Prices for inputs of a length.
#[derive(Serialize, ToSchema)]
pub struct TierView {
    /// They hold up to so many tokens of input. Null for any more.
    up_to_input_tokens: Option<u64>,
    usd: TokenPricesView,
}

impl From<ProviderStanding> for ProviderView {
    fn from(standing: ProviderStanding) -> Self {
        Self {
            provider: standing.provider.to_string(),
            configured: standing.configured,
            enabled: standing.callable > 0,
            models: standing.models,
            models_in_plan: standing.in_plan,
        }
    }
}

impl From<ModelStanding> for ModelView {
    fn from(standing: ModelStanding) -> Self {
        let available = standing.is_callable();
        let markup = standing.markup.0;
        let price = standing.price.map(|price| ModelPriceView::of(price, markup));
        let model = standing.model;
        Self {
            id: model.id,
            aliases: model.aliases,
            provider: model.provider.to_string(),
            kind: model.kind.name(),
            class: model.class.name(),
            dimensions: match model.kind {
                ModelKind::Chat | ModelKind::Moderation => None,
                ModelKind::Embedding { dimensions } => Some(dimensions),
            },
            context_window: model.context_window,
            output_cap: model.output_cap,
            released_at: model.released_at,
            in_plan: standing.in_plan,
            stopped: standing.stopped,
            available,
            price,
        }
    }
}

impl ModelPriceView {
    fn of(version: PricedVersion, markup_basis_points: u32) -> Self {
        Self {
            version: version.version,
            effective_at: version.effective_at,
            free: version.price == Price::Free,
            markup_basis_points,
            tiers: tiers(version.price),
        }
    }
}

/// What tokens cost, by the length of the input. Nothing, where that is not known.
pub(in crate::usage) fn tiers(price: Price) -> Vec<TierView> {
    let tier = |up_to_input_tokens, prices: TokenPrices| TierView {
        up_to_input_tokens,
        usd: prices.into(),
    };
    match price {
        Price::Free => vec![tier(None, TokenPrices::FREE)],
        Price::Unknown => Vec::new(),
        Price::Tokens(prices) => vec![tier(None, prices)],
        Price::ByContext { up_to, usual, long } => {
            vec![tier(Some(up_to), usual), tier(None, long)]
        }
    }
}

/// List who runs models.
#[utoipa::path(
    tag = "usage", operation_id = "listAiProviders",
    security(("access_token" = [])),
    responses((status = 200, description = "All of them", body = ProviderListView), Unpermitted, Failure),
)]
#[get("/ai/providers")]
pub async fn providers(
    Permitted(permit): Permitted<ViewUsage>,
    catalogue: Service<ModelCatalogue>,
) -> Result<Json<ProviderListView>, ApiError> {
    let providers = catalogue.providers(permit).await?;
    Ok(Json(ProviderListView { data: providers.into_iter().map(ProviderView::from).collect() }))
}

/// List every model, and what it costs.
#[utoipa::path(
    tag = "usage", operation_id = "listAiModels",
    security(("access_token" = [])),
    responses((status = 200, description = "All of them", body = ModelListView), Unpermitted, Failure),
)]
#[get("/ai/models")]
pub async fn models(
    Permitted(permit): Permitted<ViewUsage>,
    catalogue: Service<ModelCatalogue>,
) -> Result<Json<ModelListView>, ApiError> {
    let models = catalogue.models(permit).await?;
    Ok(Json(ModelListView { data: models.into_iter().map(ModelView::from).collect() }))
}
