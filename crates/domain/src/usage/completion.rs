//! What a model answers, in nobody's format: whole and in pieces.
use crate::{
    json::RawJson,
    usage::{Thought, TokenCounts, ToolCall},
};

/// Answers that came in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatCompletion {
    /// The answers, as many as were wanted, each at its own place.
    pub choices: Vec<Choice>,
    /// What the provider says was used, by all of them. Missing is not zero.
    pub usage: Option<TokenCounts>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the model thought, as far as it is shown.
    pub thoughts: Vec<Thought>,
    /// The text.
    pub text: String,
    /// Functions it asks for.
    pub tool_calls: Vec<ToolCall>,
    /// How likely its tokens were, as `OpenAI` describes it.
    pub log_probs: Option<RawJson>,
    /// Why it ended.
    pub finish: FinishReason,
}

impl Choice {
    /// How many bytes the model produced.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let thoughts = self.thoughts.iter().map(Thought::bytes).sum::<usize>();
        let calls = self.tool_calls.iter().map(|call| call.name.len() + call.arguments.len());
        thoughts + self.text.len() + calls.sum::<usize>()
    }
}

/// What comes of answers in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatEvent {
    /// More of one of the answers.
    Piece {
        /// Which one, counted from 0.
        choice: u32,
        /// What.
        piece: Piece,
    },
    /// What the provider says was used so far; a later one replaces an earlier one.
    Usage(TokenCounts),
}

/// A piece of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// More of a thought.
    Thought(ThoughtPart),
    /// More text.
    Text(String),
    /// More of a function it asks for.
    ToolCall(ToolCallPart),
    /// How likely the tokens of the piece before were, as `OpenAI` describes it.
    LogProbs(RawJson),
    /// It ended.
    Finished(FinishReason),
}

impl Piece {
    /// How many bytes the model produced.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Thought(part) => part.thought.bytes(),
            Self::Text(text) => text.len(),
            Self::ToolCall(part) => {
                part.arguments.len() + part.name.as_ref().map_or(0, String::len)
            }
            Self::LogProbs(_) | Self::Finished(_) => 0,
        }
    }

    /// The piece, as one of the first answer.
    #[must_use]
    pub const fn of_first(self) -> ChatEvent {
        ChatEvent::Piece { choice: 0, piece: self }
    }
}

/// A piece of a thought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThoughtPart {
    /// Which of the thoughts, counted from 0.
    pub index: u32,
    /// More of its text, or its signature, or all of a sealed one.
    pub thought: Thought,
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
