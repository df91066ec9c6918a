//! Calls that a limit refused, as rows: one for each key, rule and minute.
use async_trait::async_trait;
use cape_domain::{
    ids::{ApiKeyId, UserId, ViolationId, WorkspaceId},
    page::{Cursor, Page, PageRequest},
    store::StoreError,
    time::Timestamp,
    usage::{Per, Refused, Violation, ViolationReads, ViolationRepository},
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    sea_query::{Expr, OnConflict},
};

use crate::{error, page::newest_first, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "limit_violations")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub user_id: Uuid,
        pub key_id: Uuid,
        pub rule: String,
        pub scope: String,
        pub minute: DateTimeUtc,
        pub calls: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "refused calls";

#[async_trait]
impl ViolationReads for SqlWork {
    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Violation>, StoreError> {
        let own = row::Entity::find()
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::WorkspaceId.eq(workspace.raw()));
        let rows = newest_first(own, page, Column::Minute, Column::Id)
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        let rows = rows.into_iter().map(from_row).collect::<Result<_, _>>()?;
        let cursor = |one: &Violation| Cursor { at: one.refused.minute, id: one.id.raw() };
        Ok(page.page(rows, cursor))
    }
}

#[async_trait]
impl ViolationRepository for SqlWork {
    async fn count(&mut self, violations: &[Violation]) -> Result<(), StoreError> {
        for one in violations {
            let row = to_row(one)?;
            let calls = Expr::col((row::Entity, Column::Calls)).add(row.calls);
            let same = [
                Column::WorkspaceId,
                Column::UserId,
                Column::KeyId,
                Column::Rule,
                Column::Scope,
                Column::Minute,
            ];
            let more = OnConflict::columns(same).value(Column::Calls, calls).to_owned();
            row::Entity::insert(row.into_active_model())
                .on_conflict(more)
                .exec_without_returning(&self.transaction)
                .await
                .map_err(error::on(WHAT))?;
        }
        Ok(())
    }

    async fn forget(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let forgotten = row::Entity::delete_many()
            .filter(Column::Minute.lt(before))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(forgotten.rows_affected)
    }
}

fn from_row(row: row::Model) -> Result<Violation, StoreError> {
    let per: Per = row.scope.parse().map_err(|e| error::corrupt(WHAT, e))?;
    let refused = Refused {
        workspace: WorkspaceId::new(row.workspace_id),
        user: UserId::new(row.user_id),
        key: ApiKeyId::new(row.key_id),
        rule: row.rule,
        scope: per.name(),
        minute: row.minute,
    };
    Ok(Violation { id: ViolationId::new(row.id), refused, calls: error::number(WHAT, row.calls)? })
}

fn to_row(one: &Violation) -> Result<row::Model, StoreError> {
    let Violation { id, refused, calls } = one;
    Ok(row::Model {
        id: id.raw(),
        workspace_id: refused.workspace.raw(),
        user_id: refused.user.raw(),
        key_id: refused.key.raw(),
        rule: refused.rule.clone(),
        scope: refused.scope.to_owned(),
        minute: refused.minute,
        calls: i64::try_from(*calls).map_err(|e| error::corrupt(WHAT, e))?,
    })
}
