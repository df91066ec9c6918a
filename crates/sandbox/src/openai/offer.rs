//! Which of the tools that a caller offers is called. The two interfaces name a function in
//! different places.
use serde_json::Value;

use crate::{
    fields::{BadField, Object, given},
    tools::Tool,
};

/// Where a function's name stands in a tool.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// In an object of its own, as chat completions have it.
    Nested,
    /// Beside the type, as responses have it.
    Flat,
}

impl Shape {
    fn function(self, tool: &Value) -> &Value {
        match self {
            Self::Nested => &tool["function"],
            Self::Flat => tool,
        }
    }

    fn path(self, place: usize) -> String {
        match self {
            Self::Nested => format!("tools[{place}].function.name"),
            Self::Flat => format!("tools[{place}].name"),
        }
    }
}

/// The tool that the answer calls, if any.
pub(crate) fn chosen_tool(fields: &Object, shape: Shape) -> Result<Option<Tool>, BadField> {
    let tools =
        given(fields, "tools").filter(|tools| tools.as_array().is_none_or(|t| !t.is_empty()));
    let Some(tools) = tools else {
        // Responses take a choice among nothing, as long as it forces nothing.
        return match given(fields, "tool_choice") {
            Some(choice) if shape == Shape::Nested || (choice != "auto" && choice != "none") => {
                Err(BadField::refused("tool_choice", "only allowed when 'tools' are specified"))
            }
            Some(_) | None => Ok(None),
        };
    };
    let tools = tools.as_array().ok_or_else(|| BadField::not_a("tools", "array"))?;
    let mut offered = Vec::with_capacity(tools.len());
    for (place, tool) in tools.iter().enumerate() {
        let function = shape.function(tool);
        let name = function["name"].as_str().ok_or_else(|| BadField::missing(shape.path(place)))?;
        offered.push((name, &function["parameters"]));
    }
    let choice = fields.get("tool_choice").unwrap_or(&Value::Null);
    let wanted = match choice {
        Value::Null => offered.first(),
        Value::String(word) => match word.as_str() {
            "none" => None,
            "auto" | "required" => offered.first(),
            _ => return Err(BadField::refused("tool_choice", "expected none, auto or required")),
        },
        named => {
            let name = shape.function(named)["name"].as_str().unwrap_or_default();
            let found = offered.iter().find(|(offered, _)| *offered == name);
            Some(found.ok_or_else(|| {
                BadField::refused("tool_choice", format!("tool '{name}' is not in 'tools'"))
            })?)
        }
    };
    Ok(wanted.map(|(name, schema)| Tool { name: (*name).into(), schema: (*schema).clone() }))
}
