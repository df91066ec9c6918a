//! Documents that were cut off or damaged are read or refused, never more than that.
use cape_wire::{anthropic, gemini, openai};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::golden::{self, data};

type Reader = fn(&[u8]);

/// Reads and, where that succeeds, writes and reads again: what was written must be readable.
fn both_ways<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(bytes) {
        let json = serde_json::to_vec(&value).expect("what was read can be written");
        serde_json::from_slice::<T>(&json).expect("what was written can be read");
    }
}

fn chat_request(bytes: &[u8]) {
    match openai::ChatRequest::read(bytes) {
        Ok(request) => drop(request.unknown_paths()),
        Err(refusal) => assert!(!refusal.message.is_empty()),
    }
    both_ways::<openai::ChatRequest>(bytes);
}

fn openai_data(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(openai::StreamData::read(text));
    }
    both_ways::<openai::ChatChunk>(bytes);
}

fn gemini_data(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(gemini::StreamData::read(text));
    }
    both_ways::<gemini::GenerateContentResponse>(bytes);
}

fn gemini_error(bytes: &[u8]) {
    if let Ok(body) = gemini::ErrorBody::read(bytes) {
        drop((body.error.reason(), body.error.retry_delay()));
    }
    both_ways::<gemini::ErrorBody>(bytes);
}

fn documents() -> Vec<(&'static str, Reader)> {
    let mut documents: Vec<(&'static str, Reader)> = vec![
        (golden::OPENAI_REQUEST, chat_request),
        (golden::OPENAI_RESPONSE, both_ways::<openai::ChatResponse>),
        (golden::OPENAI_RESPONSE_TOOLS, both_ways::<openai::ChatResponse>),
        (golden::OPENAI_ERROR, both_ways::<openai::ErrorBody>),
        (golden::OPENAI_MODELS, both_ways::<openai::ModelList>),
        (golden::ANTHROPIC_REQUEST, both_ways::<anthropic::MessagesRequest>),
        (golden::ANTHROPIC_RESPONSE, both_ways::<anthropic::MessageResponse>),
        (golden::ANTHROPIC_ERROR, both_ways::<anthropic::ErrorBody>),
        (golden::GEMINI_REQUEST, both_ways::<gemini::GenerateContentRequest>),
        (golden::GEMINI_RESPONSE, gemini_data),
        (golden::GEMINI_RESPONSE_BLOCKED, gemini_data),
        (golden::GEMINI_ERROR, gemini_error),
    ];
    let openai = data(golden::OPENAI_STREAM).chain(data(golden::OPENAI_STREAM_TOOLS));
    documents.extend(openai.map(|json| (json, openai_data as Reader)));
    let anthropic = data(golden::ANTHROPIC_STREAM).chain(data(golden::ANTHROPIC_STREAM_ERROR));
    documents.extend(anthropic.map(|json| (json, both_ways::<anthropic::StreamEvent> as Reader)));
    documents.extend(data(golden::GEMINI_STREAM).map(|json| (json, gemini_data as Reader)));
    documents
}

#[test]
fn every_beginning_of_every_document_is_read_or_refused() {
    for (json, read) in documents() {
        for end in 0..=json.len() {
            read(&json.as_bytes()[..end]);
        }
    }
}

#[test]
fn every_document_with_one_byte_changed_is_read_or_refused() {
    const BYTES: &[u8] = b"{}[]\",:0-.e\\ntf \xff\x00";
    for (json, read) in documents() {
        let mut bytes = json.as_bytes().to_vec();
        for at in 0..bytes.len() {
            let kept = bytes[at];
            bytes[at] = BYTES[at % BYTES.len()];
            read(&bytes);
            bytes[at] = kept;
        }
    }
}

#[test]
fn every_document_of_one_kind_is_read_or_refused_as_every_other() {
    let documents = documents();
    for (json, _) in &documents {
        for (_, read) in &documents {
            read(json.as_bytes());
        }
    }
}

#[test]
fn values_of_the_wrong_kind_are_read_or_refused() {
    let wrong = [json!(null), json!(true), json!(-1), json!(1.5), json!(""), json!([]), json!({})];
    for (json, read) in documents() {
        let Ok(document) = serde_json::from_str::<Value>(json) else { continue };
        let mut places = Vec::new();
        find_places(&document, String::new(), &mut places);
        for place in places {
            for value in &wrong {
                let mut damaged = document.clone();
                *damaged.pointer_mut(&place).expect("a place") = value.clone();
                read(damaged.to_string().as_bytes());
            }
        }
    }
}

/// Where every value of a document stands, the whole document among them.
fn find_places(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_places(item, format!("{at}/{index}"), places);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                find_places(field, format!("{at}/{name}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    places.push(at);
}
