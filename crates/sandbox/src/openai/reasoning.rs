//! What some models think before they answer. Nobody sees it, but it counts.
use serde_json::Value;

use super::error::OpenAiError;
use crate::fields::BadField;

/// How hard one can think, and how many tokens that takes here.
const EFFORTS: [(&str, u64); 6] =
    [("none", 0), ("minimal", 0), ("low", 8), ("medium", 16), ("high", 32), ("xhigh", 64)];
const USUAL: u64 = 16;

/// How many tokens are thought.
#[derive(Clone, Copy)]
pub(crate) struct Thinking(u64);

impl Thinking {
    /// Whether a model thinks.
    pub(crate) fn is_done_by(model: &str) -> bool {
        model.starts_with("gpt-5") || model.starts_with('o')
    }

    /// What a model does that is asked to think so hard. One that does not think cannot be asked.
    pub(crate) fn of(model: &str, effort: Option<&Value>, path: &str) -> Result<Self, OpenAiError> {
        let thinks = Self::is_done_by(model);
        let Some(effort) = effort else { return Ok(Self(if thinks { USUAL } else { 0 })) };
        let word = effort.as_str().ok_or_else(|| BadField::not_a(path, "string"))?;
        if !thinks {
            let message =
                format!("Unsupported parameter: '{path}' is not supported with this model.");
            return Err(OpenAiError::unsupported(path, message));
        }
        let known = EFFORTS.iter().find(|(known, _)| *known == word);
        let (_, tokens) = known.ok_or_else(|| {
            let known: Vec<_> = EFFORTS.iter().map(|(known, _)| *known).collect();
            BadField::refused(path, format!("supported values are: {}", known.join(", ")))
        })?;
        Ok(Self(*tokens))
    }

    /// How much is thought within a limit, and what that leaves for the answer.
    pub(crate) fn within(self, limit: Option<u64>) -> (u64, Option<u64>) {
        let thought = limit.map_or(self.0, |limit| self.0.min(limit));
        (thought, limit.map(|limit| limit - thought))
    }
}
