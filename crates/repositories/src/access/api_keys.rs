//! API keys, as rows.
use async_trait::async_trait;
use cape_domain::{
    access::{ApiKey, ApiKeyReads, ApiKeyRepository, KeyState},
    ids::{ApiKeyId, UserId, WorkspaceId},
    page::{Cursor, Page, PageRequest},
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait, IntoActiveModel, QueryFilter};

use crate::{error, page::newest_first, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "api_keys")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub owner_id: Uuid,
        pub name: String,
        pub secret_hash: Vec<u8>,
        pub created_at: DateTimeUtc,
        pub revoked_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const WHAT: &str = "API key";

#[async_trait]
impl ApiKeyReads for SqlWork {
    async fn find(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .filter(self.within(row::Column::WorkspaceId))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }

    async fn list(&mut self, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        let active = row::Entity::find()
            .filter(self.within(row::Column::WorkspaceId))
            .filter(row::Column::RevokedAt.is_null());
        let rows = newest_first(active, page, row::Column::CreatedAt, row::Column::Id)
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        let keys = rows.into_iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(page.page(keys, |key: &ApiKey| Cursor { at: key.created_at, id: key.id.raw() }))
    }
}

#[async_trait]
impl ApiKeyRepository for SqlWork {
    async fn insert(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        self.admit(WHAT, key.workspace)?;
        row::Entity::insert(to_row(key).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn revoke(&mut self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        let revoked = row::Entity::update_many()
            .set(row::ActiveModel { revoked_at: Set(Some(at)), ..Default::default() })
            .filter(row::Column::Id.eq(id.raw()))
            .filter(self.within(row::Column::WorkspaceId))
            .filter(row::Column::RevokedAt.is_null())
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if revoked.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
    }
}

fn from_row(row: row::Model) -> Result<ApiKey, StoreError> {
    let secret_hash = row.secret_hash.try_into();
    Ok(ApiKey {
        id: ApiKeyId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        owner: UserId::new(row.owner_id),
        name: row.name.parse().map_err(|e| error::corrupt(WHAT, e))?,
        secret_hash: secret_hash.map_err(|_| error::corrupt(WHAT, "a hash of another length"))?,
        created_at: row.created_at,
        state: row.revoked_at.map_or(KeyState::Active, |at| KeyState::Revoked { at }),
    })
}

fn to_row(key: &ApiKey) -> row::Model {
    row::Model {
        id: key.id.raw(),
        workspace_id: key.workspace.raw(),
        owner_id: key.owner.raw(),
        name: key.name.as_str().to_owned(),
        secret_hash: key.secret_hash.to_vec(),
        created_at: key.created_at,
        revoked_at: match key.state {
            KeyState::Active => None,
            KeyState::Revoked { at } => Some(at),
        },
    }
}
