//! How many tokens a request has, asked of Gemini.
use cape_domain::usage::{ChatRequest, UnsupportedParameter};
use cape_wire::gemini::GenerateContentRequest;
use serde::{Deserialize, Serialize};

use super::{super::failure::Unreadable, request};

/// The body of `:countTokens`: the whole request, so that instructions and functions count too.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    generate_content_request: Named,
}

/// A request that names its model, which otherwise stands in the address alone.
#[derive(Debug, Serialize)]
struct Named {
    model: String,
    #[serde(flatten)]
    request: GenerateContentRequest,
}

/// What to ask.
pub fn question(request: &ChatRequest) -> Result<Question, UnsupportedParameter> {
    let model = format!("models/{}", request.model);
    let request = request::body(request)?;
    Ok(Question { generate_content_request: Named { model, request } })
}

/// Reads the answer.
pub fn read(body: &[u8]) -> Result<u64, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Count {
        total_tokens: Option<u64>,
    }
    let count: Count = serde_json::from_slice(body)?;
    count.total_tokens.ok_or(Unreadable::Shape("a count without a number"))
}
