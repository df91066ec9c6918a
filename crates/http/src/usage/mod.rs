//! `/v1`, where models are called, and `/api/usage`, where it is shown what that cost.
pub mod chat;
pub mod models;
pub mod reports;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts what people see.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(reports::summary)
        .service(reports::records)
        .service(reports::record)
        .service(reports::quota);
}

/// Mounts what programs call.
pub fn gateway_routes(config: &mut ServiceConfig) {
    config.service(models::list).service(models::show).service(chat::complete);
}
