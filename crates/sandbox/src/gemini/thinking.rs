//! Thinking: how it is asked for, and what comes of it. Every thought is the same. What follows from
//! one carries a signature, which proves that it was not changed when it is told back.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::request::{both, either};
use crate::fields::{BadField, Object, given, switch};

/// A thought, word by word: each is a token.
const WORDS: [&str; 6] = ["Let", " me", " think", " about", " that", " first."];
/// What stands for a signature where the model did not make the call.
const UNSIGNED: [&str; 2] =
    ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];
const LEVELS: [&str; 5] = ["MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"];
const CONFIG: &str = "generation_config.thinking_config";

/// How the model thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thinking {
    /// Whether the thought is shown.
    pub(crate) shown: bool,
}

impl Thinking {
    /// How many tokens a thought has, shown or not.
    pub(crate) const TOKENS: u64 = WORDS.len() as u64;

    /// Reads what is asked of a model. Nobody thinks without being asked to.
    pub(crate) fn read(model: &str, config: &Object) -> Result<Option<Self>, BadField> {
        let Some(asked) = either(config, "thinkingConfig", "thinking_config") else {
            return Ok(None);
        };
        let asked = asked.as_object().ok_or_else(|| BadField::not_a(CONFIG, "object"))?;
        let known = ["includeThoughts", "thinkingBudget", "thinkingLevel"];
        both(asked, &known, CONFIG)?;
        if model.starts_with("gemini-1") {
            let reason = "thinking is not supported by this model";
            return Err(BadField::refused(CONFIG, reason));
        }
        let budget = either(asked, "thinkingBudget", "thinking_budget");
        let level = either(asked, "thinkingLevel", "thinking_level");
        if budget.is_some() && level.is_some() {
            let reason = "You can only set only one of thinking budget and thinking level.";
            return Err(BadField::refused(CONFIG, reason));
        }
        if level.is_some() && model.starts_with("gemini-2") {
            let reason = "Thinking level is not supported for this model.";
            return Err(BadField::refused(CONFIG, reason));
        }
        let unknown = |level: &Value| {
            let level = level.as_str().unwrap_or_default().to_ascii_uppercase();
            !LEVELS.contains(&level.as_str())
        };
        if level.is_some_and(unknown) {
            let path = format!("{CONFIG}.thinking_level");
            return Err(BadField::not_a(path, "ThinkingLevel"));
        }
        let budget = match budget.map(Value::as_i64) {
            None => None,
            Some(Some(budget)) if (-1..=32_768).contains(&budget) => Some(budget),
            Some(_) => {
                let reason =
                    "The thinking budget is invalid. Please choose a value between -1 and 32768.";
                return Err(BadField::refused(format!("{CONFIG}.thinking_budget"), reason));
            }
        };
        if budget == Some(0) && model.ends_with("-pro") {
            let reason = "Budget 0 is invalid. This model only works in thinking mode.";
            return Err(BadField::refused(format!("{CONFIG}.thinking_budget"), reason));
        }
        let shown = switch(asked, "includeThoughts")? || switch(asked, "include_thoughts")?;
        Ok((budget != Some(0)).then_some(Self { shown }))
    }

    /// The words of a thought.
    pub(crate) fn text() -> String {
        WORDS.concat()
    }
}

/// The signature of a call.
pub(crate) fn of_call(name: &str, args: &Value) -> String {
    sign(&format!("{name} {args}"))
}

/// The signature of a text.
pub(crate) fn of_text() -> String {
    sign("text")
}

fn sign(what: &str) -> String {
    STANDARD.encode(Sha256::new().chain_update("sandbox thought: ").chain_update(what).finalize())
}

/// Checks the signature of a part that is told back, and tells whether there is one.
pub(crate) fn is_intact(part: &Object, path: &str) -> Result<bool, BadField> {
    let given = given(part, "thoughtSignature").or_else(|| given(part, "thought_signature"));
    let Some(told) = given else { return Ok(false) };
    let path = format!("{path}.thought_signature");
    let told = told.as_str().ok_or_else(|| BadField::not_a(path.as_str(), "TYPE_BYTES"))?;
    if UNSIGNED.contains(&told) {
        return Ok(true);
    }
    // Either alphabet will do.
    let told = told.replace('-', "+").replace('_', "/");
    let call = either(part, "functionCall", "function_call");
    let args = |call: &Value| call.get("args").cloned().unwrap_or_else(|| serde_json::json!({}));
    let intact = match call {
        Some(call) => of_call(call["name"].as_str().unwrap_or_default(), &args(call)),
        None => of_text(),
    };
    if told.trim_end_matches('=') == intact.trim_end_matches('=') {
        return Ok(true);
    }
    Err(BadField::refused(path, "Corrupted thought signature."))
}
