//! Requests that carried an idempotency key, as rows. Not here: encryption, and what becomes of a
//! request.
use async_trait::async_trait;
use cape_domain::{
    audit::Sealed,
    idempotency::{
        Entry, EntryState, Fingerprint, IdempotencyReads, IdempotencyRepository, KeyDigest,
        Requester,
    },
    ids::{ReservationId, UserId},
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait as _, sea_query::OnConflict,
};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "idempotency_entries")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub requester: String,
        pub key_digest: Vec<u8>,
        pub fingerprint: Vec<u8>,
        pub attempt: i64,
        pub begun_at: DateTimeUtc,
        pub expires_at: DateTimeUtc,
        pub leased_until: Option<DateTimeUtc>,
        pub sealed_for: Option<Uuid>,
        pub sealed: Option<Vec<u8>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "idempotency entry";

#[async_trait]
impl IdempotencyReads for SqlWork {
    async fn find(
        &mut self,
        requester: &Requester,
        key: KeyDigest,
    ) -> Result<Option<Entry>, StoreError> {
        let row = row::Entity::find()
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::WorkspaceId.eq(requester.workspace.raw()))
            .filter(Column::Requester.eq(requester.id.to_string()))
            .filter(Column::KeyDigest.eq(key.0.to_vec()))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        row.map(|row| from_row(row, *requester)).transpose()
    }
}

#[async_trait]
impl IdempotencyRepository for SqlWork {
    async fn reserve(&mut self, entry: &Entry) -> Result<bool, StoreError> {
        self.admit(WHAT, entry.requester.workspace)?;
        let key = [Column::WorkspaceId, Column::Requester, Column::KeyDigest];
        let stored = row::Entity::insert(to_row(entry).into_active_model())
            .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(stored == 1)
    }

    async fn resume(&mut self, entry: &Entry) -> Result<bool, StoreError> {
        let EntryState::Reserved { until } = entry.state else {
            return Err(error::corrupt(WHAT, "an attempt that is answered when it begins"));
        };
        let change = row::ActiveModel {
            attempt: Set(entry.attempt.into()),
            begun_at: Set(entry.begun_at),
            expires_at: Set(entry.expires_at),
            leased_until: Set(Some(until)),
            ..Default::default()
        };
        let given_up = Column::LeasedUntil.lte(entry.begun_at);
        self.change(entry.id, entry.attempt.saturating_sub(1), given_up.into(), change).await
    }

    async fn renew(
        &mut self,
        id: ReservationId,
        attempt: u32,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let change = row::ActiveModel { leased_until: Set(Some(until)), ..Default::default() };
        self.change(id, attempt, Condition::all(), change).await
    }

    async fn answer(
        &mut self,
        id: ReservationId,
        attempt: u32,
        answer: &Sealed,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let change = row::ActiveModel {
            expires_at: Set(expires_at),
            leased_until: Set(None),
            sealed_for: Set(Some(answer.person.raw())),
            sealed: Set(Some(answer.ciphertext.clone())),
            ..Default::default()
        };
        self.change(id, attempt, Condition::all(), change).await
    }

    async fn forget(&mut self, id: ReservationId, attempt: u32) -> Result<bool, StoreError> {
        let deleted = row::Entity::delete_many()
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::Id.eq(id.raw()))
            .filter(Column::Attempt.eq(i64::from(attempt)))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(deleted.rows_affected == 1)
    }

    async fn prune(&mut self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        let expired = row::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::ExpiresAt.lte(now))
            .order_by_asc(Column::ExpiresAt)
            .order_by_asc(Column::Id)
            .limit(u64::from(most))
            .into_query();
        let deleted = row::Entity::delete_many()
            .filter(Column::Id.in_subquery(expired))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(deleted.rows_affected)
    }
}

impl SqlWork {
    /// Changes an attempt within reach that is the last one and was not answered.
    async fn change(
        &self,
        id: ReservationId,
        attempt: u32,
        further: Condition,
        change: row::ActiveModel,
    ) -> Result<bool, StoreError> {
        let changed = row::Entity::update_many()
            .set(change)
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::Id.eq(id.raw()))
            .filter(Column::Attempt.eq(i64::from(attempt)))
            .filter(Column::LeasedUntil.is_not_null())
            .filter(further)
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(changed.rows_affected == 1)
    }
}

fn from_row(row: row::Model, requester: Requester) -> Result<Entry, StoreError> {
    let digest = |bytes: Vec<u8>| {
        bytes.try_into().map_err(|_| error::corrupt(WHAT, "a hash of another length"))
    };
    let state = match (row.leased_until, row.sealed_for, row.sealed) {
        (Some(until), None, None) => EntryState::Reserved { until },
        (None, Some(person), Some(ciphertext)) => {
            EntryState::Answered { answer: Sealed { person: UserId::new(person), ciphertext } }
        }
        (None | Some(_), _, _) => {
            return Err(error::corrupt(WHAT, "neither reserved nor answered"));
        }
    };
    Ok(Entry {
        id: ReservationId::new(row.id),
        requester,
        key: KeyDigest(digest(row.key_digest)?),
        fingerprint: Fingerprint(digest(row.fingerprint)?),
        attempt: error::number(WHAT, row.attempt)?,
        begun_at: row.begun_at,
        expires_at: row.expires_at,
        state,
    })
}

fn to_row(entry: &Entry) -> row::Model {
    let (leased_until, sealed_for, sealed) = match &entry.state {
        EntryState::Reserved { until } => (Some(*until), None, None),
        EntryState::Answered { answer } => {
            (None, Some(answer.person.raw()), Some(answer.ciphertext.clone()))
        }
    };
    row::Model {
        id: entry.id.raw(),
        workspace_id: entry.requester.workspace.raw(),
        requester: entry.requester.id.to_string(),
        key_digest: entry.key.0.to_vec(),
        fingerprint: entry.fingerprint.0.to_vec(),
        attempt: entry.attempt.into(),
        begun_at: entry.begun_at,
        expires_at: entry.expires_at,
        leased_until,
        sealed_for,
        sealed,
    }
}
