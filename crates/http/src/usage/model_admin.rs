//! What operators say of models and of what they cost.
use actix_web::{
    HttpResponse, delete, get, post, put,
    web::{Json, Path},
};
use cape_domain::{
    access::{OperatePlatform, ViewPlatform},
    usage::{
        ModelClass, ModelDescription, ModelKind, Price, PricedVersion, Provider, TokenPrices,
        pico_per_call, pico_per_token,
    },
};
use cape_services::usage::{ManagedModel, ModelAdmin};
use chrono::{DateTime, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ai::catalogue::{TierView, tiers};
use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, Permitted, Service},
};

/// Every model.
#[derive(Serialize, ToSchema)]
pub struct ManagedModelListView {
    /// First those that the program came with, in the order of its price book.
    data: Vec<ManagedModelView>,
}

/// A model, as operators see it.
#[derive(Serialize, ToSchema)]
pub struct ManagedModelView {
    /// What callers call it.
    #[schema(example = "gpt-4o-mini")]
    id: String,
    aliases: Vec<String>,
    #[schema(example = "openai")]
    provider: String,
    /// What its provider calls it.
    upstream: String,
    /// `chat`, `embedding` or `moderation`.
    kind: &'static str,
    /// `small`, `medium` or `large`.
    class: &'static str,
    dimensions: Option<u32>,
    context_window: u64,
    output_cap: u64,
    image_tokens: Option<u64>,
    tools: bool,
    released_at: DateTime<Utc>,
    /// Whether it stands in the price book that the program came with.
    shipped: bool,
    /// Whether an operator said what it is.
    described: bool,
    /// Since when it cannot be called any more.
    retired_at: Option<DateTime<Utc>>,
    /// The oldest first. The last one whose time has come holds.
    prices: Vec<ManagedPriceView>,
}

/// A price of a model.
#[derive(Serialize, ToSchema)]
pub struct ManagedPriceView {
    /// Its name, as receipts show it.
    version: String,
    effective_at: DateTime<Utc>,
    /// `priced`, `free` or `unknown`. What has an unknown price cannot be called.
    kind: &'static str,
    /// What it costs us, by the length of the input. Empty unless it is `priced`.
    tiers: Vec<TierView>,
}

/// What a model is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelBody {
    /// Who runs it: one that is configured, or of the price book that the program came with.
    #[schema(example = "openai")]
    provider: String,
    /// What its provider calls it.
    upstream: String,
    /// `small`, `medium` or `large`: which plans reach it.
    class: String,
    /// `chat`, `embedding` or `moderation`; `chat` where it is left out.
    kind: Option<String>,
    /// Other names for it.
    #[serde(default)]
    aliases: Vec<String>,
    /// How many numbers a vector has, of an `embedding`.
    dimensions: Option<u32>,
    /// The most tokens that go in and come out together; of one input, where none come out.
    context_window: u64,
    /// The most tokens that come out of a `chat`.
    output_cap: Option<u64>,
    /// The most tokens that one image becomes. Left out, it takes none.
    image_tokens: Option<u64>,
    /// Whether it calls functions; it does where it is left out and the model is for chats.
    tools: Option<bool>,
    /// For listings; now, where it is left out.
    released_at: Option<DateTime<Utc>>,
}

/// What a model costs from an instant on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceBody {
    /// Its name, as receipts show it.
    #[schema(example = "2027-01-01")]
    version: String,
    /// From when on; never in the past. Now, where it is left out.
    effective_at: Option<DateTime<Utc>>,
    price: TermsBody,
}

/// What a model costs.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum TermsBody {
    /// By its tokens.
    Priced(Box<PricedBody>),
    /// Explicitly nothing.
    Free {},
    /// Explicitly not known: it cannot be called.
    Unknown {},
}

/// Prices in United States dollars per million tokens: decimal texts of at most six places.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PricedBody {
    #[schema(example = "0.150000")]
    input_per_million: String,
    /// That of the input, where it is left out.
    cached_input_per_million: Option<String>,
    /// That of the input, where it is left out.
    cache_write_per_million: Option<String>,
    /// Needed of a model that answers; of any other nothing comes out.
    output_per_million: Option<String>,
    /// For the call itself, in dollars, with at most twelve places.
    per_call: Option<String>,
    /// What all tokens of a call cost whose input is longer.
    long: Option<LongBody>,
}

