//! Moderations. A text is flagged for a category when it has the category's name among its words.
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data},
};
use serde_json::{Map, Value, json};

use super::{authenticate, error::OpenAiError, image};
use crate::{
    fields::{BadField, given, only, text},
    script::{Conversation, Script},
    stream::whole,
    world::World,
};

const MODELS: [&str; 2] = ["omni-moderation-latest", "omni-moderation-2024-09-26"];
/// Every category, and whether images are judged by it too.
const CATEGORIES: [(&str, bool); 13] = [
    ("harassment", false),
    ("harassment/threatening", false),
    ("hate", false),
    ("hate/threatening", false),
    ("illicit", false),
    ("illicit/violent", false),
    ("self-harm", true),
    ("self-harm/instructions", true),
    ("self-harm/intent", true),
    ("sexual", true),
    ("sexual/minors", false),
    ("violence", true),
    ("violence/graphic", true),
];

/// Judges texts, each by itself, or parts of one input together.
pub(super) async fn create(
    world: Data<World>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, OpenAiError> {
    authenticate(&request)?;
    let Ok(Value::Object(fields)) = serde_json::from_slice(&body) else {
        return Err(OpenAiError::malformed());
    };
    only(&fields, &["input", "model"])?;
    let model = if given(&fields, "model").is_some() { text(&fields, "model")? } else { MODELS[0] };
    if !MODELS.contains(&model) {
        return Err(OpenAiError::unknown_model(model));
    }
    let input = given(&fields, "input").ok_or_else(|| BadField::missing("input"))?;
    let judged = inputs(input)?;
    let mut conversation = Conversation::default();
    for said in &judged {
        conversation.hear(true, &said.texts);
    }
    let script = Script::write(&conversation, None, None)?;
    if let Some(status) = script.begin().await {
        return Err(OpenAiError::scripted(status, script.directive.retry_after));
    }
    let results: Vec<_> = judged.iter().map(Said::judged).collect();
    let body = json!({
        "id": world.ids.mint("modr-", 29), "model": model, "results": results,
    });
    Ok(whole(HttpResponse::Ok(), body.to_string().into_bytes(), &script.directive))
}

/// What is judged together.
#[derive(Default)]
struct Said<'a> {
    texts: Vec<&'a str>,
    images: usize,
}

fn inputs(input: &Value) -> Result<Vec<Said<'_>>, BadField> {
    let one = |text| Said { texts: vec![text], images: 0 };
    let items = match input {
        Value::String(text) => return Ok(vec![one(text.as_str())]),
        Value::Array(items) if !items.is_empty() => items,
        _ => return Err(BadField::not_a("input", "one of a string or array")),
    };
    if items.iter().all(Value::is_string) {
        return Ok(items.iter().filter_map(Value::as_str).map(one).collect());
    }
    let mut said = Said::default();
    for (place, part) in items.iter().enumerate() {
        let path = format!("input[{place}]");
        match part["type"].as_str() {
            Some("text") => {
                let text = part["text"].as_str();
                said.texts.push(text.ok_or_else(|| BadField::missing(format!("{path}.text")))?);
            }
            Some("image_url") => {
                image::check(&part["image_url"]["url"], &format!("{path}.image_url.url"))?;
                said.images += 1;
            }
            Some(_) => return Err(BadField::refused(format!("{path}.type"), "unknown")),
            None => return Err(BadField::missing(format!("{path}.type"))),
        }
    }
    Ok(vec![said])
}

impl Said<'_> {
    fn judged(&self) -> Value {
        let words: Vec<_> = self
            .texts
            .iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && !"-/".contains(c)))
            .map(str::to_lowercase)
            .collect();
        let named = |category: &str| words.iter().any(|word| word == category);
        let (mut categories, mut scores, mut kinds) = (Map::new(), Map::new(), Map::new());
        for (category, sees) in CATEGORIES {
            let flagged = named(category);
            categories.insert(category.into(), flagged.into());
            scores.insert(category.into(), json!(if flagged { 0.95 } else { 0.0001 }));
            let mut of = Vec::new();
            if !self.texts.is_empty() {
                of.push("text");
            }
            if sees && self.images > 0 {
                of.push("image");
            }
            kinds.insert(category.into(), json!(of));
        }
        json!({
            "flagged": categories.values().any(|flagged| flagged == true),
            "categories": categories, "category_scores": scores,
            "category_applied_input_types": kinds,
        })
    }
}
