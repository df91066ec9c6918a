//! `batchEmbedContents`. What vectors are made of is in [`vectors`](crate::vectors).
use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::error::GeminiError;
use crate::{
    fields::{BadField, Object, count, list, only, text},
    script::{Conversation, Script},
    stream::whole,
    vectors::{tokens, vector, written},
};

/// Every model for vectors.
pub(super) const MODELS: [&str; 1] = ["gemini-embedding-001"];
const DIMENSIONS: u64 = 3_072;
const MOST_REQUESTS: usize = 100;
const PARAMETERS: [&str; 7] = [
    "content",
    "model",
    "outputDimensionality",
    "output_dimensionality",
    "taskType",
    "task_type",
    "title",
];

/// Turns texts into vectors.
pub(super) async fn batch(name: &str, body: &[u8]) -> Result<HttpResponse, GeminiError> {
    let model = MODELS.into_iter().find(|model| *model == name);
    let model = model.ok_or_else(|| GeminiError::unknown_model(name))?;
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(GeminiError::malformed());
    };
    only(&fields, &["requests"])?;
    let requests = list(&fields, "requests")?;
    if requests.len() > MOST_REQUESTS {
        let reason = format!("at most {MOST_REQUESTS} requests can be in one batch");
        return Err(BadField::refused("requests", reason).into());
    }
    let asked =
        requests.iter().enumerate().map(|(place, request)| Asked::read(place, request, model));
    let asked: Vec<Asked> = asked.collect::<Result<_, _>>()?;
    let mut conversation = Conversation::default();
    let texts: Vec<&str> = asked.iter().map(|asked| asked.text.as_str()).collect();
    conversation.hear(true, &texts);
    let script = Script::write(&conversation, None, None)?;
    if let Some(status) = script.begin().await {
        return Err(GeminiError::scripted(status, script.directive.retry_after));
    }
    let embeddings = asked
        .iter()
        .map(|asked| json!({ "values": written(&vector(model, &asked.text, asked.dimensions)) }));
    let mut body = json!({ "embeddings": embeddings.collect::<Vec<_>>() });
    let used: u64 = asked.iter().map(|asked| tokens(&asked.text)).sum();
    if let Some(told) = script.directive.usage.of(used) {
        body["usageMetadata"] = json!({
            "promptTokenCount": told,
            "promptTokenDetails": [{ "modality": "TEXT", "tokenCount": told }],
        });
    }
    Ok(whole(HttpResponse::Ok(), body.to_string().into_bytes(), &script.directive))
}

/// What becomes one vector.
struct Asked {
    text: String,
    dimensions: usize,
}

impl Asked {
    fn read(place: usize, request: &Value, model: &str) -> Result<Self, BadField> {
        let path = format!("requests[{place}]");
        let fields: &Object =
            request.as_object().ok_or_else(|| BadField::not_a(&path, "object"))?;
        only(fields, &PARAMETERS)?;
        if text(fields, "model")? != format!("models/{model}") {
            let reason = "the model has to be the one of the batch";
            return Err(BadField::refused(format!("{path}.model"), reason));
        }
        let parts = fields.get("content").and_then(|content| content["parts"].as_array());
        let parts = parts.ok_or_else(|| BadField::missing(format!("{path}.content.parts")))?;
        let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
        let text = texts.join("\n");
        if text.is_empty() {
            return Err(BadField::refused(format!("{path}.content"), "contents is not specified"));
        }
        let wanted = count(fields, "outputDimensionality")?;
        let wanted = wanted.or(count(fields, "output_dimensionality")?).unwrap_or(DIMENSIONS);
        let dimensions = usize::try_from(wanted).ok().filter(|_| wanted <= DIMENSIONS);
        let dimensions = dimensions.ok_or_else(|| {
            let path = format!("{path}.output_dimensionality");
            BadField::refused(path, format!("must be between 1 and {DIMENSIONS}"))
        })?;
        Ok(Self { text, dimensions })
    }
}
