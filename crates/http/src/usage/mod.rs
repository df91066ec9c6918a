//! `/v1`, where models are called, and `/api/usage`, where it is shown what that cost.
pub mod chat;
pub mod messages;
pub mod models;
pub mod reports;
mod sse;

use actix_web::http::StatusCode;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::error::ApiError;

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
    config
        .service(models::list)
        .service(models::show)
        .service(chat::complete)
        .service(messages::create);
}

/// A number, if it lies in a range.
fn within(param: &str, value: Option<f64>, least: f64, most: f64) -> Result<Option<f64>, ApiError> {
    match value {
        Some(value) if !(least..=most).contains(&value) => {
            Err(wrong(param, format!("must be between {least} and {most}")))
        }
        Some(_) | None => Ok(value),
    }
}

/// A parameter that is not right.
fn wrong(param: &str, why: impl Into<String>) -> ApiError {
    let detail = format!("{param}: {}", why.into());
    ApiError::client(StatusCode::BAD_REQUEST, "invalid_request", detail).about(param)
}

/// A parameter that cannot be carried out.
fn unsupported(param: impl Into<String>) -> ApiError {
    let param = param.into();
    let detail = format!("`{param}` is not supported");
    ApiError::client(StatusCode::BAD_REQUEST, "unsupported_parameter", detail).about(param)
}
