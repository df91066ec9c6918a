//! Thinking: how it is asked for, and what comes of it. Every thought is the same; its signature
//! proves that it was not changed when it is told back.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::fields::{BadField, Object, given, only};

/// A thought, word by word: each is a token.
const WORDS: [&str; 7] = ["The", " user", " asks,", " so", " I", " will", " answer."];
/// What the vendor documents for tests: a question with it is thought about in secret.
const SECRET: &str = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING";
const LEAST_BUDGET: u64 = 1_024;
const LEAST_TOP_P: f64 = 0.95;

/// How the model thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thinking {
    /// Whether thoughts have to be told back when a tool was used.
    pub(crate) strict: bool,
    /// What is shown of it.
    pub(crate) shown: Shown,
    /// How many words are thought.
    length: usize,
}

/// What is shown of a thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// All of it.
    Text,
    /// Its signature alone.
    Signature,
    /// A block that nobody can read.
    Sealed,
}

impl Thinking {
    /// How many tokens a thought has, shown or not.
    pub(crate) fn tokens(self) -> u64 {
        self.length as u64
    }

    /// Reads what is asked. `limit` is what the whole answer may have; none, if nothing is answered.
    pub(crate) fn read(fields: &Object, limit: Option<u64>) -> Result<Option<Self>, BadField> {
        let Some(thinking) = given(fields, "thinking") else { return Ok(None) };
        let thinking =
            thinking.as_object().ok_or_else(|| BadField::not_a("thinking", "dictionary"))?;
        let inside = |bad: BadField| BadField { path: format!("thinking.{}", bad.path), ..bad };
        let strict = match thinking.get("type").and_then(Value::as_str) {
            Some("disabled") => return only(thinking, &["type"]).map(|()| None).map_err(inside),
            Some("adaptive") => {
                only(thinking, &["type", "display"]).map_err(inside)?;
                false
            }
            Some("enabled") => {
                only(thinking, &["type", "budget_tokens", "display"]).map_err(inside)?;
                budget(thinking, limit)?;
                true
            }
            _ => {
                let reason = "Input tag does not match any of the expected tags: 'adaptive', \
                              'disabled', 'enabled'";
                return Err(BadField::refused("thinking", reason));
            }
        };
        let shown = match given(thinking, "display").map(Value::as_str) {
            None | Some(Some("summarized")) => Shown::Text,
            Some(Some("omitted")) => Shown::Signature,
            Some(_) => {
                let reason = "Input should be 'summarized' or 'omitted'";
                return Err(BadField::refused("thinking.display", reason));
            }
        };
        hindered(fields)?;
        Ok(Some(Self { strict, shown, length: WORDS.len() }))
    }

    /// The same for who puts so many quarters of the usual effort into it.
    pub(crate) fn with_effort(self, quarters: Option<usize>) -> Self {
        let length = (WORDS.len() * quarters.unwrap_or(4)).div_ceil(4);
        Self { length, ..self }
    }

    /// The same for a question, which may be one to be thought about in secret.
    pub(crate) fn about(self, question: &str) -> Self {
        if question.contains(SECRET) { Self { shown: Shown::Sealed, ..self } } else { self }
    }

    /// The words that are shown.
    pub(crate) fn words(self) -> impl Iterator<Item = &'static str> {
        let shown = if self.shown == Shown::Text { &WORDS[..self.length] } else { &[] };
        shown.iter().copied()
    }

    /// The block, whole.
    pub(crate) fn block(self) -> Value {
        if self.shown == Shown::Sealed {
            return json!({ "type": "redacted_thinking", "data": sealed() });
        }
        let thinking: String = self.words().collect();
        json!({ "type": "thinking", "thinking": thinking, "signature": self.signature() })
    }

    /// What proves the block.
    pub(crate) fn signature(self) -> String {
        sign(&self.words().collect::<String>())
    }
}

/// Checks a block that is told back.
pub(crate) fn is_told_back(block: &Object) -> Result<(), &'static str> {
    let text = |name: &str| block.get(name).and_then(Value::as_str);
    if block.get("type").and_then(Value::as_str) == Some("redacted_thinking") {
        let intact = text("data").is_some_and(|data| data == sealed());
        return if intact { Ok(()) } else { Err("Invalid `data` in `redacted_thinking` block") };
    }
    let intact =
        text("thinking").is_some_and(|thinking| text("signature") == Some(&sign(thinking)));
    if intact { Ok(()) } else { Err("Invalid `signature` in `thinking` block") }
}

fn sign(thought: &str) -> String {
    STANDARD
        .encode(Sha256::new().chain_update("sandbox thought: ").chain_update(thought).finalize())
}

fn sealed() -> String {
    sign("sealed")
}

fn budget(thinking: &Object, limit: Option<u64>) -> Result<(), BadField> {
    let path = "thinking.enabled.budget_tokens";
    let budget = given(thinking, "budget_tokens").ok_or_else(|| BadField::missing(path))?;
    let budget = budget.as_u64().ok_or_else(|| BadField::not_a(path, "integer"))?;
    if budget < LEAST_BUDGET {
        return Err(BadField::refused(path, "Input should be greater than or equal to 1024"));
    }
    if limit.is_some_and(|limit| limit <= budget) {
        let reason = "`max_tokens` must be greater than `thinking.budget_tokens`";
        return Err(BadField::refused("max_tokens", reason));
    }
    Ok(())
}

/// Refuses what a model cannot do while it thinks.
fn hindered(fields: &Object) -> Result<(), BadField> {
    let number = |name: &str| given(fields, name).and_then(Value::as_f64);
    if number("temperature").is_some_and(|value| value < 1.0) {
        let reason = "may only be set to 1 when thinking is enabled";
        return Err(BadField::refused("temperature", reason));
    }
    if number("top_p").is_some_and(|value| value < LEAST_TOP_P) {
        let reason = "must be greater than or equal to 0.95 or unset when thinking is enabled";
        return Err(BadField::refused("top_p", reason));
    }
    if number("top_k").is_some() {
        return Err(BadField::refused("top_k", "must be unset when thinking is enabled"));
    }
    let choice = fields.get("tool_choice").and_then(|choice| choice["type"].as_str());
    if choice.is_some_and(|choice| ["any", "tool"].contains(&choice)) {
        let reason = "Thinking may not be enabled when tool_choice forces tool use.";
        return Err(BadField::refused("tool_choice", reason));
    }
    Ok(())
}
