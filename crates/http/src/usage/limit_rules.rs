//! Limits that operators set.
use actix_web::{HttpResponse, delete, get, post, put, web::Json};
use cape_domain::{
    access::{OperatePlatform, ViewPlatform},
    ids::LimitRuleId,
    usage::{HIGHEST_LIMIT, LimitRule, LimitTerms, Reach},
};
use cape_services::usage::LimitRuleService;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, PathId, Permitted, Service},
};

/// What a limit says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitRuleBody {
    /// What refusals call it: 1 to 63 lower case letters, digits, underscores, dots and hyphens.
    #[schema(example = "openai_requests_per_minute")]
    name: String,
    /// Which calls it is about.
    applies_to: ReachBody,
    /// Whose use is counted together: `platform`, `workspace`, `user` or `key`.
    #[schema(example = "user")]
    per: String,
    /// `requests`, `tokens`, `input_tokens`, `output_tokens` or `micro_credits`.
    #[schema(example = "requests")]
    measure: String,
    /// `second`, `minute`, `hour` or `day`: any that is so long.
    #[schema(example = "minute")]
    window: String,
    /// The most there may be in any window. Nothing closes: every call that counts is refused.
    #[schema(example = 60, minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    limit: u64,
    /// Whether it holds. It does unless said.
    enabled: Option<bool>,
}

/// Which calls a limit is about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReachBody {
    /// `all`, `plan`, `provider`, `model`, `workspace`, `user` or `key`.
    #[schema(example = "provider")]
    kind: String,
    /// Which one: an id, a code or a name. Not for `all`.
    #[schema(example = "openai")]
    target: Option<String>,
}

/// A limit that operators set.
#[derive(Serialize, ToSchema)]
pub struct LimitRuleView {
    #[schema(example = "lim_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    #[schema(example = "openai_requests_per_minute")]
    name: String,
    applies_to: ReachView,
    /// `platform`, `workspace`, `user` or `key`.
    per: &'static str,
    /// `requests`, `tokens`, `input_tokens`, `output_tokens` or `micro_credits`.
    measure: &'static str,
    /// `second`, `minute`, `hour` or `day`.
    window: &'static str,
    limit: u64,
    enabled: bool,
    /// How often it was written.
    version: u64,
    created_at: DateTime<Utc>,
}

/// Which calls a limit is about.
#[derive(Serialize, ToSchema)]
pub struct ReachView {
    /// `all`, `plan`, `provider`, `model`, `workspace`, `user` or `key`.
    kind: &'static str,
    /// Which one. Null for `all`.
    target: Option<String>,
}

/// Every limit that operators set.
#[derive(Serialize, ToSchema)]
pub struct LimitRulesView {
    /// By name.
    data: Vec<LimitRuleView>,
}

impl From<LimitRule> for LimitRuleView {
    fn from(rule: LimitRule) -> Self {
        let LimitRule { id, terms, version, created_at } = rule;
        let target = match &terms.reach {
            Reach::All => None,
            named => Some(named.name()),
        };
        Self {
            id: id.to_string(),
            name: terms.name.to_string(),
            applies_to: ReachView { kind: terms.reach.kind(), target },
            per: terms.per.name(),
            measure: terms.measure.name(),
            window: terms.window.name(),
            limit: terms.limit,
            enabled: terms.enabled,
            version,
            created_at,
        }
    }
}

impl LimitRuleBody {
    fn read(&self) -> Result<LimitTerms, ApiError> {
        let mut fields = Fields::default();
        let target = self.applies_to.target.as_deref().unwrap_or_default();
        let reach = Reach::read(&self.applies_to.kind, target);
        let reach = fields.accept("applies_to", reach.map_err(|error| error.to_string()));
        let name = fields.read("name", &self.name);
        let per = fields.read("per", &self.per);
        let measure = fields.read("measure", &self.measure);
        let window = fields.read("window", &self.window);
        let limit = match self.limit {
            limit @ 0..=HIGHEST_LIMIT => Ok(limit),
            _ => Err(format!("must be at most {HIGHEST_LIMIT}")),
        };
        let limit = fields.accept("limit", limit);
        let terms = name.zip(reach).zip(per.zip(measure)).zip(window.zip(limit));
        let (((name, reach), (per, measure)), (window, limit)) = fields.finish(terms)?;
        let enabled = self.enabled.unwrap_or(true);
        Ok(LimitTerms { name, reach, per, measure, window, limit, enabled })
    }
}

/// List the limits that operators set.
///
/// What plans limit stands with the plans.
#[utoipa::path(
    tag = "usage", operation_id = "listLimitRules",
    security(("access_token" = [])),
    responses((status = 200, description = "All of them", body = LimitRulesView), Unpermitted, Failure),
)]
#[get("/admin/limits")]
pub async fn list(
    Permitted(permit): Permitted<ViewPlatform>,
    limits: Service<LimitRuleService>,
) -> Result<Json<LimitRulesView>, ApiError> {
    let data = limits.list(permit).await?.into_iter().map(LimitRuleView::from).collect();
    Ok(Json(LimitRulesView { data }))
}

/// Set a limit.
///
/// Within a second it holds everywhere, beside those of the plan: a call has to pass all that apply.
/// For operators, with a fresh proof of who one is.
#[utoipa::path(
    tag = "usage", operation_id = "createLimitRule",
    security(("access_token" = [])),
    request_body = LimitRuleBody,
    responses(
        (status = 201, description = "Set", body = LimitRuleView),
        (status = 404, description = "`limit.unknown_target`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`limit.name_taken`, `limit.too_many`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/admin/limits")]
pub async fn create(
    Permitted(permit): Permitted<OperatePlatform>,
    Body(body): Body<LimitRuleBody>,
    limits: Service<LimitRuleService>,
) -> Result<HttpResponse, ApiError> {
    let rule = limits.create(permit, body.read()?).await?;
    Ok(HttpResponse::Created().json(LimitRuleView::from(rule)))
}

/// Replace a limit.
///
/// Within a second it holds everywhere. What was used of it stays used, as long as the same is
/// counted over the same window. For operators, with a fresh proof of who one is.
#[utoipa::path(
    tag = "usage", operation_id = "replaceLimitRule",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "The limit")),
    request_body = LimitRuleBody,
    responses(
        (status = 200, description = "Replaced", body = LimitRuleView),
        (status = 404, description = "`path.invalid_id`, `limit.not_found`, `limit.unknown_target`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`limit.name_taken`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[put("/admin/limits/{id}")]
pub async fn replace(
    Permitted(permit): Permitted<OperatePlatform>,
    PathId(id): PathId<LimitRuleId>,
    Body(body): Body<LimitRuleBody>,
    limits: Service<LimitRuleService>,
) -> Result<Json<LimitRuleView>, ApiError> {
    Ok(Json(limits.replace(permit, id, body.read()?).await?.into()))
}

/// Take a limit away.
///
/// Within a second it holds nowhere. For operators, with a fresh proof of who one is.
#[utoipa::path(
    tag = "usage", operation_id = "deleteLimitRule",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "The limit")),
    responses(
        (status = 204, description = "Taken away"),
        (status = 404, description = "`path.invalid_id`, `limit.not_found`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[delete("/admin/limits/{id}")]
pub async fn remove(
    Permitted(permit): Permitted<OperatePlatform>,
    PathId(id): PathId<LimitRuleId>,
    limits: Service<LimitRuleService>,
) -> Result<HttpResponse, ApiError> {
    limits.remove(permit, id).await?;
    Ok(HttpResponse::NoContent().finish())
}
