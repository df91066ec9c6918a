//! JSON that is only carried: schemas of tools, arguments, snapshots for the audit trail.
//!
//! Nothing here reads or checks it. Whoever makes one has already parsed it.
use std::fmt;

/// A JSON value, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawJson(Box<str>);

impl RawJson {
    /// Wraps a text that is known to be JSON.
    #[must_use]
    pub fn new(json: impl Into<Box<str>>) -> Self {
        Self(json.into())
    }

    /// An object of texts, in this order.
    #[must_use]
    pub fn object(fields: &[(&str, &str)]) -> Self {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| format!("{}:{}", Text(name), Text(value))).collect();
        Self::new(format!("{{{}}}", fields.join(",")))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A JSON string (RFC 8259, section 7).
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control))?,
                other => write!(f, "{other}")?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_texts_is_escaped() {
        let json = RawJson::object(&[("a", "1"), ("q\"", "x\\\n\u{7f}é")]);
        assert_eq!(json.as_str(), "{\"a\":\"1\",\"q\\\"\":\"x\\\\\\u000a\\u007fé\"}");
        assert_eq!(RawJson::object(&[]).as_str(), "{}");
    }
}
