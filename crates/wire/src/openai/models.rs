//! The list of models. Which of them somebody may call is not decided here.
use serde::{Deserialize, Serialize};

use crate::{lenient, words::constant};

constant! {
    /// What a list calls itself.
    ListObject = "list"
}

constant! {
    /// What a model calls itself.
    ModelObject = "model"
}

/// The body of `GET /v1/models`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelList {
    /// `list`.
    #[serde(default)]
    pub object: ListObject,
    /// The models.
    pub data: Vec<Model>,
}

/// One model; also the body of `GET /v1/models/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name, as requests give it.
    pub id: String,
    /// `model`.
    #[serde(default)]
    pub object: ModelObject,
    /// When it was made, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::count_or_zero")]
    pub created: u64,
    /// Whose it is.
    #[serde(default)]
    pub owned_by: String,
}

impl ModelList {
    /// A list of these.
    #[must_use]
    pub const fn new(data: Vec<Model>) -> Self {
        Self { object: ListObject, data }
    }
}

impl Model {
    /// A model of that name, made at that time (seconds since 1970).
    #[must_use]
    pub fn new(id: impl Into<String>, created: u64, owned_by: impl Into<String>) -> Self {
        Self { id: id.into(), object: ModelObject, created, owned_by: owned_by.into() }
    }
}
