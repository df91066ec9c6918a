//! Saying what models there are and what they cost, by operators.
//!
//! What comes of it for calls is the [`LiveBook`]'s: in every process within a second. A call that
//! was admitted keeps its price.
use std::{collections::BTreeSet, sync::Arc};

use cape_domain::{
    access::{Actor, ControlChange, ControlEntry, OperatePlatform, Permit, ViewPlatform},
    audit::Action,
    ids::ControlId,
    store::{Durability, Scope, StoreError, UnitOfWork},
    time::Timestamp,
    usage::{
        InvalidModel, Model, ModelDescription, ModelEntry, Price, PriceRefused, PricedVersion,
        Provider,
    },
};

use super::LiveBook;
use crate::{
    Base,
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Says what models there are and what they cost.
pub struct ModelAdmin {
    base: Base,
    trail: Trail,
    book: Arc<LiveBook>,
    configured: BTreeSet<Provider>,
}

/// A model, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedModel {
    /// The model, with all of its prices.
    pub model: Model,
    /// Whether it stands in the book that the program came with.
    pub shipped: bool,
    /// Whether an operator said what it is.
    pub described: bool,
    /// Since when it cannot be called any more.
    pub retired_at: Option<Timestamp>,
}

/// Why something was not said of a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelAdminError {
    /// There is no such model.
    #[error("there is no model `{0}`")]
    Unknown(String),
    /// Nobody of that name runs models here.
    #[error("nobody called `{0}` runs models here")]
    UnknownProvider(Provider),
    /// It cannot be what is said.
    #[error(transparent)]
    Invalid(#[from] InvalidModel),
    /// It cannot cost what is said.
    #[error(transparent)]
    Price(#[from] PriceRefused),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for ModelAdminError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::Unknown(_) | Self::UnknownProvider(_) | Self::Invalid(_) | Self::Price(_) => {
                false
            }
        }
    }
}

impl ModelAdmin {
    /// Models over this book, run by its providers or by these.
    #[must_use]
    pub fn new(
        base: Base,
        trail: Trail,
        book: Arc<LiveBook>,
        configured: BTreeSet<Provider>,
    ) -> Arc<Self> {
        Arc::new(Self { base, trail, book, configured })
    }

