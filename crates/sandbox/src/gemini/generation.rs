//! How an answer is to be, as the vendor checks it.
use serde_json::Value;

use super::{
    request::{both, either},
    thinking::Thinking,
};
use crate::fields::{BadField, Object, count, within};

const KNOWN: [&str; 17] = [
    "maxOutputTokens",
    "temperature",
    "topP",
    "topK",
    "stopSequences",
    "candidateCount",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "seed",
    "presencePenalty",
    "frequencyPenalty",
    "thinkingConfig",
    "responseLogprobs",
    "logprobs",
    "mediaResolution",
    "responseModalities",
];
const PATH: &str = "generation_config";
const MOST_CANDIDATES: u64 = 8;
const MOST_ALTERNATIVES: u64 = 20;
const CATEGORIES: [&str; 5] =
    ["HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY"];
const THRESHOLDS: [&str; 6] = [
    "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_NONE",
    "OFF",
];

/// How an answer is to be.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    /// The most tokens, thoughts included.
    pub(crate) limit: Option<u64>,
    /// How many answers.
    pub(crate) candidates: u64,
    /// How to think first.
    pub(crate) thinking: Option<Thinking>,
    /// Of how many likely tokens to tell.
    pub(crate) likely: Option<u64>,
    /// The schema of an answer that is JSON; an empty one takes anything.
    pub(crate) schema: Option<Value>,
}

impl Generation {
    /// Reads what is asked of a model.
    pub(crate) fn read(model: &str, fields: &Object) -> Result<Self, BadField> {
        let usual = Self { candidates: 1, ..Self::default() };
        let Some(config) = either(fields, "generationConfig", "generation_config") else {
            return Ok(usual);
        };
        let config = config.as_object().ok_or_else(|| BadField::not_a(PATH, "object"))?;
        both(config, &KNOWN, PATH)?;
        within(config, "temperature", 0.0, 2.0)?;
        within(config, "topP", 0.0, 1.0)?;
        within(config, "top_p", 0.0, 1.0)?;
        let whole =
            |camel, snake| Ok::<_, BadField>(count(config, camel)?.or(count(config, snake)?));
        whole("topK", "top_k")?;
        let candidates = whole("candidateCount", "candidate_count")?.unwrap_or(1);
        if candidates > MOST_CANDIDATES {
            let path = format!("{PATH}.candidate_count");
            return Err(BadField::refused(path, "candidate count must be between 1 and 8"));
        }
        Ok(Self {
            limit: whole("maxOutputTokens", "max_output_tokens")?,
            candidates,
            thinking: Thinking::read(model, config)?,
            likely: likely(config)?,
            schema: schema(config)?,
        })
    }
}

fn likely(config: &Object) -> Result<Option<u64>, BadField> {
    let asked = either(config, "responseLogprobs", "response_logprobs") == Some(&Value::Bool(true));
    let number = config.get("logprobs").filter(|number| !number.is_null());
    let path = format!("{PATH}.logprobs");
    if number.is_some() && !asked {
        return Err(BadField::refused(path, "Logprobs needs response_logprobs to be true."));
    }
    let alternatives = number.map_or(Some(0), Value::as_u64);
    let alternatives = alternatives.filter(|number| *number <= MOST_ALTERNATIVES);
    let alternatives = alternatives.ok_or_else(|| BadField::refused(path, "0 to 20"))?;
    Ok(asked.then_some(alternatives))
}

fn schema(config: &Object) -> Result<Option<Value>, BadField> {
    let dialect = either(config, "responseSchema", "response_schema");
    let schema = either(config, "responseJsonSchema", "response_json_schema");
    if dialect.is_some() && schema.is_some() {
        let path = format!("{PATH}.response_json_schema");
        return Err(BadField::refused(path, "must not be set together with response_schema"));
    }
    let kind = either(config, "responseMimeType", "response_mime_type").and_then(Value::as_str);
    match (kind, dialect.or(schema)) {
        (Some("application/json"), schema) => Ok(Some(schema.cloned().unwrap_or_default())),
        (None | Some("text/plain"), None) => Ok(None),
        (None | Some("text/plain"), Some(_)) => {
            let reason = "response_mime_type must be application/json where there is a schema";
            Err(BadField::refused(format!("{PATH}.response_schema"), reason))
        }
        (Some(_), _) => {
            let reason = "allowed mimetypes are `text/plain`, `application/json`, \
                          `application/xml`, `application/yaml` and `text/x.enum`.";
            Err(BadField::refused(format!("{PATH}.response_mime_type"), reason))
        }
    }
}

/// Checks what is to be withheld. Nothing ever is.
pub(crate) fn check_safety(fields: &Object) -> Result<(), BadField> {
    let Some(settings) = either(fields, "safetySettings", "safety_settings") else { return Ok(()) };
    for setting in settings.as_array().into_iter().flatten() {
        let category = setting["category"].as_str().unwrap_or_default();
        let category = category.strip_prefix("HARM_CATEGORY_").unwrap_or_default();
        if !CATEGORIES.contains(&category) {
            return Err(BadField::not_a("safety_settings[0].category", "HarmCategory"));
        }
        let threshold = setting["threshold"].as_str().unwrap_or_default();
        if !THRESHOLDS.contains(&threshold) {
            return Err(BadField::not_a("safety_settings[0].threshold", "HarmBlockThreshold"));
        }
    }
    Ok(())
}