/// What a call with a long input costs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LongBody {
    /// It is long beyond so many tokens.
    above_input_tokens: u64,
    input_per_million: String,
    cached_input_per_million: Option<String>,
    cache_write_per_million: Option<String>,
    output_per_million: Option<String>,
}

impl From<ManagedModel> for ManagedModelView {
    fn from(managed: ManagedModel) -> Self {
        let ManagedModel { model, shipped, described, retired_at } = managed;
        Self {
            id: model.id,
            aliases: model.aliases,
            provider: model.provider.to_string(),
            upstream: model.upstream,
            kind: model.kind.name(),
            class: model.class.name(),
            dimensions: match model.kind {
                ModelKind::Embedding { dimensions } => Some(dimensions),
                ModelKind::Chat | ModelKind::Moderation => None,
            },
            context_window: model.context_window,
            output_cap: model.output_cap,
            image_tokens: model.image_tokens,
            tools: model.tools,
            released_at: model.released_at,
            shipped,
            described,
            retired_at,
            prices: model.prices.into_iter().map(ManagedPriceView::from).collect(),
        }
    }
}

impl From<PricedVersion> for ManagedPriceView {
    fn from(PricedVersion { version, effective_at, price }: PricedVersion) -> Self {
        let (kind, tiers) = match price {
            Price::Free => ("free", Vec::new()),
            Price::Unknown => ("unknown", Vec::new()),
            Price::Tokens(_) | Price::ByContext { .. } => ("priced", tiers(price)),
        };
        Self { version, effective_at, kind, tiers }
    }
}

impl ModelBody {
    fn read(self, now: DateTime<Utc>) -> Result<ModelDescription, ApiError> {
        let mut fields = Fields::default();
        let provider = fields.read::<Provider>("provider", &self.provider);
        let class = fields.read::<ModelClass>("class", &self.class);
        let kind = match (self.kind.as_deref().unwrap_or("chat"), self.dimensions) {
            ("chat", None) => Ok(ModelKind::Chat),
            ("moderation", None) => Ok(ModelKind::Moderation),
            ("embedding", Some(dimensions)) => Ok(ModelKind::Embedding { dimensions }),
            ("embedding", None) => Err("an `embedding` has `dimensions`"),
            ("chat" | "moderation", Some(_)) => Err("`dimensions` are those of an `embedding`"),
            _ => Err("must be `chat`, `embedding` or `moderation`"),
        };
        let kind = fields.accept("kind", kind);
        let (provider, class, kind) = fields.finish(
            provider.zip(class).zip(kind).map(|((provider, class), kind)| (provider, class, kind)),
        )?;
        Ok(ModelDescription {
            aliases: self.aliases,
            provider,
            upstream: self.upstream,
            class,
            kind,
            context_window: self.context_window,
            output_cap: self.output_cap.unwrap_or_default(),
            image_tokens: self.image_tokens,
            tools: self.tools.unwrap_or(kind == ModelKind::Chat),
            released_at: self.released_at.unwrap_or(now).trunc_subsecs(6),
        })
    }
}

impl TermsBody {
    fn read(self) -> Result<Price, ApiError> {
        let priced = match self {
            Self::Free {} => return Ok(Price::Free),
            Self::Unknown {} => return Ok(Price::Unknown),
            Self::Priced(priced) => priced,
        };
        let mut amounts = Amounts::default();
        let request = amounts.per_call(priced.per_call.as_deref());
        let usual = amounts.prices(
            "price",
            [
                Some(&priced.input_per_million),
                priced.cached_input_per_million.as_ref(),
                priced.cache_write_per_million.as_ref(),
                priced.output_per_million.as_ref(),
            ],
            request,
        );
        let long = priced.long.map(|long| {
            let told = [
                Some(&long.input_per_million),
                long.cached_input_per_million.as_ref(),
                long.cache_write_per_million.as_ref(),
                long.output_per_million.as_ref(),
            ];
            (long.above_input_tokens, amounts.prices("price.long", told, request))
        });
        let price = match long {
            None => Price::Tokens(usual),
            Some((up_to, long)) => Price::ByContext { up_to, usual, long },
        };
        amounts.0.finish(Some(price))
    }
}

/// Reads amounts, and notes which are none.
#[derive(Default)]
struct Amounts(Fields);

