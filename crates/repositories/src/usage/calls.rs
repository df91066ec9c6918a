//! Calls, as rows. A row is written when its call is admitted, so none is ever lost.
use std::time::Duration;

use async_trait::async_trait;
use cape_domain::{
    billing::{BasisPoints, Credits},
    ids::{ApiKeyId, CallId, CredentialId, HoldId, RequestId, TransactionId, UserId, WorkspaceId},
    store::StoreError,
    usage::{
        Call, CallReads, CallRepository, CallState, FailureKind, Metered, Timing, TokenCounts,
        UsdAmount,
    },
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, PaginatorTrait as _, QueryFilter as _,
    sea_query::{Expr, OnConflict},
};

use crate::{error, store::SqlWork};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[expect(clippy::struct_field_names, reason = "the columns bear these names")]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "calls")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub key_id: Uuid,
        pub user_id: Uuid,
        pub request_id: Uuid,
        pub model_asked: String,
        pub model: String,
        pub provider: String,
        pub credential_id: Option<Uuid>,
        pub streamed: bool,
        pub price_version: String,
        pub markup_bp: i64,
        pub hold_id: Option<Uuid>,
        pub started_at: DateTimeUtc,
        pub state: String,
        pub input: i64,
        pub cached_input: i64,
        pub cache_write: i64,
        pub output: i64,
        pub reasoning: i64,
        pub cost_pico: i64,
        pub charge_micros: i64,
        pub estimated: bool,
        pub transaction_id: Option<Uuid>,
        pub correction_id: Option<Uuid>,
        pub total_us: Option<i64>,
        pub provider_us: Option<i64>,
        pub first_token_us: Option<i64>,
        pub ended_at: Option<DateTimeUtc>,
        pub failure: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

pub(super) const WHAT: &str = "call";
const RUNNING: &str = "running";
const SETTLED: &str = "settled";

#[async_trait]
impl CallReads for SqlWork {
    async fn find(&mut self, id: CallId) -> Result<Option<Call>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .filter(self.within(Column::WorkspaceId))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }

    async fn find_by_hold(&mut self, hold: HoldId) -> Result<Option<Call>, StoreError> {
        row::Entity::find()
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::HoldId.eq(hold.raw()))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }
}

#[async_trait]
impl CallRepository for SqlWork {
    async fn insert_all(&mut self, calls: &[Call]) -> Result<(), StoreError> {
        if calls.is_empty() {
            return Ok(());
        }
        let rows = self.rows(calls)?;
        row::Entity::insert_many(rows)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn checkpoint(&mut self, id: CallId, so_far: &Metered) -> Result<(), StoreError> {
        row::Entity::update_many()
            .set(metered_columns(so_far)?)
            .filter(Column::Id.eq(id.raw()))
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::State.eq(RUNNING))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    /// An estimate is corrected once: what it has to be is compared where it is set.
    async fn correct(&mut self, call: &Call) -> Result<(), StoreError> {
        self.admit(WHAT, call.workspace)?;
        let columns = row::ActiveModel {
            model: Set(call.model.clone()),
            provider: Set(call.provider.name().to_owned()),
            credential_id: Set(call.credential.id().map(CredentialId::raw)),
            price_version: Set(call.price_version.clone()),
            ..state_columns(call)?
        };
        let corrected = row::Entity::update_many()
            .set(columns)
            .filter(Column::Id.eq(call.id.raw()))
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::State.eq(SETTLED))
            .filter(Column::Estimated.eq(true))
            .filter(Column::CorrectionId.is_null())
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if corrected.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
    }

