//! What was said, as the vendor checks it. Nobody looks at images.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    request::{both, either},
    thinking::is_intact,
};
use crate::{
    fields::{BadField, Object},
    script::Conversation,
};

const PART: [&str; 7] = [
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "thought",
    "thoughtSignature",
];
/// Of these a part has one.
const DATA: [(&str, &str); 5] = [
    ("text", "text"),
    ("inlineData", "inline_data"),
    ("fileData", "file_data"),
    ("functionCall", "function_call"),
    ("functionResponse", "function_response"),
];
const IMAGES: [&str; 5] = ["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"];
const ROLES: [&str; 3] = ["user", "model", "function"];

/// The parts of a content.
pub(crate) fn parts<'a>(content: &'a Value, path: &str) -> Result<Vec<&'a Object>, BadField> {
    let parts = content["parts"].as_array().filter(|parts| !parts.is_empty());
    let parts = parts.ok_or_else(|| BadField::missing(format!("{path}.parts")))?;
    let mut read = Vec::with_capacity(parts.len());
    for (place, part) in parts.iter().enumerate() {
        let path = format!("{path}.parts[{place}]");
        let part = part.as_object().ok_or_else(|| BadField::not_a(path.as_str(), "object"))?;
        both(part, &PART, &path)?;
        let held = DATA.iter().filter(|(camel, snake)| either(part, camel, snake).is_some());
        let reason = match held.count() {
            1 => None,
            0 => Some("required oneof field 'data' must have one initialized field"),
            _ => Some("oneof field 'data' is already set"),
        };
        if let Some(reason) = reason {
            return Err(BadField::refused(format!("{path}.data"), reason));
        }
        read.push(part);
    }
    Ok(read)
}

/// Takes in the contents, and tells whether the last one carries a function's result.
pub(crate) fn hear(
    conversation: &mut Conversation,
    contents: &[Value],
    model: &str,
) -> Result<bool, BadField> {
    let (mut called, mut answers) = (0, 0);
    for (place, content) in contents.iter().enumerate() {
        let path = format!("contents[{place}]");
        let role = content["role"].as_str().unwrap_or("user");
        if !ROLES.contains(&role) {
            let reason = "Please use a valid role: user, model.";
            return Err(BadField::refused(format!("{path}.role"), reason));
        }
        let parts = parts(content, &path)?;
        let said = said(&parts, &path)?;
        let calls = parts.iter().filter(|part| call(part).is_some()).count();
        answers = said.results.len();
        if answers != called {
            let reason = "Please ensure that the number of function response parts is equal to \
                          the number of function call parts of the function call turn.";
            return Err(BadField::refused(path, reason));
        }
        let first_call = parts.iter().find(|part| call(part).is_some());
        let signed = first_call
            .is_none_or(|part| either(part, "thoughtSignature", "thought_signature").is_some());
        if !signed && model.starts_with("gemini-3") {
            let reason = "Function call is missing a thought_signature in functionCall parts.";
            return Err(BadField::refused(path, reason));
        }
        called = calls;
        conversation.hear(role == "user", &said.texts);
        conversation.overhear(&said.results.iter().map(String::as_str).collect::<Vec<_>>());
        conversation.see(said.images);
    }
    Ok(answers > 0)
}

/// What is in a content.
struct Said<'a> {
    texts: Vec<&'a str>,
    results: Vec<String>,
    images: u64,
}

fn call(part: &Object) -> Option<&Value> {
    either(part, "functionCall", "function_call")
}

fn said<'a>(parts: &[&'a Object], path: &str) -> Result<Said<'a>, BadField> {
    let mut said = Said { texts: Vec::new(), results: Vec::new(), images: 0 };
    for (place, part) in parts.iter().enumerate() {
        let path = format!("{path}.parts[{place}]");
        is_intact(part, &path)?;
        said.texts.extend(part.get("text").and_then(Value::as_str));
        if let Some(blob) = either(part, "inlineData", "inline_data") {
            image(blob, &format!("{path}.inline_data"))?;
            said.images += 1;
        }
        if let Some(file) = either(part, "fileData", "file_data") {
            self::file(file, &format!("{path}.file_data"))?;
            said.images += 1;
        }
        let args = call(part).and_then(|call| call.get("args"));
        if args.is_some_and(|args| !args.is_object()) {
            return Err(BadField::not_a(format!("{path}.function_call.args"), "Struct"));
        }
        if let Some(result) = either(part, "functionResponse", "function_response") {
            let path = format!("{path}.function_response");
            if !result["response"].is_object() {
                return Err(BadField::not_a(format!("{path}.response"), "Struct"));
            }
            if result["name"].as_str().is_none_or(str::is_empty) {
                return Err(BadField::refused(format!("{path}.name"), "Name cannot be empty."));
            }
            for (place, part) in result["parts"].as_array().into_iter().flatten().enumerate() {
                let blob = part.get("inlineData").unwrap_or(&part["inline_data"]);
                image(blob, &format!("{path}.parts[{place}].inline_data"))?;
                said.images += 1;
            }
            said.results.push(result["response"].to_string());
        }
    }
    Ok(said)
}

fn image(blob: &Value, path: &str) -> Result<(), BadField> {
    let kind = blob.get("mimeType").unwrap_or(&blob["mime_type"]).as_str().unwrap_or_default();
    if !IMAGES.contains(&kind) {
        return Err(BadField::refused(path, format!("Unsupported MIME type: {kind}")));
    }
    let data = blob["data"].as_str().unwrap_or_default().replace('-', "+").replace('_', "/");
    if data.is_empty() || STANDARD.decode(data).is_err() {
        let reason = "Base64 decoding failed";
        return Err(BadField::refused(format!("{path}.data"), reason));
    }
    Ok(())
}

fn file(file: &Value, path: &str) -> Result<(), BadField> {
    let uri = file.get("fileUri").unwrap_or(&file["file_uri"]).as_str().unwrap_or_default();
    if ["https://", "http://"].iter().any(|kind| uri.starts_with(kind)) {
        return Ok(());
    }
    Err(BadField::refused(format!("{path}.file_uri"), "Invalid or unsupported file uri"))
}
