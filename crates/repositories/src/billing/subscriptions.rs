//! Subscriptions, as rows. That a workspace has one at most that has not ended is an index.
use async_trait::async_trait;
use cape_domain::{
    billing::{ProviderName, Quote, Subscription, SubscriptionReads, SubscriptionRepository},
    ids::{QuoteId, SubscriptionId, WorkspaceId},
    page::{Cursor, Page, PageRequest},
    store::StoreError,
};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{NotSet, Set},
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    sea_query::Expr,
};

use super::{
    quotes,
    subscription_row::{WHAT, from_row, row, to_row},
};
use crate::{error, page::newest_first, store::SqlWork};

#[async_trait]
impl SubscriptionReads for SqlWork {
    async fn find(&mut self, id: SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .filter(self.within(row::Column::WorkspaceId))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }

    async fn find_remote(
        &mut self,
        provider: ProviderName,
        remote: &str,
    ) -> Result<Option<Subscription>, StoreError> {
        row::Entity::find()
            .filter(self.within(row::Column::WorkspaceId))
            .filter(row::Column::Provider.eq(provider.name()))
            .filter(row::Column::Remote.eq(remote))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }

    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Subscription>, StoreError> {
        let own = row::Entity::find()
            .filter(self.within(row::Column::WorkspaceId))
            .filter(row::Column::WorkspaceId.eq(workspace.raw()));
        let rows = newest_first(own, page, row::Column::CreatedAt, row::Column::Id)
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        let rows = rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
        Ok(page.page(rows, |one| Cursor { at: one.created_at, id: one.id.raw() }))
    }

    async fn quote(&mut self, id: QuoteId) -> Result<Option<Quote>, StoreError> {
        quotes::find(self, id).await
    }

    async fn current(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Option<Subscription>, StoreError> {
        // In these words, and not with a parameter, the index is of use.
        let goes_on = Expr::col(row::Column::State).ne(Expr::Constant("ended".into()));
        row::Entity::find()
            .filter(self.within(row::Column::WorkspaceId))
            .filter(row::Column::WorkspaceId.eq(workspace.raw()))
            .filter(goes_on)
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }
}

#[async_trait]
impl SubscriptionRepository for SqlWork {
    async fn insert(&mut self, subscription: &Subscription) -> Result<(), StoreError> {
        self.admit(WHAT, subscription.workspace)?;
        row::Entity::insert(to_row(subscription).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn insert_quote(&mut self, quote: &Quote) -> Result<(), StoreError> {
        quotes::insert(self, quote).await
    }

    async fn update(&mut self, subscription: &Subscription) -> Result<(), StoreError> {
        self.admit(WHAT, subscription.workspace)?;
        let row = to_row(subscription);
        let (id, workspace, version) = (row.id, row.workspace_id, row.version);
        let change = row::ActiveModel {
            id: NotSet,
            workspace_id: NotSet,
            user_id: NotSet,
            provider: NotSet,
            created_at: NotSet,
            version: Set(version + 1),
            ..row.into_active_model().reset_all()
        };
        let updated = row::Entity::update_many()
            .set(change)
            .filter(row::Column::Id.eq(id))
            .filter(row::Column::WorkspaceId.eq(workspace))
            .filter(row::Column::Version.eq(version))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if updated.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
    }
}
