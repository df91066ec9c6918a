//! The conversation, as Anthropic is told it.
use cape_domain::usage::{
    CachePoint, ChatRequest, Image, ImageSource, Message, Part, Thought, ToolCall,
    UnsupportedParameter,
};
use cape_wire::{
    TextOr,
    anthropic::{
        ImageBlock, ImageSource as Source, InputBlock, InputMessage, RedactedThinkingBlock,
        ResultBlock, Role, SystemBlock, TextBlock, ThinkingBlock, ToolResultBlock, ToolUseBlock,
    },
};

use super::{
    super::format::{arguments, arguments_path, refuse, unsupported},
    request::mark,
};

/// What images can be.
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Instructions stand beside the conversation, all together; in blocks, where one is marked.
pub(super) fn system(request: &ChatRequest) -> Option<TextOr<SystemBlock>> {
    let texts = request.messages.iter().enumerate().filter_map(|(at, message)| match message {
        Message::System { text } if !text.is_empty() => Some((at, text)),
        Message::System { .. }
        | Message::User { .. }
        | Message::Assistant { .. }
        | Message::Tool { .. } => None,
    });
    let block = |(at, text): (usize, &String)| TextBlock {
        text: text.clone(),
        cache_control: mark(request, CachePoint::Message(at)),
    };
    let blocks: Vec<TextBlock> = texts.map(block).collect();
    if blocks.is_empty() {
        return None;
    }
    if blocks.iter().any(|block| block.cache_control.is_some()) {
        return Some(TextOr::Parts(blocks.into_iter().map(SystemBlock::Text).collect()));
    }
    let texts: Vec<String> = blocks.into_iter().map(|block| block.text).collect();
    Some(TextOr::Text(texts.join("\n\n")))
}

