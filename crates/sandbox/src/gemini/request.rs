//! What is asked of `generateContent`. Google takes every name in camel case and in snake case.
use serde_json::Value;

use super::error::GeminiError;
use crate::{
    fields::{BadField, Object, count, given, list, only, within},
    script::{Conversation, Script},
    tools::Tool,
};

const PARAMETERS: [&str; 15] = [
    "cachedContent",
    "cached_content",
    "contents",
    "generationConfig",
    "generation_config",
    "labels",
    "model",
    "safetySettings",
    "safety_settings",
    "store",
    "systemInstruction",
    "system_instruction",
    "toolConfig",
    "tool_config",
    "tools",
];

/// A request that will be answered.
pub(crate) struct Ask {
    /// What will be answered.
    pub(crate) script: Script,
}

impl Ask {
    /// Reads a body. The system instruction counts as a message.
    pub(crate) fn read(body: &[u8]) -> Result<Self, GeminiError> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Err(GeminiError::malformed());
        };
        only(&fields, &PARAMETERS)?;
        let mut conversation = Conversation::default();
        if let Some(system) = either(&fields, "systemInstruction", "system_instruction") {
            let texts = parts(system, "system_instruction")?.iter();
            let texts: Vec<&str> = texts.filter_map(|part| part["text"].as_str()).collect();
            conversation.hear(false, &texts);
        }
        let answers_a_tool = hear(&mut conversation, list(&fields, "contents")?)?;
        let limit = limit(&fields)?;
        let tool = chosen_tool(&fields)?.filter(|_| !answers_a_tool);
        Ok(Self { script: Script::write(&conversation, tool, limit)? })
    }
}

fn either<'a>(fields: &'a Object, camel: &str, snake: &str) -> Option<&'a Value> {
    given(fields, camel).or_else(|| given(fields, snake))
}

fn part<'a>(value: &'a Value, camel: &str, snake: &str) -> &'a Value {
    value.get(camel).unwrap_or(&value[snake])
}

fn parts<'a>(content: &'a Value, path: &str) -> Result<&'a [Value], BadField> {
    let parts = content["parts"].as_array().filter(|parts| !parts.is_empty());
    let parts = parts.ok_or_else(|| BadField::missing(format!("{path}.parts")))?;
    match parts.iter().position(|part| part.as_object().is_none_or(Object::is_empty)) {
        Some(empty) => Err(BadField::refused(
            format!("{path}.parts[{empty}].data"),
            "required oneof field 'data' must have one initialized field",
        )),
        None => Ok(parts),
    }
}

/// Takes in the contents, and tells whether the last one carries a function's result.
fn hear(conversation: &mut Conversation, contents: &[Value]) -> Result<bool, BadField> {
    let mut last_answers = false;
    for (place, content) in contents.iter().enumerate() {
        let role = content["role"].as_str().unwrap_or("user");
        if !["user", "model", "function"].contains(&role) {
            let reason = "Please use a valid role: user, model.";
            return Err(BadField::refused(format!("contents[{place}].role"), reason));
        }
        let (mut texts, mut results) = (Vec::new(), Vec::new());
        for piece in parts(content, &format!("contents[{place}]"))? {
            texts.extend(piece["text"].as_str());
            let result = part(piece, "functionResponse", "function_response");
            if result.is_object() {
                results.push(result["response"].to_string());
            }
        }
        last_answers = !results.is_empty();
        conversation.hear(role == "user", &texts);
        conversation.overhear(&results.iter().map(String::as_str).collect::<Vec<_>>());
    }
    Ok(last_answers)
}

fn limit(fields: &Object) -> Result<Option<u64>, BadField> {
    let Some(config) = either(fields, "generationConfig", "generation_config") else {
        return Ok(None);
    };
    let config =
        config.as_object().ok_or_else(|| BadField::not_a("generation_config", "object"))?;
    within(config, "temperature", 0.0, 2.0)?;
    let candidates = count(config, "candidateCount")?.or(count(config, "candidate_count")?);
    if candidates.is_some_and(|candidates| candidates != 1) {
        let reason = "only one candidate is made";
        return Err(BadField::refused("generation_config.candidate_count", reason));
    }
    Ok(count(config, "maxOutputTokens")?.or(count(config, "max_output_tokens")?))
}

fn chosen_tool(fields: &Object) -> Result<Option<Tool>, BadField> {
    let Some(tools) = given(fields, "tools") else { return Ok(None) };
    let tools = tools.as_array().ok_or_else(|| BadField::not_a("tools", "array"))?;
    let mut offered = Vec::new();
    for tool in tools {
        let declarations = part(tool, "functionDeclarations", "function_declarations").as_array();
        for declared in declarations.into_iter().flatten() {
            let missing = || BadField::missing("tools.function_declarations.name");
            let name = declared["name"].as_str().ok_or_else(missing)?;
            let schema = part(declared, "parametersJsonSchema", "parameters_json_schema");
            let schema = if schema.is_null() { &declared["parameters"] } else { schema };
            offered.push((name, schema));
        }
    }
    let nothing = Value::Null;
    let config = either(fields, "toolConfig", "tool_config").unwrap_or(&nothing);
    let config = part(config, "functionCallingConfig", "function_calling_config");
    let allowed = part(config, "allowedFunctionNames", "allowed_function_names").as_array();
    let may_be_called = |name: &str| {
        allowed.is_none_or(|allowed| allowed.is_empty() || allowed.iter().any(|one| one == name))
    };
    let wanted = match config["mode"].as_str() {
        Some("NONE") => None,
        None | Some("AUTO" | "ANY" | "VALIDATED" | "MODE_UNSPECIFIED") => {
            offered.iter().find(|(name, _)| may_be_called(name))
        }
        Some(_) => {
            let path = "tool_config.function_calling_config.mode";
            return Err(BadField::refused(path, "expected AUTO, ANY or NONE"));
        }
    };
    Ok(wanted.map(|(name, schema)| Tool { name: (*name).into(), schema: (*schema).clone() }))
}
