//! What is said, block by block, read as strictly as the vendor reads it.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    cache::Beginning,
    thinking::{Thinking, is_told_back},
};
use crate::{
    fields::{BadField, Object, given, only},
    script::Conversation,
};

const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    System,
    User,
    Assistant,
}

/// A conversation that is being read.
#[derive(Default)]
pub(crate) struct Listener {
    /// What was said.
    pub(crate) conversation: Conversation,
    /// What of it is to be kept.
    pub(crate) beginning: Beginning,
    /// Whether the last message carries a tool's result.
    pub(crate) answers_a_tool: bool,
}

/// What one message says.
#[derive(Default)]
struct Said<'a> {
    texts: Vec<&'a str>,
    results: Vec<&'a str>,
    images: u64,
    called: Vec<&'a str>,
    answered: Vec<&'a str>,
    thinks_first: bool,
}

impl Listener {
    /// Takes in the tools, of which nothing is said but what is to be kept of them.
    pub(crate) fn tools(&mut self, tools: &[Value]) -> Result<(), BadField> {
        for (place, tool) in tools.iter().enumerate() {
            if let Some(tool) = tool.as_object()
                && self.beginning.take(tool, &format!("tools.{place}"))?
            {
                self.beginning.keep(self.conversation.input_tokens());
            }
        }
        Ok(())
    }

    /// Takes in the system prompt, which counts as a message.
    pub(crate) fn system(&mut self, system: &Value) -> Result<(), BadField> {
        let said = self.read(Speaker::System, system, "system")?;
        self.hear(Speaker::System, &said);
        Ok(())
    }

    /// Takes in the messages.
    pub(crate) fn messages(
        &mut self,
        messages: &[Value],
        thinking: Option<Thinking>,
    ) -> Result<(), BadField> {
        let (mut calls, mut thinks_first): (Vec<&str>, bool) = (Vec::new(), true);
        for (place, message) in messages.iter().enumerate() {
            let path = format!("messages.{place}");
            let fields = message.as_object().ok_or_else(|| BadField::not_a(&path, "dictionary"))?;
            only(fields, &["role", "content"])
                .map_err(|bad| BadField { path: format!("{path}.{}", bad.path), ..bad })?;
            let speaker = speaker(fields, &path)?;
            let content = given(fields, "content")
                .ok_or_else(|| BadField::missing(format!("{path}.content")))?;
            let said = self.read(speaker, content, &format!("{path}.content"))?;
            if let Some(stray) = said.answered.iter().find(|id| !calls.contains(id)) {
                let reason =
                    format!("unexpected `tool_use_id` found in `tool_result` blocks: {stray}");
                return Err(BadField::refused(format!("{path}.content"), reason));
            }
            self.answers_a_tool = !said.answered.is_empty();
            if self.answers_a_tool && place + 1 == messages.len() {
                let strict = thinking.is_some_and(|thinking| thinking.strict);
                told_back(strict, thinks_first, place)?;
            }
            self.hear(speaker, &said);
            thinks_first = said.thinks_first;
            calls = said.called;
        }
        Ok(())
    }

    fn hear(&mut self, speaker: Speaker, said: &Said<'_>) {
        self.conversation.hear(speaker == Speaker::User, &said.texts);
        self.conversation.overhear(&said.results);
        self.conversation.see(said.images);
    }

    fn read<'a>(
        &mut self,
        speaker: Speaker,
        content: &'a Value,
        path: &str,
    ) -> Result<Said<'a>, BadField> {
        let mut said = Said::default();
        match content {
            Value::String(text) => {
                let block = serde_json::json!({ "type": "text", "text": text });
                self.beginning.take(block.as_object().unwrap_or(&Object::new()), path)?;
                said.texts.push(text);
            }
            Value::Array(blocks) => {
                for (place, block) in blocks.iter().enumerate() {
                    let path = format!("{path}.{place}");
                    let block =
                        block.as_object().ok_or_else(|| BadField::not_a(&path, "dictionary"))?;
                    self.block(&mut said, (speaker, place), block, &path)?;
                }
            }
            _ => return Err(BadField::not_a(path, "string or list")),
        }
        Ok(said)
    }

    fn block<'a>(
        &mut self,
        said: &mut Said<'a>,
        (speaker, place): (Speaker, usize),
        block: &'a Object,
        path: &str,
    ) -> Result<(), BadField> {
        let kind = field(block, "type", path)?;
        match (speaker, kind) {
            (_, "text") => said.texts.push(text(block, path)?),
            (Speaker::User, "image") => {
                image(block, path)?;
                said.images += 1;
            }
            (Speaker::User, "tool_result") => said.result(block, path)?,
            (Speaker::Assistant, "tool_use") => {
                known(block, &["type", "id", "name", "input", "cache_control"], path)?;
                if !block.get("input").is_some_and(Value::is_object) {
                    return Err(BadField::not_a(format!("{path}.input"), "dictionary"));
                }
                field(block, "name", path)?;
                said.called.push(field(block, "id", path)?);
            }
            (Speaker::Assistant, "thinking" | "redacted_thinking") => {
                known(block, &["type", "thinking", "signature", "data"], path)?;
                is_told_back(block).map_err(|reason| BadField::refused(path, reason))?;
                said.thinks_first |= place == 0;
            }
            _ => {
                let reason = format!("Input tag '{kind}' is not expected here");
                return Err(BadField::refused(path, reason));
            }
        }
        if self.beginning.take(block, path)? {
            let mut so_far = Conversation::default();
            so_far.hear(false, &said.texts);
            so_far.overhear(&said.results);
            so_far.see(said.images);
            self.beginning.keep(self.conversation.input_tokens() + so_far.input_tokens());
        }
        Ok(())
    }
}

