//! Users and their profiles, as rows. A person is nobody's tenant: scopes do not apply.
use async_trait::async_trait;
use cape_domain::{
    accounts::{
        Email, PasswordHash, Profile, User, UserReads, UserRepository, UserState, Verification,
    },
    ids::UserId,
    store::StoreError,
    text::Name,
};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{NotSet, Unchanged},
    ColumnTrait as _, ConnectionTrait as _, DbErr, EntityTrait, ExprTrait as _, IntoActiveModel,
    JoinType, QueryFilter, QueryResult, QuerySelect, QueryTrait as _,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use crate::{error, prepared::Prepared, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub email: String,
        pub password: String,
        pub user_type: String,
        pub verified_at: Option<DateTimeUtc>,
        pub deactivated_at: Option<DateTimeUtc>,
        pub operator: bool,
        pub created_at: DateTimeUtc,
        pub version: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

mod profile {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "profiles")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub full_name: Option<String>,
        pub company: Option<String>,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const USER: &str = "user";
const PROFILE: &str = "profile";

/// A user and its profile, by the user's id.
static WITH_PROFILE: Prepared = Prepared::new(|| {
    let own =
        row::Entity::belongs_to(profile::Entity).from(row::Column::Id).to(profile::Column::UserId);
    let user = row::Entity::find_by_id(Uuid::nil()).join(JoinType::InnerJoin, own.into());
    user.select_also(profile::Entity).into_query()
});

/// What [`WITH_PROFILE`] finds: the user's columns, and then the profile's, in the order of the
/// models.
fn rows_of(found: &QueryResult) -> Result<(row::Model, profile::Model), DbErr> {
    let user = row::Model {
        id: found.try_get_by_index(0)?,
        email: found.try_get_by_index(1)?,
        password: found.try_get_by_index(2)?,
        user_type: found.try_get_by_index(3)?,
        verified_at: found.try_get_by_index(4)?,
        deactivated_at: found.try_get_by_index(5)?,
        operator: found.try_get_by_index(6)?,
        created_at: found.try_get_by_index(7)?,
        version: found.try_get_by_index(8)?,
    };
    let profile = profile::Model {
        user_id: found.try_get_by_index(9)?,
        full_name: found.try_get_by_index(10)?,
        company: found.try_get_by_index(11)?,
        updated_at: found.try_get_by_index(12)?,
    };
    Ok((user, profile))
}

#[async_trait]
impl UserReads for SqlWork {
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(USER))?
            .map(from_row)
            .transpose()
    }

    async fn find_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError> {
        row::Entity::find()
            .filter(row::Column::Email.eq(email.as_str()))
            .one(&self.transaction)
            .await
            .map_err(error::on(USER))?
            .map(from_row)
            .transpose()
    }

    async fn with_profile(&mut self, id: UserId) -> Result<Option<(User, Profile)>, StoreError> {
        let backend = self.transaction.get_database_backend();
        let statement = WITH_PROFILE.with(backend, vec![id.raw().into()]);
        let found = self.transaction.query_one_raw(statement).await.map_err(error::on(USER))?;
        let Some(found) = found else { return Ok(None) };
        let (user, profile) = rows_of(&found).map_err(error::on(USER))?;
        Ok(Some((from_row(user)?, from_profile_row(profile)?)))
    }

    async fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StoreError> {
        profile::Entity::find_by_id(id.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(PROFILE))?
            .map(from_profile_row)
            .transpose()
    }
}

#[async_trait]
impl UserRepository for SqlWork {
    async fn insert(&mut self, user: &User, profile: &Profile) -> Result<(), StoreError> {
        row::Entity::insert(to_row(user).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(USER))?;
        profile::Entity::insert(to_profile_row(profile).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(PROFILE))?;
        Ok(())
    }

    async fn update(&mut self, user: &User) -> Result<(), StoreError> {
        let row = to_row(user).into_active_model().reset_all();
        let updated = row::Entity::update_many()
            .set(row::ActiveModel { id: Unchanged(user.id.raw()), version: NotSet, ..row })
            .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
            .filter(row::Column::Id.eq(user.id.raw()))
            .filter(row::Column::Version.eq(user.version))
            .exec(&self.transaction)
            .await
            .map_err(error::on(USER))?;
        if updated.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict { what: USER }) }
    }

    /// The lock is the weakest that others who take it wait for: rows that refer to the user can
    /// be written meanwhile.
    async fn lock(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .lock(LockType::NoKeyUpdate)
            .one(&self.transaction)
            .await
            .map_err(error::on(USER))?
            .map(from_row)
            .transpose()
    }

    async fn update_profile(&mut self, profile: &Profile) -> Result<(), StoreError> {
        let row = to_profile_row(profile).into_active_model().reset_all();
        profile::Entity::update_many()
            .set(profile::ActiveModel { user_id: Unchanged(profile.user.raw()), ..row })
            .filter(profile::Column::UserId.eq(profile.user.raw()))
            .exec(&self.transaction)
            .await
            .map_err(error::on(PROFILE))?;
        Ok(())
    }
}

fn from_row(row: row::Model) -> Result<User, StoreError> {
    let verified = |at| Verification::Verified { at };
    let deactivated = |at| UserState::Deactivated { at };
    Ok(User {
        id: UserId::new(row.id),
        email: row.email.parse().map_err(|e| error::corrupt(USER, e))?,
        password: PasswordHash::from_phc(row.password),
        user_type: row
            .user_type
            .parse()
            .map_err(|_| error::unknown(USER, "user type", &row.user_type))?,
        verification: row.verified_at.map_or(Verification::Pending, verified),
        state: row.deactivated_at.map_or(UserState::Active, deactivated),
        operator: row.operator,
        created_at: row.created_at,
        version: error::number(USER, row.version)?,
    })
}

fn to_row(user: &User) -> row::Model {
    row::Model {
        id: user.id.raw(),
        email: user.email.as_str().to_owned(),
        password: user.password.expose().to_owned(),
        user_type: user.user_type.name().to_owned(),
        verified_at: match user.verification {
            Verification::Pending => None,
            Verification::Verified { at } => Some(at),
        },
        deactivated_at: match user.state {
            UserState::Active => None,
            UserState::Deactivated { at } => Some(at),
        },
        operator: user.operator,
        created_at: user.created_at,
        version: user.version.into(),
    }
}

fn from_profile_row(row: profile::Model) -> Result<Profile, StoreError> {
    let name = |text: Option<String>| {
        text.map(|text| text.parse::<Name>().map_err(|e| error::corrupt(PROFILE, e))).transpose()
    };
    Ok(Profile {
        user: UserId::new(row.user_id),
        full_name: name(row.full_name)?,
        company: name(row.company)?,
        updated_at: row.updated_at,
    })
}

fn to_profile_row(profile: &Profile) -> profile::Model {
    let text = |name: &Option<Name>| name.as_ref().map(|name| name.as_str().to_owned());
    profile::Model {
        user_id: profile.user.raw(),
        full_name: text(&profile.full_name),
        company: text(&profile.company),
        updated_at: profile.updated_at,
    }
}
