//! What this process is, and what it counts.
use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpResponse, get, web, web::Json};
use cape_services::health::HealthService;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{error::Failure, extract::Service};

/// What this process is.
#[derive(Clone, Debug)]
pub struct About {
    /// Its version.
    pub version: &'static str,
    /// The environment it runs in.
    pub environment: String,
    /// The database it uses: `sqlite` or `postgres`.
    pub database: &'static str,
}

/// Writes down what is counted, in the text format of Prometheus.
pub type MetricsPage = Arc<dyn Fn() -> String + Send + Sync>;

/// What this process is.
#[derive(Serialize, ToSchema)]
pub struct InfoView {
    service: &'static str,
    version: &'static str,
    #[schema(example = "local")]
    environment: String,
    /// `sqlite` or `postgres`.
    database: &'static str,
    documentation: &'static str,
    /// Optional integrations: `live`, `sandbox` or `disabled`.
    integrations: BTreeMap<String, &'static str>,
}

/// Which version runs.
#[derive(Serialize, ToSchema)]
pub struct VersionView {
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// Tell what this process is.
#[utoipa::path(
    tag = "operations", operation_id = "getInfo",
    security(()),
    responses((status = 200, description = "What it is", body = InfoView), Failure),
)]
#[get("/info")]
pub async fn info(about: web::Data<About>, health: Service<HealthService>) -> Json<InfoView> {
    let integrations = health.integrations().iter();
    Json(InfoView {
        service: "cape-api",
        version: about.version,
        environment: about.environment.clone(),
        database: about.database,
        documentation: "/docs",
        integrations: integrations.map(|(what, used)| (what.clone(), used.name())).collect(),
    })
}

/// Tell which version runs.
#[utoipa::path(
    tag = "operations", operation_id = "getVersion",
    security(()),
    responses((status = 200, description = "The version", body = VersionView), Failure),
)]
#[get("/version")]
pub async fn version(about: web::Data<About>) -> Json<VersionView> {
    Json(VersionView { version: about.version })
}

/// Tell what is counted, in the text format of Prometheus.
#[utoipa::path(
    tag = "operations", operation_id = "getMetrics",
    security(()),
    responses((status = 200, description = "The counts", body = String, content_type = "text/plain"), Failure),
)]
#[get("/metrics")]
pub async fn metrics(page: web::Data<MetricsPage>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(page())
}
