//! Which endpoint a request is for, read as that endpoint would read it.
use std::collections::BTreeMap;

use cape_domain::usage::{EmbeddingRequest, ModerationRequest};
use cape_services::usage::{ChatError, NewCall};
use cape_wire::Raw;
use serde::Deserialize;

use super::super::{chat, embeddings, generate, messages, moderations, responses, wrong};
use crate::error::ApiError;

/// What would be asked, and how its failures are told there.
pub(super) struct Question {
    /// What would be asked.
    pub(super) wanted: Wanted,
    /// How its failures are told there.
    pub(super) tell: Tell,
}

/// What would be asked of a model.
pub(super) enum Wanted {
    /// An answer.
    Chat(Box<NewCall>),
    /// Vectors.
    Embedding(EmbeddingRequest),
    /// Judgements.
    Moderation(ModerationRequest),
}

/// A failure, with parameters by the names that they have in the request.
pub(super) type Tell = Box<dyn Fn(ChatError) -> ApiError + Send + Sync>;

/// A request, and where it would be sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    endpoint: String,
    request: Raw,
}

/// Reads what is to be explained: a chat as it is, or what names its endpoint.
pub(super) fn read(body: &[u8]) -> Result<Question, ApiError> {
    let fields = serde_json::from_slice::<BTreeMap<String, Raw>>(body);
    // The chat says what is wrong with what is no object at all.
    if !fields.is_ok_and(|fields| fields.contains_key("endpoint")) {
        return chat(body);
    }
    let envelope =
        serde_json::from_slice(body).map_err(|error| wrong("request", error.to_string()));
    let Envelope { endpoint, request } = envelope?;
    of(&endpoint, request.as_str().as_bytes())
}

fn of(endpoint: &str, request: &[u8]) -> Result<Question, ApiError> {
    match endpoint {
        "/v1/chat/completions" => chat(request),
        "/v1/responses" => {
            let (new, tell) = responses::to_explain(request)?;
            Ok(Question { wanted: Wanted::Chat(Box::new(new)), tell: Box::new(tell) })
        }
        "/v1/messages" => {
            let (new, tell) = messages::to_explain(request)?;
            Ok(Question { wanted: Wanted::Chat(Box::new(new)), tell: Box::new(tell) })
        }
        "/v1/embeddings" => {
            let wanted = Wanted::Embedding(embeddings::to_explain(request)?);
            Ok(Question { wanted, tell: Box::new(ApiError::from) })
        }
        "/v1/moderations" => {
            let wanted = Wanted::Moderation(moderations::to_explain(request)?);
            Ok(Question { wanted, tell: Box::new(ApiError::from) })
        }
        googles => {
            let (model, streamed) = generated(googles)
                .ok_or_else(|| wrong("endpoint", "must be one that calls a model"))?;
            let (new, tell) = generate::to_explain(model, request, streamed)?;
            Ok(Question { wanted: Wanted::Chat(Box::new(new)), tell: Box::new(tell) })
        }
    }
}

fn chat(request: &[u8]) -> Result<Question, ApiError> {
    let wanted = Wanted::Chat(Box::new(chat::new_call(request)?));
    Ok(Question { wanted, tell: Box::new(ApiError::from) })
}

/// The model that an address of Google's names, and whether it is asked for pieces.
fn generated(endpoint: &str) -> Option<(&str, bool)> {
    let places = ["/v1beta/models/", "/v1/models/"];
    let named = places.iter().find_map(|place| endpoint.strip_prefix(place))?;
    let (model, what) = named.rsplit_once(':')?;
    let streamed = match what {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => return None,
    };
    (!model.is_empty() && !model.contains('/')).then_some((model, streamed))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read_json(body: &Value) -> Result<&'static str, String> {
        let told = |error: ApiError| {
            let (code, _, param) = error.told();
            format!("{code} {}", param.unwrap_or_default())
        };
        let question = read(body.to_string().as_bytes()).map_err(told)?;
        Ok(match question.wanted {
            Wanted::Chat(new) if new.streamed => "a stream",
            Wanted::Chat(_) => "a chat",
            Wanted::Embedding(_) => "vectors",
            Wanted::Moderation(_) => "judgements",
        })
    }

    #[test]
    fn a_request_is_read_as_its_endpoint_reads_it() {
        let messages = json!([{ "role": "user", "content": "hi" }]);
        let chat = json!({ "model": "m", "messages": messages });
        let bounded = json!({ "model": "m", "messages": messages, "max_tokens": 5 });
        let input = json!({ "model": "m", "input": "hi" });
        let contents = json!({ "contents": [{ "parts": [{ "text": "hi" }] }] });
        assert_eq!(read_json(&chat), Ok("a chat"));
        for (endpoint, request, expected) in [
            ("/v1/chat/completions", &chat, Ok("a chat")),
            ("/v1/responses", &input, Ok("a chat")),
            ("/v1/messages", &bounded, Ok("a chat")),
            ("/v1/embeddings", &input, Ok("vectors")),
            ("/v1/moderations", &input, Ok("judgements")),
            ("/v1beta/models/m:generateContent", &contents, Ok("a chat")),
            ("/v1/models/m:streamGenerateContent", &contents, Ok("a stream")),
            ("/v1/messages", &chat, Err("invalid_request ")),
            ("/v1/embeddings", &chat, Err("invalid_request input")),
            ("/v1/chat/completions", &input, Err("invalid_request messages")),
            ("/v1beta/models/m:countTokens", &contents, Err("invalid_request endpoint")),
            ("/v1beta/models/:generateContent", &contents, Err("invalid_request endpoint")),
            ("/v1/explain", &chat, Err("invalid_request endpoint")),
            ("", &chat, Err("invalid_request endpoint")),
        ] {
            let read = read_json(&json!({ "endpoint": endpoint, "request": request }));
            assert_eq!(read, expected.map_err(str::to_owned), "{endpoint}");
        }
        for odd in [
            json!({ "endpoint": "/v1/responses" }),
            json!({ "endpoint": 1, "request": {} }),
            json!({ "endpoint": "/v1/responses", "request": input, "model": "m" }),
        ] {
            assert_eq!(read_json(&odd), Err("invalid_request request".to_owned()), "{odd}");
        }
        assert_eq!(read_json(&json!([])), Err("invalid_request ".to_owned()));
    }
}
