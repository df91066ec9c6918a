//! From Anthropic's turns to the domain's messages.
//!
//! Results of tools, which stand in the user's turn here, are messages of their own there. What is
//! marked for the cache is a point beside the messages.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cape_domain::usage::{CachePoint, Image, ImageSource, Message, Part, Thought, ToolCall};
use cape_wire::{
    TextOr,
    anthropic::{
        CacheControl, ImageBlock, ImageSource as Source, InputBlock, InputMessage, ResultBlock,
        Role, SystemBlock, TextBlock, ToolResultBlock, ToolUseBlock,
    },
};

use super::super::{unsupported, wrong};
use crate::error::ApiError;

/// What images can be.
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// The conversation, as far as it was read.
#[derive(Default)]
pub(super) struct Conversation {
    pub(super) messages: Vec<Message>,
    pub(super) cache_points: Vec<CachePoint>,
    /// Where each of the messages stands in the request.
    pub(super) places: Vec<String>,
}

/// What the model said, as far as it was read.
#[derive(Default)]
struct Said {
    thoughts: Vec<Thought>,
    text: Option<String>,
    tool_calls: Vec<ToolCall>,
    /// Whether the text is marked for the cache: what follows it is no part of it.
    closed: bool,
}

impl Conversation {
    /// Takes in the instructions.
    pub(super) fn instruct(&mut self, told: TextOr<SystemBlock>) -> Result<(), ApiError> {
        let blocks = match told {
            TextOr::Text(text) => vec![SystemBlock::Text(TextBlock::new(text))],
            TextOr::Parts(blocks) => blocks,
        };
        for (number, block) in blocks.into_iter().enumerate() {
            let place = format!("system.{number}");
            let SystemBlock::Text(TextBlock { text, cache_control }) = block else {
                return Err(unsupported(place));
            };
            self.mark(cache_control.as_ref(), CachePoint::Message(self.messages.len()));
            self.push(Message::System { text }, &place);
        }
        Ok(())
    }

    /// Takes in a turn.
    pub(super) fn hear(&mut self, told: InputMessage, place: &str) -> Result<(), ApiError> {
        let blocks = match told.content {
            TextOr::Text(text) => vec![InputBlock::text(text)],
            TextOr::Parts(blocks) => blocks,
        };
        if blocks.is_empty() {
            return Err(wrong(&format!("{place}.content"), "there is nothing in it"));
        }
        match told.role {
            Role::User => self.user(blocks, place),
            Role::Assistant => self.assistant(blocks, place),
            Role::Other(_) => Err(unsupported(format!("{place}.role"))),
        }
    }

    fn user(&mut self, blocks: Vec<InputBlock>, place: &str) -> Result<(), ApiError> {
        let mut said = Vec::new();
        for (number, block) in blocks.into_iter().enumerate() {
            let at = format!("{place}.content.{number}");
            match block {
                InputBlock::Text(block) => {
                    self.part(&mut said, Part::Text(block.text), block.cache_control.as_ref());
                }
                InputBlock::Image(block) => {
                    let part = Part::Image(image(block.source, &at)?);
                    self.part(&mut said, part, block.cache_control.as_ref());
                }
                InputBlock::ToolResult(result) => {
                    self.say(&mut said, place);
                    self.result(result, &at)?;
                }
                InputBlock::ToolUse(_)
                | InputBlock::Thinking(_)
                | InputBlock::RedactedThinking(_)
                | InputBlock::Other(_) => return Err(unsupported(at)),
            }
        }
        self.say(&mut said, place);
        Ok(())
    }

    /// What a call came to.
    fn result(&mut self, result: ToolResultBlock, place: &str) -> Result<(), ApiError> {
        let blocks = match result.content {
            None => Vec::new(),
            Some(TextOr::Text(text)) => vec![ResultBlock::Text(TextBlock::new(text))],
            Some(TextOr::Parts(blocks)) => blocks,
        };
        let mut content = Vec::new();
        for (number, block) in blocks.into_iter().enumerate() {
            let at = format!("{place}.content.{number}");
            match block {
                ResultBlock::Text(block) => {
                    self.part(&mut content, Part::Text(block.text), block.cache_control.as_ref());
                }
                ResultBlock::Image(ImageBlock { source, cache_control }) => {
                    let part = Part::Image(image(source, &at)?);
                    self.part(&mut content, part, cache_control.as_ref());
                }
                ResultBlock::Other(_) => return Err(unsupported(at)),
            }
        }
        if content.is_empty() {
            content.push(Part::Text(String::new()));
        }
        self.mark(result.cache_control.as_ref(), CachePoint::Message(self.messages.len()));
        let (call, failed) = (result.tool_use_id, result.is_error == Some(true));
        self.push(Message::Tool { call, content, failed }, place);
        Ok(())
    }

