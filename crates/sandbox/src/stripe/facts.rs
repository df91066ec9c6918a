//! Reading of objects that are kept as JSON. What is not there reads as nothing: an empty text, or 0.
use serde_json::Value;

/// Reading of an object's fields.
pub(crate) trait Facts {
    /// A text, or an empty one.
    fn text(&self, name: &str) -> &str;
    /// A text that is not empty.
    fn given(&self, name: &str) -> Option<&str>;
    /// A whole number, or 0.
    fn number(&self, name: &str) -> i64;
    /// Whether a field has this text.
    fn is(&self, name: &str, text: &str) -> bool;
    /// Whether a switch is on.
    fn holds(&self, name: &str) -> bool;
    /// The items of an array, or of a list object.
    fn entries(&self, name: &str) -> &[Value];
}

impl Facts for Value {
    fn text(&self, name: &str) -> &str {
        self[name].as_str().unwrap_or_default()
    }

    fn given(&self, name: &str) -> Option<&str> {
        self[name].as_str().filter(|text| !text.is_empty())
    }

    fn number(&self, name: &str) -> i64 {
        self[name].as_i64().unwrap_or_default()
    }

    fn is(&self, name: &str, text: &str) -> bool {
        self[name] == *text
    }

    fn holds(&self, name: &str) -> bool {
        self[name].as_bool().unwrap_or_default()
    }

    fn entries(&self, name: &str) -> &[Value] {
        let list = &self[name];
        list.as_array().or_else(|| list["data"].as_array()).map_or(&[], Vec::as_slice)
    }
}
