//! The form of an answer, as the domain carries it: in `OpenAI`'s words.
use cape_domain::json::RawJson;
use cape_wire::gemini::GenerationConfig;

use super::{
    super::{unsupported, wrong},
    schema,
};
use crate::error::ApiError;

/// The form that is asked for, and what it is called.
pub(super) fn of(config: &GenerationConfig) -> Result<(&'static str, Option<RawJson>), ApiError> {
    let at = "generationConfig.responseSchema";
    let schema = match (&config.response_schema, &config.response_json_schema) {
        (Some(_), Some(_)) => {
            return Err(wrong(at, "does not go together with responseJsonSchema"));
        }
        (Some(dialect), None) => {
            let schema = schema::json_schema(dialect, true);
            Some(("responseSchema", schema.ok_or_else(|| wrong(at, "must be a schema"))?))
        }
        (None, Some(schema)) if schema.is_object() => {
            Some(("responseJsonSchema", schema.as_str().to_owned()))
        }
        (None, Some(_)) => {
            return Err(wrong("generationConfig.responseJsonSchema", "must be a schema"));
        }
        (None, None) => None,
    };
    let kind = config.response_mime_type.as_deref();
    match (kind, schema) {
        (None | Some("text/plain" | ""), None) => Ok(("responseMimeType", None)),
        (Some("application/json"), None) => {
            Ok(("responseMimeType", Some(RawJson::new(r#"{"type":"json_object"}"#))))
        }
        (None | Some("application/json" | ""), Some((name, schema))) => {
            let read = serde_json::from_str(&schema);
            let strict = read.is_ok_and(|schema| schema::is_strict(&schema));
            let json = format!(
                r#"{{"type":"json_schema","json_schema":{{"name":"answer","strict":{strict},"schema":{schema}}}}}"#
            );
            Ok((name, Some(RawJson::new(json))))
        }
        (Some("text/plain"), Some(_)) => {
            Err(wrong("generationConfig.responseMimeType", "has to be application/json"))
        }
        (Some(_), _) => Err(unsupported("generationConfig.responseMimeType")),
    }
}
