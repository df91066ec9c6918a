//! The trail, as rows.
use async_trait::async_trait;
use cape_domain::{
    access::Principal,
    audit::{Action, AuditEntry, Sealed, TrailReads, TrailRepository},
    ids::{ApiKeyId, AuditId, RequestId, SessionId, UserId, WorkspaceId},
    json::RawJson,
    page::{Cursor, Page, PageRequest},
    store::StoreError,
};
use sea_orm::{EntityTrait, IntoActiveModel, QueryFilter};

use crate::{error, page::newest_first, store::SqlWork};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_entries")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub at: DateTimeUtc,
        pub principal: String,
        pub user_id: Option<Uuid>,
        pub session_id: Option<Uuid>,
        pub api_key_id: Option<Uuid>,
        pub impersonated_by: Option<Uuid>,
        pub request_id: Uuid,
        pub action: String,
        pub subject: String,
        pub before: Option<String>,
        pub after: Option<String>,
        pub sealed_for: Option<Uuid>,
        pub sealed: Option<Vec<u8>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

const WHAT: &str = "audit entry";

#[async_trait]
impl TrailReads for SqlWork {
    async fn list(&mut self, page: PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        let within = row::Entity::find().filter(self.within(row::Column::WorkspaceId));
        let rows = newest_first(within, page, row::Column::At, row::Column::Id)
            .all(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        let entries = rows.into_iter().map(from_row).collect::<Result<_, _>>()?;
        Ok(page.page(entries, |entry: &AuditEntry| Cursor { at: entry.at, id: entry.id.raw() }))
    }
}

#[async_trait]
impl TrailRepository for SqlWork {
    async fn append(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.admit(WHAT, entry.workspace)?;
        row::Entity::insert(to_row(entry).into_active_model())
            .exec_without_returning(&self.transaction)
            .await
            .map_err(error::on(WHAT))?;
        Ok(())
    }
}

fn from_row(row: row::Model) -> Result<AuditEntry, StoreError> {
    let principal = principal(&row)?;
    let action = Action::ALL.into_iter().find(|known| known.name() == row.action);
    let personal = match (row.sealed_for, row.sealed) {
        (Some(person), Some(ciphertext)) => {
            Some(Sealed { person: UserId::new(person), ciphertext })
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err(error::corrupt(WHAT, "half of what is sealed"));
        }
    };
    Ok(AuditEntry {
        id: AuditId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        at: row.at,
        principal,
        request: RequestId::new(row.request_id),
        action: action.ok_or_else(|| error::unknown(WHAT, "action", &row.action))?,
        subject: row.subject,
        before: row.before.map(RawJson::new),
        after: row.after.map(RawJson::new),
        personal,
    })
}

fn principal(row: &row::Model) -> Result<Principal, StoreError> {
    let user = || row.user_id.map(UserId::new).ok_or_else(|| error::missing(WHAT, "user"));
    Ok(match row.principal.as_str() {
        "user" => Principal::User {
            id: user()?,
            session: row
                .session_id
                .map(SessionId::new)
                .ok_or_else(|| error::missing(WHAT, "session"))?,
            impersonated_by: row.impersonated_by.map(UserId::new),
        },
        "api_key" => Principal::ApiKey {
            id: row.api_key_id.map(ApiKeyId::new).ok_or_else(|| error::missing(WHAT, "key"))?,
            owner: user()?,
        },
        "visitor" => Principal::Visitor,
        "system" => Principal::System,
        other => return Err(error::unknown(WHAT, "principal", other)),
    })
}

fn to_row(entry: &AuditEntry) -> row::Model {
    let text = |json: &Option<RawJson>| json.as_ref().map(|json| json.as_str().to_owned());
    let nobody = row::Model {
        id: entry.id.raw(),
        workspace_id: entry.workspace.raw(),
        at: entry.at,
        principal: "system".to_owned(),
        user_id: None,
        session_id: None,
        api_key_id: None,
        impersonated_by: None,
        request_id: entry.request.raw(),
        action: entry.action.name().to_owned(),
        subject: entry.subject.clone(),
        before: text(&entry.before),
        after: text(&entry.after),
        sealed_for: entry.personal.as_ref().map(|sealed| sealed.person.raw()),
        sealed: entry.personal.as_ref().map(|sealed| sealed.ciphertext.clone()),
    };
    match entry.principal {
        Principal::System => nobody,
        Principal::Visitor => row::Model { principal: "visitor".to_owned(), ..nobody },
        Principal::User { id, session, impersonated_by } => row::Model {
            principal: "user".to_owned(),
            user_id: Some(id.raw()),
            session_id: Some(session.raw()),
            impersonated_by: impersonated_by.map(UserId::raw),
            ..nobody
        },
        Principal::ApiKey { id, owner } => row::Model {
            principal: "api_key".to_owned(),
            user_id: Some(owner.raw()),
            api_key_id: Some(id.raw()),
            ..nobody
        },
    }
}
