//! Messages of payment providers.
use actix_web::{HttpRequest, HttpResponse, post};
use cape_domain::billing::WebhookRefused;
use cape_services::billing::WebhookService;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem},
    extract::{RawBody, Service},
};

/// A message was taken in.
#[derive(Serialize, ToSchema)]
pub struct ReceivedView {
    received: bool,
}

/// Take in a message of Stripe.
///
/// The signature is checked over the raw body. A message that came before is answered in the
/// same way, and changes nothing.
#[utoipa::path(
    tag = "billing", operation_id = "receiveStripeWebhook",
    security(()),
    params(("Stripe-Signature" = String, Header, description = "`t=…,v1=…`")),
    request_body(content = String, content_type = "application/json", description = "An event, as Stripe signed it"),
    responses(
        (status = 200, description = "Taken in", body = ReceivedView),
        (status = 400, description = "`webhook.invalid_signature`, `webhook.stale_signature`, `webhook.malformed`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/payment/webhook")]
pub async fn receive(
    request: HttpRequest,
    RawBody(body): RawBody,
    webhooks: Service<WebhookService>,
) -> Result<HttpResponse, ApiError> {
    let signature = request.headers().get("stripe-signature");
    let signature = signature.and_then(|value| value.to_str().ok());
    let signature = signature.ok_or(WebhookRefused::Signature)?;
    webhooks.receive(&body, signature).await?;
    Ok(HttpResponse::Ok().json(ReceivedView { received: true }))
}
