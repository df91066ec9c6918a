//! Changing the plan of a subscription, at the price that was said.
use actix_web::{HttpResponse, http::StatusCode, post};
use cape_domain::{
    access::ManageBilling,
    billing::{Currency, PriceInterval, Quote, Subscription},
    ids::{QuoteId, SubscriptionId},
};
use cape_services::{
    billing::{SubscriptionService, Wanted},
    idempotency::Once,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{money::MoneyView, subscriptions::SubscriptionView};
use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, PathId, Permitted, Service},
    idempotency::{ABOUT_KEY, Idempotent, kept_json},
};

/// A plan that somebody thinks of changing to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteBody {
    /// The plan's code.
    #[schema(example = "enterprise")]
    plan: String,
    /// `month` or `year`.
    #[schema(example = "month")]
    interval: String,
    /// That of the subscription: `USD`, unless said.
    #[schema(example = "USD")]
    currency: Option<String>,
}

/// A change that somebody agrees to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// What was said.
    #[schema(example = "qte_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    quote_id: String,
}

/// What a change costs.
#[derive(Serialize, ToSchema)]
pub struct QuoteView {
    #[schema(example = "qte_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    #[schema(example = "enterprise")]
    plan: String,
    /// `month` or `year`.
    interval: &'static str,
    /// What it costs from `renews_at` on.
    price: MoneyView,
    /// What is left of the plan until now.
    credit: MoneyView,
    /// What the new one costs until `renews_at`.
    charge: MoneyView,
    /// What is charged at once. Less than zero is credited to later payments.
    due: MoneyView,
    renews_at: DateTime<Utc>,
    /// How long this is good, unless the subscription changes before.
    expires_at: DateTime<Utc>,
}

impl From<Quote> for QuoteView {
    fn from(quote: Quote) -> Self {
        Self {
            due: quote.due().into(),
            id: quote.id.to_string(),
            plan: quote.to.plan.to_string(),
            interval: quote.to.price.interval.name(),
            price: quote.to.price.amount.into(),
            credit: quote.credit.into(),
            charge: quote.charge.into(),
            renews_at: quote.renews_at,
            expires_at: quote.expires_at,
        }
    }
}

/// Say what a change of the plan costs.
///
/// What is left of the old plan is credited, and the rest of the new one is charged; where the
/// interval changes, a new period begins. Good for a quarter of an hour.
#[utoipa::path(
    tag = "billing", operation_id = "quoteSubscriptionChange",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "Which subscription")),
    request_body = QuoteBody,
    responses(
        (status = 201, description = "What it costs", body = QuoteView),
        (status = 400, description = "`billing.unknown_plan`, `billing.currency_not_sold`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`path.invalid_id`, `billing.subscription_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`billing.same_plan`, `billing.other_currency`, and where the subscription is not in a state for it", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "`billing.quote_mismatch`: the provider would charge another sum", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`integration_disabled`, `billing.provider_unavailable`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/payment/subscriptions/{id}/quote")]
pub async fn prepare(
    Permitted(permit): Permitted<ManageBilling>,
    PathId(id): PathId<SubscriptionId>,
    Body(body): Body<QuoteBody>,
    subscriptions: Service<SubscriptionService>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let interval = fields.read::<PriceInterval>("interval", &body.interval);
    let currency = fields.read::<Currency>("currency", body.currency.as_deref().unwrap_or("USD"));
    let (interval, currency) = fields.finish(interval.zip(currency))?;
    let wanted = Wanted { plan: &body.plan, interval, currency };
    let quote = subscriptions.quote(permit, id, wanted).await?;
    Ok(HttpResponse::Created().json(QuoteView::from(quote)))
}

/// Change the plan as it was said.
///
/// What was said is charged at once. If that fails, the plan stays what it is.
#[utoipa::path(
    tag = "billing", operation_id = "changeSubscription",
    security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "Which subscription"),
        ("Idempotency-Key" = Option<String>, Header, description = ABOUT_KEY),
    ),
    request_body = ChangeBody,
    responses(
        (status = 200, description = "As it is now", body = SubscriptionView),
        (status = 402, description = "`billing.payment_failed`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`path.invalid_id`, `billing.subscription_not_found`, `billing.quote_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`billing.quote_stale`, `billing.quote_expired`, `idempotency.in_flight`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`, `idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`integration_disabled`, `billing.provider_unavailable`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/payment/subscriptions/{id}/change")]
pub async fn change(
    Permitted(permit): Permitted<ManageBilling>,
    PathId(id): PathId<SubscriptionId>,
    Body(body): Body<ChangeBody>,
    subscriptions: Service<SubscriptionService>,
    once: Idempotent,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let quote = fields.read::<QuoteId>("quote_id", &body.quote_id);
    let quote = fields.finish(quote)?;
    let answer = |changed: &Subscription| {
        kept_json(StatusCode::OK, &SubscriptionView::from(changed.clone()))
    };
    once.money(permit.actor().clone(), async |attempt| {
        let once = Once::under(attempt, &answer);
        let changed = subscriptions.change(permit, id, quote, once).await?;
        Ok(HttpResponse::Ok().json(SubscriptionView::from(changed)))
    })
    .await
}
