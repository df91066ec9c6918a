//! `/api/payment`, and `/api/billing` for operators.
pub mod credits;
pub mod money;
pub mod plans;
pub mod pricing;
pub mod purchases;
pub mod quotes;
pub mod subscriptions;
pub mod webhooks;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts every route of billing.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(pricing::pricing)
        .service(purchases::purchase)
        .service(credits::account)
        .service(subscriptions::subscribe)
        .service(subscriptions::list)
        .service(subscriptions::current)
        .service(subscriptions::cancel)
        .service(subscriptions::resume)
        .service(quotes::prepare)
        .service(quotes::change)
        .service(plans::list)
        .service(plans::show)
        .service(plans::create)
        .service(plans::revise)
        .service(plans::retire)
        .service(webhooks::receive);
}
