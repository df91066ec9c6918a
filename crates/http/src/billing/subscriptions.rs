//! Subscribing to a plan, cancelling, resuming.
use actix_web::{HttpResponse, delete, get, http::StatusCode, post, web::Json};
use cape_domain::{
    access::{ManageBilling, OperatePlatform, ViewBilling},
    billing::{Currency, Period, PriceInterval, ProviderName, Subscription, SubscriptionState},
    ids::SubscriptionId,
};
use cape_services::{
    billing::{OpenedSubscription, SubscriptionService, Wanted},
    idempotency::Once,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::money::MoneyView;
use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, PathId, Permitted, QueryOf, Service},
    idempotency::{ABOUT_KEY, Idempotent, kept_json},
    page::{ListView, PageQuery},
};

/// A plan that somebody wants to subscribe to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscribeBody {
    /// The plan's code.
    #[schema(example = "pro")]
    plan: String,
    /// `month` or `year`.
    #[schema(example = "month")]
    interval: String,
    /// ISO 4217; `USD` unless said.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// Who takes the money: `stripe`, unless said.
    #[schema(example = "stripe")]
    provider: Option<String>,
}

/// A subscription that can be paid.
#[derive(Serialize, ToSchema)]
pub struct OpenedSubscriptionView {
    #[schema(example = "sub_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    subscription_id: String,
    /// Who takes the money.
    #[schema(example = "stripe")]
    provider: &'static str,
    /// Where to pay.
    checkout_url: String,
}

impl From<&OpenedSubscription> for OpenedSubscriptionView {
    fn from(OpenedSubscription { subscription, url }: &OpenedSubscription) -> Self {
        Self {
            subscription_id: subscription.id.to_string(),
            provider: subscription.provider.name(),
            checkout_url: url.clone(),
        }
    }
}

/// A subscription.
#[derive(Serialize, ToSchema)]
pub struct SubscriptionView {
    #[schema(example = "sub_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    #[schema(example = "pro")]
    plan: String,
    /// The plan as it was when it was sold.
    plan_version: u32,
    /// `month` or `year`.
    interval: &'static str,
    /// What it was sold at, and goes on to cost.
    price: MoneyView,
    /// `incomplete`, `trialing`, `active`, `past_due`, `paused`, `canceling` or `ended`.
    #[schema(example = "active")]
    status: &'static str,
    /// Who takes the money.
    #[schema(example = "stripe")]
    provider: &'static str,
    created_at: DateTime<Utc>,
    /// When what is paid for, or owed, began.
    current_period_start: Option<DateTime<Utc>>,
    /// When it ends.
    current_period_end: Option<DateTime<Utc>>,
    /// Whether it ends with the period.
    cancel_at_period_end: bool,
    /// When the plan's rights end if an owed payment does not arrive.
    grace_until: Option<DateTime<Utc>>,
    /// Where it can be paid for the first time.
    checkout_url: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    /// `canceled`, `unpaid` or `abandoned`.
    end_reason: Option<&'static str>,
}

/// The facts that some states have.
#[derive(Default)]
struct Facts {
    period: Option<Period>,
    canceling: bool,
    grace_until: Option<DateTime<Utc>>,
    checkout_url: Option<String>,
    ended: Option<(DateTime<Utc>, &'static str)>,
}

impl From<&SubscriptionState> for Facts {
    fn from(state: &SubscriptionState) -> Self {
        let facts = Self::default();
        match state {
            SubscriptionState::Incomplete { checkout } => {
                let checkout_url = checkout.as_ref().map(|checkout| checkout.url.clone());
                Self { checkout_url, ..facts }
            }
            SubscriptionState::Trialing { period } | SubscriptionState::Active { period } => {
                Self { period: Some(*period), ..facts }
            }
            SubscriptionState::PastDue { period, until, canceling, .. } => Self {
                period: Some(*period),
                canceling: *canceling,
                grace_until: Some(*until),
                ..facts
            },
            SubscriptionState::Paused { .. } => facts,
            SubscriptionState::Canceling { period } => {
                Self { period: Some(*period), canceling: true, ..facts }
            }
            SubscriptionState::Ended { at, reason } => {
                Self { ended: Some((*at, reason.name())), ..facts }
            }
        }
    }
}

impl From<Subscription> for SubscriptionView {
    fn from(subscription: Subscription) -> Self {
        let facts = Facts::from(&subscription.state);
        Self {
            id: subscription.id.to_string(),
            plan: subscription.terms.plan.to_string(),
            plan_version: subscription.terms.plan_version,
            interval: subscription.terms.price.interval.name(),
            price: subscription.terms.price.amount.into(),
            status: subscription.state.name(),
            provider: subscription.provider.name(),
            created_at: subscription.created_at,
            current_period_start: facts.period.map(Period::start),
            current_period_end: facts.period.map(Period::end),
            cancel_at_period_end: facts.canceling,
            grace_until: facts.grace_until,
            checkout_url: facts.checkout_url,
            ended_at: facts.ended.map(|(at, _)| at),
            end_reason: facts.ended.map(|(_, reason)| reason),
        }
    }
}

/// When a subscription is to end.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CancelQuery {
    /// `period_end`, unless said; `now`, for operators alone.
    #[param(inline)]
    at: Option<At>,
}

