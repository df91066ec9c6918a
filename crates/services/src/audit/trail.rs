//! Writing entries of the trail.
use std::sync::Arc;

use cape_domain::{
    access::Actor,
    audit::{Action, AuditEntry, PersonalKey, SealError, Sealed, Vault},
    ids::{AuditId, UserId},
    json::RawJson,
    store::{StoreError, UnitOfWork},
};

use crate::Base;

/// Writes entries of the trail. A clone is another handle to the same one.
#[derive(Clone)]
pub struct Trail {
    base: Base,
    vault: Arc<dyn Vault>,
}

/// What somebody did.
pub struct Fact<'a> {
    /// What was done.
    pub action: Action,
    /// The id of what it was done to.
    pub subject: String,
    /// What was there before, without secrets or personal data.
    pub before: &'a [(&'a str, &'a str)],
    /// What is there after, without secrets or personal data.
    pub after: &'a [(&'a str, &'a str)],
}

impl Trail {
    /// A trail whose personal fields are sealed by this vault.
    #[must_use]
    pub fn new(base: Base, vault: Arc<dyn Vault>) -> Self {
        Self { base, vault }
    }

    /// Enters what `actor` did. The address it came from is sealed under its person's key; for
    /// a visitor that is `person`, if the act made one known.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; an address that cannot be sealed is never stored in the clear.
    pub async fn enter(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        person: Option<UserId>,
        fact: Fact<'_>,
    ) -> Result<(), StoreError> {
        let personal = match (person.or_else(|| actor.user()), actor.address) {
            (Some(person), Some(address)) => {
                let facts = RawJson::object(&[("address", &address.to_string())]);
                Some(self.seal(work, person, facts.as_str()).await?)
            }
            (None, _) | (_, None) => None,
        };
        let snapshot = |facts: &[_]| (!facts.is_empty()).then(|| RawJson::object(facts));
        let entry = AuditEntry {
            id: AuditId::next(&*self.base.ids),
            workspace: actor.workspace,
            at: self.base.now(),
            principal: actor.principal,
            request: actor.request,
            action: fact.action,
            subject: fact.subject,
            before: snapshot(fact.before),
            after: snapshot(fact.after),
            personal,
        };
        work.trail().append(&entry).await
    }

    /// Encrypts what only its person may be connected with, under that person's key.
    pub(crate) async fn seal(
        &self,
        work: &mut dyn UnitOfWork,
        person: UserId,
        text: &str,
    ) -> Result<Sealed, StoreError> {
        let key = self.key(work, person).await?;
        self.vault.seal(&key, text).map_err(unusable)
    }

    async fn key(
        &self,
        work: &mut dyn UnitOfWork,
        person: UserId,
    ) -> Result<PersonalKey, StoreError> {
        if let Some(key) = work.personal_keys().find(person).await? {
            return Ok(key);
        }
        let key = self.vault.make_key(person).map_err(unusable)?;
        work.personal_keys().insert(&key).await?;
        Ok(key)
    }
}

fn unusable(error: SealError) -> StoreError {
    StoreError::Corrupt { what: "personal key", source: error.into() }
}
