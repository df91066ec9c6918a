//! The contract, generated from the routes that are really mounted.
use std::collections::HashSet;

use actix_web::App;
use utoipa::{
    OpenApi as _,
    openapi::{
        Components, OpenApi, PathItem, SecurityRequirement,
        path::Operation,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_actix_web::{AppExt, scope, service_config::ServiceConfig};

use crate::error::{
    AnthropicError, AnthropicErrorDetail, GatewayError, GatewayErrorDetail, GoogleError,
    GoogleErrorDetail, Problem,
};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "CapeControl",
        description = "Accounts, money and AI usage, decided and recorded together.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(
        Problem,
        GatewayError,
        GatewayErrorDetail,
        AnthropicError,
        AnthropicErrorDetail,
        GoogleError,
        GoogleErrorDetail
    )),
    servers((url = "/", description = "This server")),
    tags(
        (name = "accounts", description = "Signing up, in and out; passwords, second factors, sessions and members."),
        (name = "access", description = "API keys, and the keys that access tokens are checked with."),
        (name = "billing", description = "Plans, credits and payments."),
        (name = "usage", description = "Calling models, and what that cost."),
        (name = "operations", description = "Health, version and metrics."),
    ),
)]
struct Frame;

/// Mounts every route that the document describes.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .configure(crate::operations::routes)
        .service(scope("/v1").configure(crate::usage::gateway_routes))
        .service(scope("/v1beta").configure(crate::usage::google_routes))
        .service(
            scope("/api")
                .configure(crate::accounts::routes)
                .configure(crate::access::routes)
                .configure(crate::billing::routes)
                .configure(crate::usage::routes)
                .configure(crate::operations::api_routes),
        );
}

/// Everything the platform answers to.
#[must_use]
pub fn document() -> OpenApi {
    let (_, document) =
        App::new().into_utoipa_app().openapi(frame()).configure(routes).split_for_parts();
    document
}

/// Every path where nobody has to be signed in, whatever the method.
pub(crate) fn public_paths() -> HashSet<String> {
    let is_public = |operation: &Operation| {
        let needed = operation.security.iter().flatten();
        needed.clone().count() == 0
            || needed.clone().any(|needed| *needed == SecurityRequirement::default())
    };
    let paths = document().paths.paths.into_iter().filter(|(_, item)| {
        let PathItem { get, post, put, patch, delete, .. } = item;
        [get, post, put, patch, delete].into_iter().flatten().all(is_public)
    });
    paths.map(|(path, _)| path).collect()
}

/// The document without routes: what it is, and how to sign in.
fn frame() -> OpenApi {
    let mut frame = Frame::openapi();
    let bearer = |form: &str, description: &str| {
        let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(form);
        SecurityScheme::Http(http.description(Some(description)).build())
    };
    let components = frame.components.get_or_insert_with(Components::new);
    components.add_security_scheme(
        "access_token",
        bearer("JWT", "From `/api/auth/login`, good for 15 minutes. For `/api` alone."),
    );
    components.add_security_scheme(
        "api_key",
        bearer("cape_sk_…", "From `/api/keys`, good until it is revoked. For `/v1` alone."),
    );
    let header = "The same key, in the header that Anthropic's clients use. For `/v1` alone.";
    let header = ApiKeyValue::with_description("x-api-key", header);
    components
        .add_security_scheme("api_key_header", SecurityScheme::ApiKey(ApiKey::Header(header)));
    let google = "The same key, in the header that Google's clients use. For models alone.";
    let google = ApiKeyValue::with_description("x-goog-api-key", google);
    components.add_security_scheme("google_key", SecurityScheme::ApiKey(ApiKey::Header(google)));
    components.add_security_scheme(
        "service_secret",
        bearer("secret", "From the configuration, `access.introspection_secrets`."),
    );
    frame
}
