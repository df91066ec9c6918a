//! What was said, in Gemini's parts.
//!
//! What a model thought is proven by signatures, which stand on the parts that followed from it. The
//! third generation refuses a call that has lost its signature; for one that never had any, because
//! it comes from another model, the vendor names a word to say so.
use cape_domain::usage::{self, ImageSource, Message, Thought, ToolCall, UnsupportedParameter};
use cape_wire::{
    Raw,
    gemini::{Blob, FileData, FunctionCall, FunctionResponse, FunctionResponsePart, Part},
};

use super::{
    super::format::{arguments, arguments_path, unsupported},
    generation::media_type,
};

/// The signature of a call that the model did not make itself.
const UNSIGNED: &str = "skip_thought_signature_validator";

/// What a person said, or none where it cannot be said.
pub fn said(content: &[usage::Part]) -> Option<Vec<Part>> {
    content.iter().map(part).collect()
}

fn part(part: &usage::Part) -> Option<Part> {
    match part {
        usage::Part::Text(text) => Some(Part::text(text.as_str())),
        usage::Part::Image(image) => match &image.source {
            ImageSource::Inline { media_type, base64 } => {
                Some(Part::inline_data(media_type.as_str(), base64.as_str()))
            }
            ImageSource::Url(url) => {
                let reachable = ["http://", "https://"].iter().any(|kind| url.starts_with(kind));
                let mime_type = media_type(&image.source).map(str::to_owned);
                reachable.then(|| Part::file_data(FileData { mime_type, file_uri: url.clone() }))
            }
        },
    }
}

/// What the model said at place `at`.
pub fn assistant(
    model: &str,
    at: usize,
    (thoughts, text, tool_calls): (&[Thought], &str, &[ToolCall]),
) -> Result<Vec<Part>, UnsupportedParameter> {
    let mut parts = Vec::new();
    let (mut of_calls, mut of_text) = (Vec::new(), Vec::new());
    for thought in thoughts {
        if !thought.text.is_empty() {
            parts.push(Part::thought(thought.text.as_str()).signed(thought.signature.clone()));
        } else if let Some(signature) = &thought.signature {
            of_calls.push(signature.clone());
        }
        of_text.extend(thought.sealed.clone());
    }
    let last_of_text = of_text.pop();
    parts.extend(of_text.into_iter().map(|signature| Part::text("").signed(Some(signature))));
    let silent = parts.is_empty() && tool_calls.is_empty() && of_calls.is_empty();
    if !text.is_empty() || last_of_text.is_some() || silent {
        parts.push(Part::text(text).signed(last_of_text));
    }
    let mut signatures = of_calls.into_iter();
    for (place, call) in tool_calls.iter().enumerate() {
        let args = arguments(&call.arguments);
        let made = Part::function_call(FunctionCall {
            id: Some(call.id.clone()),
            name: call.name.clone(),
            args: Some(args.ok_or_else(|| unsupported(arguments_path(at, place)))?),
        });
        let needed = place == 0 && model.starts_with("gemini-3");
        let unsigned = || needed.then(|| UNSIGNED.to_owned());
        parts.push(made.signed(signatures.next().or_else(unsigned)));
    }
    parts.extend(signatures.map(|signature| Part::thought("").signed(Some(signature))));
    Ok(parts)
}

/// What the function answered that was called under this id, or none where it cannot be said.
pub fn result(
    call: &str,
    name: &str,
    content: &[usage::Part],
    failed: bool,
) -> Option<FunctionResponse> {
    let (mut text, mut parts) = (String::new(), Vec::new());
    for part in content {
        match part {
            usage::Part::Text(more) => text.push_str(more),
            usage::Part::Image(image) => match &image.source {
                ImageSource::Inline { media_type, base64 } => {
                    let (mime_type, data) = (media_type.clone(), base64.clone());
                    let inline_data = Some(Blob { mime_type, data });
                    parts.push(FunctionResponsePart { inline_data });
                }
                ImageSource::Url(_) => return None,
            },
        }
    }
    let (id, name) = (Some(call.to_owned()), name.to_owned());
    Some(FunctionResponse { id, name, response: response(&text, failed)?, parts })
}

/// A result has to be an object; what is none becomes the `result` of one. One that failed says so
/// in its `error`.
fn response(text: &str, failed: bool) -> Option<Raw> {
    #[derive(serde::Deserialize)]
    struct Told {
        error: Option<Raw>,
    }
    let object = Raw::new(text).ok().filter(Raw::is_object);
    let says_so = |raw: &Raw| raw.read::<Told>().is_ok_and(|told: Told| told.error.is_some());
    let wrapped = |name: &str| Raw::of(&serde_json::json!({ name: text })).ok();
    if failed {
        return object.filter(says_so).or_else(|| wrapped("error"));
    }
    object.or_else(|| wrapped("result"))
}

/// The function that was called under this id: the latest, if an id was used twice.
pub fn name_of<'a>(id: &str, before: &'a [Message]) -> Option<&'a str> {
    before.iter().rev().find_map(|message| match message {
        Message::Assistant { tool_calls, .. } => {
            tool_calls.iter().find(|call| call.id == id).map(|call| call.name.as_str())
        }
        Message::System { .. } | Message::User { .. } | Message::Tool { .. } => None,
    })
}
