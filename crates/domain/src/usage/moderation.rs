//! Judging texts and images by what they must not be. What is done about a judgement is the caller's
//! affair: nothing is withheld here.
use async_trait::async_trait;

use crate::usage::{ModelProviderError, Part, UnsupportedParameter};

/// What is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModerationRequest {
    /// The model, as its provider names it, or as the caller did.
    pub model: String,
    /// What to judge, each by itself. Never empty.
    pub inputs: Vec<ModerationInput>,
}

/// What is judged together. Never empty.
pub type ModerationInput = Vec<Part>;

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Moderations {
    /// A judgement of each input, in their order.
    pub judgements: Vec<Judgement>,
}

/// The judgement of one input.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Whether it belongs to any of the categories.
    pub flagged: bool,
    /// Every category that was looked for, in the order of their names.
    pub categories: Vec<Category>,
}

/// What was looked for in an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Category {
    /// The provider's name of it, such as `self-harm/intent`.
    pub name: String,
    /// Whether the input belongs to it. None, where the model does not look for it.
    pub flagged: Option<bool>,
    /// How sure that is, from 0 to 1. None, where it was not told.
    pub score: Option<f64>,
    /// What of the input was looked at for it, such as `text`. None, where it was not told.
    pub input_types: Option<Vec<String>>,
}

/// Asks one provider for judgements, in its own format.
#[async_trait]
pub trait ModerationProvider: Send + Sync {
    /// Checks that the provider's format can say all that is asked.
    ///
    /// # Errors
    ///
    /// [`UnsupportedParameter`] names what it cannot.
    fn check(&self, request: &ModerationRequest) -> Result<(), UnsupportedParameter>;

    /// Asks for a judgement of each input.
    ///
    /// # Errors
    ///
    /// See [`ModelProviderError`]. There is no answer to some of the inputs alone.
    async fn moderate(
        &self,
        request: &ModerationRequest,
    ) -> Result<Moderations, ModelProviderError>;
}
