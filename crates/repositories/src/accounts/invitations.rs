//! Invitations, as rows.
use async_trait::async_trait;
use cape_domain::{
    accounts::{Invitation, InvitationReads, InvitationRepository},
    ids::{InvitationId, UserId, WorkspaceId},
    page::{Cursor, Page, PageRequest},
    store::StoreError,
};
use sea_orm::{ColumnTrait as _, EntityTrait, IntoActiveModel, QueryFilter, sea_query::OnConflict};

use crate::{error, page::newest_first, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "invitations")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub email: String,
        pub role: String,
        pub invited_by: Uuid,
        pub salt: Vec<u8>,
        pub created_at: DateTimeUtc,
        pub expires_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

const WHAT: &str = "invitation";

#[async_trait]
impl InvitationReads for SqlWork {
    async fn find(&mut self, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
        row::Entity::find_by_id(id.raw())
            .filter(self.within(Column::WorkspaceId))
            .one(&self.transaction)
            .await
            .map_err(error::on(WHAT))?
            .map(from_row)
            .transpose()
    }

    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Invitation>, StoreError> {
        let its = row::Entity::find()
            .filter(Column::WorkspaceId.eq(workspace.raw()))
            .filter(self.within(Column::WorkspaceId));
        let rows = newest_first(its, page, Column::CreatedAt, Column::Id)
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        let rows = rows.into_iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(page.page(rows, |one: &Invitation| Cursor { at: one.created_at, id: one.id.raw() }))
    }
}

#[async_trait]
impl InvitationRepository for SqlWork {
    async fn put(&mut self, invitation: &Invitation) -> Result<(), StoreError> {
        self.admit(WHAT, invitation.workspace)?;
        let instead = OnConflict::columns([Column::WorkspaceId, Column::Email])
            .update_columns([
                Column::Id,
                Column::Role,
                Column::InvitedBy,
                Column::Salt,
                Column::CreatedAt,
                Column::ExpiresAt,
            ])
            .to_owned();
        row::Entity::insert(to_row(invitation).into_active_model())
            .on_conflict(instead)
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }

    async fn consume(&mut self, id: InvitationId) -> Result<bool, StoreError> {
        let deleted = row::Entity::delete_by_id(id.raw())
            .filter(self.within(Column::WorkspaceId))
            .exec(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(deleted.rows_affected == 1)
    }
}

fn from_row(row: row::Model) -> Result<Invitation, StoreError> {
    let salt = row.salt.try_into();
    Ok(Invitation {
        id: InvitationId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        email: row.email.parse().map_err(|e| error::corrupt(WHAT, e))?,
        role: row.role.parse().map_err(|e| error::corrupt(WHAT, e))?,
        invited_by: UserId::new(row.invited_by),
        salt: salt.map_err(|_| error::corrupt(WHAT, "a salt of another length"))?,
        created_at: row.created_at,
        expires_at: row.expires_at,
    })
}

fn to_row(invitation: &Invitation) -> row::Model {
    row::Model {
        id: invitation.id.raw(),
        workspace_id: invitation.workspace.raw(),
        email: invitation.email.as_str().to_owned(),
        role: invitation.role.name().to_owned(),
        invited_by: invitation.invited_by.raw(),
        salt: invitation.salt.to_vec(),
        created_at: invitation.created_at,
        expires_at: invitation.expires_at,
    }
}
