//! Workspaces and memberships, as rows.
use async_trait::async_trait;
use cape_domain::{
    access::Role,
    accounts::{Membership, Workspace, WorkspaceReads, WorkspaceRepository},
    ids::{UserId, WorkspaceId},
    store::StoreError,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::LockType,
};

use crate::{error, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "workspaces")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

mod membership {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "memberships")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub role: String,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const WORKSPACE: &str = "workspace";
const MEMBERSHIP: &str = "membership";

#[async_trait]
impl WorkspaceReads for SqlWork {
    async fn find(&mut self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .filter(self.within(row::Column::Id))
            .one(&self.transaction)
            .await
            .map_err(error::on(WORKSPACE))?
            .as_ref()
            .map(from_row)
            .transpose()
    }

    async fn membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        membership::Entity::find_by_id((workspace.raw(), user.raw()))
            .filter(self.within(membership::Column::WorkspaceId))
            .one(&self.transaction)
            .await
            .map_err(error::on(MEMBERSHIP))?
            .as_ref()
            .map(from_membership_row)
            .transpose()
    }

    async fn memberships(&mut self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        membership::Entity::find()
            .filter(membership::Column::UserId.eq(user.raw()))
            .filter(self.within(membership::Column::WorkspaceId))
            .order_by_asc(membership::Column::CreatedAt)
            .order_by_asc(membership::Column::WorkspaceId)
            .all(&self.transaction)
            .await
            .map_err(error::on(MEMBERSHIP))?
            .iter()
            .map(from_membership_row)
            .collect()
    }

    async fn members(&mut self, workspace: WorkspaceId) -> Result<Vec<Membership>, StoreError> {
        membership::Entity::find()
            .filter(membership::Column::WorkspaceId.eq(workspace.raw()))
            .filter(self.within(membership::Column::WorkspaceId))
            .order_by_asc(membership::Column::CreatedAt)
            .order_by_asc(membership::Column::UserId)
            .all(&self.transaction)
            .await
            .map_err(error::on(MEMBERSHIP))?
            .iter()
            .map(from_membership_row)
            .collect()
    }
}

#[async_trait]
impl WorkspaceRepository for SqlWork {
    async fn insert(&mut self, workspace: &Workspace) -> Result<(), StoreError> {
        self.admit(WORKSPACE, workspace.id)?;
        row::Entity::insert(to_row(workspace).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WORKSPACE))?;
        Ok(())
    }

    async fn add(&mut self, membership: &Membership) -> Result<(), StoreError> {
        self.admit(MEMBERSHIP, membership.workspace)?;
        membership::Entity::insert(to_membership_row(membership).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(MEMBERSHIP))?;
        Ok(())
    }

    /// The workspace stands for all its places, those included that are not there yet. Its lock
    /// is the weakest that others who take it wait for: rows that refer to the workspace can be
    /// written meanwhile.
    async fn lock_members(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Vec<Membership>, StoreError> {
        row::Entity::find_by_id(workspace.raw())
            .filter(self.within(row::Column::Id))
            .lock(LockType::NoKeyUpdate)
            .one(&self.transaction)
            .await
            .map_err(error::on(WORKSPACE))?;
        // Asked only now: this sees what those who were waited for have changed.
        self.members(workspace).await
    }

    async fn change_role(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        role: Role,
    ) -> Result<(), StoreError> {
        let role = Set(role.name().to_owned());
        let changed = membership::Entity::update_many()
            .set(membership::ActiveModel { role, ..Default::default() })
            .filter(membership::Column::WorkspaceId.eq(workspace.raw()))
            .filter(membership::Column::UserId.eq(user.raw()))
            .filter(self.within(membership::Column::WorkspaceId))
            .exec(&self.transaction)
            .await
            .map_err(error::on(MEMBERSHIP))?;
        one_place(changed.rows_affected)
    }

    async fn remove(&mut self, workspace: WorkspaceId, user: UserId) -> Result<(), StoreError> {
        let removed = membership::Entity::delete_by_id((workspace.raw(), user.raw()))
            .filter(self.within(membership::Column::WorkspaceId))
            .exec(&self.transaction)
            .await
            .map_err(error::on(MEMBERSHIP))?;
        one_place(removed.rows_affected)
    }
}

/// A conflict unless there was a place to change.
const fn one_place(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict { what: MEMBERSHIP }) }
}

fn from_row(row: &row::Model) -> Result<Workspace, StoreError> {
    Ok(Workspace {
        id: WorkspaceId::new(row.id),
        name: row.name.parse().map_err(|e| error::corrupt(WORKSPACE, e))?,
        created_at: row.created_at,
    })
}

fn to_row(workspace: &Workspace) -> row::Model {
    row::Model {
        id: workspace.id.raw(),
        name: workspace.name.as_str().to_owned(),
        created_at: workspace.created_at,
    }
}

fn from_membership_row(row: &membership::Model) -> Result<Membership, StoreError> {
    Ok(Membership {
        workspace: WorkspaceId::new(row.workspace_id),
        user: UserId::new(row.user_id),
        role: row.role.parse().map_err(|e| error::corrupt(MEMBERSHIP, e))?,
        created_at: row.created_at,
    })
}

fn to_membership_row(membership: &Membership) -> membership::Model {
    membership::Model {
        workspace_id: membership.workspace.raw(),
        user_id: membership.user.raw(),
        role: membership.role.name().to_owned(),
        created_at: membership.created_at,
    }
}
