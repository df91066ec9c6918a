//! The inbox, as rows. A message is nobody's until somebody has read it, so no scope applies.
use async_trait::async_trait;
use cape_domain::{
    billing::{
        ProviderEvent, Webhook, WebhookOutcome, WebhookReads, WebhookRepository, WebhookState,
    },
    ids::WebhookId,
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    sea_query::OnConflict,
};

use crate::{error, store::SqlWork};

pub(super) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "webhooks")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub provider: String,
        pub event: String,
        pub kind: String,
        pub object: String,
        pub live: bool,
        pub api_version: Option<String>,
        pub created_at: DateTimeUtc,
        pub body_hash: Vec<u8>,
        pub received_at: DateTimeUtc,
        pub state: String,
        pub outcome: Option<String>,
        pub handled_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "webhook";
const RECEIVED: &str = "received";
const HANDLED: &str = "handled";

#[async_trait]
impl WebhookReads for SqlWork {
    async fn find(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }
}

#[async_trait]
impl WebhookRepository for SqlWork {
    async fn receive(&mut self, webhook: &Webhook) -> Result<bool, StoreError> {
        let known = OnConflict::columns([Column::Provider, Column::Event]).do_nothing().to_owned();
        let inserted = row::Entity::insert(to_row(webhook).into_active_model())
            .on_conflict(known)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(inserted == 1)
    }

    async fn handle(
        &mut self,
        id: WebhookId,
        outcome: WebhookOutcome,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let result = row::Entity::update_many()
            .set(row::ActiveModel {
                state: Set(HANDLED.to_owned()),
                outcome: Set(Some(outcome.name().to_owned())),
                handled_at: Set(Some(at)),
                ..Default::default()
            })
            .filter(Column::Id.eq(id.raw()))
            .filter(Column::State.eq(RECEIVED))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if result.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
    }
}

fn from_row(row: row::Model) -> Result<Webhook, StoreError> {
    let state = match row.state.as_str() {
        RECEIVED => WebhookState::Received,
        HANDLED => WebhookState::Handled {
            at: row.handled_at.ok_or_else(|| error::missing(WHAT, "handled_at"))?,
            outcome: outcome(row.outcome.as_deref())?,
        },
        other => return Err(error::unknown(WHAT, "state", other)),
    };
    let hash = <[u8; 32]>::try_from(row.body_hash.as_slice());
    Ok(Webhook {
        id: WebhookId::new(row.id),
        event: ProviderEvent {
            provider: row.provider.parse().map_err(|e| error::corrupt(WHAT, e))?,
            event: row.event,
            kind: row.kind,
            object: row.object,
            live: row.live,
            api_version: row.api_version,
            created_at: row.created_at,
            body_hash: hash.map_err(|e| error::corrupt(WHAT, e))?,
        },
        received_at: row.received_at,
        state,
    })
}

fn outcome(name: Option<&str>) -> Result<WebhookOutcome, StoreError> {
    let name = name.ok_or_else(|| error::missing(WHAT, "outcome"))?;
    WebhookOutcome::ALL
        .into_iter()
        .find(|outcome| outcome.name() == name)
        .ok_or_else(|| error::unknown(WHAT, "outcome", name))
}

fn to_row(webhook: &Webhook) -> row::Model {
    let (state, outcome, handled_at) = match webhook.state {
        WebhookState::Received => (RECEIVED, None, None),
        WebhookState::Handled { at, outcome } => (HANDLED, Some(outcome.name()), Some(at)),
    };
    let event = &webhook.event;
    row::Model {
        id: webhook.id.raw(),
        provider: event.provider.name().to_owned(),
        event: event.event.clone(),
        kind: event.kind.clone(),
        object: event.object.clone(),
        live: event.live,
        api_version: event.api_version.clone(),
        created_at: event.created_at,
        body_hash: event.body_hash.to_vec(),
        received_at: webhook.received_at,
        state: state.to_owned(),
        outcome: outcome.map(str::to_owned),
        handled_at,
    }
}
