//! Moves to other addresses, as rows. A person is nobody's tenant: scopes do not apply.
use async_trait::async_trait;
use cape_domain::{
    accounts::{EmailChange, EmailChangeReads, EmailChangeRepository},
    ids::UserId,
    store::StoreError,
};
use sea_orm::{EntityTrait, IntoActiveModel, sea_query::OnConflict};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "email_changes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub new_email: String,
        pub requested_at: DateTimeUtc,
        pub released: bool,
        pub claimed: bool,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "move to another address";

#[async_trait]
impl EmailChangeReads for SqlWork {
    async fn find(&mut self, user: UserId) -> Result<Option<EmailChange>, StoreError> {
        row::Entity::find_by_id(user.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .as_ref()
            .map(from_row)
            .transpose()
    }
}

#[async_trait]
impl EmailChangeRepository for SqlWork {
    async fn put(&mut self, change: &EmailChange) -> Result<(), StoreError> {
        let instead = OnConflict::column(Column::UserId)
            .update_columns([
                Column::NewEmail,
                Column::RequestedAt,
                Column::Released,
                Column::Claimed,
            ])
            .to_owned();
        row::Entity::insert(to_row(change).into_active_model())
            .on_conflict(instead)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn remove(&mut self, user: UserId) -> Result<(), StoreError> {
        row::Entity::delete_by_id(user.raw())
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}

fn from_row(row: &row::Model) -> Result<EmailChange, StoreError> {
    Ok(EmailChange {
        user: UserId::new(row.user_id),
        new_email: row.new_email.parse().map_err(|e| error::corrupt(WHAT, e))?,
        requested_at: row.requested_at,
        released: row.released,
        claimed: row.claimed,
    })
}

fn to_row(change: &EmailChange) -> row::Model {
    row::Model {
        user_id: change.user.raw(),
        new_email: change.new_email.as_str().to_owned(),
        requested_at: change.requested_at,
        released: change.released,
        claimed: change.claimed,
    }
}
