//! A subscription and its row. Each state has the columns of its facts, and no others.
use cape_domain::{
    billing::{
        Money, Oddity, OpenedCheckout, Period, PlanPrice, Subscription, SubscriptionState, Terms,
    },
    ids::{PriceId, SubscriptionId, UserId, WorkspaceId},
    store::StoreError,
};

use crate::error;

pub(super) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "subscriptions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub user_id: Uuid,
        pub plan: String,
        pub plan_version: i64,
        pub price_id: Uuid,
        pub interval: String,
        pub price_minor: i64,
        pub currency: String,
        pub provider: String,
        pub remote: Option<String>,
        pub state: String,
        pub period_start: Option<DateTimeUtc>,
        pub period_end: Option<DateTimeUtc>,
        pub since: Option<DateTimeUtc>,
        pub until: Option<DateTimeUtc>,
        pub canceling: Option<bool>,
        pub reminded: Option<i16>,
        pub ended_at: Option<DateTimeUtc>,
        pub end_reason: Option<String>,
        pub checkout: Option<String>,
        pub checkout_url: Option<String>,
        pub oddity: Option<String>,
        pub created_at: DateTimeUtc,
        pub version: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) const WHAT: &str = "subscription";

pub(super) fn from_row(row: row::Model) -> Result<Subscription, StoreError> {
    let state = state(&row)?;
    let currency = row.currency.parse().map_err(|e| error::corrupt(WHAT, e))?;
    Ok(Subscription {
        id: SubscriptionId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        user: UserId::new(row.user_id),
        terms: Terms {
            plan: row.plan.parse().map_err(|e| error::corrupt(WHAT, e))?,
            plan_version: error::number(WHAT, row.plan_version)?,
            price: PlanPrice {
                id: PriceId::new(row.price_id),
                interval: row.interval.parse().map_err(|e| error::corrupt(WHAT, e))?,
                amount: Money::from_minor(row.price_minor, currency),
            },
        },
        provider: row.provider.parse().map_err(|e| error::corrupt(WHAT, e))?,
        remote: row.remote,
        state,
        oddity: row.oddity.map(Oddity::new),
        created_at: row.created_at,
        version: error::number(WHAT, row.version)?,
    })
}

fn state(row: &row::Model) -> Result<SubscriptionState, StoreError> {
    let fact = |column: &str, fact: Option<_>| fact.ok_or_else(|| error::missing(WHAT, column));
    let period = || {
        let start = fact("period_start", row.period_start)?;
        let end = fact("period_end", row.period_end)?;
        Period::new(start, end).map_err(|e| error::corrupt(WHAT, e))
    };
    Ok(match row.state.as_str() {
        "incomplete" => {
            let opened = row.checkout.clone().zip(row.checkout_url.clone());
            let checkout = opened.map(|(id, url)| OpenedCheckout { id, url });
            SubscriptionState::Incomplete { checkout }
        }
        "trialing" => SubscriptionState::Trialing { period: period()? },
        "active" => SubscriptionState::Active { period: period()? },
        "past_due" => SubscriptionState::PastDue {
            period: period()?,
            since: fact("since", row.since)?,
            until: fact("until", row.until)?,
            canceling: row.canceling.ok_or_else(|| error::missing(WHAT, "canceling"))?,
            reminded: error::number(WHAT, row.reminded.unwrap_or(0).into())?,
        },
        "paused" => SubscriptionState::Paused { since: fact("since", row.since)? },
        "canceling" => SubscriptionState::Canceling { period: period()? },
        "ended" => {
            let reason = row.end_reason.as_deref();
            let reason = reason.ok_or_else(|| error::missing(WHAT, "end_reason"))?;
            SubscriptionState::Ended {
                at: fact("ended_at", row.ended_at)?,
                reason: reason.parse().map_err(|e| error::corrupt(WHAT, e))?,
            }
        }
        other => return Err(error::unknown(WHAT, "state", other)),
    })
}

pub(super) fn to_row(subscription: &Subscription) -> row::Model {
    let Terms { plan, plan_version, price } = &subscription.terms;
    let row = row::Model {
        id: subscription.id.raw(),
        workspace_id: subscription.workspace.raw(),
        user_id: subscription.user.raw(),
        plan: plan.to_string(),
        plan_version: (*plan_version).into(),
        price_id: price.id.raw(),
        interval: price.interval.name().to_owned(),
        price_minor: price.amount.minor(),
        currency: price.amount.currency().code().to_owned(),
        provider: subscription.provider.name().to_owned(),
        remote: subscription.remote.clone(),
        state: subscription.state.name().to_owned(),
        period_start: None,
        period_end: None,
        since: None,
        until: None,
        canceling: None,
        reminded: None,
        ended_at: None,
        end_reason: None,
        checkout: None,
        checkout_url: None,
        oddity: subscription.oddity.as_ref().map(ToString::to_string),
        created_at: subscription.created_at,
        version: subscription.version.into(),
    };
    with_facts(row, &subscription.state)
}

fn with_facts(row: row::Model, state: &SubscriptionState) -> row::Model {
    let lasting = |row: row::Model, period: Period| row::Model {
        period_start: Some(period.start()),
        period_end: Some(period.end()),
        ..row
    };
    match state {
        SubscriptionState::Incomplete { checkout } => row::Model {
            checkout: checkout.as_ref().map(|checkout| checkout.id.clone()),
            checkout_url: checkout.as_ref().map(|checkout| checkout.url.clone()),
            ..row
        },
        SubscriptionState::Trialing { period }
        | SubscriptionState::Active { period }
        | SubscriptionState::Canceling { period } => lasting(row, *period),
        SubscriptionState::PastDue { period, since, until, canceling, reminded } => row::Model {
            since: Some(*since),
            until: Some(*until),
            canceling: Some(*canceling),
            reminded: Some((*reminded).into()),
            ..lasting(row, *period)
        },
        SubscriptionState::Paused { since } => row::Model { since: Some(*since), ..row },
        SubscriptionState::Ended { at, reason } => {
            row::Model { ended_at: Some(*at), end_reason: Some(reason.name().to_owned()), ..row }
        }
    }
}
