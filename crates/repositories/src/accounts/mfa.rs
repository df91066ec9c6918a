//! Second factors, as rows. A person is nobody's tenant: scopes do not apply.
use async_trait::async_trait;
use cape_domain::{
    accounts::{MfaReads, MfaRepository, Totp, TotpState},
    audit::Sealed,
    ids::UserId,
    store::StoreError,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait, IntoActiveModel, PaginatorTrait as _,
    QueryFilter, sea_query::OnConflict,
};

use crate::{error, store::SqlWork};

mod totp {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "totps")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub sealed_for: Uuid,
        pub sealed: Vec<u8>,
        pub active_since: Option<DateTimeUtc>,
        pub last_step: i64,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

mod code {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "recovery_codes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const TOTP: &str = "second factor";
const CODE: &str = "recovery code";

#[async_trait]
impl MfaReads for SqlWork {
    async fn totp(&mut self, user: UserId) -> Result<Option<Totp>, StoreError> {
        totp::Entity::find_by_id(user.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(TOTP))?
            .map(from_row)
            .transpose()
    }

    async fn recovery_codes_left(&mut self, user: UserId) -> Result<u32, StoreError> {
        let left = code::Entity::find()
            .filter(code::Column::UserId.eq(user.raw()))
            .count(&self.transaction)
            .await
            .map_err(error::on(CODE))?;
        u32::try_from(left).map_err(|e| error::corrupt(CODE, e))
    }
}

#[async_trait]
impl MfaRepository for SqlWork {
    async fn put_totp(&mut self, totp: &Totp) -> Result<(), StoreError> {
        use totp::Column;
        let instead = OnConflict::column(Column::UserId)
            .update_columns([
                Column::SealedFor,
                Column::Sealed,
                Column::ActiveSince,
                Column::LastStep,
                Column::CreatedAt,
            ])
            .to_owned();
        totp::Entity::insert(to_row(totp)?.into_active_model())
            .on_conflict(instead)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(TOTP))?;
        Ok(())
    }

    async fn accept_step(&mut self, user: UserId, step: u64) -> Result<bool, StoreError> {
        let step = stored(step)?;
        let accepted = totp::Entity::update_many()
            .set(totp::ActiveModel { last_step: Set(step), ..Default::default() })
            .filter(totp::Column::UserId.eq(user.raw()))
            .filter(totp::Column::LastStep.lt(step))
            .exec(&self.transaction)
            .await
            .map_err(error::on(TOTP))?;
        Ok(accepted.rows_affected == 1)
    }

    async fn put_recovery_codes(
        &mut self,
        user: UserId,
        hashes: &[[u8; 32]],
    ) -> Result<(), StoreError> {
        self.clear_recovery_codes(user).await?;
        let row = |hash: &[u8; 32]| code::Model { user_id: user.raw(), hash: hash.to_vec() };
        code::Entity::insert_many(hashes.iter().map(|hash| row(hash).into_active_model()))
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(CODE))?;
        Ok(())
    }

    async fn use_recovery_code(
        &mut self,
        user: UserId,
        hash: [u8; 32],
    ) -> Result<bool, StoreError> {
        let deleted = code::Entity::delete_by_id((user.raw(), hash.to_vec()))
            .exec(&self.transaction)
            .await
            .map_err(error::on(CODE))?;
        Ok(deleted.rows_affected == 1)
    }

    async fn clear(&mut self, user: UserId) -> Result<(), StoreError> {
        totp::Entity::delete_by_id(user.raw())
            .exec(&self.transaction)
            .await
            .map_err(error::on(TOTP))?;
        self.clear_recovery_codes(user).await
    }
}

impl SqlWork {
    async fn clear_recovery_codes(&self, user: UserId) -> Result<(), StoreError> {
        code::Entity::delete_many()
            .filter(code::Column::UserId.eq(user.raw()))
            .exec(&self.transaction)
            .await
            .map_err(error::on(CODE))?;
        Ok(())
    }
}

/// A time step, as it is stored.
fn stored(step: u64) -> Result<i64, StoreError> {
    i64::try_from(step).map_err(|e| error::corrupt(TOTP, e))
}

fn from_row(row: totp::Model) -> Result<Totp, StoreError> {
    let active = |since| TotpState::Active { since };
    Ok(Totp {
        user: UserId::new(row.user_id),
        secret: Sealed { person: UserId::new(row.sealed_for), ciphertext: row.sealed },
        state: row.active_since.map_or(TotpState::Pending, active),
        last_step: error::number(TOTP, row.last_step)?,
        created_at: row.created_at,
    })
}

fn to_row(totp: &Totp) -> Result<totp::Model, StoreError> {
    Ok(totp::Model {
        user_id: totp.user.raw(),
        sealed_for: totp.secret.person.raw(),
        sealed: totp.secret.ciphertext.clone(),
        active_since: match totp.state {
            TotpState::Pending => None,
            TotpState::Active { since } => Some(since),
        },
        last_step: stored(totp.last_step)?,
        created_at: totp.created_at,
    })
}