    /// A call ends once: the state is compared and set in one statement. It is an insertion that
    /// meets the rows that are there, because then each can be set to something of its own.
    async fn end_all(&mut self, calls: &[Call]) -> Result<(), StoreError> {
        if calls.iter().any(|call| matches!(call.state, CallState::Running { .. })) {
            return Err(error::corrupt(WHAT, "a running call has not ended"));
        }
        let rows = self.rows(calls)?;
        let running = row::Entity::find()
            .filter(Column::Id.is_in(calls.iter().map(|call| call.id.raw())))
            .filter(self.within(Column::WorkspaceId))
            .filter(Column::State.eq(RUNNING))
            .count(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if running != calls.len() as u64 {
            return Err(StoreError::Conflict { what: WHAT });
        }
        let ended = OnConflict::column(Column::Id)
            .update_columns(ENDED)
            .action_and_where(Expr::col((row::Entity, Column::State)).eq(RUNNING))
            .to_owned();
        let changed = row::Entity::insert_many(rows)
            .on_conflict(ended)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if changed == running { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
    }
}

impl SqlWork {
    fn rows(&self, calls: &[Call]) -> Result<Vec<row::ActiveModel>, StoreError> {
        let row = |call: &Call| {
            self.admit(WHAT, call.workspace)?;
            to_row(call)
        };
        calls.iter().map(row).collect()
    }
}

/// What the end of a call sets: what it used, and which model answered it.
const ENDED: [Column; 19] = [
    Column::Model,
    Column::Provider,
    Column::CredentialId,
    Column::PriceVersion,
    Column::Input,
    Column::CachedInput,
    Column::CacheWrite,
    Column::Output,
    Column::Reasoning,
    Column::CostPico,
    Column::ChargeMicros,
    Column::Estimated,
    Column::State,
    Column::TransactionId,
    Column::TotalUs,
    Column::ProviderUs,
    Column::FirstTokenUs,
    Column::EndedAt,
    Column::Failure,
];

fn metered_columns(metered: &Metered) -> Result<row::ActiveModel, StoreError> {
    let Metered { tokens, cost, charge, estimated } = metered;
    let count = |tokens: u64| i64::try_from(tokens).map_err(|e| error::corrupt(WHAT, e));
    Ok(row::ActiveModel {
        input: Set(count(tokens.input)?),
        cached_input: Set(count(tokens.cached_input)?),
        cache_write: Set(count(tokens.cache_write)?),
        output: Set(count(tokens.output)?),
        reasoning: Set(count(tokens.reasoning)?),
        cost_pico: Set(cost.pico()),
        charge_micros: Set(charge.micros()),
        estimated: Set(*estimated),
        ..Default::default()
    })
}

/// Everything about the state. A call that failed used nothing.
fn state_columns(call: &Call) -> Result<row::ActiveModel, StoreError> {
    let nothing = Metered::default();
    let (metered, paid, timing, at, failure) = match &call.state {
        CallState::Running { so_far } => (so_far, (None, None), None, None, None),
        CallState::Settled { metered, transaction, correction, timing, at } => {
            (metered, (*transaction, *correction), Some(timing), Some(*at), None)
        }
        CallState::Failed { kind, timing, at } => {
            (&nothing, (None, None), Some(timing), Some(*at), Some(kind.name()))
        }
    };
    let (transaction, correction) = paid;
    Ok(row::ActiveModel {
        state: Set(call.state.name().to_owned()),
        transaction_id: Set(transaction.map(TransactionId::raw)),
        correction_id: Set(correction.map(TransactionId::raw)),
        total_us: Set(timing.map(|timing| micros(timing.total)).transpose()?),
        provider_us: Set(timing.map(|timing| micros(timing.provider)).transpose()?),
        first_token_us: Set(timing.and_then(|t| t.first_token).map(micros).transpose()?),
        ended_at: Set(at),
        failure: Set(failure.map(str::to_owned)),
        ..metered_columns(metered)?
    })
}

fn to_row(call: &Call) -> Result<row::ActiveModel, StoreError> {
    Ok(row::ActiveModel {
        id: Set(call.id.raw()),
        workspace_id: Set(call.workspace.raw()),
        key_id: Set(call.key.raw()),
        user_id: Set(call.user.raw()),
        request_id: Set(call.request.raw()),
        model_asked: Set(call.model_asked.clone()),
        model: Set(call.model.clone()),
        provider: Set(call.provider.name().to_owned()),
        credential_id: Set(call.credential.id().map(CredentialId::raw)),
        streamed: Set(call.streamed),
        price_version: Set(call.price_version.clone()),
        markup_bp: Set(call.markup.0.into()),
        hold_id: Set(call.hold.map(HoldId::raw)),
        started_at: Set(call.started_at),
        ..state_columns(call)?
    })
}

pub(super) fn from_row(row: row::Model) -> Result<Call, StoreError> {
    let state = state(&row)?;
    Ok(Call {
        id: CallId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        key: ApiKeyId::new(row.key_id),
        user: UserId::new(row.user_id),
        request: RequestId::new(row.request_id),
        model_asked: row.model_asked,
        model: row.model,
        provider: row.provider.parse().map_err(|e| error::corrupt(WHAT, e))?,
        credential: row.credential_id.map(CredentialId::new).into(),
        streamed: row.streamed,
        price_version: row.price_version,
        markup: BasisPoints(error::number(WHAT, row.markup_bp)?),
        hold: row.hold_id.map(HoldId::new),
        started_at: row.started_at,
        state,
    })
}

fn state(row: &row::Model) -> Result<CallState, StoreError> {
    let at = || row.ended_at.ok_or_else(|| error::missing(WHAT, "ended_at"));
    Ok(match row.state.as_str() {
        RUNNING => CallState::Running { so_far: metered(row)? },
        SETTLED => {
            let transaction = row.transaction_id.map(TransactionId::new);
            let correction = row.correction_id.map(TransactionId::new);
            CallState::Settled {
                metered: metered(row)?,
                transaction,
                correction,
                timing: timing(row)?,
                at: at()?,
            }
        }
        "failed" => {
            let name = row.failure.as_deref().ok_or_else(|| error::missing(WHAT, "failure"))?;
            let kind = FailureKind::ALL.into_iter().find(|kind| kind.name() == name);
            let kind = kind.ok_or_else(|| error::unknown(WHAT, "failure", name))?;
            CallState::Failed { kind, timing: timing(row)?, at: at()? }
        }
        other => return Err(error::unknown(WHAT, "state", other)),
    })
}

fn metered(row: &row::Model) -> Result<Metered, StoreError> {
    Ok(Metered {
        tokens: TokenCounts {
            input: error::number(WHAT, row.input)?,
            cached_input: error::number(WHAT, row.cached_input)?,
            cache_write: error::number(WHAT, row.cache_write)?,
            output: error::number(WHAT, row.output)?,
            reasoning: error::number(WHAT, row.reasoning)?,
        },
        cost: UsdAmount::from_pico(row.cost_pico).map_err(|e| error::corrupt(WHAT, e))?,
        charge: Credits::from_micros(row.charge_micros),
        estimated: row.estimated,
    })
}

fn timing(row: &row::Model) -> Result<Timing, StoreError> {
    Ok(Timing {
        total: duration(row.total_us.ok_or_else(|| error::missing(WHAT, "total_us"))?)?,
        provider: duration(row.provider_us.ok_or_else(|| error::missing(WHAT, "provider_us"))?)?,
        first_token: row.first_token_us.map(duration).transpose()?,
    })
}

fn duration(micros: i64) -> Result<Duration, StoreError> {
    Ok(Duration::from_micros(error::number(WHAT, micros)?))
}

/// Whole microseconds; what is finer is not kept.
fn micros(duration: Duration) -> Result<i64, StoreError> {
    i64::try_from(duration.as_micros()).map_err(|e| error::corrupt(WHAT, e))
}
