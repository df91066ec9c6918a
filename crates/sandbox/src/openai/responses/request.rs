//! What is asked of `/responses`, read as strictly as the vendor reads it.
use serde_json::{Value, json};

use super::{
    super::{
        MODELS,
        error::OpenAiError,
        offer::{Shape, chosen_tool},
        reasoning::Thinking,
        request::{alternatives, verbosity},
    },
    input::conversation,
};
use crate::{
    fields::{BadField, Object, count, given, only, switch, text, within},
    script::{Script, Usage},
};

const PARAMETERS: [&str; 29] = [
    "background",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
    "verbosity",
];
const LOG_PROBS: &str = "message.output_text.logprobs";

/// A request that will be answered.
pub(super) struct Ask {
    /// The model.
    pub(super) model: &'static str,
    /// Whether the answer is streamed.
    pub(super) stream: bool,
    /// What will be answered.
    pub(super) script: Script,
    /// How many tokens were read.
    pub(super) input_tokens: u64,
    /// How many alternatives to each token are told of, if any are told.
    pub(super) log_probs: Option<u64>,
    /// How many tokens are thought before.
    pub(super) reasoning: u64,
    /// Whether what was thought is summed up.
    pub(super) summary: bool,
    /// What was asked, for the answer to repeat.
    pub(super) fields: Object,
}

impl Ask {
    /// Reads a body.
    pub(super) fn read(body: &[u8]) -> Result<Self, OpenAiError> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Err(OpenAiError::malformed());
        };
        only(&fields, &PARAMETERS)?;
        let name = text(&fields, "model")?;
        let model = MODELS.into_iter().find(|model| *model == name);
        let model = model.ok_or_else(|| OpenAiError::unknown_model(name))?;
        for kept in ["previous_response_id", "conversation", "prompt"] {
            if given(&fields, kept).is_some() {
                return Err(BadField::refused(kept, "nothing of this id was found").into());
            }
        }
        let input = given(&fields, "input").ok_or_else(|| BadField::missing("input"))?;
        let (mut heard, answers_a_tool) = conversation(input)?;
        if given(&fields, "instructions").is_some() {
            heard.hear(false, &[text(&fields, "instructions")?]);
        }
        within(&fields, "temperature", 0.0, 2.0)?;
        within(&fields, "top_p", 0.0, 1.0)?;
        let config = |name: &str| given(&fields, name).unwrap_or(&Value::Null);
        let asked = |value: &'_ Value| Some(value.clone()).filter(|value| !value.is_null());
        let effort = asked(&config("reasoning")["effort"]);
        let thinking = Thinking::of(model, effort.as_ref(), "reasoning.effort")?;
        let (reasoning, limit) = thinking.within(count(&fields, "max_output_tokens")?);
        let wordy = asked(&config("text")["verbosity"]);
        verbosity(wordy.as_ref(), model, "text.verbosity")?;
        form(&config("text")["format"])?;
        let log_probs = log_probs(&fields)?;
        let tool = chosen_tool(&fields, Shape::Flat)?.filter(|_| !answers_a_tool);
        Ok(Self {
            model,
            stream: switch(&fields, "stream")?,
            script: Script::write(&heard, tool, limit)?,
            input_tokens: heard.input_tokens(),
            log_probs,
            reasoning,
            summary: reasoning > 0 && config("reasoning")["summary"].is_string(),
            fields,
        })
    }

    /// Usage of the answer, and of what was thought before it.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.script.usage_after(self.script.reply.tokens() + self.reasoning)
    }

    /// What was asked, or what happens where nothing was.
    pub(super) fn echo(&self, name: &str, otherwise: Value) -> Value {
        given(&self.fields, name).cloned().unwrap_or(otherwise)
    }
}

fn form(format: &Value) -> Result<(), BadField> {
    match format["type"].as_str() {
        None if format.is_null() => Ok(()),
        Some("text" | "json_object") => Ok(()),
        Some("json_schema") => {
            let flat = format["name"].is_string() && format["schema"].is_object();
            if flat { Ok(()) } else { Err(BadField::missing("text.format.name")) }
        }
        Some(_) | None => {
            let reason = "supported values are: text, json_object, json_schema";
            Err(BadField::refused("text.format.type", reason))
        }
    }
}

fn log_probs(fields: &Object) -> Result<Option<u64>, BadField> {
    let included = given(fields, "include").and_then(Value::as_array);
    let included = included.is_some_and(|all| all.contains(&json!(LOG_PROBS)));
    let asked = given(fields, "top_logprobs").map(alternatives).transpose()?;
    Ok(if included { Some(asked.unwrap_or(0)) } else { asked.filter(|asked| *asked > 0) })
}
