//! Limits that operators set, as rows. They are the platform's: scopes do not apply.
use async_trait::async_trait;
use cape_domain::{
    ids::LimitRuleId,
    store::StoreError,
    usage::{LimitRule, LimitRuleReads, LimitRuleRepository, LimitTerms, Reach},
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, sea_query::Expr,
};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "limit_rules")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub about_kind: String,
        pub about_name: String,
        pub counted_per: String,
        pub measure: String,
        pub time_window: String,
        pub most: i64,
        pub enabled: bool,
        pub version: i64,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "limit";

#[async_trait]
impl LimitRuleReads for SqlWork {
    async fn all(&mut self) -> Result<Vec<LimitRule>, StoreError> {
        let rows = row::Entity::find().all(&self.transaction).await.map_err(error::on(WHAT))?;
        let mut all = rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
        // Not by the database: each sorts texts in an order of its own.
        all.sort_by_key(|rule| rule.terms.name);
        Ok(all)
    }

    async fn find(&mut self, id: LimitRuleId) -> Result<Option<LimitRule>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }
}

#[async_trait]
impl LimitRuleRepository for SqlWork {
    async fn insert(&mut self, rule: &LimitRule) -> Result<(), StoreError> {
        row::Entity::insert(to_row(rule)?.into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn replace(&mut self, rule: &LimitRule) -> Result<(), StoreError> {
        let next = to_row(rule)?;
        let replaced = row::Entity::update_many()
            .col_expr(Column::Name, Expr::val(next.name))
            .col_expr(Column::AboutKind, Expr::val(next.about_kind))
            .col_expr(Column::AboutName, Expr::val(next.about_name))
            .col_expr(Column::CountedPer, Expr::val(next.counted_per))
            .col_expr(Column::Measure, Expr::val(next.measure))
            .col_expr(Column::TimeWindow, Expr::val(next.time_window))
            .col_expr(Column::Most, Expr::val(next.most))
            .col_expr(Column::Enabled, Expr::val(next.enabled))
            .col_expr(Column::Version, Expr::val(next.version))
            .filter(Column::Id.eq(next.id))
            .filter(Column::Version.eq(next.version - 1))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if replaced.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
    }

    async fn remove(&mut self, id: LimitRuleId) -> Result<bool, StoreError> {
        let removed = row::Entity::delete_by_id(id.raw())
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(removed.rows_affected == 1)
    }
}

fn from_row(row: row::Model) -> Result<LimitRule, StoreError> {
    let reach = Reach::read(&row.about_kind, &row.about_name);
    Ok(LimitRule {
        id: LimitRuleId::new(row.id),
        terms: LimitTerms {
            name: row.name.parse().map_err(|e| error::corrupt(WHAT, e))?,
            reach: reach.map_err(|e| error::corrupt(WHAT, e))?,
            per: row.counted_per.parse().map_err(|e| error::corrupt(WHAT, e))?,
            measure: row.measure.parse().map_err(|e| error::corrupt(WHAT, e))?,
            window: row.time_window.parse().map_err(|e| error::corrupt(WHAT, e))?,
            limit: error::number(WHAT, row.most)?,
            enabled: row.enabled,
        },
        version: error::number(WHAT, row.version)?,
        created_at: row.created_at,
    })
}

fn to_row(rule: &LimitRule) -> Result<row::Model, StoreError> {
    let LimitRule { id, terms, version, created_at } = rule;
    let number = |number: u64| i64::try_from(number).map_err(|e| error::corrupt(WHAT, e));
    Ok(row::Model {
        id: id.raw(),
        name: terms.name.to_string(),
        about_kind: terms.reach.kind().to_owned(),
        about_name: terms.reach.name(),
        counted_per: terms.per.name().to_owned(),
        measure: terms.measure.name().to_owned(),
        time_window: terms.window.name().to_owned(),
        most: number(terms.limit)?,
        enabled: terms.enabled,
        version: number(*version)?,
        created_at: *created_at,
    })
}