/// The turns of the conversation: user and assistant take turns, so what one says in several
/// messages is one turn. Results of functions are the user's.
pub(super) fn messages(request: &ChatRequest) -> Result<Vec<InputMessage>, UnsupportedParameter> {
    let mut turns: Vec<(Role, Vec<InputBlock>)> = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        let (role, blocks) = match message {
            Message::System { .. } => continue,
            Message::User { content, name } => {
                refuse(name.is_some(), &format!("messages[{at}].name"))?;
                (Role::User, user(request, at, content)?)
            }
            Message::Assistant { thoughts, text, tool_calls } => {
                let mut blocks = self::thoughts(at, thoughts)?;
                // An empty text beside other blocks is refused by the provider.
                let says = !text.is_empty() || (tool_calls.is_empty() && blocks.is_empty());
                blocks.extend(says.then(|| said(request, at, text)));
                blocks.extend(calls(request, at, tool_calls)?);
                (Role::Assistant, blocks)
            }
            Message::Tool { call, content, failed } => {
                (Role::User, vec![result(request, at, (call, *failed), content)?])
            }
        };
        match turns.last_mut() {
            Some((last, said)) if *last == role => said.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    Ok(turns.into_iter().map(|(role, blocks)| turn(role, blocks)).collect())
}

fn turn(role: Role, mut blocks: Vec<InputBlock>) -> InputMessage {
    match blocks.as_mut_slice() {
        [InputBlock::Text(TextBlock { text, cache_control: None })] => {
            InputMessage::new(role, std::mem::take(text))
        }
        _ => InputMessage::new(role, blocks),
    }
}

fn user(
    request: &ChatRequest,
    at: usize,
    content: &[Part],
) -> Result<Vec<InputBlock>, UnsupportedParameter> {
    let block = |(place, part): (usize, &Part)| {
        Ok(match self::part(request, (at, place), part)? {
            ResultBlock::Text(block) => InputBlock::Text(block),
            ResultBlock::Image(block) => InputBlock::Image(block),
            ResultBlock::Other(raw) => InputBlock::Other(raw),
        })
    };
    content.iter().enumerate().map(block).collect()
}

/// A part of what is said, or of what a function answered: both are told alike.
fn part(
    request: &ChatRequest,
    (message, place): (usize, usize),
    part: &Part,
) -> Result<ResultBlock, UnsupportedParameter> {
    let cache_control = mark(request, CachePoint::Part { message, part: place });
    Ok(match part {
        Part::Text(text) => ResultBlock::Text(TextBlock { text: text.clone(), cache_control }),
        Part::Image(image) => {
            let source = source(image, &format!("messages[{message}].content[{place}]"))?;
            ResultBlock::Image(ImageBlock { source, cache_control })
        }
    })
}

/// Where an image is. How closely to look cannot be said, but is the provider's to decide anyway
/// where nothing else is wanted.
fn source(image: &Image, place: &str) -> Result<Source, UnsupportedParameter> {
    let detail = image.detail.as_deref().unwrap_or("auto");
    refuse(detail != "auto", &format!("{place}.image_url.detail"))?;
    match &image.source {
        ImageSource::Url(url) if url.starts_with("https://") => {
            Ok(Source::Url { url: url.clone() })
        }
        ImageSource::Inline { media_type, base64 } if IMAGES.contains(&media_type.as_str()) => {
            Ok(Source::Base64 { media_type: media_type.clone(), data: base64.clone() })
        }
        ImageSource::Url(_) | ImageSource::Inline { .. } => Err(unsupported(place)),
    }
}

/// Thoughts have to be told back as they were. One that another provider thought, without a proof,
/// cannot be.
fn thoughts(at: usize, thoughts: &[Thought]) -> Result<Vec<InputBlock>, UnsupportedParameter> {
    let block = |(place, thought): (usize, &Thought)| match thought {
        Thought { text, signature: Some(signature), sealed: None } => {
            let (thinking, signature) = (text.clone(), signature.clone());
            Ok(InputBlock::Thinking(ThinkingBlock { thinking, signature }))
        }
        Thought { text, signature: None, sealed: Some(data) } if text.is_empty() => {
            Ok(InputBlock::RedactedThinking(RedactedThinkingBlock { data: data.clone() }))
        }
        Thought { .. } => Err(unsupported(format!("messages[{at}].thoughts[{place}]"))),
    };
    thoughts.iter().enumerate().map(block).collect()
}

fn said(request: &ChatRequest, at: usize, text: &str) -> InputBlock {
    let cache_control = mark(request, CachePoint::Said(at));
    InputBlock::Text(TextBlock { text: text.to_owned(), cache_control })
}

fn calls(
    request: &ChatRequest,
    at: usize,
    tool_calls: &[ToolCall],
) -> Result<Vec<InputBlock>, UnsupportedParameter> {
    let block = |(place, call): (usize, &ToolCall)| {
        let input = arguments(&call.arguments);
        Ok(InputBlock::ToolUse(ToolUseBlock {
            id: call.id.clone(),
            name: call.name.clone(),
            input: input.ok_or_else(|| unsupported(arguments_path(at, place)))?,
            cache_control: mark(request, CachePoint::Call { message: at, call: place }),
        }))
    };
    tool_calls.iter().enumerate().map(block).collect()
}

fn result(
    request: &ChatRequest,
    at: usize,
    (call, failed): (&str, bool),
    content: &[Part],
) -> Result<InputBlock, UnsupportedParameter> {
    let parts =
        content.iter().enumerate().map(|(place, part)| self::part(request, (at, place), part));
    let mut parts = parts.collect::<Result<Vec<_>, _>>()?;
    let content = match parts.as_mut_slice() {
        [ResultBlock::Text(TextBlock { text, cache_control: None })] => {
            (!text.is_empty()).then(|| TextOr::Text(std::mem::take(text)))
        }
        _ => Some(TextOr::Parts(parts)),
    };
    Ok(InputBlock::ToolResult(ToolResultBlock {
        tool_use_id: call.to_owned(),
        content,
        is_error: failed.then_some(true),
        cache_control: mark(request, CachePoint::Message(at)),
    }))
}
