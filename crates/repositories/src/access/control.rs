//! The control feed, as rows. It is everybody's: processes follow it for all tenants at once.
use async_trait::async_trait;
use cape_domain::{
    access::{ControlChange, ControlEntry, ControlReads, ControlRepository},
    ids::{ApiKeyId, ControlId, SessionId, WorkspaceId},
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{ColumnTrait as _, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "control_changes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub at: DateTimeUtc,
        pub kind: String,
        pub subject: Uuid,
        pub epoch: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const WHAT: &str = "control entry";

#[async_trait]
impl ControlReads for SqlWork {
    async fn since(&mut self, since: Timestamp) -> Result<Vec<ControlEntry>, StoreError> {
        row::Entity::find()
            .filter(row::Column::At.gte(since))
            .order_by_asc(row::Column::At)
            .order_by_asc(row::Column::Id)
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .iter()
            .map(from_row)
            .collect()
    }
}

#[async_trait]
impl ControlRepository for SqlWork {
    async fn publish(&mut self, entry: &ControlEntry) -> Result<(), StoreError> {
        row::Entity::insert(to_row(entry).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}

fn from_row(row: &row::Model) -> Result<ControlEntry, StoreError> {
    let change = match row.kind.as_str() {
        "session_epoch" => ControlChange::SessionEpoch {
            session: SessionId::new(row.subject),
            epoch: error::number(WHAT, row.epoch.ok_or_else(|| error::missing(WHAT, "epoch"))?)?,
        },
        "api_key_revoked" => ControlChange::ApiKeyRevoked(ApiKeyId::new(row.subject)),
        "plan_changed" => ControlChange::PlanChanged(WorkspaceId::new(row.subject)),
        other => return Err(error::unknown(WHAT, "kind", other)),
    };
    Ok(ControlEntry { id: ControlId::new(row.id), at: row.at, change })
}

fn to_row(entry: &ControlEntry) -> row::Model {
    let (kind, subject, epoch) = match entry.change {
        ControlChange::SessionEpoch { session, epoch } => {
            ("session_epoch", session.raw(), Some(epoch.into()))
        }
        ControlChange::ApiKeyRevoked(key) => ("api_key_revoked", key.raw(), None),
        ControlChange::PlanChanged(workspace) => ("plan_changed", workspace.raw(), None),
    };
    row::Model { id: entry.id.raw(), at: entry.at, kind: kind.to_owned(), subject, epoch }
}
