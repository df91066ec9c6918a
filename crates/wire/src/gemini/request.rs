//! A request for content. What the values may be is not decided here. Names are read in camel case
//! and in snake case, as the vendor reads them, and written in camel case.
use serde::{Deserialize, Serialize};

use super::{content::Content, number};
use crate::{Raw, lenient, words::words};

/// The body of `POST /v1beta/models/{model}:generateContent`, and of `:streamGenerateContent`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerateContentRequest {
    /// The model once more, `models/…`; it is in the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The conversation so far, oldest first.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub contents: Vec<Content>,
    /// What the application says; it is not among the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "system_instruction")]
    pub system_instruction: Option<Content>,
    /// What the model may call.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tools: Vec<Tool>,
    /// Whether and what it must call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "tool_config")]
    pub tool_config: Option<ToolConfig>,
    /// How the answer is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "generation_config")]
    pub generation_config: Option<GenerationConfig>,
    /// What is to be withheld.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[serde(alias = "safety_settings")]
    pub safety_settings: Vec<SafetySetting>,
}

/// What the model may call: all functions stand in one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// The functions.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[serde(alias = "function_declarations")]
    pub function_declarations: Vec<FunctionDeclaration>,
}

/// A function that the model may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionDeclaration {
    /// Its name.
    pub name: String,
    /// When and how to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The schema of its arguments in the provider's own dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Raw>,
    /// The JSON schema of its arguments; not together with `parameters`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "parameters_json_schema")]
    pub parameters_json_schema: Option<Raw>,
}

/// Whether and what the model must call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolConfig {
    /// The functions among it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "function_calling_config")]
    pub function_calling_config: Option<FunctionCallingConfig>,
}

/// Whether and which function the model must call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionCallingConfig {
    /// Whether it must; as it likes, where that is left out.
    #[serde(default)]
    pub mode: CallingMode,
    /// Which; all where there are none. Only with `ANY`.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[serde(alias = "allowed_function_names")]
    pub allowed_function_names: Vec<String>,
}

words! {
    /// Whether a model must call a function.
    CallingMode {
        /// As it likes.
        Auto = "AUTO",
        /// It must.
        Any = "ANY",
        /// It must not.
        None = "NONE",
        /// As it likes, but by the schema.
        Validated = "VALIDATED",
    }
}

#[expect(clippy::derivable_impls, reason = "what the words are made with derives no default")]
impl Default for CallingMode {
    fn default() -> Self {
        Self::Auto
    }
}

/// How an answer is to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationConfig {
    /// The most tokens to produce, thinking included.
    #[serde(default, deserialize_with = "number::whole", skip_serializing_if = "Option::is_none")]
    #[serde(alias = "max_output_tokens")]
    pub max_output_tokens: Option<u64>,
    /// Randomness, from 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The share of probability that is sampled from, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "top_p")]
    pub top_p: Option<f64>,
    /// How many of the likeliest tokens are sampled from.
    #[serde(default, deserialize_with = "number::whole", skip_serializing_if = "Option::is_none")]
    #[serde(alias = "top_k")]
    pub top_k: Option<u64>,
    /// Where to stop.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[serde(alias = "stop_sequences")]
    pub stop_sequences: Vec<String>,
    /// How many answers to produce.
    #[serde(default, deserialize_with = "number::whole", skip_serializing_if = "Option::is_none")]
    #[serde(alias = "candidate_count")]
    pub candidate_count: Option<u64>,
    /// `text/plain` or `application/json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "response_mime_type")]
    pub response_mime_type: Option<String>,
    /// The schema of the answer in the provider's own dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "response_schema")]
    pub response_schema: Option<Raw>,
    /// The JSON schema of the answer; not together with `response_schema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "response_json_schema")]
    pub response_json_schema: Option<Raw>,
    /// Asks for the same answer to the same request. The provider takes 32 bits.
    #[serde(default, deserialize_with = "number::whole", skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Discourages what was already spoken of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "presence_penalty")]
    pub presence_penalty: Option<f64>,
    /// Discourages repetition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "frequency_penalty")]
    pub frequency_penalty: Option<f64>,
    /// How much to think first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "thinking_config")]
    pub thinking_config: Option<ThinkingConfig>,
    /// Whether to tell how likely each token of the answer was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "response_logprobs")]
    pub response_logprobs: Option<bool>,
    /// Of how many of the likeliest tokens to tell at each place.
    #[serde(default, deserialize_with = "number::whole", skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<u64>,
    /// How closely to look at images: `MEDIA_RESOLUTION_LOW`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "media_resolution")]
    pub media_resolution: Option<String>,
    /// What the answer may consist of: `TEXT`, ...
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[serde(alias = "response_modalities")]
    pub response_modalities: Vec<String>,
}

/// How much to think first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThinkingConfig {
    /// Whether to show the thoughts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "include_thoughts")]
    pub include_thoughts: Option<bool>,
    /// In tokens: 0 is not at all, -1 as the model likes.
    #[serde(default, deserialize_with = "number::whole", skip_serializing_if = "Option::is_none")]
    #[serde(alias = "thinking_budget")]
    pub thinking_budget: Option<i64>,
    /// In words, for newer models: `low`, `high`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "thinking_level")]
    pub thinking_level: Option<String>,
}

/// What is to be withheld.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafetySetting {
    /// Of what kind: `HARM_CATEGORY_HARASSMENT`, ...
    pub category: String,
    /// From how likely a harm: `BLOCK_ONLY_HIGH`, ...
    pub threshold: String,
}

impl GenerateContentRequest {
    /// A request that leaves everything to the provider but the contents.
    #[must_use]
    pub fn new(contents: Vec<Content>) -> Self {
        Self { contents, ..Self::default() }
    }
}