impl<'a> Said<'a> {
    fn result(&mut self, block: &'a Object, path: &str) -> Result<(), BadField> {
        known(block, &["type", "tool_use_id", "content", "is_error", "cache_control"], path)?;
        self.answered.push(field(block, "tool_use_id", path)?);
        if given(block, "is_error").is_some_and(|failed| !failed.is_boolean()) {
            return Err(BadField::not_a(format!("{path}.is_error"), "boolean"));
        }
        match given(block, "content") {
            None => {}
            Some(Value::String(text)) => self.results.push(text),
            Some(Value::Array(parts)) => {
                for (place, part) in parts.iter().enumerate() {
                    let path = format!("{path}.content.{place}");
                    let part =
                        part.as_object().ok_or_else(|| BadField::not_a(&path, "dictionary"))?;
                    match field(part, "type", &path)? {
                        "text" => self.results.push(text(part, &path)?),
                        "image" => {
                            image(part, &path)?;
                            self.images += 1;
                        }
                        kind => {
                            let reason = format!("Input tag '{kind}' is not expected here");
                            return Err(BadField::refused(path, reason));
                        }
                    }
                }
            }
            Some(_) => return Err(BadField::not_a(format!("{path}.content"), "string or list")),
        }
        Ok(())
    }
}

fn speaker(fields: &Object, path: &str) -> Result<Speaker, BadField> {
    match fields.get("role").and_then(Value::as_str).unwrap_or_default() {
        "user" => Ok(Speaker::User),
        "assistant" => Ok(Speaker::Assistant),
        role => {
            let reason = format!("Unexpected role \"{role}\". Expected \"user\" or \"assistant\".");
            Err(BadField::refused(format!("{path}.role"), reason))
        }
    }
}

/// Who thinks has to be told what it thought before it used a tool.
fn told_back(strict: bool, thinks_first: bool, place: usize) -> Result<(), BadField> {
    if !strict || thinks_first {
        return Ok(());
    }
    let path = format!("messages.{}.content.0.type", place.saturating_sub(1));
    let reason = "Expected `thinking` or `redacted_thinking`, but found `tool_use`. When \
                  `thinking` is enabled, a final `assistant` message must start with a thinking \
                  block";
    Err(BadField::refused(path, reason))
}

fn field<'a>(block: &'a Object, name: &str, path: &str) -> Result<&'a str, BadField> {
    let missing = || BadField::missing(format!("{path}.{name}"));
    block.get(name).and_then(Value::as_str).ok_or_else(missing)
}

fn known(block: &Object, names: &[&str], path: &str) -> Result<(), BadField> {
    only(block, names).map_err(|bad| BadField { path: format!("{path}.{}", bad.path), ..bad })
}

fn text<'a>(block: &'a Object, path: &str) -> Result<&'a str, BadField> {
    known(block, &["type", "text", "cache_control", "citations"], path)?;
    match field(block, "text", path)? {
        "" => Err(BadField::refused(path, "text content blocks must be non-empty")),
        text => Ok(text),
    }
}

/// An image is not looked at, and one that is elsewhere is not fetched.
fn image(block: &Object, path: &str) -> Result<(), BadField> {
    known(block, &["type", "source", "cache_control"], path)?;
    let path = format!("{path}.source");
    let source = block.get("source").and_then(Value::as_object);
    let source = source.ok_or_else(|| BadField::missing(&path))?;
    match field(source, "type", &path)? {
        "base64" => {
            known(source, &["type", "media_type", "data"], &path)?;
            if !IMAGES.contains(&field(source, "media_type", &path)?) {
                let reason =
                    "Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'";
                return Err(BadField::refused(format!("{path}.media_type"), reason));
            }
            let data = STANDARD.decode(field(source, "data", &path)?);
            if data.map_or(true, |data| data.is_empty()) {
                return Err(BadField::refused(format!("{path}.data"), "invalid base64 data"));
            }
            Ok(())
        }
        "url" => {
            known(source, &["type", "url"], &path)?;
            if field(source, "url", &path)?.starts_with("https://") {
                return Ok(());
            }
            Err(BadField::refused(format!("{path}.url"), "Only HTTPS URLs are supported."))
        }
        _ => Err(BadField::refused(path, "Input tag is not base64 or url")),
    }
}
