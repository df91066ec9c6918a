//! What was said so far, item by item.
use serde_json::Value;

use super::super::image;
use crate::{
    fields::{BadField, Object, given},
    script::Conversation,
};

const ROLES: [&str; 4] = ["assistant", "developer", "system", "user"];

/// What was said, and whether the last item is a tool's result.
pub(super) fn conversation(input: &Value) -> Result<(Conversation, bool), BadField> {
    let mut heard = Heard::default();
    match input {
        Value::String(text) => heard.conversation.hear(true, &[text]),
        Value::Array(items) if items.is_empty() => {
            return Err(BadField::refused("input", "expected at least one item"));
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                heard.item(item, &format!("input[{place}]"))?;
            }
        }
        _ => return Err(BadField::not_a("input", "one of a string or array of objects")),
    }
    Ok((heard.conversation, heard.answered))
}

#[derive(Default)]
struct Heard<'a> {
    conversation: Conversation,
    calls: Vec<&'a str>,
    answered: bool,
}

impl<'a> Heard<'a> {
    fn item(&mut self, item: &'a Value, path: &str) -> Result<(), BadField> {
        let fields = item.as_object().ok_or_else(|| BadField::not_a(path, "object"))?;
        self.answered = false;
        let text = |name: &str| {
            let value = given(fields, name);
            let value = value.ok_or_else(|| BadField::missing(format!("{path}.{name}")))?;
            value.as_str().ok_or_else(|| BadField::not_a(format!("{path}.{name}"), "string"))
        };
        match fields.get("type").and_then(Value::as_str).unwrap_or("message") {
            "message" => self.message(fields, path),
            "function_call" => {
                self.calls.push(text("call_id")?);
                self.conversation.hear(false, &[text("name")?, text("arguments")?]);
                Ok(())
            }
            "function_call_output" => {
                let call = text("call_id")?;
                if !self.calls.contains(&call) {
                    let reason = "no tool call found for function call output";
                    return Err(BadField::refused(format!("{path}.call_id"), reason));
                }
                self.answered = true;
                let output = given(fields, "output");
                let output = output.ok_or_else(|| BadField::missing(format!("{path}.output")))?;
                self.said(output, "tool", &format!("{path}.output"))
            }
            "reasoning" => {
                let summary = fields.get("summary").and_then(Value::as_array);
                let texts = summary.into_iter().flatten().filter_map(|part| part["text"].as_str());
                self.conversation.overhear(&texts.collect::<Vec<_>>());
                Ok(())
            }
            other => {
                Err(BadField::refused(format!("{path}.type"), format!("'{other}' is unknown")))
            }
        }
    }

    fn message(&mut self, fields: &'a Object, path: &str) -> Result<(), BadField> {
        let role = fields.get("role").and_then(Value::as_str).unwrap_or_default();
        if !ROLES.contains(&role) {
            let reason = format!("supported values are: {}", ROLES.join(", "));
            return Err(BadField::refused(format!("{path}.role"), reason));
        }
        let content = given(fields, "content");
        let content = content.ok_or_else(|| BadField::missing(format!("{path}.content")))?;
        self.said(content, role, &format!("{path}.content"))
    }

    fn said(&mut self, content: &'a Value, role: &str, path: &str) -> Result<(), BadField> {
        let parts = match content {
            Value::String(text) => {
                self.conversation.hear(role == "user", &[text]);
                return Ok(());
            }
            Value::Array(parts) => parts,
            _ => return Err(BadField::not_a(path, "one of a string or array of objects")),
        };
        let (mut texts, mut images) = (Vec::new(), 0);
        for (place, part) in parts.iter().enumerate() {
            let path = format!("{path}[{place}]");
            match (part["type"].as_str(), role) {
                (Some("input_text"), "user" | "system" | "developer" | "tool")
                | (Some("output_text"), "assistant") => texts.extend(part["text"].as_str()),
                (Some("refusal"), "assistant") => texts.extend(part["refusal"].as_str()),
                (Some("input_image"), "user" | "tool") => {
                    image::check(&part["image_url"], &format!("{path}.image_url"))?;
                    image::check_detail(&part["detail"], &format!("{path}.detail"))?;
                    images += 1;
                }
                (Some(other), _) => {
                    let reason = format!("'{other}' is not supported for role '{role}'");
                    return Err(BadField::refused(path, reason));
                }
                (None, _) => return Err(BadField::missing(format!("{path}.type"))),
            }
        }
        self.conversation.hear(role == "user", &texts);
        self.conversation.see(images);
        Ok(())
    }
}
