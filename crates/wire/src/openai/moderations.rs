//! Moderations: texts and images go in, and what is wrong with them comes out.
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{
    invalid::{InvalidRequest, Shape, in_judged},
    message::ContentPart,
    request::Paths,
};
use crate::{Raw, TextOr, Unknown, tagged::reason};

/// The body of `POST /v1/moderations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModerationRequest {
    /// The model that is asked; the usual one, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What to judge.
    pub input: ModerationInput,
    /// Parameters that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What is to be judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ModerationInput {
    /// One text.
    Text(String),
    /// Several, each by itself. An empty list is one of texts.
    Texts(Vec<String>),
    /// The parts of one input, together.
    Parts(Vec<ContentPart>),
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModerationResponse {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// The model that was asked.
    #[serde(default)]
    pub model: String,
    /// A judgement of each input.
    pub results: Vec<ModerationResult>,
}

/// The judgement of one input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModerationResult {
    /// Whether it belongs to any of the categories.
    pub flagged: bool,
    /// Whether it belongs to each of them. Null, where the model does not look for it.
    #[serde(default)]
    pub categories: BTreeMap<String, Option<bool>>,
    /// How sure that is, from 0 to 1.
    #[serde(default)]
    pub category_scores: BTreeMap<String, Option<f64>>,
    /// What was looked at for it: `text`, `image`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub category_applied_input_types: BTreeMap<String, Vec<String>>,
}

impl ModerationRequest {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] when it is no JSON, or not of a request's shape.
    pub fn read(body: &[u8]) -> Result<Self, InvalidRequest> {
        let shape = Shape { required: &["input"], smallest: r#""input":"""#, look_into: in_judged };
        serde_json::from_slice(body)
            .map_err(|error| InvalidRequest::find::<Self>(body, &error, &shape))
    }

    /// Where fields stand that are not known here. Those that are null or empty ask for nothing.
    #[must_use]
    pub fn unknown_paths(&self) -> Vec<String> {
        let mut paths = Paths::default();
        paths.add("", &self.unknown);
        if let ModerationInput::Parts(parts) = &self.input {
            for (at, part) in parts.iter().enumerate() {
                paths.add_part(&format!("input[{at}]."), part);
            }
        }
        paths.into_vec()
    }
}

/// The first element says what all of them are.
impl<'de> Deserialize<'de> for ModerationInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items: Vec<Raw> = match TextOr::deserialize(deserializer)? {
            TextOr::Text(text) => return Ok(Self::Text(text)),
            TextOr::Parts(items) => items,
        };
        let read = if items.first().is_none_or(|first| first.as_str().starts_with('"')) {
            items.iter().map(Raw::read).collect::<Result<_, _>>().map(Self::Texts)
        } else {
            items.iter().map(Raw::read).collect::<Result<_, _>>().map(Self::Parts)
        };
        read.map_err(|error| D::Error::custom(reason(&error)))
    }
}
