//! Calls, listed and added up: read-only queries over the table of calls.
//!
//! Sums are cast to what they are sums of: a sum that does not fit is an error, never less.
mod performance;
mod totals;

use async_trait::async_trait;
use cape_domain::{
    ids::WorkspaceId,
    page::{Cursor, Page, PageRequest},
    store::StoreError,
    usage::{
        BucketUsage, Call, CallFilter, CallReports, GroupBy, GroupPerformance, GroupUsage,
        QuotaPeriod,
    },
};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait as _, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QuerySelect as _, QueryTrait as _,
    sea_query::{Asterisk, Expr, Query},
};

use super::calls::{
    WHAT, from_row,
    row::{Column, Entity},
};
use crate::{error, page::newest_first, store::SqlWork};

#[async_trait]
impl CallReports for SqlWork {
    async fn list(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        page: PageRequest,
    ) -> Result<Page<Call>, StoreError> {
        let own = Entity::find().filter(matching(self, workspace, filter));
        let rows = newest_first(own, page, Column::StartedAt, Column::Id)
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        let calls = rows.into_iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(page.page(calls, |call: &Call| Cursor { at: call.started_at, id: call.id.raw() }))
    }

    async fn count(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        most: u32,
    ) -> Result<u64, StoreError> {
        let some = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(matching(self, workspace, filter))
            .limit(u64::from(most))
            .into_query();
        let count = Query::select()
            .expr_as(Expr::col(Asterisk).count(), "found")
            .from_subquery(some, "some")
            .to_owned();
        let row = self.transaction.query_one(&count).await.map_err(error::on(WHAT))?;
        let row = row.ok_or_else(|| error::corrupt(WHAT, "a count has no row"))?;
        let found: i64 = row.try_get("", "found").map_err(error::on(WHAT))?;
        error::number(WHAT, found)
    }

    async fn totals(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        by: GroupBy,
        most: u32,
    ) -> Result<Vec<GroupUsage>, StoreError> {
        totals::by_group(self, workspace, filter, by, most).await
    }

    async fn series(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        parts: &[QuotaPeriod],
        by: Option<GroupBy>,
        most: u32,
    ) -> Result<Vec<BucketUsage>, StoreError> {
        totals::by_part(self, workspace, filter, parts, by, most).await
    }

    async fn performance(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        by: GroupBy,
        most: u32,
    ) -> Result<Vec<GroupPerformance>, StoreError> {
        performance::by_group(self, workspace, filter, by, most).await
    }
}

/// The calls of a workspace that a filter admits.
fn matching(work: &SqlWork, workspace: WorkspaceId, filter: &CallFilter) -> Condition {
    let CallFilter { user, key, model, provider, state, from, until } = filter;
    Condition::all()
        .add(work.within(Column::WorkspaceId))
        .add(Column::WorkspaceId.eq(workspace.raw()))
        .add_option(user.map(|user| Column::UserId.eq(user.raw())))
        .add_option(key.map(|key| Column::KeyId.eq(key.raw())))
        .add_option(model.as_deref().map(|model| Column::Model.eq(model)))
        .add_option(provider.as_ref().map(|provider| Column::Provider.eq(provider.to_string())))
        .add_option(state.map(|state| Column::State.eq(state.name())))
        .add_option(from.map(|from| Column::StartedAt.gte(from)))
        .add_option(until.map(|until| Column::StartedAt.lt(until)))
}
