//! From `OpenAI`'s request for judgements to the domain's. What cannot be carried out is refused by
//! name.
use actix_web::http::StatusCode;
use cape_domain::usage::{self, ModerationInput, Part};
use cape_wire::openai::{ContentPart, ModerationInput as BodyInput, ModerationRequest};

use super::super::{chat::request::invalid, image::image, unsupported, wrong};
use crate::{error::ApiError, extract::depth_within};

/// The model that is asked where none is named, as `OpenAI` does.
const USUAL_MODEL: &str = "omni-moderation-latest";

/// The most texts, and the most parts, of a request.
const MOST_INPUTS: usize = 2_048;

/// Reads and translates a request.
pub(super) fn read(body: &[u8]) -> Result<usage::ModerationRequest, ApiError> {
    if !depth_within(body) {
        let (status, code) = (StatusCode::BAD_REQUEST, "request.too_deep");
        return Err(ApiError::client(status, code, "the request is nested too deeply"));
    }
    let asked = ModerationRequest::read(body).map_err(invalid)?;
    if let Some(unknown) = asked.unknown_paths().into_iter().next() {
        return Err(unsupported(unknown));
    }
    let model = asked.model.unwrap_or_else(|| USUAL_MODEL.to_owned());
    Ok(usage::ModerationRequest { model, inputs: inputs(asked.input)? })
}

fn inputs(asked: BodyInput) -> Result<Vec<ModerationInput>, ApiError> {
    let count = match &asked {
        BodyInput::Text(_) => 1,
        BodyInput::Texts(texts) => texts.len(),
        BodyInput::Parts(parts) => parts.len(),
    };
    if count == 0 || count > MOST_INPUTS {
        return Err(wrong("input", format!("must have 1 to {MOST_INPUTS} entries")));
    }
    match asked {
        BodyInput::Text(text) => Ok(vec![vec![Part::Text(text)]]),
        BodyInput::Texts(texts) => {
            Ok(texts.into_iter().map(|text| vec![Part::Text(text)]).collect())
        }
        BodyInput::Parts(parts) => {
            let parts = parts.into_iter().enumerate().map(part);
            Ok(vec![parts.collect::<Result<_, _>>()?])
        }
    }
}

fn part((at, part): (usize, ContentPart)) -> Result<Part, ApiError> {
    match part {
        ContentPart::Text(part) => Ok(Part::Text(part.text)),
        ContentPart::ImageUrl(part) => {
            let at = format!("input[{at}].image_url");
            let detail = format!("{at}.detail");
            if part.image_url.detail.is_some() {
                return Err(unsupported(detail));
            }
            let url = format!("{at}.url");
            image((&url, &part.image_url.url), (&detail, None)).map(Part::Image)
        }
        ContentPart::Refusal(_) | ContentPart::Other(_) => {
            Err(wrong(&format!("input[{at}].type"), "must be `text` or `image_url`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn translated(input: &Value) -> Result<Vec<usize>, String> {
        let translated = read(json!({ "input": input }).to_string().as_bytes());
        let parts = |asked: usage::ModerationRequest| asked.inputs.iter().map(Vec::len).collect();
        translated.map(parts).map_err(|error| {
            let (code, _, param) = error.told();
            format!("{code} {}", param.unwrap_or_default())
        })
    }

    #[test]
    fn texts_are_judged_each_by_itself_and_parts_together() {
        let refused = |param: &str| Err(format!("invalid_request {param}"));
        let text = json!({ "type": "text", "text": "a" });
        let image = |url: &str| json!({ "type": "image_url", "image_url": { "url": url } });
        let seen = image("https://example.com/a.png");
        let mut closely = seen.clone();
        closely["image_url"]["detail"] = json!("high");
        for (input, expected) in [
            (json!("a"), Ok(vec![1])),
            (json!(["a", "b"]), Ok(vec![1, 1])),
            (json!([text, seen]), Ok(vec![2])),
            (json!(vec!["a"; 2_048]), Ok(vec![1; 2_048])),
            (json!(vec!["a"; 2_049]), refused("input")),
            (json!([]), refused("input")),
            (json!(1), refused("input")),
            (json!(["a", 1]), refused("input[1]")),
            (json!([text, "a"]), refused("input[1]")),
            (json!([{ "text": "a" }]), refused("input[0]")),
            (json!([{ "type": "audio" }]), refused("input[0].type")),
            (json!([image("ftp://example.com/a")]), refused("input[0].image_url.url")),
            (json!([closely]), Err("unsupported_parameter input[0].image_url.detail".to_owned())),
        ] {
            assert_eq!(translated(&input), expected, "{input}");
        }
    }

    #[test]
    fn the_usual_model_is_asked_where_none_is_named_and_what_is_unknown_is_named() {
        let asked = read(br#"{"input":"a"}"#).expect("a request");
        assert_eq!(asked.model, USUAL_MODEL);
        let refused = read(br#"{"input":"a","speed":1}"#).expect_err("refused");
        assert_eq!((refused.told().0, refused.told().2), ("unsupported_parameter", Some("speed")));
        let refused = read(br#"{"model":"m"}"#).expect_err("refused");
        assert_eq!((refused.told().0, refused.told().2), ("invalid_request", Some("input")));
    }
}
