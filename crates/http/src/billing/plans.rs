//! Plans, for operators.
use actix_web::{HttpResponse, delete, get, patch, post, web::Json};
use cape_domain::{
    access::{OperatePlatform, ViewPlatform},
    billing::{DraftPrice, Feature, Money, Plan, PlanChange, PlanCode, PlanDraft, PlanLimits},
    usage::ModelClass,
};
use cape_services::billing::PlanService;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pricing::{PlanLimitsView, PlanView};
use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, PathId, Permitted, Service},
};

/// A price as it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceBody {
    /// `month` or `year`.
    #[schema(example = "month")]
    interval: String,
    /// ISO 4217.
    #[schema(example = "ZAR")]
    currency: String,
    /// In the currency's smallest unit.
    #[schema(example = 16_900)]
    amount_minor: i64,
}

/// A plan that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePlanBody {
    /// Lower-case letters, digits and dashes; never changed, and never used again.
    #[schema(example = "team")]
    code: String,
    /// At most 100 characters.
    #[schema(example = "Team")]
    name: String,
    /// Words for customers, at most 120 characters each.
    #[serde(default)]
    features: Vec<String>,
    /// What it costs. At most one for each interval and currency.
    prices: Vec<PriceBody>,
    limits: PlanLimitsView,
    /// The classes of models it reaches: `small`, `medium`, `large`.
    #[schema(example = json!(["small"]))]
    models: Vec<String>,
}

/// What is to be otherwise about a plan. What is not said stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevisePlanBody {
    /// At most 100 characters.
    name: Option<String>,
    /// All of them.
    features: Option<Vec<String>>,
    /// All of them. Whoever subscribed at another one keeps it.
    prices: Option<Vec<PriceBody>>,
    /// All of them. Everybody who has the plan feels them within a second.
    limits: Option<PlanLimitsView>,
    /// All of them.
    models: Option<Vec<String>>,
}

/// A plan, for operators.
#[derive(Serialize, ToSchema)]
pub struct OperatedPlanView {
    #[serde(flatten)]
    plan: PlanView,
    /// Which version of it this is.
    version: u32,
    /// Since when it is not sold any more.
    retired_at: Option<DateTime<Utc>>,
}

/// Every plan.
#[derive(Serialize, ToSchema)]
pub struct OperatedPlansView {
    /// In the order in which they were made.
    data: Vec<OperatedPlanView>,
}

impl From<Plan> for OperatedPlanView {
    fn from(plan: Plan) -> Self {
        let (version, retired_at) = (plan.version, plan.retired_at);
        Self { plan: plan.into(), version, retired_at }
    }
}

fn price(price: &PriceBody) -> Result<DraftPrice, String> {
    let interval = price.interval.parse().map_err(|error| format!("{error}"))?;
    let currency = price.currency.parse().map_err(|error| format!("{error}"))?;
    Ok((interval, Money::from_minor(price.amount_minor, currency)))
}

fn prices(fields: &mut Fields, bodies: &[PriceBody]) -> Option<Vec<DraftPrice>> {
    fields.accept("prices", bodies.iter().map(price).collect::<Result<Vec<_>, _>>())
}

fn features(fields: &mut Fields, texts: &[String]) -> Option<Vec<Feature>> {
    fields.read_all("features", texts, 0..=20)
}

fn models(fields: &mut Fields, names: &[String]) -> Option<Vec<ModelClass>> {
    fields.read_all("models", names, 1..=ModelClass::ALL.len())
}

/// List plans.
#[utoipa::path(
    tag = "billing", operation_id = "listPlans",
    security(("access_token" = [])),
    responses((status = 200, description = "Every plan, sold or not", body = OperatedPlansView), Unpermitted, Failure),
)]
#[get("/billing/plans")]
pub async fn list(
    Permitted(permit): Permitted<ViewPlatform>,
    plans: Service<PlanService>,
) -> Result<Json<OperatedPlansView>, ApiError> {
    let data = plans.list(permit).await?.into_iter().map(OperatedPlanView::from).collect();
    Ok(Json(OperatedPlansView { data }))
}

