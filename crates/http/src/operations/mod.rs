//! What operators look at: health, version, metrics, documents.
pub mod documents;
pub mod health;
pub mod info;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts every route of operations at the root.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(health::live)
        .service(health::ready)
        .service(health::database)
        .service(health::redis)
        .service(health::vault)
        .service(info::info)
        .service(info::metrics)
        .service(crate::access::key_set::key_set);
}

/// Mounts those below `/api`.
pub fn api_routes(config: &mut ServiceConfig) {
    config.service(health::api_health).service(info::version);
}
