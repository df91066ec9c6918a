//! Sessions, as rows. They are looked up before it is known whose request it is: scopes do not
//! apply.
use async_trait::async_trait;
use cape_domain::{
    accounts::{EndReason, Session, SessionReads, SessionRepository, SessionState},
    ids::{SessionId, UserId, WorkspaceId},
    store::StoreError,
};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{NotSet, Unchanged},
    ColumnTrait as _, EntityTrait, ExprTrait as _, IntoActiveModel, QueryFilter,
    sea_query::Expr,
};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "sessions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub workspace_id: Uuid,
        pub epoch: i64,
        pub generation: i64,
        pub rotated_at: DateTimeUtc,
        pub used_generation: i64,
        pub salt: Vec<u8>,
        pub authenticated_at: DateTimeUtc,
        pub state: String,
        pub state_at: DateTimeUtc,
        pub end_reason: Option<String>,
        pub version: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const WHAT: &str = "session";

#[async_trait]
impl SessionReads for SqlWork {
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }
}

#[async_trait]
impl SessionRepository for SqlWork {
    async fn insert(&mut self, session: &Session) -> Result<(), StoreError> {
        row::Entity::insert(to_row(session).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    /// A note of use that was taken meanwhile is kept.
    async fn update(&mut self, session: &Session) -> Result<(), StoreError> {
        use row::Column;
        let row = row::ActiveModel {
            id: Unchanged(session.id.raw()),
            used_generation: NotSet,
            version: NotSet,
            ..to_row(session).into_active_model().reset_all()
        };
        let used = i64::from(session.used_generation);
        let noted = Expr::case(Column::UsedGeneration.gt(used), Expr::col(Column::UsedGeneration));
        let updated = row::Entity::update_many()
            .set(row)
            .col_expr(Column::UsedGeneration, noted.finally(used).into())
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .filter(Column::Id.eq(session.id.raw()))
            .filter(Column::Version.eq(session.version))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if updated.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
    }

    async fn note_use(&mut self, id: SessionId, generation: u32) -> Result<(), StoreError> {
        row::Entity::update_many()
            .col_expr(row::Column::UsedGeneration, Expr::val(i64::from(generation)))
            .filter(row::Column::Id.eq(id.raw()))
            .filter(row::Column::UsedGeneration.lt(i64::from(generation)))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}

fn from_row(row: row::Model) -> Result<Session, StoreError> {
    let state = match row.state.as_str() {
        "live" => SessionState::Live { expires_at: row.state_at },
        "ended" => {
            let reason = row.end_reason.ok_or_else(|| error::missing(WHAT, "end reason"))?;
            let known = EndReason::ALL.into_iter().find(|known| known.name() == reason);
            let reason = known.ok_or_else(|| error::unknown(WHAT, "end reason", &reason))?;
            SessionState::Ended { at: row.state_at, reason }
        }
        other => return Err(error::unknown(WHAT, "state", other)),
    };
    let salt = row.salt.try_into();
    Ok(Session {
        id: SessionId::new(row.id),
        user: UserId::new(row.user_id),
        workspace: WorkspaceId::new(row.workspace_id),
        epoch: error::number(WHAT, row.epoch)?,
        generation: error::number(WHAT, row.generation)?,
        rotated_at: row.rotated_at,
        used_generation: error::number(WHAT, row.used_generation)?,
        salt: salt.map_err(|_| error::corrupt(WHAT, "a salt of another length"))?,
        authenticated_at: row.authenticated_at,
        state,
        version: error::number(WHAT, row.version)?,
    })
}

fn to_row(session: &Session) -> row::Model {
    let (state, state_at, end_reason) = match session.state {
        SessionState::Live { expires_at } => ("live", expires_at, None),
        SessionState::Ended { at, reason } => ("ended", at, Some(reason.name().to_owned())),
    };
    row::Model {
        id: session.id.raw(),
        user_id: session.user.raw(),
        workspace_id: session.workspace.raw(),
        epoch: session.epoch.into(),
        generation: session.generation.into(),
        rotated_at: session.rotated_at,
        used_generation: session.used_generation.into(),
        salt: session.salt.to_vec(),
        authenticated_at: session.authenticated_at,
        state: state.to_owned(),
        state_at,
        end_reason,
        version: session.version.into(),
    }
}
