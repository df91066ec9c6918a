//! Running instances of the program, as rows. They are nobody's tenants: scopes do not apply.
use async_trait::async_trait;
use cape_domain::{
    ids::ProcessId,
    processes::{Process, ProcessReads, ProcessRepository},
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{
    ColumnTrait as _, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, sea_query::OnConflict,
};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "processes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub heartbeat_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const WHAT: &str = "process";

#[async_trait]
impl ProcessReads for SqlWork {
    async fn silent(&mut self, since: Timestamp) -> Result<Vec<Process>, StoreError> {
        let rows = row::Entity::find()
            .filter(row::Column::HeartbeatAt.lt(since))
            .order_by_asc(row::Column::HeartbeatAt)
            .order_by_asc(row::Column::Id)
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(rows.iter().map(from_row).collect())
    }
}

#[async_trait]
impl ProcessRepository for SqlWork {
    async fn beat(&mut self, process: &Process) -> Result<(), StoreError> {
        let known =
            OnConflict::column(row::Column::Id).update_column(row::Column::HeartbeatAt).to_owned();
        row::Entity::insert(to_row(process).into_active_model())
            .on_conflict(known)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn remove(&mut self, id: ProcessId) -> Result<(), StoreError> {
        row::Entity::delete_by_id(id.raw())
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}

fn from_row(row: &row::Model) -> Process {
    Process { id: ProcessId::new(row.id), heartbeat_at: row.heartbeat_at }
}

fn to_row(process: &Process) -> row::Model {
    row::Model { id: process.id.raw(), heartbeat_at: process.heartbeat_at }
}
