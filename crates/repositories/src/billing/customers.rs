//! Who a workspace is at a payment provider, as rows.
use async_trait::async_trait;
use cape_domain::{
    billing::{CustomerReads, CustomerRepository, ProviderName},
    ids::WorkspaceId,
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    sea_query::OnConflict,
};

use crate::{error, store::SqlWork};

pub(super) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "customers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub provider: String,
        pub customer: String,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "customer";

#[async_trait]
impl CustomerReads for SqlWork {
    async fn find(
        &mut self,
        workspace: WorkspaceId,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError> {
        let row = row::Entity::find_by_id((workspace.raw(), provider.name().to_owned()))
            .filter(self.within(Column::WorkspaceId))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(row.map(|row| row.customer))
    }
}

#[async_trait]
impl CustomerRepository for SqlWork {
    async fn remember(
        &mut self,
        workspace: WorkspaceId,
        provider: ProviderName,
        customer: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.admit(WHAT, workspace)?;
        let row = row::Model {
            workspace_id: workspace.raw(),
            provider: provider.name().to_owned(),
            customer: customer.to_owned(),
            created_at: now,
        };
        let known =
            OnConflict::columns([Column::WorkspaceId, Column::Provider]).do_nothing().to_owned();
        row::Entity::insert(row.into_active_model())
            .on_conflict(known)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn forget(
        &mut self,
        workspace: WorkspaceId,
        provider: ProviderName,
        customer: &str,
    ) -> Result<(), StoreError> {
        self.admit(WHAT, workspace)?;
        row::Entity::delete_by_id((workspace.raw(), provider.name().to_owned()))
            .filter(Column::Customer.eq(customer))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}
