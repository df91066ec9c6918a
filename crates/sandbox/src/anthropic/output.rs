//! `output_config`: the form of an answer, and how much goes into it.
use serde_json::Value;

use crate::{
    fields::{BadField, Object, given, only},
    tools::Tool,
};

/// How much can go into an answer. The vendor has two more words, for models that are not here.
const EFFORTS: [&str; 3] = ["low", "medium", "high"];
/// The models that are told how much.
const EFFORTFUL: [&str; 1] = ["claude-opus-4-5"];
/// The model whose answers take no form.
const FORMLESS: &str = "claude-3-haiku-20240307";

/// What is asked of the answer.
#[derive(Default)]
pub(crate) struct Output {
    /// The schema that it follows.
    pub(crate) form: Option<Tool>,
    /// How many of its thoughts a model has, in quarters.
    pub(crate) quarters: Option<usize>,
}

impl Output {
    /// Reads what is asked of this model.
    pub(crate) fn read(fields: &Object, model: &str) -> Result<Self, BadField> {
        let Some(config) = given(fields, "output_config") else { return Ok(Self::default()) };
        let config =
            config.as_object().ok_or_else(|| BadField::not_a("output_config", "dictionary"))?;
        let inside =
            |bad: BadField| BadField { path: format!("output_config.{}", bad.path), ..bad };
        only(config, &["effort", "format"]).map_err(inside)?;
        let form = given(config, "format").map(form).transpose()?;
        if form.is_some() && model == FORMLESS {
            let reason = format!("{model} does not support output format.");
            return Err(BadField::refused("output_config.format", reason));
        }
        let quarters =
            given(config, "effort").map(|effort| effortful(effort, model)).transpose()?;
        Ok(Self { form, quarters })
    }
}

fn effortful(effort: &Value, model: &str) -> Result<usize, BadField> {
    let path = "output_config.effort";
    let place = EFFORTS.iter().position(|known| effort == known);
    let place = place.ok_or_else(|| {
        BadField::refused(path, "Input should be 'low', 'medium' or 'high' for this model")
    })?;
    if !EFFORTFUL.contains(&model) {
        return Err(BadField::refused(path, "This model does not support the effort parameter."));
    }
    Ok([1, 2, 4][place])
}

fn form(format: &Value) -> Result<Tool, BadField> {
    let at = "output_config.format";
    let object = format.as_object().ok_or_else(|| BadField::not_a(at, "dictionary"))?;
    let inside = |bad: BadField| BadField { path: format!("{at}.{}", bad.path), ..bad };
    only(object, &["type", "schema"]).map_err(inside)?;
    if object.get("type").and_then(Value::as_str) != Some("json_schema") {
        return Err(BadField::refused(format!("{at}.type"), "Input should be 'json_schema'"));
    }
    let path = format!("{at}.schema");
    let schema = given(object, "schema").ok_or_else(|| BadField::missing(&*path))?;
    let schema = schema.as_object().ok_or_else(|| BadField::not_a(&*path, "dictionary"))?;
    closed(&Value::Object(schema.clone()), &path)?;
    Ok(Tool { name: String::new(), schema: Value::Object(schema.clone()) })
}

/// Every object says that it has no other members.
fn closed(schema: &Value, path: &str) -> Result<(), BadField> {
    if schema["type"] == "object" && schema["additionalProperties"] != false {
        let reason = "For 'object' type, 'additionalProperties' must be explicitly set to false";
        return Err(BadField::refused(path, reason));
    }
    let members = schema["properties"].as_object().into_iter().flatten().map(|(_, inner)| inner);
    let mut inner = members.chain(schema.get("items"));
    inner.try_for_each(|inner| closed(inner, path))
}
