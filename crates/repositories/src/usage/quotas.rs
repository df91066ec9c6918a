//! Counted calls, as rows.
use async_trait::async_trait;
use cape_domain::{
    ids::WorkspaceId,
    store::StoreError,
    usage::{QuotaPeriod, QuotaReads, QuotaRepository},
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    sea_query::{Expr, OnConflict},
};

use crate::{error, store::SqlWork};

pub(super) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "quotas")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub period_start: DateTimeUtc,
        pub period_end: DateTimeUtc,
        pub used: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "quota";

#[async_trait]
impl QuotaReads for SqlWork {
    async fn used(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
    ) -> Result<u64, StoreError> {
        let row = row::Entity::find_by_id((workspace.raw(), period.start))
            .filter(self.within(Column::WorkspaceId))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        row.map_or(Ok(0), |row| error::number(WHAT, row.used))
    }
}

#[async_trait]
impl QuotaRepository for SqlWork {
    async fn take(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
        calls: u64,
        limit: u64,
    ) -> Result<bool, StoreError> {
        self.admit(WHAT, workspace)?;
        // The first calls of a period are inserted without a look at the limit.
        let Some(most_before) = limit.checked_sub(calls) else { return Ok(false) };
        let calls = i64::try_from(calls).map_err(|e| error::corrupt(WHAT, e))?;
        let used = || Expr::col((row::Entity, Column::Used));
        let next = OnConflict::columns([Column::WorkspaceId, Column::PeriodStart])
            .value(Column::Used, used().add(calls))
            .action_and_where(used().lte(i64::try_from(most_before).unwrap_or(i64::MAX - calls)))
            .to_owned();
        let first = row::Model {
            workspace_id: workspace.raw(),
            period_start: period.start,
            period_end: period.end,
            used: calls,
        };
        let counted = row::Entity::insert(first.into_active_model())
            .on_conflict(next)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(counted == 1)
    }

    async fn give_back(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
        calls: u64,
    ) -> Result<(), StoreError> {
        self.admit(WHAT, workspace)?;
        let calls = i64::try_from(calls).map_err(|e| error::corrupt(WHAT, e))?;
        let used = || Expr::col(Column::Used);
        let left = Expr::case(used().gt(calls), used().sub(calls)).finally(0);
        row::Entity::update_many()
            .col_expr(Column::Used, left.into())
            .filter(Column::WorkspaceId.eq(workspace.raw()))
            .filter(Column::PeriodStart.eq(period.start))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}
