//! A request for a response. What the values may be is not decided here.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    super::{
        invalid::{InvalidRequest, Shape, in_item},
        request::Paths,
    },
    item::{InputContent, InputItem, InputPart},
    tool::{Tool, ToolChoice},
};
use crate::{Raw, TextOr, Unknown, lenient, tagged::read_by_type};

/// The body of `POST /v1/responses`.
///
/// What would need a memory (`previous_response_id`, `conversation`, `prompt`) is in
/// [`unknown`](Self::unknown), with all else that is not known here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateRequest {
    /// The model that is asked.
    pub model: String,
    /// The conversation so far: a text, or items, the oldest first.
    pub input: Input,
    /// What the model is told to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The most tokens to produce, those of reasoning included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// Randomness, from 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The share of probability that is sampled from, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// What the model may call.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tools: Vec<Tool>,
    /// Whether and what it must call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// How texts shall be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextConfig>,
    /// How to think.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<ReasoningConfig>,
    /// Whether to answer in events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// What else to send with the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// What else to tell: `reasoning.encrypted_content`, `message.output_text.logprobs`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<String>>,
    /// How many alternatives to tell for each token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u64>,
    /// The caller's own notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Whether the answer shall be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    /// Whether not to wait for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<bool>,
    /// What to do with a conversation that is too long: `auto`, `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncation: Option<String>,
    /// The class of service: `auto`, `default`, `flex`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// The caller's own user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The same, by its present name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_identifier: Option<String>,
    /// Parameters that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// The conversation so far: what a user says, or items.
pub type Input = TextOr<InputItem>;

impl Default for Input {
    fn default() -> Self {
        Self::Parts(Vec::new())
    }
}

/// How texts shall be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextConfig {
    /// Their form; reads as a [`TextFormat`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Raw>,
    /// How wordy: `low`, `medium`, `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<String>,
    /// Wishes that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// The form a text must have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TextFormat {
    /// Any text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON of a given schema.
    JsonSchema(SchemaFormat),
    /// A form that is not known here.
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(TextFormat {
    "json_schema" => JsonSchema,
} empty {
    "text" => Text,
    "json_object" => JsonObject,
});

/// A schema and its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SchemaFormat {
    /// What the form is called.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema.
    pub schema: Raw,
    /// Whether the answer must follow it to the letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// How to think. In a response it is what was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReasoningConfig {
    /// How hard: `none`, `minimal`, `low`, `medium`, `high`, ...
    #[serde(default)]
    pub effort: Option<String>,
    /// How much of it to show: `auto`, `concise`, `detailed`.
    #[serde(default)]
    pub summary: Option<String>,
    /// Wishes that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What else to send with the events of a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamOptions {
    /// Whether to hide how long pieces are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_obfuscation: Option<bool>,
    /// Options that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl CreateRequest {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] when it is no JSON, or not of a request's shape.
    pub fn read(body: &[u8]) -> Result<Self, InvalidRequest> {
        let shape = Shape {
            required: &["model", "input"],
            smallest: r#""model":"","input":"""#,
            look_into: in_item,
        };
        serde_json::from_slice(body)
            .map_err(|error| InvalidRequest::find::<Self>(body, &error, &shape))
    }

    /// Whether the answer is wanted in events.
    #[must_use]
    pub fn wants_stream(&self) -> bool {
        self.stream == Some(true)
    }

    /// Where fields stand that are not known here: `background`, `input[0].phase`, ... Those that
    /// are null or empty ask for nothing.
    #[must_use]
    pub fn unknown_paths(&self) -> Vec<String> {
        let mut paths = Paths::default();
        paths.add("", &self.unknown);
        if let Input::Parts(items) = &self.input {
            for (at, item) in items.iter().enumerate() {
                add_item(&mut paths, &format!("input[{at}]."), item);
            }
        }
        for (at, tool) in self.tools.iter().enumerate() {
            if let Tool::Function(function) = tool {
                paths.add(&format!("tools[{at}]."), &function.unknown);
            }
        }
        let nested = [
            ("text.", self.text.as_ref().map(|text| &text.unknown)),
            ("reasoning.", self.reasoning.as_ref().map(|reasoning| &reasoning.unknown)),
            ("stream_options.", self.stream_options.as_ref().map(|options| &options.unknown)),
        ];
        for (prefix, unknown) in nested {
            if let Some(unknown) = unknown {
                paths.add(prefix, unknown);
            }
        }
        paths.into_vec()
    }
}

fn add_item(paths: &mut Paths, prefix: &str, item: &InputItem) {
    match item {
        InputItem::Message(message) => {
            paths.add(prefix, &message.unknown);
            add_content(paths, &format!("{prefix}content"), &message.content);
        }
        InputItem::FunctionCall(call) => paths.add(prefix, &call.unknown),
        InputItem::FunctionCallOutput(result) => {
            paths.add(prefix, &result.unknown);
            add_content(paths, &format!("{prefix}output"), &result.output);
        }
        InputItem::Reasoning(thought) => paths.add(prefix, &thought.unknown),
        InputItem::Other(_) => {}
    }
}

fn add_content(paths: &mut Paths, place: &str, content: &InputContent) {
    let TextOr::Parts(parts) = content else { return };
    for (at, part) in parts.iter().enumerate() {
        let unknown = match part {
            InputPart::InputText(part) => &part.unknown,
            InputPart::InputImage(part) => &part.unknown,
            InputPart::Refusal(part) => &part.unknown,
            InputPart::OutputText(_) | InputPart::Other(_) => continue,
        };
        paths.add(&format!("{place}[{at}]."), unknown);
    }
}
