//! What is sold.
use actix_web::{get, web::Json};
use cape_domain::billing::{Pack, Plan, PlanLimits, PlanPrice};
use cape_services::billing::{PricingService, Sold};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::money::MoneyView;
use crate::{
    error::{ApiError, Failure},
    extract::Service,
};

/// Everything that is sold.
#[derive(Serialize, ToSchema)]
pub struct PricingView {
    /// Plans, the cheapest first.
    plans: Vec<PlanView>,
    /// Packs of credits, the smallest first.
    credit_packs: Vec<PackView>,
}

/// A plan: rights and limits.
#[derive(Serialize, ToSchema)]
pub struct PlanView {
    #[schema(example = "pro")]
    code: String,
    name: String,
    /// What speaks for it.
    features: Vec<String>,
    prices: Vec<PlanPriceView>,
    limits: PlanLimitsView,
    /// The classes of models it reaches: `small`, `medium`, `large`.
    models: Vec<&'static str>,
}

/// One price of a plan.
#[derive(Serialize, ToSchema)]
pub struct PlanPriceView {
    /// `month` or `year`.
    interval: &'static str,
    amount: MoneyView,
}

/// How much a plan allows.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanLimitsView {
    requests_per_month: u64,
    requests_per_minute: u64,
    requests_per_hour: u64,
    tokens_per_hour: u64,
}

/// A pack of credits.
#[derive(Serialize, ToSchema)]
pub struct PackView {
    #[schema(example = "small")]
    code: String,
    /// Credits that are bought.
    #[schema(example = "500.000000")]
    credits: String,
    /// Credits that come on top.
    #[schema(example = "0.000000")]
    bonus: String,
    /// What it costs, once per currency.
    prices: Vec<MoneyView>,
}

impl From<Plan> for PlanView {
    fn from(plan: Plan) -> Self {
        let price = |PlanPrice { interval, amount, .. }: PlanPrice| PlanPriceView {
            interval: interval.name(),
            amount: amount.into(),
        };
        let limits = PlanLimitsView {
            requests_per_month: plan.limits.requests_per_month,
            requests_per_minute: plan.limits.requests_per_minute,
            requests_per_hour: plan.limits.requests_per_hour,
            tokens_per_hour: plan.limits.tokens_per_hour,
        };
        Self {
            code: plan.code.to_string(),
            name: plan.name.to_string(),
            features: plan.features.iter().map(ToString::to_string).collect(),
            prices: plan.prices.into_iter().map(price).collect(),
            limits,
            models: plan.models.into_iter().map(cape_domain::usage::ModelClass::name).collect(),
        }
    }
}

impl From<&PlanLimitsView> for PlanLimits {
    fn from(limits: &PlanLimitsView) -> Self {
        Self {
            requests_per_month: limits.requests_per_month,
            requests_per_minute: limits.requests_per_minute,
            requests_per_hour: limits.requests_per_hour,
            tokens_per_hour: limits.tokens_per_hour,
        }
    }
}

impl From<Pack> for PackView {
    fn from(pack: Pack) -> Self {
        Self {
            code: pack.code,
            credits: pack.credits.to_string(),
            bonus: pack.bonus.to_string(),
            prices: pack.prices.into_iter().map(MoneyView::from).collect(),
        }
    }
}

impl From<Sold> for PricingView {
    fn from(sold: Sold) -> Self {
        Self {
            plans: sold.plans.into_iter().map(PlanView::from).collect(),
            credit_packs: sold.packs.into_iter().map(PackView::from).collect(),
        }
    }
}

/// Show plans and packs.
#[utoipa::path(
    tag = "billing", operation_id = "getPricing",
    security(()),
    responses((status = 200, description = "Everything that is sold", body = PricingView), Failure),
)]
#[get("/payment/pricing")]
pub async fn pricing(pricing: Service<PricingService>) -> Result<Json<PricingView>, ApiError> {
    Ok(Json(pricing.sold().await?.into()))
}
