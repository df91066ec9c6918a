//! What a model may call, and must call. A function stands flat here.
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _},
};

use super::super::tool::ToolMode;
use crate::{
    Raw, Unknown,
    tagged::{read_by_type, reason},
    unknown::beside_type,
};

/// Something a model may call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Tool {
    /// A function of the caller's.
    Function(Function),
    /// A tool that is not known here.
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(Tool { "function" => Function, });

/// A function of the caller's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// When and how to call it.
    #[serde(default)]
    pub description: Option<String>,
    /// The JSON schema of its arguments; none where it takes none.
    #[serde(default)]
    pub parameters: Option<Raw>,
    /// Whether arguments must follow the schema to the letter.
    #[serde(default)]
    pub strict: Option<bool>,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

/// Whether and what a model must call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// Anything or nothing.
    Mode(ToolMode),
    /// The function of this name.
    Function(String),
    /// A choice that is not known here.
    Other(Raw),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename = "function")]
struct NamedChoice {
    name: String,
}

impl Serialize for ToolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Mode(mode) => mode.serialize(serializer),
            Self::Function(name) => NamedChoice { name: name.clone() }.serialize(serializer),
            Self::Other(raw) => raw.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ToolChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        fn read<T: DeserializeOwned, E: serde::de::Error>(raw: &Raw) -> Result<T, E> {
            raw.read().map_err(|error| E::custom(reason(&error)))
        }
        #[derive(Deserialize)]
        struct Kind {
            r#type: String,
        }
        let raw = Raw::deserialize(deserializer)?;
        if raw.as_str().starts_with('"') {
            return read(&raw).map(Self::Mode);
        }
        if !raw.is_object() {
            return Err(D::Error::custom("invalid type: expected a string or an object"));
        }
        if read::<Kind, D::Error>(&raw)?.r#type != "function" {
            return Ok(Self::Other(raw));
        }
        let NamedChoice { name } = read(&raw)?;
        Ok(Self::Function(name))
    }
}