    /// A turn of the model is one message, unless thoughts follow what it said: in a message they
    /// come first.
    fn assistant(&mut self, blocks: Vec<InputBlock>, place: &str) -> Result<(), ApiError> {
        let mut said = Said::default();
        for (number, block) in blocks.into_iter().enumerate() {
            match block {
                InputBlock::Text(TextBlock { text, cache_control }) => {
                    if said.closed && said.tool_calls.is_empty() {
                        self.answer(&mut said, place);
                    }
                    said.text.get_or_insert_default().push_str(&text);
                    said.closed = cache_control.is_some();
                    self.mark(cache_control.as_ref(), CachePoint::Said(self.messages.len()));
                }
                InputBlock::ToolUse(ToolUseBlock { id, name, input, cache_control }) => {
                    let (message, call) = (self.messages.len(), said.tool_calls.len());
                    self.mark(cache_control.as_ref(), CachePoint::Call { message, call });
                    let arguments = input.as_str().to_owned();
                    said.tool_calls.push(ToolCall { id, name, arguments });
                }
                InputBlock::Thinking(thought) => {
                    let signature = Some(thought.signature).filter(|proof| !proof.is_empty());
                    let text = thought.thinking;
                    self.think(&mut said, Thought { text, signature, sealed: None }, place);
                }
                InputBlock::RedactedThinking(thought) => {
                    let sealed = Some(thought.data);
                    self.think(&mut said, Thought { sealed, ..Thought::default() }, place);
                }
                InputBlock::Image(_) | InputBlock::ToolResult(_) | InputBlock::Other(_) => {
                    return Err(unsupported(format!("{place}.content.{number}")));
                }
            }
        }
        self.answer(&mut said, place);
        Ok(())
    }

    fn think(&mut self, said: &mut Said, thought: Thought, place: &str) {
        if said.text.is_some() || !said.tool_calls.is_empty() {
            self.answer(said, place);
        }
        said.thoughts.push(thought);
    }

    fn answer(&mut self, said: &mut Said, place: &str) {
        let Said { thoughts, text, tool_calls, .. } = std::mem::take(said);
        let text = text.unwrap_or_default();
        self.push(Message::Assistant { thoughts, text, tool_calls }, place);
    }

    fn say(&mut self, said: &mut Vec<Part>, place: &str) {
        let content = std::mem::take(said);
        if !content.is_empty() {
            self.push(Message::User { content, name: None }, place);
        }
    }

    /// Adds a part to what will be the next message.
    fn part(&mut self, said: &mut Vec<Part>, part: Part, cache_control: Option<&CacheControl>) {
        let (message, number) = (self.messages.len(), said.len());
        self.mark(cache_control, CachePoint::Part { message, part: number });
        said.push(part);
    }

    fn mark(&mut self, cache_control: Option<&CacheControl>, point: CachePoint) {
        self.cache_points.extend(cache_control.map(|_| point));
    }

    fn push(&mut self, message: Message, place: &str) {
        self.messages.push(message);
        self.places.push(place.to_owned());
    }
}

fn image(source: Source, place: &str) -> Result<Image, ApiError> {
    let source = match source {
        Source::Base64 { media_type, data } => {
            if !IMAGES.contains(&media_type.as_str()) {
                let why = format!("must be one of {}", IMAGES.join(", "));
                return Err(wrong(&format!("{place}.source.media_type"), why));
            }
            if data.is_empty() || STANDARD.decode(&data).is_err() {
                return Err(wrong(&format!("{place}.source.data"), "is not in base64"));
            }
            ImageSource::Inline { media_type, base64: data }
        }
        Source::Url { url } if url.starts_with("https://") => ImageSource::Url(url),
        Source::Url { .. } => {
            return Err(wrong(&format!("{place}.source.url"), "must begin with https://"));
        }
        Source::File { .. } => return Err(unsupported(format!("{place}.source.file_id"))),
    };
    Ok(Image { source, detail: None })
}