/// When a subscription is to end.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// With what is paid for.
    PeriodEnd,
    /// At once.
    Now,
}

/// Subscribe to a plan.
///
/// Opens a checkout. The plan is open when the payment provider says that it was paid. A workspace
/// has one subscription at most; asking for the same again before it was paid gives the same
/// checkout, and asking for another one closes the first.
#[utoipa::path(
    tag = "billing", operation_id = "subscribe",
    security(("access_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = ABOUT_KEY)),
    request_body = SubscribeBody,
    responses(
        (status = 201, description = "Can be paid", body = OpenedSubscriptionView),
        (status = 400, description = "`billing.unknown_plan`, `billing.currency_not_sold`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`billing.already_subscribed`, `idempotency.in_flight`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`, `idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`integration_disabled`, `billing.provider_unavailable`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/payment/subscribe")]
pub async fn subscribe(
    Permitted(permit): Permitted<ManageBilling>,
    Body(body): Body<SubscribeBody>,
    subscriptions: Service<SubscriptionService>,
    once: Idempotent,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let interval = fields.read::<PriceInterval>("interval", &body.interval);
    let currency = fields.read::<Currency>("currency", body.currency.as_deref().unwrap_or("USD"));
    fields.read_optional::<ProviderName>("provider", body.provider.as_deref());
    let (interval, currency) = fields.finish(interval.zip(currency))?;
    let wanted = Wanted { plan: &body.plan, interval, currency };
    let answer = |opened: &OpenedSubscription| {
        kept_json(StatusCode::CREATED, &OpenedSubscriptionView::from(opened))
    };
    once.money(permit.actor().clone(), async |attempt| {
        let once = Once::under(attempt, &answer);
        let opened = subscriptions.subscribe(permit, wanted, once).await?;
        Ok(HttpResponse::Created().json(OpenedSubscriptionView::from(&opened)))
    })
    .await
}

/// List subscriptions, newest first: those that have ended, too.
#[utoipa::path(
    tag = "billing", operation_id = "listSubscriptions",
    security(("access_token" = [])),
    params(PageQuery),
    responses((status = 200, description = "Found", body = ListView<SubscriptionView>), Unpermitted, Failure),
)]
#[get("/payment/subscriptions")]
pub async fn list(
    Permitted(permit): Permitted<ViewBilling>,
    QueryOf(page): QueryOf<PageQuery>,
    subscriptions: Service<SubscriptionService>,
) -> Result<Json<ListView<SubscriptionView>>, ApiError> {
    let found = subscriptions.list(permit, page.request()?).await?;
    Ok(Json(ListView::of(found, SubscriptionView::from)))
}

/// Show the subscription that has not ended.
#[utoipa::path(
    tag = "billing", operation_id = "getSubscription",
    security(("access_token" = [])),
    responses(
        (status = 200, description = "Found", body = SubscriptionView),
        (status = 404, description = "`billing.not_subscribed`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[get("/payment/subscriptions/me")]
pub async fn current(
    Permitted(permit): Permitted<ViewBilling>,
    subscriptions: Service<SubscriptionService>,
) -> Result<Json<SubscriptionView>, ApiError> {
    Ok(Json(subscriptions.current(permit).await?.into()))
}

/// Cancel a subscription.
///
/// It ends with what is paid for, and can be resumed until then. One that was not paid yet is over
/// at once. Operators may end any at once.
#[utoipa::path(
    tag = "billing", operation_id = "cancelSubscription",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "Which one"), CancelQuery),
    responses(
        (status = 200, description = "As it is now", body = SubscriptionView),
        (status = 404, description = "`path.invalid_id`, `billing.subscription_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`billing.already_canceling`, `billing.subscription_ended`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`integration_disabled`, `billing.provider_unavailable`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[delete("/payment/subscriptions/{id}")]
pub async fn cancel(
    Permitted(permit): Permitted<ManageBilling>,
    operator: Result<Permitted<OperatePlatform>, ApiError>,
    PathId(id): PathId<SubscriptionId>,
    QueryOf(query): QueryOf<CancelQuery>,
    subscriptions: Service<SubscriptionService>,
) -> Result<Json<SubscriptionView>, ApiError> {
    let after = match query.at.unwrap_or(At::PeriodEnd) {
        At::PeriodEnd => subscriptions.cancel(permit, id).await?,
        At::Now => subscriptions.end(operator?.0, id).await?,
    };
    Ok(Json(after.into()))
}

/// Resume a subscription that was cancelled.
#[utoipa::path(
    tag = "billing", operation_id = "resumeSubscription",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "Which one")),
    responses(
        (status = 200, description = "As it is now", body = SubscriptionView),
        (status = 404, description = "`path.invalid_id`, `billing.subscription_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`billing.not_canceling`, `billing.subscription_ended`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`integration_disabled`, `billing.provider_unavailable`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/payment/subscriptions/{id}/resume")]
pub async fn resume(
    Permitted(permit): Permitted<ManageBilling>,
    PathId(id): PathId<SubscriptionId>,
    subscriptions: Service<SubscriptionService>,
) -> Result<Json<SubscriptionView>, ApiError> {
    Ok(Json(subscriptions.resume(permit, id).await?.into()))
}
