//! Quotes, as rows.
use cape_domain::{
    billing::{Money, PlanPrice, Quote, Terms},
    ids::{PriceId, QuoteId, SubscriptionId, WorkspaceId},
    store::StoreError,
};
use sea_orm::{EntityTrait as _, IntoActiveModel as _, QueryFilter as _};

use crate::{error, store::SqlWork};

pub(super) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "subscription_quotes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub subscription_id: Uuid,
        pub workspace_id: Uuid,
        pub version: i64,
        pub plan: String,
        pub plan_version: i64,
        pub price_id: Uuid,
        pub interval: String,
        pub price_minor: i64,
        pub currency: String,
        pub credit_minor: i64,
        pub charge_minor: i64,
        pub at: DateTimeUtc,
        pub renews_at: DateTimeUtc,
        pub expires_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const WHAT: &str = "quote";

pub(super) async fn find(work: &SqlWork, id: QuoteId) -> Result<Option<Quote>, StoreError> {
    row::Entity::find_by_id(id.raw())
        .filter(work.within(row::Column::WorkspaceId))
        .one(&work.transaction)
        .await
        .map_err(error::on(WHAT))?
        .map(from_row)
        .transpose()
}

pub(super) async fn insert(work: &SqlWork, quote: &Quote) -> Result<(), StoreError> {
    work.admit(WHAT, quote.workspace)?;
    row::Entity::insert(to_row(quote).into_active_model())
        .exec_without_returning(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    Ok(())
}

fn from_row(row: row::Model) -> Result<Quote, StoreError> {
    let currency = row.currency.parse().map_err(|e| error::corrupt(WHAT, e))?;
    Ok(Quote {
        id: QuoteId::new(row.id),
        subscription: SubscriptionId::new(row.subscription_id),
        workspace: WorkspaceId::new(row.workspace_id),
        version: error::number(WHAT, row.version)?,
        to: Terms {
            plan: row.plan.parse().map_err(|e| error::corrupt(WHAT, e))?,
            plan_version: error::number(WHAT, row.plan_version)?,
            price: PlanPrice {
                id: PriceId::new(row.price_id),
                interval: row.interval.parse().map_err(|e| error::corrupt(WHAT, e))?,
                amount: Money::from_minor(row.price_minor, currency),
            },
        },
        credit: Money::from_minor(row.credit_minor, currency),
        charge: Money::from_minor(row.charge_minor, currency),
        at: row.at,
        renews_at: row.renews_at,
        expires_at: row.expires_at,
    })
}

fn to_row(quote: &Quote) -> row::Model {
    let Terms { plan, plan_version, price } = &quote.to;
    row::Model {
        id: quote.id.raw(),
        subscription_id: quote.subscription.raw(),
        workspace_id: quote.workspace.raw(),
        version: quote.version.into(),
        plan: plan.to_string(),
        plan_version: (*plan_version).into(),
        price_id: price.id.raw(),
        interval: price.interval.name().to_owned(),
        price_minor: price.amount.minor(),
        currency: price.amount.currency().code().to_owned(),
        credit_minor: quote.credit.minor(),
        charge_minor: quote.charge.minor(),
        at: quote.at,
        renews_at: quote.renews_at,
        expires_at: quote.expires_at,
    }
}
