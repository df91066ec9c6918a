//! Jobs, as rows. They are the program's own, and not of a tenant: scopes do not apply.
use async_trait::async_trait;
use cape_domain::{
    billing::PlanCode,
    ids::{JobId, MailId, OrderId, SubscriptionId, WebhookId},
    jobs::{Backlog, Failure, Job, JobReads, JobRepository, Task},
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, Condition, EntityTrait, ExprTrait as _, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::{Alias, Expr, LockBehavior, LockType, OnConflict, Query, SelectStatement},
};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "jobs")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub kind: String,
        pub unique_key: String,
        pub subject: String,
        pub payload: String,
        pub run_at: DateTimeUtc,
        pub attempt: i64,
        pub lease_until: Option<DateTimeUtc>,
        pub state: String,
        pub last_error: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "job";
const PENDING: &str = "pending";
const DONE: &str = "done";
const DEAD: &str = "dead";

#[async_trait]
impl JobReads for SqlWork {
    async fn backlog(&mut self) -> Result<Backlog, StoreError> {
        let states: Vec<(String, i64, Option<Timestamp>)> = row::Entity::find()
            .select_only()
            .column(Column::State)
            .column_as(Column::Id.count(), "number")
            .column_as(Column::RunAt.min(), "oldest")
            .filter(Column::State.is_in([PENDING, DEAD]))
            .group_by(Column::State)
            .into_tuple()
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        let mut backlog = Backlog::default();
        for (state, number, oldest) in states {
            let number = error::number(WHAT, number)?;
            if state == DEAD {
                backlog.dead = number;
            } else {
                backlog.waiting = number;
                backlog.oldest_due = oldest;
            }
        }
        Ok(backlog)
    }
}

#[async_trait]
impl JobRepository for SqlWork {
    async fn enqueue(&mut self, job: &Job) -> Result<(), StoreError> {
        let known = OnConflict::columns([Column::Kind, Column::UniqueKey]).do_nothing().to_owned();
        row::Entity::insert(to_row(job).into_active_model())
            .on_conflict(known)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    /// Jobs are locked as they are looked for, so that they cannot change before they are taken.
    /// When none is due, nothing is written.
    async fn claim(
        &mut self,
        now: Timestamp,
        lease: Timestamp,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let free =
            Condition::any().add(Column::LeaseUntil.is_null()).add(Column::LeaseUntil.lte(now));
        let due = row::Entity::find()
            .filter(Column::State.eq(PENDING))
            .filter(Column::RunAt.lte(now))
            .filter(free)
            .filter(Expr::exists(earlier_of_the_subject()).not())
            .order_by_asc(Column::RunAt)
            .order_by_asc(Column::Id)
            .limit(u64::from(limit))
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        row::Entity::update_many()
            .col_expr(Column::Attempt, Expr::col(Column::Attempt).add(1))
            .col_expr(Column::LeaseUntil, Expr::val(lease))
            .filter(Column::Id.is_in(due.iter().map(|row| row.id)))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        due.into_iter()
            .map(|row| from_row(row::Model { attempt: row.attempt + 1, ..row }))
            .collect()
    }

    async fn complete(&mut self, job: &Job) -> Result<(), StoreError> {
        let done = row::ActiveModel {
            state: Set(DONE.to_owned()),
            lease_until: Set(None),
            ..Default::default()
        };
        self.end_attempt(job, done).await
    }

    async fn fail(&mut self, job: &Job, then: Failure, why: &str) -> Result<(), StoreError> {
        let failed = row::ActiveModel {
            lease_until: Set(None),
            // PostgreSQL stores no NUL in a text, and an error may quote anything.
            last_error: Set(Some(why.replace('\0', "\u{FFFD}"))),
            ..Default::default()
        };
        let failed = match then {
            Failure::Retry(at) => row::ActiveModel { run_at: Set(at), ..failed },
            Failure::Dead => row::ActiveModel { state: Set(DEAD.to_owned()), ..failed },
        };
        self.end_attempt(job, failed).await
    }
}

impl SqlWork {
    /// Writes how an attempt ended, unless it has ended before or a later one has begun.
    async fn end_attempt(&self, job: &Job, change: row::ActiveModel) -> Result<(), StoreError> {
        let ended = row::Entity::update_many()
            .set(change)
            .filter(Column::Id.eq(job.id.raw()))
            .filter(Column::State.eq(PENDING))
            .filter(Column::Attempt.eq(job.attempt))
            .filter(Column::LeaseUntil.is_not_null())
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if ended.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
    }
}

/// Jobs of the same subject that have to be done first. One that is dead has to be looked at.
fn earlier_of_the_subject() -> SelectStatement {
    let earlier = Alias::new("earlier");
    let its = |column: Column| Expr::col((earlier.clone(), column));
    let ours = |column: Column| (row::Entity, column);
    Query::select()
        .expr(Expr::val(1))
        .from_as(row::Entity, earlier.clone())
        .and_where(its(Column::Subject).equals(ours(Column::Subject)))
        .and_where(its(Column::State).is_in([PENDING, DEAD]))
        .and_where(its(Column::Id).lt(Expr::col(ours(Column::Id))))
        .take()
}

fn from_row(row: row::Model) -> Result<Job, StoreError> {
    let malformed = |error| error::corrupt(WHAT, error);
    let task = match row.kind.as_str() {
        "webhook.handle" => {
            Task::HandleWebhook(row.payload.parse::<WebhookId>().map_err(malformed)?)
        }
        "order.reconcile" => {
            Task::ReconcileOrder(row.payload.parse::<OrderId>().map_err(malformed)?)
        }
        "subscription.reconcile" => {
            let id = row.payload.parse::<SubscriptionId>().map_err(malformed)?;
            Task::ReconcileSubscription(id)
        }
        "subscription.dun" => {
            let (id, since) = row.payload.split_once(' ').unwrap_or((&row.payload, ""));
            let since = since.parse::<i64>().ok().and_then(Timestamp::from_timestamp_micros);
            Task::Dun {
                subscription: id.parse::<SubscriptionId>().map_err(malformed)?,
                since: since.ok_or_else(|| error::missing(WHAT, "payload"))?,
            }
        }
        "plan.sync" => {
            let plan = row.payload.parse::<PlanCode>();
            Task::SyncPlan(plan.map_err(|error| error::corrupt(WHAT, error))?)
        }
        "mail.send" => Task::SendMail(row.payload.parse::<MailId>().map_err(malformed)?),
        other => return Err(error::unknown(WHAT, "kind", other)),
    };
    Ok(Job {
        id: JobId::new(row.id),
        task,
        unique_key: row.unique_key,
        subject: row.subject,
        run_at: row.run_at,
        attempt: error::number(WHAT, row.attempt)?,
    })
}

fn to_row(job: &Job) -> row::Model {
    let payload = match &job.task {
        Task::HandleWebhook(webhook) => webhook.to_string(),
        Task::ReconcileOrder(order) => order.to_string(),
        Task::ReconcileSubscription(subscription) => subscription.to_string(),
        Task::Dun { subscription, since } => {
            format!("{subscription} {}", since.timestamp_micros())
        }
        Task::SyncPlan(plan) => plan.to_string(),
        Task::SendMail(mail) => mail.to_string(),
    };
    row::Model {
        id: job.id.raw(),
        kind: job.task.kind().to_owned(),
        unique_key: job.unique_key.clone(),
        subject: job.subject.clone(),
        payload,
        run_at: job.run_at,
        attempt: job.attempt.into(),
        lease_until: None,
        state: PENDING.to_owned(),
        last_error: None,
    }
}