    /// What time it is, for what is said without one.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.base.now()
    }

    /// Every model, those that are retired among them: first those of the book, in its order.
    ///
    /// # Errors
    ///
    /// See [`ModelAdminError`].
    pub async fn list(
        &self,
        _: Permit<ViewPlatform>,
    ) -> Result<Vec<ManagedModel>, ModelAdminError> {
        let mut work = self.base.store.look(Scope::Platform).await?;
        let entries = work.model_entries().all().await?;
        let shipped = self.book.base().models();
        let said = |id: &str| entries.iter().find(|entry| entry.id == id);
        let of_book = shipped.iter().filter_map(|model| self.managed(&model.id, said(&model.id)));
        let own = entries.iter().filter(|entry| shipped.iter().all(|model| model.id != entry.id));
        Ok(of_book.chain(own.filter_map(|entry| self.managed(&entry.id, Some(entry)))).collect())
    }

    /// Says what a model is: a new one, or one that is there already, which may have been retired.
    /// Its prices stay what they are; one without any cannot be called yet.
    ///
    /// # Errors
    ///
    /// See [`ModelAdminError`].
    pub async fn describe(
        &self,
        permit: Permit<OperatePlatform>,
        id: &str,
        description: ModelDescription,
    ) -> Result<ManagedModel, ModelAdminError> {
        description.check(id)?;
        let shipped = self.book.base().models().iter().map(|model| model.provider);
        let known: BTreeSet<_> = shipped.chain(self.configured.iter().copied()).collect();
        if !known.contains(&description.provider) {
            return Err(ModelAdminError::UnknownProvider(description.provider));
        }
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let mut entries = self.entries(&mut *work).await?;
            let mut entry = take(&mut entries, id);
            let before = entry.over(self.shipped(id));
            (entry.description, entry.retired_at) = (Some(description.clone()), None);
            entries.push(entry.clone());
            self.book.base().overlaid(&entries).map_err(InvalidModel::from)?;
            work.model_entries().put(&entry).await?;
            let after = self.model(id, &entry)?;
            let (was, is) = (before.as_ref().map(told), told(&after));
            let before = was.as_ref().map(|was| [("model", was.as_str())]);
            let fact = Fact {
                action: Action::ModelDescribed,
                subject: id.to_owned(),
                before: before.as_ref().map_or(&[], |was| was.as_slice()),
                after: &[("model", &is)],
            };
            self.tell(&mut *work, permit.actor(), fact).await?;
            work.commit().await?;
            self.managed(id, Some(&entry)).ok_or_else(|| unknown(id))
        })
    }

    /// Says what a model costs from an instant on, which is not in the past; without one, from now
    /// on.
    ///
    /// # Errors
    ///
    /// See [`ModelAdminError`].
    pub async fn set_price(
        &self,
        permit: Permit<OperatePlatform>,
        id: &str,
        version: &str,
        effective_at: Option<Timestamp>,
        price: Price,
    ) -> Result<ManagedModel, ModelAdminError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let mut entries = self.entries(&mut *work).await?;
            let mut entry = take(&mut entries, id);
            let model = self.model(id, &entry)?;
            let now = self.base.now();
            let effective_at = effective_at.unwrap_or(now);
            let new = PricedVersion { version: version.to_owned(), effective_at, price };
            model.check_price(&new, now)?;
            // A model of the book has to have an entry that its price belongs to.
            work.model_entries().put(&entry).await?;
            work.model_entries().add_price(id, &new).await?;
            entry.prices.push(new.clone());
            entries.push(entry.clone());
            self.book.base().overlaid(&entries).map_err(InvalidModel::from)?;
            let (since, told) = (new.effective_at.to_rfc3339(), costs(&new.price));
            let fact = Fact {
                action: Action::ModelPriced,
                subject: id.to_owned(),
                before: &[],
                after: &[("version", version), ("effective_at", &since), ("price", &told)],
            };
            self.tell(&mut *work, permit.actor(), fact).await?;
            work.commit().await?;
            self.managed(id, Some(&entry)).ok_or_else(|| unknown(id))
        })
    }

    /// Takes a model out of what can be called. Its calls and their receipts stay.
    ///
    /// # Errors
    ///
    /// See [`ModelAdminError`]; one that is retired already is unknown.
    pub async fn retire(
        &self,
        permit: Permit<OperatePlatform>,
        id: &str,
    ) -> Result<(), ModelAdminError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let mut entries = self.entries(&mut *work).await?;
            let mut entry = take(&mut entries, id);
            let model = self.model(id, &entry)?;
            if entry.retired_at.is_some() {
                return Err(unknown(id));
            }
            entry.retired_at = Some(self.base.now());
            entries.push(entry.clone());
            self.book.base().overlaid(&entries).map_err(InvalidModel::from)?;
            work.model_entries().put(&entry).await?;
            let told = told(&model);
            let fact = Fact {
                action: Action::ModelRetired,
                subject: id.to_owned(),
                before: &[("model", &told)],
                after: &[],
            };
            self.tell(&mut *work, permit.actor(), fact).await?;
            Ok(work.commit().await?)
        })
    }

    /// What is said so far. Nobody else changes it until the unit of work is over.
    async fn entries(&self, work: &mut dyn UnitOfWork) -> Result<Vec<ModelEntry>, StoreError> {
        work.model_entries().take_turn().await?;
        work.model_entries().all().await
    }

    fn shipped(&self, id: &str) -> Option<&Model> {
        self.book.base().models().iter().find(|model| model.id == id)
    }

    fn model(&self, id: &str, entry: &ModelEntry) -> Result<Model, ModelAdminError> {
        entry.over(self.shipped(id)).ok_or_else(|| unknown(id))
    }

    fn managed(&self, id: &str, entry: Option<&ModelEntry>) -> Option<ManagedModel> {
        let shipped = self.shipped(id);
        let model = match entry {
            Some(entry) => entry.over(shipped)?,
            None => shipped?.clone(),
        };
        Some(ManagedModel {
            model,
            shipped: shipped.is_some(),
            described: entry.is_some_and(|entry| entry.description.is_some()),
            retired_at: entry.and_then(|entry| entry.retired_at),
        })
    }

    /// Enters it in the trail, and has every process load what is said.
    async fn tell(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        fact: Fact<'_>,
    ) -> Result<(), StoreError> {
        let (id, change) = (ControlId::next(&*self.base.ids), ControlChange::CatalogueChanged);
        work.control().publish(&ControlEntry { id, at: self.base.now(), change }).await?;
        self.trail.enter(work, actor, None, fact).await
    }
}

fn unknown(id: &str) -> ModelAdminError {
    ModelAdminError::Unknown(id.to_owned())
}

/// What is said of this model, out of all; nothing, if nothing is.
fn take(entries: &mut Vec<ModelEntry>, id: &str) -> ModelEntry {
    match entries.iter().position(|entry| entry.id == id) {
        Some(place) => entries.remove(place),
        None => ModelEntry::of(id.to_owned()),
    }
}

/// A model in a line, for the trail.
fn told(model: &Model) -> String {
    format!(
        "{} {} of {} as {}, up to {} and {} tokens",
        model.class.name(),
        model.kind.name(),
        model.provider,
        model.upstream,
        model.context_window,
        model.output_cap,
    )
}

/// A price in a line, for the trail: million-millionths of a dollar for a token that is read, read
/// from the cache, written to it, or comes out, and for a request.
fn costs(price: &Price) -> String {
    let tokens = |prices: &cape_domain::usage::TokenPrices| {
        format!(
            "{}/{}/{}/{}/{}",
            prices.input, prices.cached_input, prices.cache_write, prices.output, prices.request,
        )
    };
    match price {
        Price::Free => "free".to_owned(),
        Price::Unknown => "unknown".to_owned(),
        Price::Tokens(prices) => tokens(prices),
        Price::ByContext { up_to, usual, long } => {
            format!("{} up to {up_to}, then {}", tokens(usual), tokens(long))
        }
    }
}
