//! Keys of persons, as rows. A person is nobody's tenant: scopes do not apply.
use async_trait::async_trait;
use cape_domain::{
    audit::{PersonalKey, PersonalKeyReads, PersonalKeyRepository},
    ids::UserId,
    store::StoreError,
};
use sea_orm::{EntityTrait, IntoActiveModel};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "personal_keys")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub person_id: Uuid,
        pub wrapped: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const WHAT: &str = "personal key";

#[async_trait]
impl PersonalKeyReads for SqlWork {
    async fn find(&mut self, person: UserId) -> Result<Option<PersonalKey>, StoreError> {
        let row = row::Entity::find_by_id(person.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(row.map(|row| PersonalKey { person, wrapped: row.wrapped }))
    }
}

#[async_trait]
impl PersonalKeyRepository for SqlWork {
    async fn insert(&mut self, key: &PersonalKey) -> Result<(), StoreError> {
        let row = row::Model { person_id: key.person.raw(), wrapped: key.wrapped.clone() };
        row::Entity::insert(row.into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}
