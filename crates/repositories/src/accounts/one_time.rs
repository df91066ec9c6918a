//! What is good once, as rows. It is looked up before it is known whose request it is: scopes do
//! not apply.
use async_trait::async_trait;
use cape_domain::{
    accounts::{OneTimeReads, OneTimeRepository, OneTimeToken, Purpose},
    ids::{OneTimeId, UserId},
    store::StoreError,
};
use sea_orm::{
    ColumnTrait as _, EntityTrait, ExprTrait as _, IntoActiveModel, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "one_time_tokens")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub purpose: String,
        pub salt: Vec<u8>,
        pub created_at: DateTimeUtc,
        pub expires_at: DateTimeUtc,
        pub attempts: i64,
        pub counted_since: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "one-time token";

#[async_trait]
impl OneTimeReads for SqlWork {
    async fn find(&mut self, id: OneTimeId) -> Result<Option<OneTimeToken>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }

    async fn current(
        &mut self,
        user: UserId,
        purpose: Purpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        row::Entity::find()
            .filter(Column::UserId.eq(user.raw()))
            .filter(Column::Purpose.eq(purpose.name()))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }
}

#[async_trait]
impl OneTimeRepository for SqlWork {
    async fn put(&mut self, token: &OneTimeToken) -> Result<(), StoreError> {
        let instead = OnConflict::columns([Column::UserId, Column::Purpose])
            .update_columns([
                Column::Id,
                Column::Salt,
                Column::CreatedAt,
                Column::ExpiresAt,
                Column::Attempts,
                Column::CountedSince,
            ])
            .to_owned();
        row::Entity::insert(to_row(token).into_active_model())
            .on_conflict(instead)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn count_attempt(&mut self, id: OneTimeId, most: u32) -> Result<bool, StoreError> {
        let counted = row::Entity::update_many()
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .filter(Column::Id.eq(id.raw()))
            .filter(Column::Attempts.lt(most))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(counted.rows_affected == 1)
    }

    async fn consume(&mut self, id: OneTimeId) -> Result<bool, StoreError> {
        let deleted = row::Entity::delete_by_id(id.raw())
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(deleted.rows_affected == 1)
    }

    async fn clear(&mut self, user: UserId) -> Result<(), StoreError> {
        row::Entity::delete_many()
            .filter(Column::UserId.eq(user.raw()))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}

fn from_row(row: row::Model) -> Result<OneTimeToken, StoreError> {
    let salt = row.salt.try_into();
    Ok(OneTimeToken {
        id: OneTimeId::new(row.id),
        user: UserId::new(row.user_id),
        purpose: row.purpose.parse().map_err(|e| error::corrupt(WHAT, e))?,
        salt: salt.map_err(|_| error::corrupt(WHAT, "a salt of another length"))?,
        created_at: row.created_at,
        expires_at: row.expires_at,
        attempts: error::number(WHAT, row.attempts)?,
        counted_since: row.counted_since,
    })
}

fn to_row(token: &OneTimeToken) -> row::Model {
    row::Model {
        id: token.id.raw(),
        user_id: token.user.raw(),
        purpose: token.purpose.name().to_owned(),
        salt: token.salt.to_vec(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        attempts: token.attempts.into(),
        counted_since: token.counted_since,
    }
}
