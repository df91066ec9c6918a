//! What was used over a period.
use actix_web::{Either, HttpResponse, get, web::Json};
use cape_domain::{
    access::ViewUsage,
    usage::{CallFilter, GroupBy, UsageSummary},
};
use cape_services::usage::UsageReports;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    filter::{filtered_query, grouped},
    views::{GroupUsageView, PeriodView, USAGE_COLUMNS, UsageView, usage_cells},
};
use crate::{
    csv::{Accepted, Format, Table},
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Fields, Permitted, QueryOf, Service},
};

filtered_query! {
    /// What to add up. The period is this calendar month; `from` and `until` stand for its ends.
    pub struct SummaryQuery {
        /// What groups are made by: `user`, `key`, `model` (unless said) or `provider`.
        pub group_by: Option<String>,
        /// `json`, or `csv` for a table of the groups.
        pub format: Option<String>,
    }
}

/// What was used over a period.
#[derive(Serialize, ToSchema)]
pub struct SummaryView {
    period: PeriodView,
    /// What the groups are made by.
    #[schema(example = "model")]
    group_by: &'static str,
    #[serde(flatten)]
    total: UsageView,
    /// The same, group by group, what was charged the most first.
    groups: Vec<GroupUsageView>,
}

impl SummaryQuery {
    fn read(&self) -> Result<(CallFilter, GroupBy), ApiError> {
        let mut fields = Fields::default();
        let filter = self.filter(&mut fields);
        let (filter, by) = grouped(fields, filter, self.group_by.as_deref())?;
        Ok((filter, by.unwrap_or(GroupBy::Model)))
    }
}

impl From<UsageSummary> for SummaryView {
    fn from(used: UsageSummary) -> Self {
        Self {
            period: used.period.into(),
            group_by: used.by.name(),
            total: used.total.into(),
            groups: used.groups.into_iter().map(GroupUsageView::from).collect(),
        }
    }
}

/// Show what was used.
///
/// This month, unless a period is named. A period has 366 days at most.
#[utoipa::path(
    tag = "usage", operation_id = "getUsageSummary",
    security(("access_token" = [])),
    params(SummaryQuery),
    responses(
        (status = 200, description = "What was used", content((SummaryView = "application/json"), (String = "text/csv"))),
        (status = 400, description = "`usage.period_too_long`, `usage.report_too_large`, `request.query`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[get("/usage/summary")]
pub async fn show(
    Permitted(permit): Permitted<ViewUsage>,
    QueryOf(query): QueryOf<SummaryQuery>,
    Accepted(accepted): Accepted,
    reports: Service<UsageReports>,
) -> Result<Either<Json<SummaryView>, HttpResponse>, ApiError> {
    let format = Format::of(query.format.as_deref(), accepted)?;
    let (filter, by) = query.read()?;
    let used = reports.summary(permit, filter, by).await?;
    Ok(match format {
        Format::Json => Either::Left(Json(used.into())),
        Format::Csv => Either::Right(table(used).answer("usage-summary")),
    })
}

fn table(used: UsageSummary) -> Table {
    let mut table = Table::of(&USAGE_COLUMNS);
    for group in used.groups {
        table.line(&usage_cells(Some(group.group), &group.usage));
    }
    table
}
