//! Buying credits.
use actix_web::{HttpResponse, http::StatusCode, post};
use cape_domain::{access::ManageBilling, billing::Currency};
use cape_services::{
    billing::{OpenedOrder, PurchaseService},
    idempotency::Once,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, Permitted, Service},
    idempotency::{ABOUT_KEY, Idempotent, kept_json},
};

/// A pack that somebody wants to buy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseBody {
    /// The pack's code.
    #[schema(example = "small")]
    pack: String,
    /// ISO 4217; `USD` unless said.
    #[schema(example = "USD")]
    currency: Option<String>,
}

/// An order that can be paid.
#[derive(Serialize, ToSchema)]
pub struct OrderView {
    #[schema(example = "ord_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    order_id: String,
    /// Who takes the money.
    #[schema(example = "stripe")]
    provider: &'static str,
    /// Where to pay.
    checkout_url: String,
}

impl From<&OpenedOrder> for OrderView {
    fn from(OpenedOrder { order, url }: &OpenedOrder) -> Self {
        Self {
            order_id: order.id.to_string(),
            provider: order.provider.name(),
            checkout_url: url.clone(),
        }
    }
}

/// Buy credits.
///
/// Opens a checkout. Credits are granted when the payment provider says that it was paid.
/// Asking again with the same `Idempotency-Key` gives the same order; without one, it is a new order.
#[utoipa::path(
    tag = "billing", operation_id = "purchaseCredits",
    security(("access_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = ABOUT_KEY)),
    request_body = PurchaseBody,
    responses(
        (status = 201, description = "Can be paid", body = OrderView),
        (status = 400, description = "`billing.unknown_pack`, `billing.currency_not_sold`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`idempotency.in_flight`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`, `idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`integration_disabled`, `billing.provider_unavailable`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/payment/credits/purchase")]
pub async fn purchase(
    Permitted(permit): Permitted<ManageBilling>,
    Body(body): Body<PurchaseBody>,
    purchases: Service<PurchaseService>,
    once: Idempotent,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let currency = fields.read("currency", body.currency.as_deref().unwrap_or("USD"));
    let currency: Currency = fields.finish(currency)?;
    let answer = |order: &OpenedOrder| kept_json(StatusCode::CREATED, &OrderView::from(order));
    once.money(permit.actor().clone(), async |attempt| {
        let once = Once::under(attempt, &answer);
        let order = purchases.purchase_once(permit, &body.pack, currency, once).await?;
        Ok(HttpResponse::Created().json(OrderView::from(&order)))
    })
    .await
}
