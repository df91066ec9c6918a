//! Telling other services of the operator's whose a token is.
use actix_web::{HttpRequest, post, web::Json};
use cape_domain::access::{AccessTokens, Grants};
use cape_services::access::{Introspection, IntrospectionService};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem},
    extract::{Body, Service, bearer},
};

/// A token that somebody presented to another service.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntrospectBody {
    /// An access token, or an API key.
    token: String,
}

/// What is told of a token, in the words of RFC 7662. Of one that is not good, that it is not.
#[derive(Serialize, ToSchema)]
pub struct IntrospectionView {
    /// Whether it is good.
    active: bool,
    #[serde(flatten)]
    facts: Option<FactsView>,
}

/// Whose a good token is.
#[derive(Serialize, ToSchema)]
pub struct FactsView {
    /// `access_token` or `api_key`.
    #[schema(example = "access_token")]
    token_type: &'static str,
    /// The person, or who made the key.
    #[schema(example = "usr_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    sub: String,
    /// The workspace.
    #[schema(example = "wsp_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    wsp: String,
    /// What its bearer may do, with spaces between.
    #[schema(example = "usage.models usage.spend")]
    scope: String,
    /// The session, of an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    /// What the person is in the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    /// The key, of an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    /// When it stops being good, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// When it was made.
    iat: i64,
    /// When its person last showed who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    /// Who signed it.
    iss: String,
}

impl IntrospectionView {
    fn of(told: Introspection, issuer: &str) -> Self {
        let scope = |grants: &Grants| grants.names().collect::<Vec<_>>().join(" ");
        let facts = match told {
            Introspection::Inactive => None,
            Introspection::Person { claims, grants } => Some(FactsView {
                token_type: "access_token",
                sub: claims.user.to_string(),
                wsp: claims.workspace.to_string(),
                scope: scope(&grants),
                sid: Some(claims.session.to_string()),
                role: Some(claims.role.name()),
                key_id: None,
                exp: Some(claims.expires_at.timestamp()),
                iat: claims.issued_at.timestamp(),
                auth_time: Some(claims.authenticated_at.timestamp()),
                iss: issuer.to_owned(),
            }),
            Introspection::Program { key, grants } => Some(FactsView {
                token_type: "api_key",
                sub: key.owner.to_string(),
                wsp: key.workspace.to_string(),
                scope: scope(&grants),
                sid: None,
                role: None,
                key_id: Some(key.id.to_string()),
                exp: key.rules.expires_at.map(|expiry| expiry.timestamp()),
                iat: key.created_at.timestamp(),
                auth_time: None,
                iss: issuer.to_owned(),
            }),
        };
        Self { active: facts.is_some(), facts }
    }
}

/// Tell whose a token is.
///
/// For other services of the operator's, which sign in with a secret from the configuration
/// (`access.introspection_secrets`). It knows within a second what was taken back; a service that
/// need not know so soon checks access tokens by itself, with `/.well-known/jwks.json`.
#[utoipa::path(
    tag = "access", operation_id = "introspect",
    security(("service_secret" = [])),
    request_body = IntrospectBody,
    responses(
        (status = 200, description = "What is known", body = IntrospectionView),
        (status = 401, description = "`access.unknown_service`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`integration_disabled`, `access.stale`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/introspect")]
pub async fn introspect(
    request: HttpRequest,
    Body(body): Body<IntrospectBody>,
    introspection: Service<IntrospectionService>,
    tokens: Service<Arc<dyn AccessTokens>>,
) -> Result<Json<IntrospectionView>, ApiError> {
    let service = bearer(&request);
    let told = introspection.inspect(service.as_deref(), &body.token).await?;
    Ok(Json(IntrospectionView::of(told, tokens.issuer())))
}
