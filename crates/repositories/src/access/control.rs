//! The control feed, as rows. It is everybody's: processes follow it for all tenants at once.
use async_trait::async_trait;
use cape_domain::{
    access::{ControlChange, ControlEntry, ControlReads, ControlRepository},
    ids::{ApiKeyId, ControlId, SessionId, WorkspaceId},
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{ColumnTrait as _, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

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

/// The name is of the day when a key could only be taken back. What was stored then is still told
/// to whoever follows, and means the same: load the key again.
const API_KEY: &str = "api_key_revoked";

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

    async fn prune(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let deleted = row::Entity::delete_many()
            .filter(row::Column::At.lt(before))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(deleted.rows_affected)
    }
}

fn from_row(row: &row::Model) -> Result<ControlEntry, StoreError> {
    let change = match row.kind.as_str() {
        "session_epoch" => ControlChange::SessionEpoch {
            session: SessionId::new(row.subject),
            epoch: error::number(WHAT, row.epoch.ok_or_else(|| error::missing(WHAT, "epoch"))?)?,
        },
        API_KEY => ControlChange::ApiKeyChanged(ApiKeyId::new(row.subject)),
        "plan_changed" => ControlChange::PlanChanged(WorkspaceId::new(row.subject)),
        "credentials_changed" => ControlChange::CredentialsChanged(WorkspaceId::new(row.subject)),
        "plans_changed" => ControlChange::PlansChanged,
        "limits_changed" => ControlChange::LimitsChanged,
        "switches_changed" => ControlChange::SwitchesChanged,
        "catalogue_changed" => ControlChange::CatalogueChanged,
        other => return Err(error::unknown(WHAT, "kind", other)),
    };
    Ok(ControlEntry { id: ControlId::new(row.id), at: row.at, change })
}

fn to_row(entry: &ControlEntry) -> row::Model {
    let (kind, subject, epoch) = match entry.change {
        ControlChange::SessionEpoch { session, epoch } => {
            ("session_epoch", session.raw(), Some(epoch.into()))
        }
        ControlChange::ApiKeyChanged(key) => (API_KEY, key.raw(), None),
        ControlChange::PlanChanged(workspace) => ("plan_changed", workspace.raw(), None),
        ControlChange::CredentialsChanged(workspace) => {
            ("credentials_changed", workspace.raw(), None)
        }
        // These are about all of them.
        ControlChange::PlansChanged => ("plans_changed", Uuid::nil(), None),
        ControlChange::LimitsChanged => ("limits_changed", Uuid::nil(), None),
        ControlChange::SwitchesChanged => ("switches_changed", Uuid::nil(), None),
        ControlChange::CatalogueChanged => ("catalogue_changed", Uuid::nil(), None),
    };
    row::Model { id: entry.id.raw(), at: entry.at, kind: kind.to_owned(), subject, epoch }
}
