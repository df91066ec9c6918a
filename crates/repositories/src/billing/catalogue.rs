//! What is sold, as rows. What payment providers call it is beside it.
use std::collections::HashMap;

use async_trait::async_trait;
use cape_domain::{
    billing::{
        CatalogueReads, Credits, Feature, Money, Pack, Plan, PlanCode, PlanLimits, PlanPrice,
        ProviderName,
    },
    ids::PriceId,
    store::StoreError,
    usage::ModelClass,
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use crate::{error, store::SqlWork};

pub(super) mod plan {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "plans")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub position: i64,
        pub name: String,
        pub requests_per_month: i64,
        pub requests_per_minute: i64,
        pub requests_per_hour: i64,
        pub tokens_per_hour: i64,
        pub models: String,
        pub features: String,
        pub version: i64,
        pub retired_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod plan_price {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "plan_prices")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub plan: String,
        pub interval: String,
        pub currency: String,
        pub amount_minor: i64,
        pub since: DateTimeUtc,
        pub until: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod product {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "provider_products")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub plan: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub provider: String,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod provider_price {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "provider_prices")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub price_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub provider: String,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod pack {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "packs")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub position: i64,
        pub credits_micros: i64,
        pub bonus_micros: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod pack_price {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "pack_prices")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub pack: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub currency: String,
        pub amount_minor: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) const PLAN: &str = "plan";
const PACK: &str = "pack";

#[async_trait]
impl CatalogueReads for SqlWork {
    async fn plans(&mut self) -> Result<Vec<Plan>, StoreError> {
        let rows = plan::Entity::find()
            .filter(plan::Column::RetiredAt.is_null())
            .order_by_asc(plan::Column::Position)
            .all(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        self.with_prices(rows).await
    }

    async fn all_plans(&mut self) -> Result<Vec<Plan>, StoreError> {
        let rows = plan::Entity::find()
            .order_by_asc(plan::Column::Position)
            .all(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        self.with_prices(rows).await
    }

    async fn plan(&mut self, code: &PlanCode) -> Result<Option<Plan>, StoreError> {
        let row = plan::Entity::find_by_id(code.as_str())
            .one(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        Ok(self.with_prices(row.into_iter().collect()).await?.pop())
    }

    async fn price(&mut self, id: PriceId) -> Result<Option<(PlanCode, PlanPrice)>, StoreError> {
        let row = plan_price::Entity::find_by_id(id.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        let priced = |row: plan_price::Model| {
            let plan = row.plan.parse().map_err(|e| error::corrupt(PLAN, e))?;
            Ok((plan, from_price(&row)?))
        };
        row.map(priced).transpose()
    }

    async fn product(
        &mut self,
        plan: &PlanCode,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError> {
        let row = product::Entity::find_by_id((plan.to_string(), provider.name().to_owned()))
            .one(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        Ok(row.map(|row| row.name))
    }

    async fn provider_price(
        &mut self,
        price: PriceId,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError> {
        let row = provider_price::Entity::find_by_id((price.raw(), provider.name().to_owned()))
            .one(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        Ok(row.map(|row| row.name))
    }

    async fn price_called(
        &mut self,
        provider: ProviderName,
        name: &str,
    ) -> Result<Option<PriceId>, StoreError> {
        let row = provider_price::Entity::find()
            .filter(provider_price::Column::Provider.eq(provider.name()))
            .filter(provider_price::Column::Name.eq(name))
            .one(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        Ok(row.map(|row| PriceId::new(row.price_id)))
    }

    async fn packs(&mut self) -> Result<Vec<Pack>, StoreError> {
        let rows = pack::Entity::find()
            .order_by_asc(pack::Column::Position)
            .all(&self.transaction)
            .await
            .map_err(error::on(PACK))?;
        let listed = pack_price::Entity::find()
            .order_by_asc(pack_price::Column::Currency)
            .all(&self.transaction)
            .await
            .map_err(error::on(PACK))?;
        let mut prices = HashMap::<String, Vec<Money>>::new();
        for price in listed {
            let money = money(PACK, price.amount_minor, &price.currency)?;
            prices.entry(price.pack).or_default().push(money);
        }
        let pack = |row: pack::Model| Pack {
            prices: prices.remove(&row.code).unwrap_or_default(),
            code: row.code,
            credits: Credits::from_micros(row.credits_micros),
            bonus: Credits::from_micros(row.bonus_micros),
        };
        Ok(rows.into_iter().map(pack).collect())
    }
}

impl SqlWork {
    async fn with_prices(&self, rows: Vec<plan::Model>) -> Result<Vec<Plan>, StoreError> {
        let codes = rows.iter().map(|row| row.code.as_str());
        let listed = plan_price::Entity::find()
            .filter(plan_price::Column::Plan.is_in(codes))
            .filter(plan_price::Column::Until.is_null())
            .order_by_asc(plan_price::Column::Currency)
            .order_by_asc(plan_price::Column::Interval)
            .all(&self.transaction)
            .await
            .map_err(error::on(PLAN))?;
        let mut prices = HashMap::<String, Vec<PlanPrice>>::new();
        for price in listed {
            let asked = from_price(&price)?;
            prices.entry(price.plan).or_default().push(asked);
        }
        rows.into_iter()
            .map(|row| {
                let prices = prices.remove(&row.code).unwrap_or_default();
                from_row(row, prices)
            })
            .collect()
    }
}

fn from_row(row: plan::Model, prices: Vec<PlanPrice>) -> Result<Plan, StoreError> {
    let classes = row.models.split(',').map(str::parse::<ModelClass>);
    let features = row.features.lines().map(str::parse::<Feature>);
    Ok(Plan {
        code: row.code.parse().map_err(|e| error::corrupt(PLAN, e))?,
        name: row.name.parse().map_err(|e| error::corrupt(PLAN, e))?,
        features: features.collect::<Result<_, _>>().map_err(|e| error::corrupt(PLAN, e))?,
        prices,
        limits: PlanLimits {
            requests_per_month: error::number(PLAN, row.requests_per_month)?,
            requests_per_minute: error::number(PLAN, row.requests_per_minute)?,
            requests_per_hour: error::number(PLAN, row.requests_per_hour)?,
            tokens_per_hour: error::number(PLAN, row.tokens_per_hour)?,
        },
        models: classes.collect::<Result<_, _>>().map_err(|e| error::corrupt(PLAN, e))?,
        retired_at: row.retired_at,
        version: error::number(PLAN, row.version)?,
    })
}

fn from_price(row: &plan_price::Model) -> Result<PlanPrice, StoreError> {
    Ok(PlanPrice {
        id: PriceId::new(row.id),
        interval: row.interval.parse().map_err(|e| error::corrupt(PLAN, e))?,
        amount: money(PLAN, row.amount_minor, &row.currency)?,
    })
}

fn money(what: &'static str, minor: i64, currency: &str) -> Result<Money, StoreError> {
    let currency = currency.parse().map_err(|e| error::corrupt(what, e))?;
    Ok(Money::from_minor(minor, currency))
}
