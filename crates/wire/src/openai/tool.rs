//! What a model may call, must call, and calls.
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _},
};

use crate::{
    Raw, Unknown,
    tagged::{read_by_type, reason},
    unknown::beside_type,
    words::words,
};

/// Something a model may call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Tool {
    /// A function of the caller's.
    Function(FunctionTool),
    /// A tool that is not known here.
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(Tool { "function" => Function, });

/// A function among tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionTool {
    /// What it is.
    pub function: FunctionDefinition,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

/// A function that a model may call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionDefinition {
    /// Its name.
    pub name: String,
    /// When and how to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema of its arguments; none where it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Raw>,
    /// Whether arguments must follow the schema to the letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Fields that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

words! {
    /// Whether a model must call something.
    ToolMode {
        /// It must not.
        None = "none",
        /// As it likes.
        Auto = "auto",
        /// It must.
        Required = "required",
    }
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
    function: Named,
}

#[derive(Serialize, Deserialize)]
struct Named {
    name: String,
}

impl Serialize for ToolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Mode(mode) => mode.serialize(serializer),
            Self::Function(name) => {
                let function = Named { name: name.clone() };
                NamedChoice { function }.serialize(serializer)
            }
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
        let NamedChoice { function } = read(&raw)?;
        Ok(Self::Function(function.name))
    }
}

/// Something a model calls. Where its `type` is left out it is a function.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToolCall {
    /// A function of the caller's.
    Function(FunctionToolCall),
    /// A call that is not known here.
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(ToolCall or "function" { "function" => Function, });

/// A function that is called, and under which id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionToolCall {
    /// What its result refers to.
    pub id: String,
    /// What is called.
    pub function: FunctionCall,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

/// A function that is called, and with what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// Its name.
    pub name: String,
    /// The arguments as the model wrote them: JSON mostly, but nobody promises it.
    pub arguments: String,
    /// Fields that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Tool {
    /// A function.
    #[must_use]
    pub fn function(function: FunctionDefinition) -> Self {
        Self::Function(FunctionTool { function, unknown: Unknown::new() })
    }
}

impl ToolCall {
    /// A function that is called under that id, with arguments in JSON.
    #[must_use]
    pub fn function(
        id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Into<String>,
    ) -> Self {
        let unknown = Unknown::new();
        let function = FunctionCall { name: name.into(), arguments: arguments.into(), unknown };
        Self::Function(FunctionToolCall { id: id.into(), function, unknown: Unknown::new() })
    }
}
