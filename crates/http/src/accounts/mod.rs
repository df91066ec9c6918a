//! `/api/auth` and `/api/user`.
pub mod auth;
pub mod profile;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts every route of accounts.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(auth::register)
        .service(auth::login)
        .service(auth::refresh)
        .service(auth::logout)
        .service(profile::own);
}
