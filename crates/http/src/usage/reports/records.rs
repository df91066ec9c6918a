//! Calls, one by one.
use actix_web::{Either, HttpResponse, get, web::Json};
use bytes::Bytes;
use cape_domain::{
    access::ViewUsage,
    ids::{CallId, RequestId},
    usage::CallFilter,
};
use cape_services::usage::{CallExport, UsageReports};
use futures_util::stream;

use super::{
    filter::filtered_query,
    receipt::ReceiptView,
    record::{COLUMNS, RecordView},
};
use crate::{
    csv::{self, Accepted, Format, Table},
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Fields, PathId, Permitted, QueryOf, Service},
    page::{ListView, PageQuery},
};

filtered_query! {
    /// Which calls, and how.
    pub struct RecordsQuery {
        /// Where to go on: `next_cursor` of the page before. Not for a table.
        pub cursor: Option<String>,
        /// How many rows, 1 to 100; 20 unless said. Not for a table.
        pub limit: Option<u32>,
        /// `json` for a page, or `csv` for a table of all, which are 100 000 at most.
        pub format: Option<String>,
    }
}

impl RecordsQuery {
    fn page(&self) -> PageQuery {
        PageQuery { cursor: self.cursor.clone(), limit: self.limit }
    }

    fn read(&self) -> Result<CallFilter, ApiError> {
        let mut fields = Fields::default();
        let filter = self.filter(&mut fields);
        fields.finish(Some(filter))
    }

    /// The same, for a table, which has no pages.
    fn read_for_table(&self) -> Result<CallFilter, ApiError> {
        let mut fields = Fields::default();
        let filter = self.filter(&mut fields);
        for (name, given) in [("cursor", self.cursor.is_some()), ("limit", self.limit.is_some())] {
            if given {
                fields.refuse(name, "a table has no pages");
            }
        }
        fields.finish(Some(filter))
    }
}

/// List calls.
///
/// Newest first, page by page; or all of them as a table, which is refused where they are too
/// many rather than cut off. A cursor is a place in time, and may be used with another filter.
#[utoipa::path(
    tag = "usage", operation_id = "listUsageRecords",
    security(("access_token" = [])),
    params(RecordsQuery),
    responses(
        (status = 200, description = "A page, or all", content((ListView<RecordView> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "`usage.export_too_large`, `request.query`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[get("/usage/records")]
pub async fn list(
    Permitted(permit): Permitted<ViewUsage>,
    QueryOf(query): QueryOf<RecordsQuery>,
    Accepted(accepted): Accepted,
    reports: Service<UsageReports>,
) -> Result<Either<Json<ListView<RecordView>>, HttpResponse>, ApiError> {
    Ok(match Format::of(query.format.as_deref(), accepted)? {
        Format::Json => {
            let page = reports.calls(permit, query.read()?, query.page().request()?).await?;
            Either::Left(Json(ListView::of(page, RecordView::from)))
        }
        Format::Csv => {
            let request = permit.actor().request;
            let export = reports.export(permit, query.read_for_table()?).await?;
            Either::Right(table(export, request))
        }
    })
}

/// Show a call: its receipt.
#[utoipa::path(
    tag = "usage", operation_id = "getUsageRecord",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "The call")),
    responses(
        (status = 200, description = "Found", body = ReceiptView),
        (status = 404, description = "`call.not_found`, `path.invalid_id`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[get("/usage/records/{id}")]
pub async fn show(
    Permitted(permit): Permitted<ViewUsage>,
    PathId(id): PathId<CallId>,
    reports: Service<UsageReports>,
) -> Result<Json<ReceiptView>, ApiError> {
    Ok(Json(reports.receipt(permit, id).await?.into()))
}

/// All calls, written while they are read. Where that fails, the answer breaks off without its
/// end, so that nobody takes a part for the whole.
fn table(export: CallExport, request: RequestId) -> HttpResponse {
    let lines = stream::unfold(
        (export, Some(Table::of(&COLUMNS))),
        move |(mut export, begun)| async move {
            let calls = match export.next().await {
                Ok(Some(calls)) => calls,
                Ok(None) => return None,
                Err(error) => {
                    let error = ApiError::from(error);
                    error.log(request);
                    return Some((Err(actix_web::Error::from(error)), (export, None)));
                }
            };
            let mut lines = begun.unwrap_or_default();
            for call in calls {
                lines.line(&RecordView::cells(call));
            }
            Some((Ok(Bytes::from(lines.into_text())), (export, None)))
        },
    );
    csv::head("usage-records").streaming(lines)
}
