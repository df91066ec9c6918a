//! `/v1`, where models are called, `/api/usage`, where it is shown what that cost, and `/api/ai`,
//! where it is shown which models there are and how well they answer.
pub mod ai;
pub mod chat;
pub mod credentials;
pub mod embeddings;
pub mod explain;
pub mod generate;
pub(crate) mod headers;
mod image;
pub mod limit_rules;
pub mod messages;
pub mod model_admin;
pub mod models;
pub mod moderations;
mod pieces;
pub mod reports;
pub mod responses;
mod sse;
pub mod switches;

use actix_web::http::StatusCode;
pub(crate) use sse::Whole;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::error::ApiError;

/// Mounts what people see.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(reports::summary::show)
        .service(reports::series::show)
        .service(reports::records::list)
        .service(reports::records::show)
        .service(reports::limits::show_quota)
        .service(reports::limits::show)
        .service(ai::catalogue::providers)
        .service(ai::catalogue::models)
        .service(ai::performance::show)
        .service(credentials::list)
        .service(credentials::show)
        .service(credentials::put)
        .service(credentials::remove)
        .service(reports::violations::list)
        .service(limit_rules::list)
        .service(limit_rules::create)
        .service(limit_rules::replace)
        .service(limit_rules::remove)
        .service(switches::list)
        .service(switches::stop)
        .service(switches::release)
        .service(model_admin::list)
        .service(model_admin::set_price)
        .service(model_admin::describe)
        .service(model_admin::retire);
}

/// Mounts what programs call.
pub fn gateway_routes(config: &mut ServiceConfig) {
    config
        .service(models::list)
        .service(models::show)
        .service(chat::complete)
        .service(embeddings::create)
        .service(moderations::create)
        .service(responses::create)
        .service(messages::count_tokens)
        .service(generate::v1::generate_content)
        .service(generate::v1::stream_generate_content)
        .service(generate::v1::count_tokens)
        .service(messages::create)
        .service(explain::explain);
}

/// Mounts what Google's clients call.
pub fn google_routes(config: &mut ServiceConfig) {
    config
        .service(generate::v1beta::list_models)
        .service(generate::v1beta::show_model)
        .service(generate::v1beta::generate_content)
        .service(generate::v1beta::stream_generate_content)
        .service(generate::v1beta::count_tokens);
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
