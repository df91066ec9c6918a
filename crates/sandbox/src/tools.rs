//! Which tool is called, and with what. The arguments are made from the schema alone.
use serde_json::{Map, Value, json};

const PIECE: usize = 8;

/// A tool that the caller offers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tool {
    /// Its name.
    pub(crate) name: String,
    /// JSON Schema of its arguments; null if it takes none.
    pub(crate) schema: Value,
}

/// A call of a tool. Its tokens are the name and the pieces of its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolUse {
    /// Which tool.
    pub(crate) name: String,
    /// The arguments' JSON text, in pieces of 8 characters.
    pub(crate) pieces: Vec<String>,
    /// Whether the limit ended it, so that the pieces are no whole JSON text.
    pub(crate) cut_short: bool,
}

impl ToolUse {
    /// The call of this tool within a limit of tokens.
    pub(crate) fn of(tool: Tool, limit: Option<u64>) -> Self {
        let characters: Vec<char> = satisfying(&tool.schema).to_string().chars().collect();
        let mut pieces: Vec<String> =
            characters.chunks(PIECE).map(|piece| piece.iter().collect()).collect();
        let whole = pieces.len();
        if let Some(limit) = limit {
            let room = usize::try_from(limit.saturating_sub(1)).unwrap_or(usize::MAX);
            pieces.truncate(room);
        }
        Self { name: tool.name, cut_short: pieces.len() < whole, pieces }
    }

    /// How many tokens it is made of.
    pub(crate) fn tokens(&self) -> u64 {
        self.pieces.len() as u64 + 1
    }

    /// The arguments' JSON text.
    pub(crate) fn arguments(&self) -> String {
        self.pieces.concat()
    }

    /// The arguments as an object; empty when they were cut short.
    pub(crate) fn input(&self) -> Value {
        serde_json::from_str(&self.arguments()).unwrap_or_else(|_| json!({}))
    }
}

/// The smallest object with all required properties.
fn satisfying(schema: &Value) -> Value {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let properties = required.map(|name| (name.to_owned(), example(&schema["properties"][name])));
    Value::Object(properties.collect::<Map<_, _>>())
}

fn example(schema: &Value) -> Value {
    if let Some(value) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return value.clone();
    }
    let named = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match named.unwrap_or("string").to_ascii_lowercase().as_str() {
        "number" | "integer" => json!(1),
        "boolean" => json!(true),
        "array" => json!([]),
        "object" => satisfying(schema),
        "null" => Value::Null,
        _ => json!("sandbox"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_properties_are_given_and_others_are_not() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"}, "days": {"type": "integer"}, "metric": {"type": "BOOLEAN"},
                "tags": {"type": "array"}, "options": {"type": "object"},
                "unit": {"type": "string", "enum": ["C", "F"]}, "note": {"type": "string"},
            },
            "required": ["city", "days", "metric", "tags", "options", "unit"],
        });
        let call = ToolUse::of(Tool { name: "weather".into(), schema }, None);
        let expected = json!({"city": "sandbox", "days": 1, "metric": true, "tags": [],
            "options": {}, "unit": "C"});
        assert_eq!(call.input(), expected);
        assert_eq!(call.tokens(), call.pieces.len() as u64 + 1);
        assert!(call.pieces.len() > 1 && !call.cut_short);
    }

    #[test]
    fn a_limit_cuts_the_arguments() {
        let schema = json!({"properties": {"a": {"type": "string"}}, "required": ["a"]});
        let call = ToolUse::of(Tool { name: "f".into(), schema }, Some(2));
        assert_eq!((call.tokens(), call.cut_short, call.input()), (2, true, json!({})));
    }

    #[test]
    fn a_tool_without_a_schema_is_called_with_nothing() {
        let call = ToolUse::of(Tool { name: "f".into(), schema: Value::Null }, None);
        assert_eq!(call.arguments(), "{}");
    }
}
