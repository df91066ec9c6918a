//! What is said, by either side. Names are read in camel case and in snake case, as the vendor reads
//! them, and written in camel case.
use serde::{Deserialize, Serialize};

use crate::{Raw, lenient, words::words};

words! {
    /// Who speaks.
    Role {
        /// Whoever uses the application, and the results of functions.
        User = "user",
        /// The model.
        Model = "model",
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Who speaks; none in an instruction of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What is said. An answer that was withheld, or spent on thinking, has none.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub parts: Vec<Part>,
}

/// One part of what is said: one of its fields is set, and perhaps what is said of thinking. A part
/// of which none is set was of a kind that is not known here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// A text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Something that is no text, here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "inline_data")]
    pub inline_data: Option<Blob>,
    /// Something that is no text, elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "file_data")]
    pub file_data: Option<FileData>,
    /// A call that the model makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "function_call")]
    pub function_call: Option<FunctionCall>,
    /// What a call came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "function_response")]
    pub function_response: Option<FunctionResponse>,
    /// Whether the model only thought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thought: Option<bool>,
    /// Proves that the thought before it is the model's, in base64; must be sent back unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "thought_signature")]
    pub thought_signature: Option<String>,
}

/// Something that is no text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blob {
    /// `image/png` and the like.
    #[serde(alias = "mime_type")]
    pub mime_type: String,
    /// The thing itself, in base64, of either alphabet.
    pub data: String,
}

/// Where something is that is no text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileData {
    /// `image/png` and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "mime_type")]
    pub mime_type: Option<String>,
    /// Its address.
    #[serde(alias = "file_uri")]
    pub file_uri: String,
}

/// A call that the model makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// What its result refers to. Many models leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The function's name.
    pub name: String,
    /// The arguments, an object; none where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Raw>,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionResponse {
    /// Which call, where it had an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The function's name.
    pub name: String,
    /// The result; it must be an object.
    pub response: Raw,
    /// What of the result is no text.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub parts: Vec<FunctionResponsePart>,
}

/// Something in a result that is no text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionResponsePart {
    /// The thing, here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "inline_data")]
    pub inline_data: Option<Blob>,
}

impl Content {
    /// What somebody says.
    #[must_use]
    pub const fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role: Some(role), parts }
    }
}

impl Part {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// Something that is no text.
    #[must_use]
    pub fn inline_data(mime_type: impl Into<String>, base64: impl Into<String>) -> Self {
        let blob = Blob { mime_type: mime_type.into(), data: base64.into() };
        Self { inline_data: Some(blob), ..Self::default() }
    }

    /// Something that is no text, elsewhere.
    #[must_use]
    pub fn file_data(file: FileData) -> Self {
        Self { file_data: Some(file), ..Self::default() }
    }

    /// What the model thought.
    #[must_use]
    pub fn thought(text: impl Into<String>) -> Self {
        Self { thought: Some(true), ..Self::text(text) }
    }

    /// The same, with what proves that it is the model's.
    #[must_use]
    pub fn signed(self, signature: Option<String>) -> Self {
        Self { thought_signature: signature, ..self }
    }

    /// A call that the model made.
    #[must_use]
    pub fn function_call(call: FunctionCall) -> Self {
        Self { function_call: Some(call), ..Self::default() }
    }

    /// What a call came to.
    #[must_use]
    pub fn function_response(response: FunctionResponse) -> Self {
        Self { function_response: Some(response), ..Self::default() }
    }
}
