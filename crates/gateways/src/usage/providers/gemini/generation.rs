//! How Gemini's answer is to be: sampling, its form, and how much to think first.
use cape_domain::usage::{ChatRequest, ImageSource, Message, Part, UnsupportedParameter};
use cape_wire::{
    gemini::{GenerationConfig, SafetySetting, ThinkingConfig},
    openai::ResponseFormat,
};

use super::super::format::{carried, refuse, unsupported};

/// What is said of the answer.
pub fn generation(request: &ChatRequest) -> Result<GenerationConfig, UnsupportedParameter> {
    let sampling = request.sampling;
    let too_long = sampling.seed.is_some_and(|seed| i32::try_from(seed).is_err());
    refuse(too_long, "seed")?;
    refuse(request.verbosity.is_some(), "verbosity")?;
    let config = GenerationConfig {
        max_output_tokens: Some(request.max_output_tokens),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        stop_sequences: request.stop.clone(),
        candidate_count: (request.choices != 1).then_some(request.choices.into()),
        seed: sampling.seed,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        thinking_config: thinking(request)?,
        response_logprobs: request.log_probs.is_some().then_some(true),
        logprobs: alternatives(request),
        media_resolution: resolution(&request.messages)?,
        ..GenerationConfig::default()
    };
    let Some(format) = &request.response_format else { return Ok(config) };
    let json = Some("application/json".to_owned());
    match carried(format, "response_format")?.read() {
        Ok(ResponseFormat::Text) => Ok(config),
        Ok(ResponseFormat::JsonObject) => {
            Ok(GenerationConfig { response_mime_type: json, ..config })
        }
        Ok(ResponseFormat::JsonSchema(format)) => Ok(GenerationConfig {
            response_mime_type: json,
            response_json_schema: format.json_schema.schema,
            ..config
        }),
        Ok(ResponseFormat::Other(_)) | Err(_) => Err(unsupported("response_format")),
    }
}

/// What is to be withheld: nobody else has a word for it, so it comes in Gemini's.
pub fn safety(request: &ChatRequest) -> Result<Vec<SafetySetting>, UnsupportedParameter> {
    let Some(settings) = &request.safety else { return Ok(Vec::new()) };
    carried(settings, "safetySettings")?.read().map_err(|_| unsupported("safetySettings"))
}

/// How many of the likeliest tokens to tell of; without a number it is the chosen one alone.
fn alternatives(request: &ChatRequest) -> Option<u64> {
    let wanted = request.log_probs?.alternatives;
    (wanted > 0).then_some(wanted.into())
}

fn thinking(request: &ChatRequest) -> Result<Option<ThinkingConfig>, UnsupportedParameter> {
    let reasoning = &request.reasoning;
    let include_thoughts = reasoning.shown.then_some(true);
    let too_much = || unsupported("reasoning_budget");
    let budget = reasoning.budget.map(|budget| i64::try_from(budget).map_err(|_| too_much()));
    let asked = match (&reasoning.effort, budget.transpose()?) {
        // The vendor takes one of them.
        (Some(_), Some(_)) => return Err(unsupported("reasoning_effort")),
        (Some(effort), None) => {
            effort_of(&request.model, effort).ok_or_else(|| unsupported("reasoning_effort"))?
        }
        (None, budget) => ThinkingConfig { thinking_budget: budget, ..ThinkingConfig::default() },
    };
    let asked = ThinkingConfig { include_thoughts, ..asked };
    Ok((asked != ThinkingConfig::default()).then_some(asked))
}

/// An effort in the vendor's words. Models before the third generation are told a number of
/// tokens: those that the vendor itself takes for these words.
fn effort_of(model: &str, effort: &str) -> Option<ThinkingConfig> {
    let budget = |tokens| ThinkingConfig { thinking_budget: Some(tokens), ..Default::default() };
    let level = |word: &str| ThinkingConfig {
        thinking_level: Some(word.to_owned()),
        ..ThinkingConfig::default()
    };
    let counted = ["gemini-1", "gemini-2"].iter().any(|older| model.starts_with(older));
    match (effort, counted) {
        ("none", _) => Some(budget(0)),
        ("minimal" | "low", true) => Some(budget(1_024)),
        ("medium", true) => Some(budget(8_192)),
        ("high", true) => Some(budget(24_576)),
        ("minimal", false) => Some(level("MINIMAL")),
        ("low", false) => Some(level("LOW")),
        ("medium", false) => Some(level("MEDIUM")),
        ("high", false) => Some(level("HIGH")),
        ("xhigh", false) => Some(level("XHIGH")),
        _ => None,
    }
}

/// How closely to look at all images: the vendor is told once.
fn resolution(messages: &[Message]) -> Result<Option<String>, UnsupportedParameter> {
    let mut told: Option<Option<&str>> = None;
    for (at, message) in messages.iter().enumerate() {
        let (Message::User { content, .. } | Message::Tool { content, .. }) = message else {
            continue;
        };
        for part in content {
            let Part::Image(image) = part else { continue };
            let detail = image.detail.as_deref().filter(|detail| *detail != "auto");
            let differs = told.is_some_and(|told| told != detail);
            let unknown = detail.is_some_and(|detail| !["low", "high"].contains(&detail));
            refuse(differs || unknown, &format!("messages[{at}].content"))?;
            told = Some(detail);
        }
    }
    Ok(told.flatten().map(|detail| format!("MEDIA_RESOLUTION_{}", detail.to_ascii_uppercase())))
}

/// What an image at an address is, as far as its name tells.
pub fn media_type(source: &ImageSource) -> Option<&str> {
    match source {
        ImageSource::Inline { media_type, .. } => Some(media_type),
        ImageSource::Url(url) => {
            let name = url.split(['?', '#']).next().unwrap_or_default();
            let (_, ending) = name.rsplit_once('.')?;
            match ending.to_ascii_lowercase().as_str() {
                "png" => Some("image/png"),
                "jpg" | "jpeg" => Some("image/jpeg"),
                "webp" => Some("image/webp"),
                "gif" => Some("image/gif"),
                "heic" => Some("image/heic"),
                "heif" => Some("image/heif"),
                _ => None,
            }
        }
    }
}
