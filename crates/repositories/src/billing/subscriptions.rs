//! Subscriptions, as rows. That a workspace has one at most that has not ended is an index.
use async_trait::async_trait;
use cape_domain::{
    billing::{Subscription, SubscriptionReads, SubscriptionRepository, SubscriptionState},
    ids::{SubscriptionId, WorkspaceId},
    store::StoreError,
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    sea_query::Expr,
};

use crate::{error, store::SqlWork};

pub(super) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "subscriptions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub plan: String,
        pub state: String,
        pub period_start: Option<DateTimeUtc>,
        pub period_end: Option<DateTimeUtc>,
        pub ended_at: Option<DateTimeUtc>,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const WHAT: &str = "subscription";

#[async_trait]
impl SubscriptionReads for SqlWork {
    async fn current(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Option<Subscription>, StoreError> {
        // In these words, and not with a parameter, the index is of use.
        let goes_on = Expr::col(row::Column::State).ne(Expr::Constant("ended".into()));
        row::Entity::find()
            .filter(self.within(row::Column::WorkspaceId))
            .filter(row::Column::WorkspaceId.eq(workspace.raw()))
            .filter(goes_on)
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .as_ref()
            .map(from_row)
            .transpose()
    }
}

#[async_trait]
impl SubscriptionRepository for SqlWork {
    async fn insert(&mut self, subscription: &Subscription) -> Result<(), StoreError> {
        self.admit(WHAT, subscription.workspace)?;
        row::Entity::insert(to_row(subscription).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}

fn from_row(row: &row::Model) -> Result<Subscription, StoreError> {
    let fact = |column: &str, fact: Option<_>| fact.ok_or_else(|| error::missing(WHAT, column));
    let state = match row.state.as_str() {
        "active" => SubscriptionState::Active {
            period_start: fact("period_start", row.period_start)?,
            period_end: fact("period_end", row.period_end)?,
        },
        "ended" => SubscriptionState::Ended { at: fact("ended_at", row.ended_at)? },
        other => return Err(error::unknown(WHAT, "state", other)),
    };
    Ok(Subscription {
        id: SubscriptionId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        plan: row.plan.parse().map_err(|e| error::corrupt(WHAT, e))?,
        state,
        created_at: row.created_at,
    })
}

fn to_row(subscription: &Subscription) -> row::Model {
    let (state, period_start, period_end, ended_at) = match subscription.state {
        SubscriptionState::Active { period_start, period_end } => {
            ("active", Some(period_start), Some(period_end), None)
        }
        SubscriptionState::Ended { at } => ("ended", None, None, Some(at)),
    };
    row::Model {
        id: subscription.id.raw(),
        workspace_id: subscription.workspace.raw(),
        plan: subscription.plan.as_str().to_owned(),
        state: state.to_owned(),
        period_start,
        period_end,
        ended_at,
        created_at: subscription.created_at,
    }
}
