//! `/api/payment`.
pub mod credits;
pub mod money;
pub mod pricing;
pub mod purchases;
pub mod webhooks;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts every route of billing.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(pricing::pricing)
        .service(purchases::purchase)
        .service(credits::account)
        .service(webhooks::receive);
}
