//! Plans that are made and changed, as rows. Prices are added and given an end, never rewritten.
use async_trait::async_trait;
use cape_domain::{
    billing::{CatalogueRepository, Feature, Plan, PlanCode, PlanPrice, ProviderName},
    ids::PriceId,
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    QuerySelect as _,
    sea_query::{Expr, OnConflict},
};

use super::catalogue::{PLAN, plan, plan_price, product, provider_price};
use crate::{error, store::SqlWork};

#[async_trait]
impl CatalogueRepository for SqlWork {
    async fn insert_plan(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let last: Option<i64> = plan::Entity::find()
            .select_only()
            .column_as(plan::Column::Position.max(), "last")
            .into_tuple::<Option<i64>>()
            .one(&self.transaction)
            .await
            .map_err(error::on(PLAN))?
            .flatten();
        let row = plan::ActiveModel {
            code: Set(plan.code.to_string()),
            position: Set(last.map_or(0, |last| last + 1)),
            ..to_row(plan)
        };
        plan::Entity::insert(row)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        self.ask(&plan.code, &plan.prices, None).await
    }

    async fn update_plan(&mut self, plan: &Plan, now: Timestamp) -> Result<(), StoreError> {
        let before = i64::from(plan.version) - 1;
        let updated = plan::Entity::update_many()
            .set(to_row(plan))
            .filter(plan::Column::Code.eq(plan.code.as_str()))
            .filter(plan::Column::Version.eq(before))
            .exec(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        if updated.rows_affected != 1 {
            return Err(StoreError::Conflict { what: PLAN });
        }
        self.ask(&plan.code, &plan.prices, Some(now)).await
    }

    async fn remember_product(
        &mut self,
        plan: &PlanCode,
        provider: ProviderName,
        name: &str,
    ) -> Result<(), StoreError> {
        let row = product::Model {
            plan: plan.to_string(),
            provider: provider.name().to_owned(),
            name: name.to_owned(),
        };
        let key = [product::Column::Plan, product::Column::Provider];
        let known = OnConflict::columns(key).do_nothing().to_owned();
        product::Entity::insert(row.into_active_model())
            .on_conflict(known)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        Ok(())
    }

    async fn remember_price(
        &mut self,
        price: PriceId,
        provider: ProviderName,
        name: &str,
    ) -> Result<(), StoreError> {
        let row = provider_price::Model {
            price_id: price.raw(),
            provider: provider.name().to_owned(),
            name: name.to_owned(),
        };
        let key = [provider_price::Column::PriceId, provider_price::Column::Provider];
        let known = OnConflict::columns(key).do_nothing().to_owned();
        provider_price::Entity::insert(row.into_active_model())
            .on_conflict(known)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        Ok(())
    }
}

impl SqlWork {
    /// Asks these prices for a plan, and since `now` no others.
    async fn ask(
        &self,
        plan: &PlanCode,
        prices: &[PlanPrice],
        now: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let ids = || prices.iter().map(|price| price.id.raw());
        let since = now.unwrap_or(Timestamp::UNIX_EPOCH);
        plan_price::Entity::update_many()
            .col_expr(plan_price::Column::Until, Expr::val(since))
            .filter(plan_price::Column::Plan.eq(plan.as_str()))
            .filter(plan_price::Column::Until.is_null())
            .filter(Expr::col(plan_price::Column::Id).is_in(ids()).not())
            .exec(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        let rows = prices.iter().map(|price| {
            plan_price::Model {
                id: price.id.raw(),
                plan: plan.to_string(),
                interval: price.interval.name().to_owned(),
                currency: price.amount.currency().code().to_owned(),
                amount_minor: price.amount.minor(),
                since,
                until: None,
            }
            .into_active_model()
        });
        let known = OnConflict::column(plan_price::Column::Id).do_nothing().to_owned();
        plan_price::Entity::insert_many(rows)
            .on_conflict(known)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        Ok(())
    }
}

fn to_row(plan: &Plan) -> plan::ActiveModel {
    let limit = |limit: u64| Set(i64::try_from(limit).unwrap_or(i64::MAX));
    let models: Vec<_> = plan.models.iter().map(|class| class.name()).collect();
    let features: Vec<_> = plan.features.iter().map(Feature::as_str).collect();
    plan::ActiveModel {
        name: Set(plan.name.to_string()),
        requests_per_month: limit(plan.limits.requests_per_month),
        requests_per_minute: limit(plan.limits.requests_per_minute),
        requests_per_hour: limit(plan.limits.requests_per_hour),
        tokens_per_hour: limit(plan.limits.tokens_per_hour),
        models: Set(models.join(",")),
        features: Set(features.join("\n")),
        version: Set(plan.version.into()),
        retired_at: Set(plan.retired_at),
        ..Default::default()
    }
}
