//! JSON that is carried as the text it was written in.
use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// One JSON value as text, known to be well formed and not looked into.
///
/// Two are equal when their texts are, spaces included. It can stand anywhere except inside a
/// type that serde buffers (`untagged`, `tag`, or a flattened struct): there it cannot be read.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Raw(Box<RawValue>);

impl Raw {
    /// Takes a text that ought to be JSON.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn new(json: impl Into<String>) -> Result<Self, serde_json::Error> {
        RawValue::from_string(json.into()).map(Self)
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    ///
    /// When the value cannot be written, such as a map whose keys are no texts.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.as_str().starts_with('{')
    }

    /// Reads it as a value.
    ///
    /// # Errors
    ///
    /// When it is JSON of another shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Raw {}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Raw").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_value_keeps_the_order_of_keys_and_the_spelling_of_numbers() {
        let json = r#"{"z":1.50,"a":1e400,"m":[ 1, 2 ]}"#;
        let raw: Raw = serde_json::from_str(json).expect("json");
        assert_eq!(raw.as_str(), json);
        assert_eq!(serde_json::to_string(&raw).expect("written"), json);
        assert_eq!(raw, Raw::new(json).expect("json"));
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        for text in ["", "{", "{} {}", "nul", "'a'"] {
            assert!(Raw::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn any_depth_can_be_carried() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let raw: Raw = serde_json::from_str(&deep).expect("json");
        assert_eq!(raw.as_str().len(), 200_000);
        assert!(raw.read::<serde_json::Value>().is_err());
    }
}
