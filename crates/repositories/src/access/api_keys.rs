//! API keys, as rows.
use std::str::FromStr;

use async_trait::async_trait;
use cape_domain::{
    access::{ApiKey, ApiKeyReads, ApiKeyRepository, KeyRules, KeyScope, KeyState, Network},
    billing::Credits,
    ids::{ApiKeyId, UserId, WorkspaceId},
    page::{Cursor, Page, PageRequest},
    store::{BoxError, StoreError},
    text::Name,
    time::Timestamp,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder,
};

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
        pub scopes: String,
        pub expires_at: Option<DateTimeUtc>,
        pub models: String,
        pub networks: String,
        pub spending_cap: Option<i64>,
        pub ends_with_password: bool,
        pub last_used_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "API key";

/// Between the scopes and between the networks of a key.
const COMMA: &str = ",";

/// Between the models of a key: a name may contain anything else.
const BREAK: &str = "\n";

#[async_trait]
impl ApiKeyReads for SqlWork {
    async fn find(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .filter(self.within(Column::WorkspaceId))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }

    async fn list(&mut self, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        let active = row::Entity::find()
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::RevokedAt.is_null());
        let rows = newest_first(active, page, Column::CreatedAt, Column::Id)
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
        let revoked = row::ActiveModel { revoked_at: Set(Some(at)), ..Default::default() };
        self.change_good_key(id, revoked).await
    }

    async fn expire(&mut self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        let expired = row::ActiveModel { expires_at: Set(Some(at)), ..Default::default() };
        self.change_good_key(id, expired).await
    }

    /// In the order of the ids, so that two who take notes never wait for each other.
    async fn note_use(&mut self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), StoreError> {
        let mut uses = uses.to_vec();
        uses.sort_unstable();
        for (id, at) in uses {
            let earlier =
                Condition::any().add(Column::LastUsedAt.is_null()).add(Column::LastUsedAt.lt(at));
            row::Entity::update_many()
                .set(row::ActiveModel { last_used_at: Set(Some(at)), ..Default::default() })
                .filter(Column::Id.eq(id.raw()))
                .filter(self.within(Column::WorkspaceId))
                .filter(earlier)
                .exec(&self.transaction)
                .await
                .map_err(error::on(WHAT))?;
        }
        Ok(())
    }

    async fn of_owner(&mut self, owner: UserId) -> Result<Vec<ApiKey>, StoreError> {
        let rows = row::Entity::find()
            .filter(Column::OwnerId.eq(owner.raw()))
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::RevokedAt.is_null())
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        rows.into_iter().map(from_row).collect()
    }
}

impl SqlWork {
    /// Changes a key within reach that is not revoked.
    async fn change_good_key(
        &self,
        id: ApiKeyId,
        change: row::ActiveModel,
    ) -> Result<(), StoreError> {
        let changed = row::Entity::update_many()
            .set(change)
            .filter(Column::Id.eq(id.raw()))
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::RevokedAt.is_null())
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if changed.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
    }
}

/// What a list in one column consists of. An empty one has no entries.
fn entries<T, C>(text: &str, separator: &str) -> Result<C, StoreError>
where
    T: FromStr<Err: Into<BoxError>>,
    C: FromIterator<T>,
{
    let entries = text.split(separator).filter(|entry| !entry.is_empty());
    entries.map(|entry| entry.parse().map_err(|e| error::corrupt(WHAT, e))).collect()
}

fn from_row(row: row::Model) -> Result<ApiKey, StoreError> {
    let secret_hash = row.secret_hash.try_into();
    Ok(ApiKey {
        id: ApiKeyId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        owner: UserId::new(row.owner_id),
        name: row.name.parse().map_err(|e| error::corrupt(WHAT, e))?,
        secret_hash: secret_hash.map_err(|_| error::corrupt(WHAT, "a hash of another length"))?,
        rules: KeyRules {
            scopes: entries::<KeyScope, _>(&row.scopes, COMMA)?,
            expires_at: row.expires_at,
            models: entries::<Name, _>(&row.models, BREAK)?,
            networks: entries::<Network, _>(&row.networks, COMMA)?,
            spending_cap: row.spending_cap.map(Credits::from_micros),
            ends_with_password: row.ends_with_password,
        },
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        state: row.revoked_at.map_or(KeyState::Active, |at| KeyState::Revoked { at }),
    })
}

fn to_row(key: &ApiKey) -> row::Model {
    let rules = &key.rules;
    let scopes: Vec<_> = rules.scopes.iter().map(|scope| scope.name()).collect();
    let models: Vec<_> = rules.models.iter().map(Name::as_str).collect();
    let networks: Vec<_> = rules.networks.iter().map(Network::to_string).collect();
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
        scopes: scopes.join(COMMA),
        expires_at: rules.expires_at,
        models: models.join(BREAK),
        networks: networks.join(COMMA),
        spending_cap: rules.spending_cap.map(Credits::micros),
        ends_with_password: rules.ends_with_password,
        last_used_at: key.last_used_at,
    }
}
