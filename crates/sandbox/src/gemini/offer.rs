//! Which of the functions that a caller offers is called.
use serde_json::Value;

use super::request::{both, either};
use crate::{
    fields::{BadField, Object, given},
    tools::Tool,
};

const MODE: &str = "tool_config.function_calling_config.mode";
const DECLARATION: [&str; 7] = [
    "name",
    "description",
    "parameters",
    "parametersJsonSchema",
    "response",
    "responseJsonSchema",
    "behavior",
];

/// The function that the answer calls, if any.
pub(crate) fn chosen_tool(fields: &Object) -> Result<Option<Tool>, BadField> {
    let Some(tools) = given(fields, "tools") else { return Ok(None) };
    let tools = tools.as_array().ok_or_else(|| BadField::not_a("tools", "array"))?;
    let mut offered = Vec::new();
    for tool in tools {
        let tool = tool.as_object().ok_or_else(|| BadField::not_a("tools", "object"))?;
        both(tool, &["functionDeclarations"], "tools")?;
        let declarations = either(tool, "functionDeclarations", "function_declarations");
        for declared in declarations.and_then(Value::as_array).into_iter().flatten() {
            let path = "tools.function_declarations";
            let declared = declared.as_object().ok_or_else(|| BadField::not_a(path, "object"))?;
            both(declared, &DECLARATION, path)?;
            let missing = || BadField::missing("tools.function_declarations.name");
            let name = declared.get("name").and_then(Value::as_str).ok_or_else(missing)?;
            let schema = either(declared, "parametersJsonSchema", "parameters_json_schema");
            if schema.is_some() && declared.contains_key("parameters") {
                let reason = "oneof field '_parameters' is already set";
                return Err(BadField::refused(path, reason));
            }
            let schema = schema.or_else(|| declared.get("parameters")).cloned();
            offered.push(Tool { name: name.to_owned(), schema: schema.unwrap_or_default() });
        }
    }
    let config = either(fields, "toolConfig", "tool_config");
    let config = config.and_then(Value::as_object);
    let config = config.and_then(|it| {
        either(it, "functionCallingConfig", "function_calling_config").and_then(Value::as_object)
    });
    let Some(config) = config else { return Ok(offered.into_iter().next()) };
    let allowed = either(config, "allowedFunctionNames", "allowed_function_names");
    let allowed = allowed.and_then(Value::as_array).filter(|allowed| !allowed.is_empty());
    let mode = config.get("mode").and_then(Value::as_str).unwrap_or("AUTO");
    if allowed.is_some() && !["ANY", "VALIDATED"].contains(&mode) {
        let reason = "Function calling mode must be ANY or VALIDATED with allowed function names.";
        return Err(BadField::refused(MODE, reason));
    }
    let may_be_called =
        |tool: &Tool| allowed.is_none_or(|allowed| allowed.iter().any(|one| *one == tool.name));
    match mode {
        "NONE" => Ok(None),
        "AUTO" | "ANY" | "VALIDATED" | "MODE_UNSPECIFIED" => {
            Ok(offered.into_iter().find(may_be_called))
        }
        _ => Err(BadField::refused(MODE, "expected AUTO, ANY, NONE or VALIDATED")),
    }
}
