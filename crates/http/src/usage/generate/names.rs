//! What the caller calls what a provider has no word for.
//!
//! Whoever refuses a parameter names it as `OpenAI`'s callers do, and counts messages as the domain
//! does.
use cape_domain::usage::UnsupportedParameter;
use cape_services::usage::ChatError;

use crate::error::ApiError;

/// Where one of the domain's messages stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its content.
    pub(super) content: String,
    /// The first of its parts.
    pub(super) part: usize,
}

impl Place {
    /// One of its parts, counted from its first.
    fn part(&self, number: usize) -> String {
        format!("{}.parts[{}]", self.content, self.part + number)
    }
}

/// What parts of a request are called.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Where each of the domain's messages stands.
    pub(super) places: Vec<Place>,
    /// Where the form of the answer stands.
    pub(super) format: &'static str,
}

impl Names {
    /// The failure, in the caller's words.
    pub(super) fn tell(&self, error: ChatError) -> ApiError {
        match error {
            ChatError::Unsupported(UnsupportedParameter { parameter }) => {
                let parameter = self.name(&parameter);
                ChatError::Unsupported(UnsupportedParameter { parameter }).into()
            }
            ChatError::OutputOutOfRange { .. } => {
                ApiError::from(error).about("generationConfig.maxOutputTokens")
            }
            ChatError::TooLong { .. } => ApiError::from(error).about("contents"),
            other => other.into(),
        }
    }

    fn name(&self, parameter: &str) -> String {
        if let Some((number, rest)) = numbered(parameter, "messages[") {
            return match self.places.get(number) {
                Some(place) => in_message(place, rest),
                None => "contents".to_owned(),
            };
        }
        if let Some((number, rest)) = numbered(parameter, "tools[") {
            let at = format!("tools.functionDeclarations[{number}]");
            return match rest {
                ".function.parameters" => format!("{at}.parameters"),
                ".function.strict" => "toolConfig.functionCallingConfig.mode".to_owned(),
                _ => at,
            };
        }
        let name = match parameter {
            "temperature" => "temperature",
            "top_p" => "topP",
            "top_k" => "topK",
            "seed" => "seed",
            "stop" => "stopSequences",
            "presence_penalty" => "presencePenalty",
            "frequency_penalty" => "frequencyPenalty",
            "n" => "candidateCount",
            "logprobs" => "responseLogprobs",
            "top_logprobs" => "logprobs",
            "response_format" => self.format,
            "reasoning_effort" => "thinkingConfig.thinkingLevel",
            "reasoning_budget" => "thinkingConfig.thinkingBudget",
            "reasoning_shown" => "thinkingConfig.includeThoughts",
            "tool_choice" => return "toolConfig.functionCallingConfig".to_owned(),
            other => return other.to_owned(),
        };
        format!("generationConfig.{name}")
    }
}

fn in_message(place: &Place, rest: &str) -> String {
    if let Some((number, _)) = numbered(rest, ".content[") {
        return place.part(number);
    }
    if rest == ".tool_call_id" {
        return format!("{}.functionResponse", place.part(0));
    }
    place.content.clone()
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
        let place = |content: &str, part| Place { content: content.to_owned(), part };
        let places = vec![place("systemInstruction", 0), place("contents[0]", 2)];
        let names = Names { places, format: "responseSchema" };
        for (parameter, name) in [
            ("temperature", "generationConfig.temperature"),
            ("top_k", "generationConfig.topK"),
            ("response_format", "generationConfig.responseSchema"),
            ("reasoning_effort", "generationConfig.thinkingConfig.thinkingLevel"),
            ("messages[0].content", "systemInstruction"),
            ("messages[1].content[1]", "contents[0].parts[3]"),
            ("messages[1].tool_call_id", "contents[0].parts[2].functionResponse"),
            ("messages[1].tool_calls[0].function.arguments", "contents[0]"),
            ("messages[9].content", "contents"),
            ("messages[x]", "messages[x]"),
            ("tools[3].function.parameters", "tools.functionDeclarations[3].parameters"),
            ("tools[3].function.strict", "toolConfig.functionCallingConfig.mode"),
            ("tools", "tools"),
            ("safetySettings", "safetySettings"),
        ] {
            assert_eq!(names.name(parameter), name);
        }
    }
}
