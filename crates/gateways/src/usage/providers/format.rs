//! What a provider's format has to be able to do. No connection is made here.
use cape_domain::{
    json::RawJson,
    secret::Secret,
    usage::{ChatCompletion, ChatRequest, UnsupportedParameter},
};
use cape_wire::Raw;
use reqwest::{
    Url,
    header::{HeaderMap, HeaderValue, InvalidHeaderValue},
};
use serde::Serialize;

use super::{
    failure::{Complaint, Fault, Unreadable},
    stream::EventReader,
};

/// In how many pieces an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In one.
    Whole,
    /// In as many as it takes.
    Pieces,
}

/// The words of one provider, or of all that speak alike.
pub trait Format: Send + Sync + 'static {
    /// What it is sent.
    type Body: Serialize + Send + Sync;
    /// What it is sent to count tokens.
    type Question: Serialize + Send + Sync;
    /// What reads its streams.
    type Reader: EventReader + 'static;

    /// Where it is, unless configured otherwise.
    const BASE_URL: &'static str;

    /// Whether it has a word for what is to be withheld.
    const HAS_SAFETY: bool = false;

    /// Where exactly to send a request. `base` can be a base.
    fn address(&self, base: &Url, model: &str, mode: Mode) -> Url;

    /// What proves who asks.
    ///
    /// # Errors
    ///
    /// When the key cannot stand in a header.
    fn headers(&self, key: &Secret) -> Result<HeaderMap, InvalidHeaderValue>;

    /// What to send.
    ///
    /// # Errors
    ///
    /// [`UnsupportedParameter`] names what the format has no word for.
    fn body(&self, request: &ChatRequest, mode: Mode) -> Result<Self::Body, UnsupportedParameter>;

    /// Reads an answer in one piece.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn answer(&self, body: &[u8]) -> Result<ChatCompletion, Unreadable>;

    /// What reads the stream that answers this request.
    fn reader(&self, request: &ChatRequest) -> Self::Reader;

    /// Where exactly to ask how many tokens a request has.
    fn count_address(&self, base: &Url, model: &str) -> Url;

    /// What to ask there.
    ///
    /// # Errors
    ///
    /// [`UnsupportedParameter`] names what the format has no word for.
    fn question(&self, request: &ChatRequest) -> Result<Self::Question, UnsupportedParameter>;

    /// Reads how many tokens there are.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn count(&self, body: &[u8]) -> Result<u64, Unreadable>;

    /// Reads the body of a refusal, which may be anything. `fault` is what its status says.
    fn complaint(&self, fault: Fault, body: &[u8]) -> Complaint;
}

/// The finish of an answer whose provider did not say why it ended.
pub const UNSPECIFIED: &str = "unspecified";

/// An address below `base`; each segment is escaped.
pub fn below(base: &Url, segments: &[&str]) -> Url {
    let mut address = base.clone();
    // Fails for addresses that cannot be a base, such as `mailto:`; those were refused before.
    if let Ok(mut path) = address.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    address
}

/// A header that is not shown.
pub fn sensitive(value: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(value)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The refusal of a parameter, by the name that the caller gave it.
pub fn unsupported(parameter: impl Into<String>) -> UnsupportedParameter {
    UnsupportedParameter { parameter: parameter.into() }
}

/// Refuses a parameter that is there.
pub fn refuse(present: bool, parameter: &str) -> Result<(), UnsupportedParameter> {
    if present { Err(unsupported(parameter)) } else { Ok(()) }
}

/// Whether a penalty asks for anything: none and zero are the same.
pub fn is_penalty(penalty: Option<f64>) -> bool {
    penalty.is_some_and(|penalty| penalty.abs() > 0.0)
}

/// JSON that is only carried. The parameter is refused when it is no JSON after all.
pub fn carried(json: &RawJson, parameter: &str) -> Result<Raw, UnsupportedParameter> {
    Raw::new(json.as_str()).map_err(|_| unsupported(parameter))
}

/// Arguments as an object: some formats have no word for anything else. No text is no arguments.
pub fn arguments(text: &str) -> Option<Raw> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    Raw::new(text).ok().filter(Raw::is_object)
}

/// Where the arguments of a call stand in the caller's request.
pub fn arguments_path(message: usize, call: usize) -> String {
    format!("messages[{message}].tool_calls[{call}].function.arguments")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_below_its_base_however_that_ends() {
        for base in ["https://a.test/v1", "https://a.test/v1/"] {
            let base = Url::parse(base).expect("an address");
            let address = below(&base, &["models", "m/../x?y:go"]);
            assert_eq!(address.as_str(), "https://a.test/v1/models/m%2F..%2Fx%3Fy:go");
        }
    }

    #[test]
    fn arguments_are_an_object_or_nothing() {
        let read = |text| arguments(text).map(|raw| raw.as_str().to_owned());
        assert_eq!(read(r#" {"a": 1} "#).as_deref(), Some(r#"{"a": 1}"#));
        assert_eq!(read("").as_deref(), Some("{}"));
        for text in ["[1]", "\"a\"", "{", "null"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
