//! Mails that are to be sent, as rows. They are the program's own, and not of a tenant: scopes do
//! not apply.
use async_trait::async_trait;
use cape_domain::{
    accounts::{Mail, MailReads, MailRepository},
    ids::{MailId, UserId},
    store::StoreError,
};
use sea_orm::{EntityTrait, IntoActiveModel};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "mails")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub email: String,
        pub user_id: Option<Uuid>,
        pub kind: String,
        pub detail: Option<String>,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const WHAT: &str = "mail";

#[async_trait]
impl MailReads for SqlWork {
    async fn find(&mut self, id: MailId) -> Result<Option<Mail>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .as_ref()
            .map(from_row)
            .transpose()
    }
}

#[async_trait]
impl MailRepository for SqlWork {
    async fn insert(&mut self, mail: &Mail) -> Result<(), StoreError> {
        row::Entity::insert(to_row(mail).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn remove(&mut self, id: MailId) -> Result<(), StoreError> {
        row::Entity::delete_by_id(id.raw())
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}

fn from_row(row: &row::Model) -> Result<Mail, StoreError> {
    let detail = row.detail.as_deref().map(str::parse).transpose();
    Ok(Mail {
        id: MailId::new(row.id),
        to: row.email.parse().map_err(|e| error::corrupt(WHAT, e))?,
        user: row.user_id.map(UserId::new),
        kind: row.kind.parse().map_err(|e| error::corrupt(WHAT, e))?,
        detail: detail.map_err(|e| error::corrupt(WHAT, e))?,
        created_at: row.created_at,
    })
}

fn to_row(mail: &Mail) -> row::Model {
    row::Model {
        id: mail.id.raw(),
        email: mail.to.as_str().to_owned(),
        user_id: mail.user.map(UserId::raw),
        kind: mail.kind.name().to_owned(),
        detail: mail.detail.as_ref().map(|detail| detail.as_str().to_owned()),
        created_at: mail.created_at,
    }
}
