//! Embeddings. What they are made of is in [`vectors`](crate::vectors).
use actix_web::{HttpRequest, HttpResponse, web::Bytes};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{authenticate, error::OpenAiError};
use crate::{
    fields::{BadField, Object, count, given, only, text},
    script::{Conversation, Script},
    stream::whole,
    vectors::{tokens, vector, written},
};

/// Every model for vectors, and how many numbers those have.
pub(super) const MODELS: [(&str, u64); 2] =
    [("text-embedding-3-small", 1_536), ("text-embedding-3-large", 3_072)];
const PARAMETERS: [&str; 5] = ["dimensions", "encoding_format", "input", "model", "user"];
const MOST_INPUTS: usize = 2_048;
const LONGEST_INPUT: u64 = 8_192;

/// Turns texts into vectors.
pub(super) async fn create(request: HttpRequest, body: Bytes) -> Result<HttpResponse, OpenAiError> {
    authenticate(&request)?;
    let Ok(Value::Object(fields)) = serde_json::from_slice(&body) else {
        return Err(OpenAiError::malformed());
    };
    only(&fields, &PARAMETERS)?;
    let name = text(&fields, "model")?;
    let model = MODELS.into_iter().find(|(model, _)| *model == name);
    let (model, most) = model.ok_or_else(|| OpenAiError::unknown_model(name))?;
    let input = given(&fields, "input").ok_or_else(|| BadField::missing("input"))?;
    let inputs = inputs(input)?;
    let dimensions = dimensions(&fields, most)?;
    let in_base64 = in_base64(&fields)?;
    let mut conversation = Conversation::default();
    let texts: Vec<&str> = inputs.iter().map(|input| input.text.as_str()).collect();
    conversation.hear(true, &texts);
    let directive = Script::write(&conversation, None, None)?;
    if let Some(status) = directive.begin().await {
        return Err(OpenAiError::scripted(status, directive.directive.retry_after));
    }
    let data = inputs.iter().enumerate().map(|(index, input)| {
        let numbers = vector(model, &input.text, dimensions);
        let embedding = if in_base64 {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            json!(STANDARD.encode(bytes))
        } else {
            json!(written(&numbers))
        };
        json!({ "object": "embedding", "index": index, "embedding": embedding })
    });
    let mut body = json!({ "object": "list", "data": data.collect::<Vec<_>>(), "model": model });
    let used: u64 = inputs.iter().map(|input| input.tokens).sum();
    if let Some(told) = directive.directive.usage.of(used) {
        body["usage"] = json!({ "prompt_tokens": told, "total_tokens": told });
    }
    Ok(whole(HttpResponse::Ok(), body.to_string().into_bytes(), &directive.directive))
}

/// What becomes one vector.
struct Input {
    /// A text; the numbers of its tokens, where those were sent.
    text: String,
    tokens: u64,
}

impl Input {
    fn of_text(text: &str) -> Self {
        Self { text: text.to_owned(), tokens: tokens(text) }
    }

    fn of_tokens(numbers: &[Value]) -> Self {
        let text: Vec<String> = numbers.iter().map(Value::to_string).collect();
        Self { text: text.join(" "), tokens: numbers.len() as u64 }
    }
}

fn inputs(input: &Value) -> Result<Vec<Input>, BadField> {
    let wrong = || BadField::not_a("input", "one of a string or array");
    let items = match input {
        Value::String(text) => return bounded(vec![Input::of_text(text)]),
        Value::Array(items) => items,
        _ => return Err(wrong()),
    };
    if !items.is_empty() && items.iter().all(Value::is_u64) {
        return bounded(vec![Input::of_tokens(items)]);
    }
    let inputs = items.iter().map(|item| match item {
        Value::String(text) => Ok(Input::of_text(text)),
        Value::Array(numbers) if numbers.iter().all(Value::is_u64) => Ok(Input::of_tokens(numbers)),
        _ => Err(wrong()),
    });
    bounded(inputs.collect::<Result<_, _>>()?)
}

fn bounded(inputs: Vec<Input>) -> Result<Vec<Input>, BadField> {
    if inputs.is_empty() || inputs.len() > MOST_INPUTS {
        let reason = format!("expected 1 to {MOST_INPUTS} inputs, but got {}", inputs.len());
        return Err(BadField::refused("input", reason));
    }
    if inputs.iter().any(|input| input.text.is_empty()) {
        return Err(BadField::refused("input", "an input cannot be an empty string"));
    }
    match inputs.iter().find(|input| input.tokens > LONGEST_INPUT) {
        Some(Input { tokens, .. }) => {
            let reason = format!(
                "this model's maximum context length is {LONGEST_INPUT} tokens, however you \
                 requested {tokens} tokens"
            );
            Err(BadField::refused("input", reason))
        }
        None => Ok(inputs),
    }
}

fn dimensions(fields: &Object, most: u64) -> Result<usize, BadField> {
    let wanted = count(fields, "dimensions")?.unwrap_or(most);
    let dimensions = usize::try_from(wanted).ok().filter(|_| wanted <= most);
    dimensions.ok_or_else(|| {
        let reason = format!("expected a value <= {most}, but got {wanted} instead");
        BadField::refused("dimensions", reason)
    })
}

fn in_base64(fields: &Object) -> Result<bool, BadField> {
    match given(fields, "encoding_format").map(Value::as_str) {
        None | Some(Some("float")) => Ok(false),
        Some(Some("base64")) => Ok(true),
        Some(_) => {
            let reason = "supported values are: float, base64";
            Err(BadField::refused("encoding_format", reason))
        }
    }
}
