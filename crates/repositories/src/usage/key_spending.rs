//! What keys with a spending cap have spent, as rows. A key is known by who presents it, and its
//! workspace is found by it: scopes do not apply.
use async_trait::async_trait;
use cape_domain::{
    billing::Credits,
    ids::ApiKeyId,
    store::StoreError,
    usage::{KeySpendingReads, KeySpendingRepository},
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    sea_query::{Expr, OnConflict},
};

use crate::{billing::has_room, error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "key_spending")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub key_id: Uuid,
        pub spent: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "key spending";

#[async_trait]
impl KeySpendingReads for SqlWork {
    async fn spent(&mut self, key: ApiKeyId) -> Result<Credits, StoreError> {
        let row = row::Entity::find_by_id(key.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(row.map_or(Credits::ZERO, |row| Credits::from_micros(row.spent)))
    }
}

#[async_trait]
impl KeySpendingRepository for SqlWork {
    async fn take(
        &mut self,
        key: ApiKeyId,
        amount: Credits,
        cap: Credits,
    ) -> Result<bool, StoreError> {
        // Computed here and not in the statement, where a sum could overflow before it is
        // compared. What does not fit at all is not inserted: that happens without a look at the
        // cap.
        let most_before = cap.minus(amount).map_err(|e| error::corrupt(WHAT, e))?.micros();
        if most_before < 0 {
            return Ok(false);
        }
        let spent = || Expr::col((row::Entity, Column::Spent));
        let next = OnConflict::column(Column::KeyId)
            .value(Column::Spent, spent().add(amount.micros()))
            .action_and_where(spent().lte(most_before))
            .to_owned();
        let first = row::Model { key_id: key.raw(), spent: amount.micros() };
        let counted = row::Entity::insert(first.into_active_model())
            .on_conflict(next)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(counted == 1)
    }

    async fn correct(
        &mut self,
        key: ApiKeyId,
        counted: Credits,
        actual: Credits,
    ) -> Result<(), StoreError> {
        let change = actual.minus(counted).map_err(|e| error::corrupt(WHAT, e))?;
        let corrected = row::Entity::update_many()
            .col_expr(Column::Spent, Expr::col(Column::Spent).add(change.micros()))
            .filter(Column::KeyId.eq(key.raw()))
            .filter(has_room(Column::Spent, change))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if corrected.rows_affected == 1 {
            return Ok(());
        }
        let row = row::Entity::find_by_id(key.raw()).one(&self.transaction).await;
        match row.map_err(error::on(WHAT))? {
            Some(_) => Err(error::corrupt(WHAT, "a correction beyond what was counted")),
            None => Ok(()),
        }
    }
}
