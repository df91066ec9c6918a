//! An answer in chunks: the `data` of server-sent events. Their framing is not done here.
use serde::{Deserialize, Serialize};

use super::{
    error::ErrorBody,
    message::Role,
    response::{FinishReason, Usage},
};
use crate::{Field, Raw, lenient, words::constant};

constant! {
    /// What a chunk calls itself.
    ChunkObject = "chat.completion.chunk"
}

constant! {
    /// What a called function calls itself.
    FunctionKind = "function"
}

/// One chunk of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatChunk {
    /// The answer's own id, the same in every chunk.
    #[serde(default)]
    pub id: String,
    /// `chat.completion.chunk`.
    #[serde(default)]
    pub object: ChunkObject,
    /// When the answer was begun, in seconds since 1970; the same in every chunk.
    #[serde(default, deserialize_with = "lenient::count_or_zero")]
    pub created: u64,
    /// The model that answers.
    #[serde(default)]
    pub model: String,
    /// The class of service it really has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// The provider's configuration; written as `null` where there is none.
    #[serde(default)]
    pub system_fingerprint: Option<String>,
    /// What is added to each answer; empty in the chunk that tells the usage.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub choices: Vec<ChunkChoice>,
    /// What the answer took: absent unless asked for, then `null` in every chunk but the last.
    #[serde(
        default,
        deserialize_with = "lenient::counters_or_null",
        skip_serializing_if = "Field::is_absent"
    )]
    pub usage: Field<Usage>,
}

/// What is added to one answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkChoice {
    /// Which answer, from zero.
    #[serde(default)]
    pub index: u64,
    /// What is added.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub delta: Delta,
    /// The probabilities of tokens; `null` unless asked for.
    #[serde(default)]
    pub logprobs: Option<Raw>,
    /// Why it ended; `null` until it has.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// What is added. The first has the role, the last has nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// The assistant, in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Text.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub content: Field<String>,
    /// Pieces of calls.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tool_calls: Vec<ToolCallDelta>,
    /// Text instead of an answer; `null` in the first.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub refusal: Field<String>,
    /// What was thought before. `OpenAI` keeps that to itself; `DeepSeek`, vLLM and others do not.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The same, as Groq, Ollama and `OpenRouter` call it.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
}

/// A piece of a call. The first has id and name, those that follow have arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCallDelta {
    /// Which call, from zero.
    #[serde(default)]
    pub index: u64,
    /// What its result refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `function`, where the id is.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FunctionKind>,
    /// What is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionDelta>,
}

/// A piece of what is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionDelta {
    /// The whole name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// More of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

/// What one event of a stream can hold.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamData {
    /// A chunk.
    Chunk(ChatChunk),
    /// The provider gave up in the middle.
    Error(ErrorBody),
    /// The stream is complete.
    Done,
}

impl StreamData {
    /// What stands in the event that ends a stream.
    pub const DONE: &str = "[DONE]";

    /// Reads the `data` of one event.
    ///
    /// # Errors
    ///
    /// When it is neither the end, nor an error, nor a chunk.
    pub fn read(data: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Failure {
            #[serde(default)]
            error: Option<Raw>,
        }
        let data = data.trim();
        if data == Self::DONE {
            return Ok(Self::Done);
        }
        match serde_json::from_str::<Failure>(data)?.error {
            Some(_) => serde_json::from_str(data).map(Self::Error),
            None => serde_json::from_str(data).map(Self::Chunk),
        }
    }
}

impl Delta {
    /// What opens a text: the role and an empty text.
    #[must_use]
    pub fn opening_text() -> Self {
        let (content, refusal) = (Field::Value(String::new()), Field::Null);
        Self { role: Some(Role::Assistant), content, refusal, ..Self::default() }
    }

    /// What opens calls that are not preceded by a text.
    #[must_use]
    pub fn opening_calls(tool_calls: Vec<ToolCallDelta>) -> Self {
        let (content, refusal) = (Field::Null, Field::Null);
        Self { role: Some(Role::Assistant), content, refusal, tool_calls, ..Self::default() }
    }

    /// More text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: Field::Value(text.into()), ..Self::default() }
    }

    /// More of a thought.
    #[must_use]
    pub fn thought(text: impl Into<String>) -> Self {
        Self { reasoning_content: Some(text.into()), ..Self::default() }
    }
}

impl ToolCallDelta {
    /// What opens a call: its id and name, and arguments yet empty.
    #[must_use]
    pub fn opening(index: u64, id: impl Into<String>, name: impl Into<String>) -> Self {
        let function = FunctionDelta { name: Some(name.into()), arguments: Some(String::new()) };
        Self { index, id: Some(id.into()), kind: Some(FunctionKind), function: Some(function) }
    }

    /// More of its arguments.
    #[must_use]
    pub fn arguments(index: u64, arguments: impl Into<String>) -> Self {
        let function = FunctionDelta { name: None, arguments: Some(arguments.into()) };
        Self { index, id: None, kind: None, function: Some(function) }
    }
}
