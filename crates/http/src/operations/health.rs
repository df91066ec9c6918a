//! Whether this process works.
use std::collections::BTreeMap;

use actix_web::{HttpResponse, get, web};
use cape_services::health::{Check, HealthService};
use serde::Serialize;
use utoipa::ToSchema;

use super::info::About;
use crate::{error::Failure, extract::Service};

/// How one dependency is.
#[derive(Serialize, ToSchema)]
pub struct CheckView {
    /// `healthy`, `unhealthy` or `disabled`.
    #[schema(example = "healthy")]
    status: &'static str,
}

/// How this process is.
#[derive(Serialize, ToSchema)]
pub struct ReadinessView {
    /// `ready` or `not_ready`.
    status: &'static str,
    /// What it cannot do without, and Redis where it is configured.
    checks: BTreeMap<&'static str, &'static str>,
    /// What it can do without: `live`, `sandbox` or `disabled`.
    integrations: BTreeMap<String, &'static str>,
}

/// How this process is, in short.
#[derive(Serialize, ToSchema)]
pub struct HealthView {
    /// `healthy` or `degraded`.
    status: &'static str,
    version: &'static str,
    environment: String,
    database_connected: bool,
}

fn name(check: &Check) -> &'static str {
    match check {
        Check::Healthy => "healthy",
        Check::Unhealthy(_) => "unhealthy",
        Check::Disabled => "disabled",
    }
}

fn answer(what: &str, check: &Check) -> HttpResponse {
    let mut answer = match check {
        Check::Healthy | Check::Disabled => HttpResponse::Ok(),
        Check::Unhealthy(error) => {
            tracing::warn!(what, %error, "unhealthy");
            HttpResponse::ServiceUnavailable()
        }
    };
    answer.json(CheckView { status: name(check) })
}

/// Tell that this process runs.
#[utoipa::path(
    tag = "operations", operation_id = "getLiveness",
    security(()),
    responses((status = 200, description = "It runs", body = CheckView), Failure),
)]
#[get("/healthz")]
pub async fn live() -> HttpResponse {
    answer("process", &Check::Healthy)
}

/// Tell whether this process can do its work.
#[utoipa::path(
    tag = "operations", operation_id = "getReadiness",
    security(()),
    responses(
        (status = 200, description = "It can", body = ReadinessView),
        (status = 503, description = "It cannot; `checks` says why", body = ReadinessView),
        Failure,
    ),
)]
#[get("/healthz/ready")]
pub async fn ready(health: Service<HealthService>) -> HttpResponse {
    let checks = [
        ("database", health.database().await),
        ("redis", health.redis().await),
        ("vault", health.vault()),
        ("control_feed", health.control_feed()),
    ];
    let ready = checks.iter().all(|(_, check)| !matches!(check, Check::Unhealthy(_)));
    let integrations = health.integrations().iter();
    let view = ReadinessView {
        status: if ready { "ready" } else { "not_ready" },
        checks: checks.iter().map(|(what, check)| (*what, name(check))).collect(),
        integrations: integrations.map(|(what, used)| (what.clone(), used.name())).collect(),
    };
    if ready {
        HttpResponse::Ok().json(view)
    } else {
        HttpResponse::ServiceUnavailable().json(view)
    }
}

/// Tell whether the database answers.
#[utoipa::path(
    tag = "operations", operation_id = "getDatabaseHealth",
    security(()),
    responses(
        (status = 200, description = "It does", body = CheckView),
        (status = 503, description = "It does not", body = CheckView),
        Failure,
    ),
)]
#[get("/healthz/db")]
pub async fn database(health: Service<HealthService>) -> HttpResponse {
    answer("database", &health.database().await)
}

/// Tell whether Redis answers, where it is configured.
#[utoipa::path(
    tag = "operations", operation_id = "getRedisHealth",
    security(()),
    responses(
        (status = 200, description = "It does, or is not used", body = CheckView),
        (status = 503, description = "It does not", body = CheckView),
        Failure,
    ),
)]
#[get("/healthz/redis")]
pub async fn redis(health: Service<HealthService>) -> HttpResponse {
    answer("redis", &health.redis().await)
}

/// Tell whether the signing and encryption keys can be used.
#[utoipa::path(
    tag = "operations", operation_id = "getVaultHealth",
    security(()),
    responses(
        (status = 200, description = "They can", body = CheckView),
        (status = 503, description = "They cannot", body = CheckView),
        Failure,
    ),
)]
#[get("/healthz/vault")]
pub async fn vault(health: Service<HealthService>) -> HttpResponse {
    answer("vault", &health.vault())
}

/// Tell how this process is, in short.
#[utoipa::path(
    tag = "operations", operation_id = "getHealth",
    security(()),
    responses((status = 200, description = "How it is", body = HealthView), Failure),
)]
#[get("/health")]
pub async fn api_health(health: Service<HealthService>, about: web::Data<About>) -> HttpResponse {
    let connected = matches!(health.database().await, Check::Healthy);
    HttpResponse::Ok().json(HealthView {
        status: if connected { "healthy" } else { "degraded" },
        version: about.version,
        environment: about.environment.clone(),
        database_connected: connected,
    })
}
