//! Workspaces' own keys at providers, as rows. What is sealed stays sealed here.
use async_trait::async_trait;
use cape_domain::{
    audit::SealedSecret,
    ids::{CredentialId, UserId, WorkspaceId},
    store::StoreError,
    usage::{CredentialReads, CredentialRepository, Provider, ProviderCredential},
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    sea_query::OnConflict,
};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "provider_credentials")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub provider: String,
        pub id: Uuid,
        pub sealed: Vec<u8>,
        pub ending: String,
        pub created_at: DateTimeUtc,
        pub created_by: Uuid,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "provider credential";

#[async_trait]
impl CredentialReads for SqlWork {
    async fn list(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Vec<ProviderCredential>, StoreError> {
        let rows = row::Entity::find()
            .filter(Column::WorkspaceId.eq(workspace.raw()))
            .filter(self.within(Column::WorkspaceId))
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        let mut all = rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
        // Not by the database: each sorts texts in an order of its own.
        all.sort_by_key(|credential| credential.provider);
        Ok(all)
    }

    async fn find(
        &mut self,
        workspace: WorkspaceId,
        provider: Provider,
    ) -> Result<Option<ProviderCredential>, StoreError> {
        row::Entity::find_by_id((workspace.raw(), provider.name().to_owned()))
            .filter(self.within(Column::WorkspaceId))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }
}

#[async_trait]
impl CredentialRepository for SqlWork {
    async fn put(&mut self, credential: &ProviderCredential) -> Result<(), StoreError> {
        self.admit(WHAT, credential.workspace)?;
        let replaced = OnConflict::columns([Column::WorkspaceId, Column::Provider])
            .update_columns([
                Column::Id,
                Column::Sealed,
                Column::Ending,
                Column::CreatedAt,
                Column::CreatedBy,
            ])
            .to_owned();
        row::Entity::insert(to_row(credential).into_active_model())
            .on_conflict(replaced)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn remove(
        &mut self,
        workspace: WorkspaceId,
        provider: Provider,
    ) -> Result<bool, StoreError> {
        self.admit(WHAT, workspace)?;
        let key = (workspace.raw(), provider.name().to_owned());
        let removed = row::Entity::delete_by_id(key)
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(removed.rows_affected == 1)
    }
}

fn from_row(row: row::Model) -> Result<ProviderCredential, StoreError> {
    Ok(ProviderCredential {
        id: CredentialId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        provider: row.provider.parse().map_err(|e| error::corrupt(WHAT, e))?,
        sealed: SealedSecret(row.sealed),
        ending: row.ending,
        created_at: row.created_at,
        created_by: UserId::new(row.created_by),
    })
}

fn to_row(credential: &ProviderCredential) -> row::Model {
    row::Model {
        workspace_id: credential.workspace.raw(),
        provider: credential.provider.name().to_owned(),
        id: credential.id.raw(),
        sealed: credential.sealed.0.clone(),
        ending: credential.ending.clone(),
        created_at: credential.created_at,
        created_by: credential.created_by.raw(),
    }
}
