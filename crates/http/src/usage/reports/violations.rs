//! Calls that were refused for a limit or a quota.
use actix_web::{get, web::Json};
use cape_domain::{access::ViewUsage, usage::Violation};
use cape_services::usage::Violations;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Permitted, QueryOf, Service},
    page::{ListView, PageQuery},
};

/// What one rule refused of one key in one minute.
#[derive(Serialize, ToSchema)]
pub struct ViolationView {
    #[schema(example = "vio_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    /// Whose key it is.
    #[schema(example = "usr_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    user_id: String,
    #[schema(example = "key_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    key_id: String,
    /// The rule, as refusals tell it.
    #[schema(example = "openai_requests_per_minute")]
    rule: String,
    /// Whose use it counts together: `platform`, `workspace`, `user` or `key`.
    scope: &'static str,
    /// The first moment of the minute.
    minute: DateTime<Utc>,
    /// How many calls were refused.
    calls: u64,
}

impl From<Violation> for ViolationView {
    fn from(violation: Violation) -> Self {
        let Violation { id, refused, calls } = violation;
        Self {
            id: id.to_string(),
            user_id: refused.user.to_string(),
            key_id: refused.key.to_string(),
            rule: refused.rule,
            scope: refused.scope,
            minute: refused.minute,
            calls,
        }
    }
}

/// List calls that were refused for a limit or a quota.
///
/// One row for each key, rule and minute, the newest first. They are written a second after they are
/// refused, or a little later, and kept for 90 days; those of the last second before a process dies
/// are lost.
#[utoipa::path(
    tag = "usage", operation_id = "listUsageViolations",
    security(("access_token" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = ListView<ViolationView>),
        (status = 400, description = "`request.query`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[get("/usage/violations")]
pub async fn list(
    Permitted(permit): Permitted<ViewUsage>,
    QueryOf(query): QueryOf<PageQuery>,
    violations: Service<Violations>,
) -> Result<Json<ListView<ViolationView>>, ApiError> {
    let page = violations.list(permit, query.request()?).await?;
    Ok(Json(ListView::of(page, ViolationView::from)))
}
