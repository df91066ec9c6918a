//! Whole numbers as the vendor reads them: `40`, `40.0` and `"40"` are the same.
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

/// Reads a whole number, or none for `null`.
pub fn whole<'de, D, N>(deserializer: D) -> Result<Option<N>, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<i128>,
{
    let Some(value) = Option::<Value>::deserialize(deserializer)? else { return Ok(None) };
    let number = of(&value).and_then(|number| N::try_from(number).ok());
    number.map(Some).ok_or_else(|| D::Error::custom("expected a whole number"))
}

/// The whole number that a value is, if it is one.
pub fn of(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            whole.or_else(|| number.as_f64().and_then(exact))
        }
        Value::String(digits) => digits.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only exact whole numbers are let through")]
fn exact(number: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.abs() < EXACT && number.fract() == 0.0).then_some(number as i128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Counted {
        #[serde(default, deserialize_with = "whole")]
        n: Option<u64>,
    }

    #[test]
    fn whole_numbers_are_read_however_they_are_spelled() {
        for (json, counted) in [
            (r#"{"n":40}"#, Some(Some(40))),
            (r#"{"n":40.0}"#, Some(Some(40))),
            (r#"{"n":"40"}"#, Some(Some(40))),
            (r#"{"n":18446744073709551615}"#, Some(Some(u64::MAX))),
            (r#"{"n":null}"#, Some(None)),
            ("{}", Some(None)),
            (r#"{"n":40.5}"#, None),
            (r#"{"n":-1}"#, None),
            (r#"{"n":1e300}"#, None),
            (r#"{"n":"forty"}"#, None),
            (r#"{"n":true}"#, None),
            (r#"{"n":[40]}"#, None),
        ] {
            let read = serde_json::from_str::<Counted>(json).ok().map(|read| read.n);
            assert_eq!(read, counted, "{json}");
        }
    }
}
