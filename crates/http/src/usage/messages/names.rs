//! What the caller calls what a provider has no word for.
//!
//! Whoever refuses a parameter names it as `OpenAI`'s callers do, and counts messages as the domain
//! does.
use cape_domain::usage::UnsupportedParameter;
use cape_services::usage::ChatError;

use crate::error::ApiError;

/// What parts of a request are called.
pub(super) struct Names {
    /// Where each of the domain's messages stands.
    places: Vec<String>,
}

impl Names {
    /// Names of a request whose messages stand in these places.
    pub(super) const fn of(places: Vec<String>) -> Self {
        Self { places }
    }

    /// The failure, in the caller's words.
    pub(super) fn tell(&self, error: ChatError) -> ApiError {
        match error {
            ChatError::Unsupported(UnsupportedParameter { parameter }) => {
                let parameter = self.name(&parameter);
                ChatError::Unsupported(UnsupportedParameter { parameter }).into()
            }
            other => other.into(),
        }
    }

    fn name(&self, parameter: &str) -> String {
        if let Some((number, rest)) = numbered(parameter, "messages[") {
            let place = self.places.get(number).map_or("messages", String::as_str);
            return format!("{place}{rest}");
        }
        if let Some((number, rest)) = numbered(parameter, "tools[") {
            let rest = rest.replace(".function.parameters", ".input_schema");
            return format!("tools.{number}{}", rest.replace(".function", ""));
        }
        let name = match parameter {
            "reasoning_effort" => "output_config.effort",
            "response_format" => "output_config.format",
            "parallel_tool_calls" => "tool_choice.disable_parallel_tool_use",
            "reasoning_budget" => "thinking.budget_tokens",
            "stop" => "stop_sequences",
            "user" => "metadata.user_id",
            other => other,
        };
        name.to_owned()
    }
}

/// The number in brackets, and what follows them.
fn numbered<'a>(parameter: &'a str, opening: &str) -> Option<(usize, &'a str)> {
    let (number, rest) = parameter.strip_prefix(opening)?.split_once(']')?;
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_named_as_the_caller_named_it() {
        let names = Names::of(vec!["system.0".to_owned(), "messages.0".to_owned()]);
        for (parameter, name) in [
            ("temperature", "temperature"),
            ("reasoning_effort", "output_config.effort"),
            ("response_format", "output_config.format"),
            ("messages[1].content[2]", "messages.0.content[2]"),
            ("messages[0].content", "system.0.content"),
            ("messages[9].content", "messages.content"),
            ("messages[x]", "messages[x]"),
            ("tools[3].function.parameters", "tools.3.input_schema"),
            ("tools[3].function.strict", "tools.3.strict"),
        ] {
            assert_eq!(names.name(parameter), name);
        }
    }
}
