//! How likely tokens were: made up from their place, and the same every time.
use serde_json::{Value, json};

/// How likely the token at this place was, beside so many alternatives.
pub(crate) fn of(token: &str, place: u64, alternatives: u64) -> Value {
    let others = (0..alternatives).map(|other| match other {
        0 => probable(token, place),
        _ => probable(&format!("{token}{other}"), place + other),
    });
    let mut told = probable(token, place);
    told["top_logprobs"] = others.collect();
    told
}

fn probable(token: &str, place: u64) -> Value {
    let eighths = u32::try_from(place % 8).unwrap_or_default();
    json!({ "token": token, "logprob": -f64::from(eighths) / 8.0, "bytes": token.as_bytes() })
}
