//! Sessions, as rows. They are looked up before it is known whose request it is: scopes do not
//! apply.
use std::net::IpAddr;

use async_trait::async_trait;
use cape_domain::{
    access::Network,
    accounts::{
        Device, EndReason, KnownDevices, Session, SessionReads, SessionRepository, SessionState,
    },
    ids::{SessionId, UserId, WorkspaceId},
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{NotSet, Unchanged},
    ColumnTrait as _, Condition, EntityTrait, ExprTrait as _, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Value,
    prelude::Uuid,
    sea_query::{Expr, IntoCondition},
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
        pub created_at: DateTimeUtc,
        pub last_seen_at: DateTimeUtc,
        pub device: Option<String>,
        pub address: Option<String>,
        pub network: Option<String>,
        pub state: String,
        pub state_at: DateTimeUtc,
        pub end_reason: Option<String>,
        pub version: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "session";
const LIVE: &str = "live";
const ENDED: &str = "ended";

/// The most live sessions of one user that are listed.
const MOST: u64 = 200;

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

    async fn live(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let rows = row::Entity::find()
            .filter(Column::UserId.eq(user.raw()))
            .filter(Column::State.eq(LIVE))
            .filter(Column::StateAt.gt(now))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(MOST)
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        rows.into_iter().map(from_row).collect()
    }

    async fn came_from(&mut self, user: UserId, network: Network) -> Result<bool, StoreError> {
        self.signed_in(user, Column::Network.eq(network.to_string())).await
    }

    async fn knows(
        &mut self,
        user: UserId,
        device: Option<&Device>,
    ) -> Result<KnownDevices, StoreError> {
        let same = device
            .map_or_else(|| Column::Device.is_null(), |device| Column::Device.eq(device.as_str()));
        let this = self.signed_in(user, same).await?;
        let any = this || self.signed_in(user, Condition::all()).await?;
        Ok(KnownDevices { any, this })
    }
}

impl SqlWork {
    /// Whether a user ever signed in like that. Sessions stay when they are over.
    async fn signed_in(
        &self,
        user: UserId,
        how: impl IntoCondition + Send,
    ) -> Result<bool, StoreError> {
        let one: Option<Uuid> = row::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::UserId.eq(user.raw()))
            .filter(how)
            .into_tuple()
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(one.is_some())
    }
}

/// The later of what is stored and what is new.
fn latest(column: Column, new: impl Into<Value>) -> Expr {
    let new = Expr::val(new);
    Expr::case(Expr::col(column).gt(new.clone()), Expr::col(column)).finally(new).into()
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
        let row = row::ActiveModel {
            id: Unchanged(session.id.raw()),
            used_generation: NotSet,
            last_seen_at: NotSet,
            version: NotSet,
            ..to_row(session).into_active_model().reset_all()
        };
        let used = i64::from(session.used_generation);
        let updated = row::Entity::update_many()
            .set(row)
            .col_expr(Column::UsedGeneration, latest(Column::UsedGeneration, used))
            .col_expr(Column::LastSeenAt, latest(Column::LastSeenAt, session.last_seen_at))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .filter(Column::Id.eq(session.id.raw()))
            .filter(Column::Version.eq(session.version))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if updated.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
    }

    /// When nothing is new, nothing is written.
    async fn note_use(
        &mut self,
        id: SessionId,
        generation: u32,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let generation = i64::from(generation);
        let new = Condition::any()
            .add(Column::UsedGeneration.lt(generation))
            .add(Column::LastSeenAt.lt(at));
        row::Entity::update_many()
            .col_expr(Column::UsedGeneration, latest(Column::UsedGeneration, generation))
            .col_expr(Column::LastSeenAt, latest(Column::LastSeenAt, at))
            .filter(Column::Id.eq(id.raw()))
            .filter(new)
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}

fn from_row(row: row::Model) -> Result<Session, StoreError> {
    let state = match row.state.as_str() {
        LIVE => SessionState::Live { expires_at: row.state_at },
        ENDED => {
            let reason = row.end_reason.ok_or_else(|| error::missing(WHAT, "end reason"))?;
            let known = EndReason::ALL.into_iter().find(|known| known.name() == reason);
            let reason = known.ok_or_else(|| error::unknown(WHAT, "end reason", &reason))?;
            SessionState::Ended { at: row.state_at, reason }
        }
        other => return Err(error::unknown(WHAT, "state", other)),
    };
    let salt = row.salt.try_into();
    let device = row.device.map(|text| text.parse::<Device>()).transpose();
    let address = row.address.map(|text| text.parse::<IpAddr>()).transpose();
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
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        device: device.map_err(|e| error::corrupt(WHAT, e))?,
        address: address.map_err(|e| error::corrupt(WHAT, e))?,
        state,
        version: error::number(WHAT, row.version)?,
    })
}

fn to_row(session: &Session) -> row::Model {
    let (state, state_at, end_reason) = match session.state {
        SessionState::Live { expires_at } => (LIVE, expires_at, None),
        SessionState::Ended { at, reason } => (ENDED, at, Some(reason.name().to_owned())),
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
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        device: session.device.as_ref().map(|device| device.as_str().to_owned()),
        address: session.address.map(|address| address.to_string()),
        network: session.address.map(|address| Network::of_client(address).to_string()),
        state: state.to_owned(),
        state_at,
        end_reason,
        version: session.version.into(),
    }
}
