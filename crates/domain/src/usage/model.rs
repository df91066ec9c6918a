//! The models we know.
use std::str::FromStr;

use crate::{
    time::Timestamp,
    usage::{Price, PricedVersion, Provider},
};

/// How large a model is: what it costs, and which plans reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelClass {
    /// Fast and cheap.
    Small,
    /// The everyday class.
    Medium,
    /// The best there is.
    Large,
}

/// A name that is no class of models.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a class of models")]
pub struct UnknownModelClass(String);

impl ModelClass {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

impl FromStr for ModelClass {
    type Err = UnknownModelClass;

    fn from_str(name: &str) -> Result<Self, UnknownModelClass> {
        Self::ALL
            .into_iter()
            .find(|class| class.name() == name)
            .ok_or_else(|| UnknownModelClass(name.to_owned()))
    }
}

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// It answers.
    Chat,
    /// It turns texts into vectors.
    Embedding {
        /// How many numbers each has, and the most that can be asked for.
        dimensions: u32,
    },
    /// It judges texts and images.
    Moderation,
}

impl ModelKind {
    /// The stable name, as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding { .. } => "embedding",
            Self::Moderation => "moderation",
        }
    }
}

/// A model that can be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// What callers call it.
    pub id: String,
    /// Other names for it.
    pub aliases: Vec<String>,
    /// Who runs it.
    pub provider: Provider,
    /// What its provider calls it.
    pub upstream: String,
    /// How large it is.
    pub class: ModelClass,
    /// What it does.
    pub kind: ModelKind,
    /// The most tokens that go in and come out together; of one input, where none come out.
    pub context_window: u64,
    /// The most tokens that come out. None do of models that do not answer.
    pub output_cap: u64,
    /// The most tokens that one image becomes. None, for a model that takes no images.
    pub image_tokens: Option<u64>,
    /// Whether it can ask for functions.
    pub tools: bool,
    /// When it was released, for listings.
    pub released_at: Timestamp,
    /// What it costs and cost, the oldest first. Never empty.
    pub prices: Vec<PricedVersion>,
}

impl Model {
    /// The price at `now`. Before the first one it is not known, nor while one holds that says so.
    #[must_use]
    pub fn price_at(&self, now: Timestamp) -> Option<&PricedVersion> {
        let current = self.prices.iter().rev().find(|version| version.effective_at <= now);
        current.filter(|version| version.price != Price::Unknown)
    }
}
