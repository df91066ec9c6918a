//! What was said, from Google's contents to the domain's messages.
//!
//! One content may be several messages, since what functions answered stands among what a person
//! says. A call that has no id gets one from its place, and an answer without one belongs to the
//! first call of its function that has none yet.
use actix_web::http::Uri;
use cape_domain::usage::{Image, ImageSource, Message, Part, Thought, ToolCall};
use cape_wire::{
    Raw,
    gemini::{self, Blob, Content, FileData, FunctionCall, FunctionResponse, Role},
};

use super::{
    super::{unsupported, wrong},
    base64::{standard, unwrapped},
    names::Place,
};
use crate::error::ApiError;

/// The host of files that were uploaded to Google with a key of its own.
const UPLOADED: &str = "generativelanguage.googleapis.com";

/// A conversation as it is read.
#[derive(Default)]
pub(super) struct Conversation {
    /// The messages.
    pub(super) messages: Vec<Message>,
    /// Where each of them stands.
    pub(super) places: Vec<Place>,
    calls: Vec<Called>,
}

/// A function that was called.
struct Called {
    id: String,
    name: String,
    answered: bool,
}

/// What one part holds.
enum Held {
    Text(String),
    Image(Image),
    Thought(String),
    Call(FunctionCall),
    Answer(FunctionResponse),
}

impl Conversation {
    /// Takes in the instructions.
    pub(super) fn instruct(&mut self, content: Content) -> Result<(), ApiError> {
        for (number, part) in content.parts.into_iter().enumerate() {
            let at = format!("systemInstruction.parts[{number}]");
            match held(part, &at)?.0 {
                Held::Text(text) => {
                    self.add("systemInstruction", number, Message::System { text });
                }
                Held::Image(_) | Held::Thought(_) | Held::Call(_) | Held::Answer(_) => {
                    return Err(unsupported(at));
                }
            }
        }
        Ok(())
    }

    /// Takes in what was said next.
    pub(super) fn hear(&mut self, place: usize, content: Content) -> Result<(), ApiError> {
        let at = format!("contents[{place}]");
        if content.parts.is_empty() {
            return Err(wrong(&format!("{at}.parts"), "must not be empty"));
        }
        match content.role {
            None | Some(Role::User) => self.user(&at, content.parts),
            // What functions answered had a role of its own once.
            Some(Role::Other(role)) if role == "function" => self.user(&at, content.parts),
            Some(Role::Model) => self.model(&at, place, content.parts),
            Some(Role::Other(_)) => Err(wrong(&format!("{at}.role"), "must be user or model")),
        }
    }

    fn add(&mut self, content: &str, part: usize, message: Message) {
        self.messages.push(message);
        self.places.push(Place { content: content.to_owned(), part });
    }

    fn user(&mut self, at: &str, parts: Vec<gemini::Part>) -> Result<(), ApiError> {
        let (mut said, mut first) = (Vec::new(), 0);
        for (number, part) in parts.into_iter().enumerate() {
            let place = format!("{at}.parts[{number}]");
            let (held, signature) = held(part, &place)?;
            if signature.is_some() {
                return Err(unsupported(format!("{place}.thoughtSignature")));
            }
            match held {
                Held::Text(text) => said.push(Part::Text(text)),
                Held::Image(image) => said.push(Part::Image(image)),
                Held::Answer(answer) => {
                    self.say(at, first, &mut said);
                    let message = self.answer(answer, &place)?;
                    self.add(at, number, message);
                }
                Held::Thought(_) | Held::Call(_) => {
                    return Err(wrong(&place, "only the model thinks and calls functions"));
                }
            }
            if said.is_empty() {
                first = number + 1;
            }
        }
        self.say(at, first, &mut said);
        Ok(())
    }

    fn say(&mut self, at: &str, first: usize, said: &mut Vec<Part>) {
        if !said.is_empty() {
            let content = std::mem::take(said);
            self.add(at, first, Message::User { content, name: None });
        }
    }

    fn model(&mut self, at: &str, place: usize, parts: Vec<gemini::Part>) -> Result<(), ApiError> {
        let (mut text, mut tool_calls) = (String::new(), Vec::new());
        let mut thoughts = Thoughts::default();
        for (number, part) in parts.into_iter().enumerate() {
            let (held, signature) = held(part, &format!("{at}.parts[{number}]"))?;
            match held {
                Held::Thought(more) => thoughts.think(&more, signature),
                Held::Text(more) => {
                    thoughts.apart(Thought { sealed: signature, ..Thought::default() });
                    text.push_str(&more);
                }
                Held::Call(call) => {
                    thoughts.apart(Thought { signature, ..Thought::default() });
                    let place = (place, number);
                    tool_calls.push(self.call(call, place, &format!("{at}.parts[{number}]"))?);
                }
                Held::Image(_) => return Err(unsupported(format!("{at}.parts[{number}]"))),
                Held::Answer(_) => {
                    let why = "the model does not answer for a function";
                    return Err(wrong(&format!("{at}.parts[{number}]"), why));
                }
            }
        }
        self.add(at, 0, Message::Assistant { thoughts: thoughts.finish(), text, tool_calls });
        Ok(())
    }

    fn call(
        &mut self,
        call: FunctionCall,
        (content, part): (usize, usize),
        at: &str,
    ) -> Result<ToolCall, ApiError> {
        let given = call.id.filter(|id| !id.is_empty());
        let id = given.unwrap_or_else(|| format!("call_{content}_{part}"));
        let arguments = call.args.as_ref().map_or("{}", Raw::as_str).to_owned();
        if !arguments.starts_with('{') {
            return Err(wrong(&format!("{at}.functionCall.args"), "must be an object"));
        }
        self.calls.push(Called { id: id.clone(), name: call.name.clone(), answered: false });
        Ok(ToolCall { id, name: call.name, arguments })
    }

