//! A conversation with a model, in nobody's format.
//!
//! Callers' and providers' formats are translated to and from this. What a format cannot
//! express is *not* dropped here: whoever translates refuses it by name.
use crate::{json::RawJson, usage::TokenCounts};

/// What a model is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// What the provider calls the model.
    pub model: String,
    /// The conversation so far, the oldest message first.
    pub messages: Vec<Message>,
    /// The most tokens that may come out.
    pub max_output_tokens: u64,
    /// How to choose among likely continuations.
    pub sampling: Sampling,
    /// Texts at which to stop.
    pub stop: Vec<String>,
    /// Functions the model may ask for.
    pub tools: Vec<Tool>,
    /// Whether it has to.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may ask for several at once.
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer, as `OpenAI` describes it.
    pub response_format: Option<RawJson>,
    /// How hard to think, as `OpenAI` names it.
    pub reasoning_effort: Option<String>,
    /// Who asks, for the provider's own watch on abuse.
    pub end_user: Option<String>,
}

/// How to choose among likely continuations.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// -2 to 2.
    pub presence_penalty: Option<f64>,
    /// -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// For the same choice twice.
    pub seed: Option<i64>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// What the model is told to be.
    System {
        /// The text.
        text: String,
    },
    /// What the person says.
    User {
        /// The text.
        text: String,
        /// The person's name.
        name: Option<String>,
    },
    /// What the model said.
    Assistant {
        /// The text; may be empty when it asked for functions.
        text: String,
        /// The functions it asked for.
        tool_calls: Vec<ToolCall>,
    },
    /// What a function answered.
    Tool {
        /// The id of the call that is answered.
        call: String,
        /// The answer.
        text: String,
    },
}

impl Message {
    /// How many bytes of the conversation the provider reads for it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::System { text } => text.len(),
            Self::User { text, name } => text.len() + name.as_ref().map_or(0, String::len),
            Self::Assistant { text, tool_calls } => {
                let call = |c: &ToolCall| c.id.len() + c.name.len() + c.arguments.len();
                text.len() + tool_calls.iter().map(call).sum::<usize>()
            }
            Self::Tool { call, text } => call.len() + text.len(),
        }
    }
}

/// A function the model may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    pub parameters: Option<RawJson>,
    /// Whether arguments must follow the schema to the letter.
    pub strict: Option<bool>,
}

impl Tool {
    /// How many bytes of it the provider reads.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.name.len()
            + self.description.as_ref().map_or(0, String::len)
            + self.parameters.as_ref().map_or(0, |schema| schema.as_str().len())
    }
}

/// Whether the model has to ask for a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// It may.
    Auto,
    /// It must not.
    Never,
    /// It has to, for any.
    Required,
    /// It has to, for this one.
    Function(String),
}

/// A function the model asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// What the answer refers to it by.
    pub id: String,
    /// The function.
    pub name: String,
    /// Its arguments: JSON, if the model kept to it.
    pub arguments: String,
}

/// An answer that came in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatCompletion {
    /// The text.
    pub text: String,
    /// Functions it asks for.
    pub tool_calls: Vec<ToolCall>,
    /// Why it ended.
    pub finish: FinishReason,
    /// What the provider says was used. Missing is not zero.
    pub usage: Option<TokenCounts>,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatEvent {
    /// More text.
    Text(String),
    /// More of a function it asks for.
    ToolCall(ToolCallPart),
    /// It ended.
    Finished(FinishReason),
    /// What the provider says was used so far; a later one replaces an earlier one.
    Usage(TokenCounts),
}

/// A piece of a function the model asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCallPart {
    /// Which of the functions, counted from 0.
    pub index: u32,
    /// Its id, with the first piece.
    pub id: Option<String>,
    /// The function, with the first piece.
    pub name: Option<String>,
    /// More of the arguments.
    pub arguments: String,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// It was complete, or met a stop text.
    Stop,
    /// It became too long.
    Length,
    /// It asks for functions.
    ToolCalls,
    /// The provider held it back.
    ContentFilter,
    /// Something else, in the provider's word.
    Other(String),
}
