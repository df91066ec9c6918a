//! What operators have stopped, as rows. It is the platform's: scopes do not apply.
use async_trait::async_trait;
use cape_domain::{
    ids::UserId,
    store::StoreError,
    usage::{Switch, SwitchReads, SwitchRepository, SwitchTarget},
};
use sea_orm::{EntityTrait as _, IntoActiveModel as _, sea_query::OnConflict};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "switches")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub kind: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub target: String,
        pub reason: String,
        pub since: DateTimeUtc,
        pub stopped_by: Uuid,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "switch";

#[async_trait]
impl SwitchReads for SqlWork {
    async fn all(&mut self) -> Result<Vec<Switch>, StoreError> {
        let rows = row::Entity::find().all(&self.transaction).await.map_err(error::on(WHAT))?;
        let mut all = rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
        // Not by the database: each sorts texts in an order of its own.
        all.sort_by(|a, b| a.target.cmp(&b.target));
        Ok(all)
    }

    async fn find(&mut self, target: &SwitchTarget) -> Result<Option<Switch>, StoreError> {
        row::Entity::find_by_id(key(target))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }
}

#[async_trait]
impl SwitchRepository for SqlWork {
    async fn put(&mut self, switch: &Switch) -> Result<(), StoreError> {
        let replaced = OnConflict::columns([Column::Kind, Column::Target])
            .update_columns([Column::Reason, Column::Since, Column::StoppedBy])
            .to_owned();
        row::Entity::insert(to_row(switch).into_active_model())
            .on_conflict(replaced)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn remove(&mut self, target: &SwitchTarget) -> Result<bool, StoreError> {
        let removed = row::Entity::delete_by_id(key(target))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(removed.rows_affected == 1)
    }
}

fn key(target: &SwitchTarget) -> (String, String) {
    (target.kind().to_owned(), target.name())
}

fn from_row(row: row::Model) -> Result<Switch, StoreError> {
    Ok(Switch {
        target: SwitchTarget::read(&row.kind, &row.target).map_err(|e| error::corrupt(WHAT, e))?,
        reason: row.reason.parse().map_err(|e| error::corrupt(WHAT, e))?,
        since: row.since,
        by: UserId::new(row.stopped_by),
    })
}

fn to_row(switch: &Switch) -> row::Model {
    let (kind, target) = key(&switch.target);
    row::Model {
        kind,
        target,
        reason: switch.reason.as_str().to_owned(),
        since: switch.since,
        stopped_by: switch.by.raw(),
    }
}
