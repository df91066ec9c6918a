//! Buying credits.
use actix_web::{HttpResponse, post};
use cape_domain::{access::ManageBilling, billing::Currency};
use cape_services::billing::{OpenedOrder, PurchaseService};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, Permitted, Service},
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

impl From<OpenedOrder> for OrderView {
    fn from(OpenedOrder { order, url }: OpenedOrder) -> Self {
        Self { order_id: order.id.to_string(), provider: order.provider.name(), checkout_url: url }
    }
}

/// Buy credits.
///
/// Opens a checkout. Credits are granted when the payment provider says that it was paid.
#[utoipa::path(
    tag = "billing", operation_id = "purchaseCredits",
    security(("access_token" = [])),
    request_body = PurchaseBody,
    responses(
        (status = 201, description = "Can be paid", body = OrderView),
        (status = 400, description = "`billing.unknown_pack`, `billing.currency_not_sold`", body = Problem, content_type = "application/problem+json"),
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
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let currency = fields.read("currency", body.currency.as_deref().unwrap_or("USD"));
    let currency: Currency = fields.finish(currency)?;
    let order = purchases.purchase(permit, &body.pack, currency).await?;
    Ok(HttpResponse::Created().json(OrderView::from(order)))
}
