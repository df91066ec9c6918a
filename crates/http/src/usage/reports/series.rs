//! What was used hour by hour or day by day.
use actix_web::{Either, HttpResponse, get, web::Json};
use cape_domain::{
    access::ViewUsage,
    usage::{Bucket, CallFilter, GroupBy, SeriesPoint, UsageSeries},
};
use cape_services::usage::UsageReports;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    filter::{filtered_query, grouped},
    views::{GroupUsageView, PeriodView, USAGE_COLUMNS, UsageView, moment, usage_cells},
};
use crate::{
    csv::{Accepted, Format, Table},
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Fields, Permitted, QueryOf, Service},
};

filtered_query! {
    /// What to add up. The period is this calendar month; `from` and `until` stand for its ends.
    pub struct SeriesQuery {
        /// How long the parts are: `hour` or `day` (unless said), in UTC.
        pub bucket: Option<String>,
        /// What groups are made by: `user`, `key`, `model` or `provider`. None, unless said.
        pub group_by: Option<String>,
        /// `json`, or `csv` for a table with a line for each group of each part.
        pub format: Option<String>,
    }
}

/// What was used over a period, part by part.
#[derive(Serialize, ToSchema)]
pub struct SeriesView {
    period: PeriodView,
    /// How long the parts are.
    #[schema(example = "day")]
    bucket: &'static str,
    /// What the groups are made by.
    #[schema(example = "model")]
    group_by: Option<&'static str>,
    /// The parts, the oldest first. One in which nothing was used is there too.
    buckets: Vec<BucketView>,
}

/// What was used in one part of a period.
#[derive(Serialize, ToSchema)]
pub struct BucketView {
    start: DateTime<Utc>,
    /// Not part of it any more.
    end: DateTime<Utc>,
    #[serde(flatten)]
    total: UsageView,
    /// The same, group by group, what was charged the most first: those that have calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<GroupUsageView>>,
}

impl SeriesQuery {
    fn read(&self) -> Result<(CallFilter, Bucket, Option<GroupBy>), ApiError> {
        let mut fields = Fields::default();
        let filter = self.filter(&mut fields);
        let bucket = fields.read_optional("bucket", self.bucket.as_deref()).unwrap_or(Bucket::Day);
        let (filter, by) = grouped(fields, filter, self.group_by.as_deref())?;
        Ok((filter, bucket, by))
    }
}

impl BucketView {
    fn of(point: SeriesPoint, grouped: bool) -> Self {
        let groups = point.groups.into_iter().map(GroupUsageView::from);
        Self {
            start: point.period.start,
            end: point.period.end,
            total: point.total.into(),
            groups: grouped.then(|| groups.collect()),
        }
    }
}

impl From<UsageSeries> for SeriesView {
    fn from(series: UsageSeries) -> Self {
        let grouped = series.by.is_some();
        let points = series.points.into_iter();
        Self {
            period: series.period.into(),
            bucket: series.bucket.name(),
            group_by: series.by.map(GroupBy::name),
            buckets: points.map(|point| BucketView::of(point, grouped)).collect(),
        }
    }
}

/// Show what was used hour by hour or day by day.
///
/// This month, unless a period is named. Parts end at full hours and at midnight, in UTC; the
/// first and the last are shorter where the period begins or ends in between. There are 744 hours
/// or 366 days at most.
#[utoipa::path(
    tag = "usage", operation_id = "getUsageTimeseries",
    security(("access_token" = [])),
    params(SeriesQuery),
    responses(
        (status = 200, description = "What was used", content((SeriesView = "application/json"), (String = "text/csv"))),
        (status = 400, description = "`usage.too_many_buckets`, `usage.period_too_long`, `usage.report_too_large`, `request.query`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[get("/usage/timeseries")]
pub async fn show(
    Permitted(permit): Permitted<ViewUsage>,
    QueryOf(query): QueryOf<SeriesQuery>,
    Accepted(accepted): Accepted,
    reports: Service<UsageReports>,
) -> Result<Either<Json<SeriesView>, HttpResponse>, ApiError> {
    let format = Format::of(query.format.as_deref(), accepted)?;
    let (filter, bucket, by) = query.read()?;
    let series = reports.series(permit, filter, bucket, by).await?;
    Ok(match format {
        Format::Json => Either::Left(Json(series.into())),
        Format::Csv => Either::Right(table(series).answer("usage-timeseries")),
    })
}

/// A line for each group of each part. A part without groups has one line, which is of none.
fn table(series: UsageSeries) -> Table {
    let mut table = Table::of(&[&["start", "end"], &USAGE_COLUMNS[..]].concat());
    for SeriesPoint { period, total, groups } in series.points {
        let edges = || vec![moment(period.start), moment(period.end)];
        if groups.is_empty() {
            table.line(&[edges(), usage_cells(None, &total)].concat());
        }
        for group in groups {
            table.line(&[edges(), usage_cells(Some(group.group), &group.usage)].concat());
        }
    }
    table
}