impl Amounts {
    /// What is left out costs what the input costs; what comes out, nothing.
    fn prices(&mut self, at: &str, told: [Option<&String>; 4], request: u64) -> TokenPrices {
        let [input, cached_input, cache_write, output] = told;
        let input = self.per_million(&format!("{at}.input_per_million"), input).unwrap_or_default();
        let cached_input =
            self.per_million(&format!("{at}.cached_input_per_million"), cached_input);
        let cache_write = self.per_million(&format!("{at}.cache_write_per_million"), cache_write);
        let output = self.per_million(&format!("{at}.output_per_million"), output);
        TokenPrices {
            input,
            cached_input: cached_input.unwrap_or(input),
            cache_write: cache_write.unwrap_or(input),
            output: output.unwrap_or_default(),
            request,
        }
    }

    fn per_million(&mut self, name: &str, told: Option<&String>) -> Option<u64> {
        const WRONG: &str = "must be an amount of dollars, not below zero, of at most 6 places";
        self.0.accept(name, pico_per_token(told?).ok_or(WRONG))
    }

    fn per_call(&mut self, told: Option<&str>) -> u64 {
        const WRONG: &str = "must be an amount of dollars, not below zero, of at most 12 places";
        let read = told.map(|told| pico_per_call(told).ok_or(WRONG));
        read.and_then(|read| self.0.accept("price.per_call", read)).unwrap_or_default()
    }
}

/// List every model, and what it costs.
///
/// Those that are retired among them.
#[utoipa::path(
    tag = "usage", operation_id = "listManagedModels",
    security(("access_token" = [])),
    responses((status = 200, description = "Found", body = ManagedModelListView), Unpermitted, Failure),
)]
#[get("/admin/models")]
pub async fn list(
    Permitted(permit): Permitted<ViewPlatform>,
    models: Service<ModelAdmin>,
) -> Result<Json<ManagedModelListView>, ApiError> {
    let data = models.list(permit).await?.into_iter().map(ManagedModelView::from).collect();
    Ok(Json(ManagedModelListView { data }))
}

/// Say what a model is.
///
/// A new one, or one that is there or was retired: all that is said takes the place of what was.
/// Prices stay; a model without any cannot be called yet. In every process within a second; calls
/// that run go on as they are. For operators, with a fresh proof of who one is.
#[utoipa::path(
    tag = "usage", operation_id = "describeModel",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "What callers call it")),
    request_body = ModelBody,
    responses(
        (status = 200, description = "Said", body = ManagedModelView),
        (status = 422, description = "`request.invalid_fields`, `model.unknown_provider`, `model.invalid`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[put("/admin/models/{id}")]
pub async fn describe(
    Permitted(permit): Permitted<OperatePlatform>,
    id: Path<String>,
    Body(body): Body<ModelBody>,
    models: Service<ModelAdmin>,
) -> Result<Json<ManagedModelView>, ApiError> {
    let description = body.read(models.now())?;
    Ok(Json(models.describe(permit, &id, description).await?.into()))
}

/// Say what a model costs from an instant on.
///
/// Never from one in the past: what was called is charged by what it cost then, and a call that runs
/// keeps its price. In every process within a second. For operators, with a fresh proof of who one is.
#[utoipa::path(
    tag = "usage", operation_id = "priceModel",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "Its id")),
    request_body = PriceBody,
    responses(
        (status = 201, description = "Said", body = ManagedModelView),
        (status = 404, description = "`model.not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`, `price.backdated`, `price.overlapping`, `price.version_taken`, `price.invalid`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/admin/models/{id}/prices")]
pub async fn set_price(
    Permitted(permit): Permitted<OperatePlatform>,
    id: Path<String>,
    Body(body): Body<PriceBody>,
    models: Service<ModelAdmin>,
) -> Result<HttpResponse, ApiError> {
    let effective_at = body.effective_at.map(|at| at.trunc_subsecs(6));
    let price = body.price.read()?;
    let managed = models.set_price(permit, &id, &body.version, effective_at, price).await?;
    Ok(HttpResponse::Created().json(ManagedModelView::from(managed)))
}

/// Take a model out of what can be called.
///
/// One that the program came with is hidden. Calls of it that run go on, and receipts stay. For
/// operators, with a fresh proof of who one is.
#[utoipa::path(
    tag = "usage", operation_id = "retireModel",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 204, description = "Retired"),
        (status = 404, description = "`model.not_found`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[delete("/admin/models/{id}")]
pub async fn retire(
    Permitted(permit): Permitted<OperatePlatform>,
    id: Path<String>,
    models: Service<ModelAdmin>,
) -> Result<HttpResponse, ApiError> {
    models.retire(permit, &id).await?;
    Ok(HttpResponse::NoContent().finish())
}
