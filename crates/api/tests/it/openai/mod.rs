//! Calling models in `OpenAI`'s formats: all that they can say, and what is refused by name.
mod chat;
mod responses;

use serde_json::{Value, json};

/// What a new workspace is given, in millionths of a credit.
const WELCOME: i64 = 100_000_000;
/// One of each provider.
const MODELS: [&str; 3] = ["gpt-4o-mini", "claude-3-haiku", "gemini-1.5-flash"];
/// It takes images, and few tokens for them.
const SEEING: &str = "gpt-4.1-mini";
/// It thinks before it answers.
const THINKING: &str = "gpt-5-mini";

const PIXEL: &str = "data:image/png;base64,iVBORw0KGgo=";

/// The same with these fields.
fn with(mut body: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

/// The schema of a function's arguments.
fn city() -> Value {
    json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] })
}
