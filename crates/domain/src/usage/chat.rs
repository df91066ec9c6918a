//! A conversation with a model, in nobody's format.
//!
//! Callers' and providers' formats are translated to and from this. What a format cannot
//! express is *not* dropped here: whoever translates refuses it by name.
use crate::json::RawJson;

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
    /// How to think before answering.
    pub reasoning: Reasoning,
    /// How many answers are wanted, each of at most `max_output_tokens`. 1 or more.
    pub choices: u32,
    /// Whether, and how, to tell how likely each token of the answer was.
    pub log_probs: Option<LogProbs>,
    /// How wordy the answer shall be, as `OpenAI` names it.
    pub verbosity: Option<String>,
    /// Who asks, for the provider's own watch on abuse.
    pub end_user: Option<String>,
    /// What is to be withheld of the answer, as Gemini describes it.
    pub safety: Option<RawJson>,
    /// Up to where the provider is to keep what it read. One that keeps it by itself, or does
    /// not, passes over them: they change no answer.
    pub cache_points: Vec<CachePoint>,
}

impl ChatRequest {
    /// The question for one answer of at most so many tokens, and no other wishes.
    #[must_use]
    pub fn new(model: impl Into<String>, messages: Vec<Message>, max_output_tokens: u64) -> Self {
        Self {
            model: model.into(),
            messages,
            max_output_tokens,
            sampling: Sampling::default(),
            stop: Vec::new(),
            tools: Vec::new(),
            tool_choice: None,
            parallel_tool_calls: None,
            response_format: None,
            reasoning: Reasoning::default(),
            choices: 1,
            log_probs: None,
            verbosity: None,
            end_user: None,
            safety: None,
            cache_points: Vec::new(),
        }
    }
}

/// A place up to which a provider is to keep what it read, for five minutes. Everything is counted
/// from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePoint {
    /// This tool.
    Tool(usize),
    /// This message.
    Message(usize),
    /// This part of what a person said, or of what a function answered.
    Part {
        /// Which message.
        message: usize,
        /// Which of its parts.
        part: usize,
    },
    /// The text of what the model said.
    Said(usize),
    /// This call of a function that the model asked for.
    Call {
        /// Which message.
        message: usize,
        /// Which of its calls.
        call: usize,
    },
    /// All of it.
    End,
}

/// How to choose among likely continuations.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// Among how many continuations to choose.
    pub top_k: Option<u64>,
    /// -2 to 2.
    pub presence_penalty: Option<f64>,
    /// -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// For the same choice twice.
    pub seed: Option<i64>,
}

/// How to think before answering. Without any wish, the model does what it does by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// How hard, as `OpenAI` names it.
    pub effort: Option<String>,
    /// The most tokens to think with; 0 is not to think.
    pub budget: Option<u64>,
    /// Whether the thoughts are to be shown, where the model shows any.
    pub shown: bool,
}

/// How to tell how likely each token of an answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogProbs {
    /// How many other tokens to tell of, 0 to 20.
    pub alternatives: u32,
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
        /// What it consists of. Never empty.
        content: Vec<Part>,
        /// The person's name.
        name: Option<String>,
    },
    /// What the model said.
    Assistant {
        /// What it thought, where its provider wants that back.
        thoughts: Vec<Thought>,
        /// The text; may be empty when it asked for functions.
        text: String,
        /// The functions it asked for.
        tool_calls: Vec<ToolCall>,
    },
    /// What a function answered.
    Tool {
        /// The id of the call that is answered.
        call: String,
        /// The answer. Never empty.
        content: Vec<Part>,
        /// Whether the function failed.
        failed: bool,
    },
}

/// A piece of what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text.
    Text(String),
    /// An image.
    Image(Image),
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where it is.
    pub source: ImageSource,
    /// How closely to look, as `OpenAI` names it: `auto`, `low` or `high`.
    pub detail: Option<String>,
}

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// At an address that the provider asks itself. *We* never do.
    Url(String),
    /// Here.
    Inline {
        /// What it is, such as `image/png`.
        media_type: String,
        /// Its bytes, in base64.
        base64: String,
    },
}

/// What a model thought before it answered.
///
/// One without a text stands for what follows it: with a signature for the functions that are
/// asked for, sealed for the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thought {
    /// The thought, as far as it is shown.
    pub text: String,
    /// What its provider knows it by, when it is told again.
    pub signature: Option<String>,
    /// The thought as its provider alone can read it.
    pub sealed: Option<String>,
}

impl Thought {
    /// How many bytes the provider reads for it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let kept = [&self.signature, &self.sealed].into_iter().flatten();
        self.text.len() + kept.map(String::len).sum::<usize>()
    }
}

impl Part {
    /// How many bytes of text the provider reads for it. An image is none: see
    /// [`Message::images`].
    #[must_use]
    pub const fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Image(_) => 0,
        }
    }
}

/// Pieces that are text alone, as one text. None, when one is not.
#[must_use]
pub fn plain_text(content: &[Part]) -> Option<String> {
    let text = |part: &Part| match part {
        Part::Text(text) => Some(text.clone()),
        Part::Image(_) => None,
    };
    content.iter().map(text).collect()
}

impl Message {
    /// A person's message of text alone.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::User { content: vec![Part::Text(text.into())], name: None }
    }

    /// What a function answered, as text.
    #[must_use]
    pub fn tool(call: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Tool { call: call.into(), content: vec![Part::Text(text.into())], failed: false }
    }

    /// How many bytes of text of the conversation the provider reads for it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let parts = |content: &[Part]| content.iter().map(Part::bytes).sum::<usize>();
        match self {
            Self::System { text } => text.len(),
            Self::User { content, name } => parts(content) + name.as_ref().map_or(0, String::len),
            Self::Assistant { thoughts, text, tool_calls } => {
                let call = |c: &ToolCall| c.id.len() + c.name.len() + c.arguments.len();
                let thoughts = thoughts.iter().map(Thought::bytes).sum::<usize>();
                thoughts + text.len() + tool_calls.iter().map(call).sum::<usize>()
            }
            Self::Tool { call, content, .. } => call.len() + parts(content),
        }
    }

    /// How many images it has.
    #[must_use]
    pub fn images(&self) -> usize {
        let images =
            |content: &[Part]| content.iter().filter(|part| matches!(part, Part::Image(_))).count();
        match self {
            Self::User { content, .. } | Self::Tool { content, .. } => images(content),
            Self::System { .. } | Self::Assistant { .. } => 0,
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
