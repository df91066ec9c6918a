//! Reading a caller's request, and saying which parameter is at fault.
//!
//! Only the shape is checked. Roles without content, values out of range and unknown parameters
//! are read and left to whoever serves the request.
use std::{collections::BTreeMap, fmt};

use serde::de::DeserializeOwned;

use super::{
    message::{ContentPart, Message},
    request::ChatRequest,
    responses::{self, InputItem, InputPart},
    tool::{Tool, ToolCall},
};
use crate::{Raw, tagged::reason};

/// A body that is no request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRequest {
    /// What is wrong, for the caller to read. It may quote the beginning of a value.
    pub message: String,
    /// The parameter at fault, such as `messages[2].content`, where there is one.
    pub param: Option<String>,
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for InvalidRequest {}

impl ChatRequest {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] when it is no JSON, or not of a request's shape.
    pub fn read(body: &[u8]) -> Result<Self, InvalidRequest> {
        let shape = Shape {
            required: &["model", "messages"],
            smallest: r#""model":"","messages":[]"#,
            look_into: in_messages,
        };
        serde_json::from_slice(body)
            .map_err(|error| InvalidRequest::find::<Self>(body, &error, &shape))
    }
}

impl InvalidRequest {
    /// What is wrong with a body that ought to be a `T`, and was not for this reason.
    pub(super) fn find<T: DeserializeOwned>(
        body: &[u8],
        error: &serde_json::Error,
        shape: &Shape,
    ) -> Self {
        let fields: Fields = match serde_json::from_slice(body) {
            Ok(fields) => fields,
            Err(error) if error.is_data() => {
                let message = "The body of the request must be a JSON object.".to_owned();
                return Self { message, param: None };
            }
            Err(error) => {
                let message = format!("The body of the request is not valid JSON: {error}.");
                return Self { message, param: None };
            }
        };
        if let Some(required) = shape.required.iter().find(|name| !fields.contains_key(**name)) {
            let message = format!("Missing required parameter: '{required}'.");
            return Self { message, param: Some((*required).to_owned()) };
        }
        let fault = in_fields::<T>(&fields, shape.smallest, shape.look_into);
        if let Some(Fault { path, reason }) = fault {
            let path = shortened(&path);
            let message = format!("Invalid value for '{path}': {}.", shortened(&reason));
            return Self { message, param: Some(path) };
        }
        let message = format!("Invalid request: {}.", shortened(&reason(error)));
        Self { message, param: None }
    }
}

/// A reason may quote a whole value, and a path a whole key: megabytes, if the caller likes.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

type Fields = BTreeMap<String, Raw>;

/// What a request has to look like.
pub(super) struct Shape {
    /// The fields that it must have.
    pub(super) required: &'static [&'static str],
    /// The same with values that are in order, as they stand in an object.
    pub(super) smallest: &'static str,
    /// Where in the value of a field the fault may be.
    pub(super) look_into: fn(&str, &Raw) -> Option<Fault>,
}

/// Where a value is at fault, and how.
pub(super) struct Fault {
    path: String,
    reason: String,
}

impl Fault {
    fn under(mut self, parent: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{parent}{dot}{}", self.path);
        self
    }
}

/// Reads `raw`; where that fails, `look_into` may know a more exact place.
fn in_value<T: DeserializeOwned>(
    raw: &Raw,
    look_into: impl FnOnce(&Raw) -> Option<Fault>,
) -> Option<Fault> {
    let error = raw.read::<T>().err()?;
    look_into(raw).or_else(|| Some(Fault { path: String::new(), reason: reason(&error) }))
}

/// The first element of a list that cannot be read.
fn in_list<T: DeserializeOwned>(
    raw: &Raw,
    look_into: impl Fn(&Raw) -> Option<Fault>,
) -> Option<Fault> {
    let list: Vec<Raw> = raw.read().ok()?;
    list.iter().enumerate().find_map(|(at, item)| {
        in_value::<T>(item, &look_into).map(|fault| fault.under(&format!("[{at}]")))
    })
}

/// The first field that cannot be read, each tried alone beside the fields that are required.
fn in_fields<T: DeserializeOwned>(
    fields: &Fields,
    required: &str,
    look_into: impl Fn(&str, &Raw) -> Option<Fault>,
) -> Option<Fault> {
    let required: Fields = serde_json::from_str(&format!("{{{required}}}")).ok()?;
    fields.iter().find_map(|(name, raw)| {
        let mut alone: BTreeMap<&str, &Raw> =
            required.iter().map(|(name, raw)| (name.as_str(), raw)).collect();
        alone.insert(name, raw);
        let object = Raw::of(&alone).ok()?;
        in_value::<T>(&object, |_| look_into(name, raw)).map(|fault| fault.under(name))
    })
}

fn in_messages(name: &str, raw: &Raw) -> Option<Fault> {
    match name {
        "messages" => in_list::<Message>(raw, in_message),
        "tools" => in_list::<Tool>(raw, |_| None),
        _ => None,
    }
}

/// Where in a field of a request for a response the fault is.
pub(super) fn in_item(name: &str, raw: &Raw) -> Option<Fault> {
    match name {
        "input" => in_list::<InputItem>(raw, |item| {
            let fields: Fields = item.read().ok()?;
            ["content", "output"].into_iter().find_map(|name| {
                let fault = in_list::<InputPart>(fields.get(name)?, |_| None);
                fault.map(|fault| fault.under(name))
            })
        }),
        "tools" => in_list::<responses::Tool>(raw, |_| None),
        _ => None,
    }
}

/// Where in a field of a request for judgements the fault is. The first element of what is judged
/// says what all of them are.
pub(super) fn in_judged(name: &str, raw: &Raw) -> Option<Fault> {
    let items: Vec<Raw> = raw.read().ok().filter(|_| name == "input")?;
    if items.first().is_some_and(|first| first.as_str().starts_with('"')) {
        in_list::<String>(raw, |_| None)
    } else {
        in_list::<ContentPart>(raw, |_| None)
    }
}

fn in_message(raw: &Raw) -> Option<Fault> {
    let fields: Fields = raw.read().ok()?;
    in_fields::<Message>(&fields, r#""role":"user""#, |name, raw| match name {
        "content" => in_list::<ContentPart>(raw, |_| None),
        "tool_calls" => in_list::<ToolCall>(raw, |_| None),
        _ => None,
    })
}
