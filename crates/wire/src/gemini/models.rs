//! Which models there are.
use serde::{Deserialize, Serialize};

use crate::lenient;

/// A page of models.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelList {
    /// The models.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub models: Vec<Model>,
    /// What asks for the next page; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// A model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// `models/…`
    pub name: String,
    /// Its name for humans.
    pub display_name: String,
    /// The most tokens that go in.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub input_token_limit: Option<u64>,
    /// The most tokens that come out.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub output_token_limit: Option<u64>,
    /// What can be asked of it: `generateContent`, ...
    pub supported_generation_methods: Vec<String>,
}