    fn answer(&mut self, answer: FunctionResponse, at: &str) -> Result<Message, ApiError> {
        #[derive(serde::Deserialize)]
        struct Told {
            error: Option<Raw>,
        }
        let at = format!("{at}.functionResponse");
        let told: Option<Told> = answer.response.read().ok();
        let Some(told) = told.filter(|_| answer.response.is_object()) else {
            return Err(wrong(&format!("{at}.response"), "must be an object"));
        };
        let given = answer.id.filter(|id| !id.is_empty());
        let called = self.calls.iter_mut().find(|call| match &given {
            Some(id) => call.id == *id,
            None => call.name == answer.name && !call.answered,
        });
        let Some(called) = called else {
            return Err(wrong(&at, "answers no call of a function"));
        };
        called.answered = true;
        let mut content = vec![Part::Text(answer.response.as_str().to_owned())];
        for (number, part) in answer.parts.into_iter().enumerate() {
            let at = format!("{at}.parts[{number}].inlineData");
            let blob = part.inline_data.ok_or_else(|| wrong(&at, "is missing"))?;
            content.push(Part::Image(inline(blob, &at)?));
        }
        let (call, failed) = (called.id.clone(), told.error.is_some());
        Ok(Message::Tool { call, content, failed })
    }
}

/// What a model thought, as it is read.
#[derive(Default)]
struct Thoughts {
    all: Vec<Thought>,
    open: Option<Thought>,
}

impl Thoughts {
    /// More of a thought, which goes on until it is signed or something else is said.
    fn think(&mut self, text: &str, signature: Option<String>) {
        let mut thought = self.open.take().unwrap_or_default();
        thought.text.push_str(text);
        match signature {
            Some(_) => self.all.push(Thought { signature, ..thought }),
            None => self.open = Some(thought),
        }
    }

    /// A thought of its own, if there is one. It ends the one before in any case.
    fn apart(&mut self, thought: Thought) {
        self.all.extend(self.open.take());
        self.all.extend(Some(thought).filter(|thought| *thought != Thought::default()));
    }

    fn finish(mut self) -> Vec<Thought> {
        self.apart(Thought::default());
        self.all
    }
}

/// What a part holds, and its signature.
fn held(part: gemini::Part, at: &str) -> Result<(Held, Option<String>), ApiError> {
    let gemini::Part { text, inline_data, file_data, function_call, function_response, .. } = part;
    let signature = part.thought_signature.filter(|signature| !signature.is_empty());
    let not_base64 = || wrong(&format!("{at}.thoughtSignature"), "must be in base64");
    let signature = signature.map(|text| unwrapped(&text).ok_or_else(not_base64)).transpose()?;
    let thought = part.thought == Some(true);
    let text = text.map(|text| Ok(if thought { Held::Thought(text) } else { Held::Text(text) }));
    let image = inline_data.map(|blob| inline(blob, &format!("{at}.inlineData")).map(Held::Image));
    let file = file_data.map(|data| file(data, &format!("{at}.fileData")).map(Held::Image));
    let call = function_call.map(|call| Ok(Held::Call(call)));
    let answer = function_response.map(|answer| Ok(Held::Answer(answer)));
    let mut all = [text, image, file, call, answer].into_iter().flatten();
    match (all.next(), all.next()) {
        (Some(held), None) => Ok((held?, signature)),
        (None, None) if signature.is_some() => {
            let nothing = String::new();
            Ok((if thought { Held::Thought(nothing) } else { Held::Text(nothing) }, signature))
        }
        (None, _) => Err(wrong(at, "must hold something")),
        (Some(_), Some(_)) => Err(wrong(at, "must hold one thing alone")),
    }
}

fn inline(blob: Blob, at: &str) -> Result<Image, ApiError> {
    let media_type = media_type(&blob.mime_type, at)?;
    let base64 = standard(&blob.data).filter(|data| !data.is_empty());
    let base64 = base64.ok_or_else(|| wrong(&format!("{at}.data"), "must be in base64"))?;
    Ok(Image { source: ImageSource::Inline { media_type, base64 }, detail: None })
}

/// An image elsewhere. Files that were uploaded to Google are not there for our key.
fn file(data: FileData, at: &str) -> Result<Image, ApiError> {
    if let Some(told) = &data.mime_type {
        media_type(told, at)?;
    }
    let uri: Option<Uri> = data.file_uri.parse().ok();
    let on_the_web = uri.is_some_and(|uri| {
        let host = uri.host().unwrap_or_default();
        ["http", "https"].contains(&uri.scheme_str().unwrap_or_default())
            && !host.is_empty()
            && !host.eq_ignore_ascii_case(UPLOADED)
    });
    if !on_the_web {
        return Err(unsupported(format!("{at}.fileUri")));
    }
    Ok(Image { source: ImageSource::Url(data.file_uri), detail: None })
}

/// What is no image cannot be carried.
fn media_type(told: &str, at: &str) -> Result<String, ApiError> {
    let told = told.to_ascii_lowercase();
    let kind = told.strip_prefix("image/").unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-+.".contains(&byte);
    if kind.is_empty() || !kind.bytes().all(plain) {
        return Err(unsupported(format!("{at}.mimeType")));
    }
    Ok(told)
}
