//! From `OpenAI`'s request for vectors to the domain's. What cannot be carried out is refused by name.
use actix_web::http::StatusCode;
use cape_domain::usage;
use cape_wire::openai::{EmbeddingInput, EmbeddingRequest, EncodingFormat};

use super::{
    super::{chat::request::invalid, unsupported, wrong},
    answer::Form,
};
use crate::{error::ApiError, extract::depth_within};

/// The most inputs of a request.
const MOST_INPUTS: usize = 2_048;

/// Reads a request; its shape alone is checked.
pub(super) fn read(body: &[u8]) -> Result<EmbeddingRequest, ApiError> {
    if !depth_within(body) {
        let (status, code) = (StatusCode::BAD_REQUEST, "request.too_deep");
        return Err(ApiError::client(status, code, "the request is nested too deeply"));
    }
    EmbeddingRequest::read(body).map_err(invalid)
}

/// How vectors are to be written.
pub(super) fn form(asked: &EmbeddingRequest) -> Result<Form, ApiError> {
    match &asked.encoding_format {
        None | Some(EncodingFormat::Float) => Ok(Form::Numbers),
        Some(EncodingFormat::Base64) => Ok(Form::Base64),
        Some(EncodingFormat::Other(_)) => {
            Err(wrong("encoding_format", "must be `float` or `base64`"))
        }
    }
}

/// Translates a request.
pub(super) fn translate(asked: EmbeddingRequest) -> Result<usage::EmbeddingRequest, ApiError> {
    if let Some(unknown) = asked.unknown_paths().into_iter().next() {
        return Err(unsupported(unknown));
    }
    let dimensions = asked.dimensions.map(u32::try_from).transpose();
    Ok(usage::EmbeddingRequest {
        model: asked.model,
        inputs: inputs(asked.input)?,
        dimensions: dimensions.map_err(|_| wrong("dimensions", "there are no so long vectors"))?,
        end_user: asked.user,
    })
}

fn inputs(asked: EmbeddingInput) -> Result<Vec<usage::EmbeddingInput>, ApiError> {
    use usage::EmbeddingInput as Input;
    let (inputs, listed): (Vec<_>, bool) = match asked {
        EmbeddingInput::Text(text) => (vec![Input::Text(text)], false),
        EmbeddingInput::Tokens(tokens) => (vec![Input::Tokens(tokens)], false),
        EmbeddingInput::Texts(texts) => (texts.into_iter().map(Input::Text).collect(), true),
        EmbeddingInput::TokenLists(lists) => (lists.into_iter().map(Input::Tokens).collect(), true),
    };
    if inputs.is_empty() || inputs.len() > MOST_INPUTS {
        return Err(wrong("input", format!("must have 1 to {MOST_INPUTS} entries")));
    }
    let is_empty = |input: &Input| match input {
        Input::Text(text) => text.is_empty(),
        Input::Tokens(tokens) => tokens.is_empty(),
    };
    match inputs.iter().position(is_empty) {
        Some(at) if listed => Err(wrong(&format!("input[{at}]"), "must not be empty")),
        Some(_) => Err(wrong("input", "must not be empty")),
        None => Ok(inputs),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn translated(input: &Value) -> Result<usize, String> {
        let body = json!({ "model": "m", "input": input }).to_string();
        let translated = read(body.as_bytes()).and_then(translate);
        translated.map(|asked| asked.inputs.len()).map_err(|error| {
            let (code, _, param) = error.told();
            format!("{code} {}", param.unwrap_or_default())
        })
    }

    #[test]
    fn there_are_one_to_2048_inputs_and_none_is_empty() {
        let refused = |param: &str| Err(format!("invalid_request {param}"));
        for (input, expected) in [
            (json!("a"), Ok(1)),
            (json!([1, 2]), Ok(1)),
            (json!(["a", "b"]), Ok(2)),
            (json!([[1], [2, 3]]), Ok(2)),
            (json!(vec!["a"; 2_048]), Ok(2_048)),
            (json!(vec!["a"; 2_049]), refused("input")),
            (json!(vec![[1]; 2_049]), refused("input")),
            (json!([]), refused("input")),
            (json!(""), refused("input")),
            (json!(["a", ""]), refused("input[1]")),
            (json!([[1], []]), refused("input[1]")),
        ] {
            assert_eq!(translated(&input), expected);
        }
    }

    #[test]
    fn what_is_not_carried_out_is_named() {
        let refused = |field: &str, value: Value| {
            let mut body = json!({ "model": "m", "input": "a" });
            body[field] = value;
            let asked = read(body.to_string().as_bytes()).expect("a request");
            let refused = form(&asked).map(|_| ()).and_then(|()| translate(asked).map(|_| ()));
            refused.expect_err("refused").told().0
        };
        assert_eq!(refused("encoding_format", json!("int8")), "invalid_request");
        assert_eq!(refused("dimensions", json!(u64::MAX)), "invalid_request");
        assert_eq!(refused("input_type", json!("query")), "unsupported_parameter");
    }
}
