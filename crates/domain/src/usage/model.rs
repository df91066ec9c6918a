//! The models we know.
use std::{fmt, str::FromStr};

use crate::{time::Timestamp, usage::PricedVersion};

/// Who runs a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// `OpenAI`.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Google's Gemini.
    Gemini,
}

/// A name that is no provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a provider of models")]
pub struct UnknownProvider(String);

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<Self, UnknownProvider> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.name() == name)
            .ok_or_else(|| UnknownProvider(name.to_owned()))
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

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
    /// The most tokens that go in and come out together.
    pub context_window: u64,
    /// The most tokens that come out.
    pub output_cap: u64,
    /// When it was released, for listings.
    pub released_at: Timestamp,
    /// What it costs and cost, the oldest first. Never empty.
    pub prices: Vec<PricedVersion>,
}

impl Model {
    /// The price at `now`. Before the first one it is unknown.
    #[must_use]
    pub fn price_at(&self, now: Timestamp) -> Option<&PricedVersion> {
        self.prices.iter().rev().find(|version| version.effective_at <= now)
    }
}
