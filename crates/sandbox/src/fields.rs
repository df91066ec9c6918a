//! Reading a vendor's JSON request strictly. Each vendor says in its own words what was wrong.
use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// A field that a vendor would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadField {
    /// Where it is, as in `messages[0].content`.
    pub(crate) path: String,
    /// What is wrong with it.
    pub(crate) fault: Fault,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The vendor knows no such field.
    Unknown,
    /// It is required.
    Missing,
    /// It is of another type than this.
    NotA(&'static str),
    /// Its value is refused, for this reason.
    Refused(String),
}

impl BadField {
    /// A field that is required.
    pub(crate) fn missing(path: impl Into<String>) -> Self {
        Self { path: path.into(), fault: Fault::Missing }
    }

    /// A field of a wrong type.
    pub(crate) fn not_a(path: impl Into<String>, expected: &'static str) -> Self {
        Self { path: path.into(), fault: Fault::NotA(expected) }
    }

    /// A field with a value that is refused.
    pub(crate) fn refused(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), fault: Fault::Refused(reason.into()) }
    }
}

/// Refuses fields outside this list.
pub(crate) fn only(object: &Object, known: &[&str]) -> Result<(), BadField> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(BadField { path: key.clone(), fault: Fault::Unknown }),
        None => Ok(()),
    }
}

/// A field that is there and not null.
pub(crate) fn given<'a>(object: &'a Object, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}

/// A required text.
pub(crate) fn text<'a>(object: &'a Object, key: &str) -> Result<&'a str, BadField> {
    let value = given(object, key).ok_or_else(|| BadField::missing(key))?;
    value.as_str().ok_or_else(|| BadField::not_a(key, "string"))
}

/// A required array with something in it.
pub(crate) fn list<'a>(object: &'a Object, key: &str) -> Result<&'a [Value], BadField> {
    let value = given(object, key).ok_or_else(|| BadField::missing(key))?;
    let items = value.as_array().ok_or_else(|| BadField::not_a(key, "array"))?;
    if items.is_empty() {
        return Err(BadField::refused(key, "expected at least one item, but got an empty array"));
    }
    Ok(items)
}

/// A switch, off when it is not given.
pub(crate) fn switch(object: &Object, key: &str) -> Result<bool, BadField> {
    match given(object, key) {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| BadField::not_a(key, "boolean")),
    }
}

/// A whole number of at least 1.
pub(crate) fn count(object: &Object, key: &str) -> Result<Option<u64>, BadField> {
    let Some(value) = given(object, key) else { return Ok(None) };
    match value.as_u64() {
        Some(0) => Err(BadField::refused(key, "expected a value >= 1, but got 0 instead")),
        Some(number) => Ok(Some(number)),
        None if value.is_i64() => {
            Err(BadField::refused(key, format!("expected a value >= 1, but got {value} instead")))
        }
        None => Err(BadField::not_a(key, "integer")),
    }
}

/// Refuses a number outside its range.
pub(crate) fn within(object: &Object, key: &str, low: f64, high: f64) -> Result<(), BadField> {
    let Some(value) = given(object, key) else { return Ok(()) };
    let number = value.as_f64().ok_or_else(|| BadField::not_a(key, "number"))?;
    if (low..=high).contains(&number) {
        return Ok(());
    }
    Err(BadField::refused(key, format!("expected a value between {low} and {high}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn a_count_is_whole_and_at_least_one() {
        let fields = object(json!({"a": 1, "b": 0, "c": -4, "d": 1.5, "e": "1", "f": null}));
        assert_eq!(count(&fields, "a"), Ok(Some(1)));
        for key in ["b", "c", "d", "e"] {
            assert_eq!(count(&fields, key).expect_err("refused").path, key);
        }
        assert_eq!((count(&fields, "f"), count(&fields, "g")), (Ok(None), Ok(None)));
    }

    #[test]
    fn unknown_fields_are_refused_by_name() {
        let unknown = BadField { path: "b".into(), fault: Fault::Unknown };
        assert_eq!(only(&object(json!({"a": 1, "b": 1})), &["a"]), Err(unknown));
    }
}
