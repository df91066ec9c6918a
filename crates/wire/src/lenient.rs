//! Readers for what providers send in more than one shape. Never used to write.
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::Field;

/// A count, or `None` where there is none.
///
/// `12.0` is 12. What is no whole number from zero up counts as absent: an answer is not thrown
/// away because its usage cannot be read, and what cannot be read must not pass for zero.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(Value::Number(number)) = Option::deserialize(deserializer)? else { return Ok(None) };
    Ok(number.as_u64().or_else(|| number.as_f64().and_then(whole)))
}

/// The same, where zero stands for absent because nothing is reckoned with it.
pub fn count_or_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    count(deserializer).map(Option::unwrap_or_default)
}

/// A text; numbers are spelled out, anything else counts as absent.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::deserialize(deserializer)? {
        Some(Value::String(text)) => Some(text),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
    })
}

/// The same, where an absent text is empty.
pub fn text_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer).map(Option::unwrap_or_default)
}

/// An object of counters, or `None` where it is anything else.
pub fn counters<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let object = Option::<Value>::deserialize(deserializer)?.filter(Value::is_object);
    Ok(object.and_then(|object| serde_json::from_value(object).ok()))
}

/// The same, where `null` is told from what is absent.
pub fn counters_or_null<'de, T, D>(deserializer: D) -> Result<Field<T>, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    counters(deserializer).map(|object| object.map_or(Field::Null, Field::Value))
}

/// The same, where counters that cannot be read are all absent.
pub fn counters_or_none<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: DeserializeOwned + Default,
    D: Deserializer<'de>,
{
    counters(deserializer).map(Option::unwrap_or_default)
}

/// A value of which `null` is as good as its default: an empty list, mostly.
pub fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only exact whole numbers below 2^53 are let through"
)]
fn whole(number: f64) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    ((0.0..EXACT).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Counted {
        #[serde(default, deserialize_with = "count")]
        n: Option<u64>,
    }

    #[test]
    fn only_whole_numbers_from_zero_up_are_counts() {
        for (json, counted) in [
            (r#"{"n":0}"#, Some(0)),
            (r#"{"n":12}"#, Some(12)),
            (r#"{"n":12.0}"#, Some(12)),
            (r#"{"n":1.2e3}"#, Some(1200)),
            (r#"{"n":18446744073709551615}"#, Some(u64::MAX)),
            (r#"{"n":18446744073709551616}"#, None),
            (r#"{"n":12.5}"#, None),
            (r#"{"n":-1}"#, None),
            (r#"{"n":"12"}"#, None),
            (r#"{"n":{"of":[1]}}"#, None),
            (r#"{"n":null}"#, None),
            ("{}", None),
        ] {
            let read: Counted = serde_json::from_str(json).expect("tolerated");
            assert_eq!(read.n, counted, "{json}");
        }
    }
}
