//! Which models a workspace may call.
use std::{collections::BTreeSet, sync::Arc};

use cape_domain::{
    access::{Permit, Principal, ViewModels},
    time::Timestamp,
    usage::{Model, ModelKind, Provider},
};

use super::{ChatError, CredentialRing, Entitlements, LiveBook, Switchboard};
use crate::access::KeyRing;

/// Shows the models that can be called.
pub struct ModelService {
    keys: Arc<KeyRing>,
    entitlements: Arc<Entitlements>,
    switchboard: Arc<Switchboard>,
    book: Arc<LiveBook>,
    configured: BTreeSet<Provider>,
    credentials: Arc<CredentialRing>,
}

/// A model that can be called.
#[derive(Clone, Debug)]
pub struct OpenModel {
    /// What callers call it.
    pub id: String,
    /// Who runs it.
    pub provider: Provider,
    /// When it was released.
    pub released_at: Timestamp,
    /// The most tokens that go in and come out together.
    pub context_window: u64,
    /// What it does.
    pub kind: ModelKind,
    /// The most tokens that come out.
    pub output_cap: u64,
}

impl ModelService {
    /// Models of this book whose providers are configured, or at which the actor's workspace has
    /// a key of its own.
    #[must_use]
    pub fn new(
        keys: Arc<KeyRing>,
        entitlements: Arc<Entitlements>,
        switchboard: Arc<Switchboard>,
        book: Arc<LiveBook>,
        configured: BTreeSet<Provider>,
        credentials: Arc<CredentialRing>,
    ) -> Arc<Self> {
        Arc::new(Self { keys, entitlements, switchboard, book, configured, credentials })
    }

    /// The models that the actor's plan and its key reach and that nobody has stopped, in the order
    /// of the book.
    ///
    /// # Errors
    ///
    /// [`ChatError::Closed`] while nothing is known of what is stopped.
    pub async fn list(&self, permit: Permit<ViewModels>) -> Result<Vec<OpenModel>, ChatError> {
        self.open(&permit).await
    }

    /// The model that the actor calls by this name or alias.
    ///
    /// # Errors
    ///
    /// [`ChatError::UnknownModel`], also for one that is out of reach, or stopped.
    pub async fn find(
        &self,
        permit: Permit<ViewModels>,
        name: &str,
    ) -> Result<OpenModel, ChatError> {
        let unknown = || ChatError::UnknownModel(name.to_owned());
        let book = self.book.current();
        let id = &book.candidates(name, 0).first().copied().ok_or_else(unknown)?.id;
        let open = self.open(&permit).await?;
        open.into_iter().find(|model| model.id == *id).ok_or_else(unknown)
    }

    async fn open(&self, permit: &Permit<ViewModels>) -> Result<Vec<OpenModel>, ChatError> {
        let plan = self.entitlements.plan(permit.actor().workspace).await?;
        let own = self.credentials.of(permit.actor().workspace).await?;
        let book = self.book.current();
        let open = book.models().iter();
        let reached = |p: Provider| self.configured.contains(&p) || own.has(p);
        let open = open.filter(|m| plan.allows(m.class) && reached(m.provider));
        let key = match permit.actor().principal {
            Principal::ApiKey { id, .. } => self.keys.find(id).await?,
            Principal::User { .. } | Principal::Visitor | Principal::System => None,
        };
        let open = open.filter(|m| key.as_ref().is_none_or(|key| key.rules.allows_model(&m.id)));
        let mut shown = Vec::new();
        for model in open {
            match self.switchboard.admit_model(&model.id, model.provider) {
                Ok(()) => shown.push(OpenModel::from(model)),
                Err(ChatError::Stopped(_)) => {}
                Err(unknown) => return Err(unknown),
            }
        }
        Ok(shown)
    }
}

impl From<&Model> for OpenModel {
    fn from(model: &Model) -> Self {
        Self {
            id: model.id.clone(),
            provider: model.provider,
            released_at: model.released_at,
            context_window: model.context_window,
            kind: model.kind,
            output_cap: model.output_cap,
        }
    }
}