/// Show a plan.
#[utoipa::path(
    tag = "billing", operation_id = "getPlan",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "Its code")),
    responses(
        (status = 200, description = "Found", body = OperatedPlanView),
        (status = 404, description = "`path.invalid_id`, `billing.plan_not_found`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[get("/billing/plans/{id}")]
pub async fn show(
    Permitted(permit): Permitted<ViewPlatform>,
    PathId(code): PathId<PlanCode>,
    plans: Service<PlanService>,
) -> Result<Json<OperatedPlanView>, ApiError> {
    Ok(Json(plans.find(permit, &code).await?.into()))
}

/// Make a plan.
///
/// It is sold from now on, in any currency of ISO 4217. For operators, with a fresh proof of who
/// one is.
#[utoipa::path(
    tag = "billing", operation_id = "createPlan",
    security(("access_token" = [])),
    request_body = CreatePlanBody,
    responses(
        (status = 201, description = "Made", body = OperatedPlanView),
        (status = 409, description = "`billing.plan_taken`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`, `billing.invalid_plan`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/billing/plans")]
pub async fn create(
    Permitted(permit): Permitted<OperatePlatform>,
    Body(body): Body<CreatePlanBody>,
    plans: Service<PlanService>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let (code, name) = (fields.read("code", &body.code), fields.read("name", &body.name));
    let features = features(&mut fields, &body.features);
    let prices = prices(&mut fields, &body.prices);
    let models = models(&mut fields, &body.models);
    let draft = code.zip(name).zip(features).zip(prices.zip(models));
    let (((code, name), features), (prices, models)) = fields.finish(draft)?;
    let limits = PlanLimits::from(&body.limits);
    let draft = PlanDraft { code, name, features, prices, limits, models };
    let plan = plans.create(permit, draft).await?;
    Ok(HttpResponse::Created().json(OperatedPlanView::from(plan)))
}

/// Change a plan.
///
/// Running subscriptions keep the price they were sold at. For operators, with a fresh proof of who
/// one is.
#[utoipa::path(
    tag = "billing", operation_id = "revisePlan",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "Its code")),
    request_body = RevisePlanBody,
    responses(
        (status = 200, description = "The next version", body = OperatedPlanView),
        (status = 404, description = "`path.invalid_id`, `billing.plan_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`billing.plan_withdrawn`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`, `billing.invalid_plan`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[patch("/billing/plans/{id}")]
pub async fn revise(
    Permitted(permit): Permitted<OperatePlatform>,
    PathId(code): PathId<PlanCode>,
    Body(body): Body<RevisePlanBody>,
    plans: Service<PlanService>,
) -> Result<Json<OperatedPlanView>, ApiError> {
    let mut fields = Fields::default();
    let change = PlanChange {
        name: fields.read_optional("name", body.name.as_deref()),
        features: body.features.and_then(|texts| features(&mut fields, &texts)),
        prices: body.prices.and_then(|bodies| prices(&mut fields, &bodies)),
        limits: body.limits.as_ref().map(PlanLimits::from),
        models: body.models.and_then(|names| models(&mut fields, &names)),
    };
    let change = fields.finish(Some(change))?;
    Ok(Json(plans.revise(permit, &code, change).await?.into()))
}

/// Withdraw a plan.
///
/// It is not sold any more; whoever has it keeps it. For operators, with a fresh proof of who one
/// is.
#[utoipa::path(
    tag = "billing", operation_id = "retirePlan",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "Its code")),
    responses(
        (status = 204, description = "Withdrawn"),
        (status = 404, description = "`path.invalid_id`, `billing.plan_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`billing.plan_withdrawn`, `billing.plan_in_need`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[delete("/billing/plans/{id}")]
pub async fn retire(
    Permitted(permit): Permitted<OperatePlatform>,
    PathId(code): PathId<PlanCode>,
    plans: Service<PlanService>,
) -> Result<HttpResponse, ApiError> {
    plans.retire(permit, &code).await?;
    Ok(HttpResponse::NoContent().finish())
}
