//! The recorded documents, and what every test does with them.
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub const OPENAI_REQUEST: &str = include_str!("golden/openai/request.json");
pub const OPENAI_RESPONSE: &str = include_str!("golden/openai/response.json");
pub const OPENAI_RESPONSE_TOOLS: &str = include_str!("golden/openai/response_tools.json");
pub const OPENAI_STREAM: &str = include_str!("golden/openai/stream.sse");
pub const OPENAI_STREAM_TOOLS: &str = include_str!("golden/openai/stream_tools.sse");
pub const OPENAI_ERROR: &str = include_str!("golden/openai/error.json");
pub const OPENAI_MODELS: &str = include_str!("golden/openai/models.json");
pub const ANTHROPIC_REQUEST: &str = include_str!("golden/anthropic/request.json");
pub const ANTHROPIC_RESPONSE: &str = include_str!("golden/anthropic/response.json");
pub const ANTHROPIC_STREAM: &str = include_str!("golden/anthropic/stream.sse");
pub const ANTHROPIC_STREAM_ERROR: &str = include_str!("golden/anthropic/stream_error.sse");
pub const ANTHROPIC_ERROR: &str = include_str!("golden/anthropic/error.json");
pub const GEMINI_REQUEST: &str = include_str!("golden/gemini/request.json");
pub const GEMINI_RESPONSE: &str = include_str!("golden/gemini/response.json");
pub const GEMINI_RESPONSE_BLOCKED: &str = include_str!("golden/gemini/response_blocked.json");
pub const GEMINI_STREAM: &str = include_str!("golden/gemini/stream.sse");
pub const GEMINI_ERROR: &str = include_str!("golden/gemini/error.json");

/// The `data` of each event of a stream.
pub fn data(stream: &'static str) -> impl Iterator<Item = &'static str> {
    stream.lines().filter_map(|line| line.strip_prefix("data: "))
}

pub fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in {json}"))
}

pub fn written<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("can be written")
}

/// Reads `json` as a `T` and expects nothing to be lost when it is written again.
pub fn assert_kept<T: DeserializeOwned + Serialize>(json: &str) {
    assert_eq!(read::<Value>(&written(&read::<T>(json))), read::<Value>(json));
}
