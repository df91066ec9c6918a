//! `/api/keys`, introspection, and the keys that access tokens are checked with.
pub mod api_keys;
pub mod introspection;
pub mod key_set;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts every route of access.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(api_keys::create)
        .service(api_keys::list)
        .service(api_keys::rotate)
        .service(api_keys::revoke)
        .service(introspection::introspect);
}
