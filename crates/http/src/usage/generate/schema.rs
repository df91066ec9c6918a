//! Google's dialect of schemas, from the days before JSON Schema, as JSON Schema. Properties keep
//! their order: models answer in it.
use std::fmt;

use cape_wire::Raw;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// The same as JSON Schema, or none for what is no schema. Where it is `closed`, objects have the
/// properties that are named and no others.
pub(super) fn json_schema(dialect: &Raw, closed: bool) -> Option<String> {
    let Fields(fields) = dialect.read().ok()?;
    let of = |wanted: &str| {
        fields.iter().find(|(name, _)| spelled(name) == wanted).map(|(_, value)| value)
    };
    let nullable = of("nullable").is_some_and(|value| value.as_str() == "true");
    let order: Vec<String> =
        of("propertyOrdering").and_then(|order| order.read().ok()).unwrap_or_default();
    let mut out = Object::default();
    for (name, value) in &fields {
        let name = spelled(name);
        match name.as_str() {
            "nullable" | "propertyOrdering" => {}
            // It says no more than `enum` does.
            "format" if value.as_str() == r#""enum""# => {}
            "type" => out.add("type", &kind(value, nullable)?),
            "items" => out.add("items", &json_schema(value, closed)?),
            "additionalProperties" if value.is_object() => {
                out.add(&name, &json_schema(value, closed)?);
            }
            "anyOf" => {
                out.add("anyOf", &alternatives(value, nullable && of("type").is_none(), closed)?);
            }
            "properties" | "$defs" | "defs" => {
                let name = if name == "defs" { "$defs" } else { &name };
                out.add(name, &named(value, &order, closed)?);
            }
            "ref" => out.add("$ref", value.as_str()),
            "enum" if nullable => out.add("enum", &with_null(value)?),
            "example" => out.add("examples", &format!("[{}]", value.as_str())),
            "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties"
            | "maxProperties" => out.add(&name, value.as_str().trim_matches('"')),
            _ => out.add(&name, value.as_str()),
        }
    }
    if closed && of("properties").is_some() && of("additionalProperties").is_none() {
        out.add("additionalProperties", "false");
    }
    Some(out.finish())
}

/// Whether every object has the properties that are named, all of them, and no others: what some
/// providers can guarantee.
pub(super) fn is_strict(schema: &Value) -> bool {
    let Value::Object(fields) = schema else { return true };
    let children = |name: &str| fields.get(name).and_then(Value::as_object).into_iter().flatten();
    let list = fields.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let item = fields.get("items").into_iter();
    let below = children("properties").chain(children("$defs")).map(|(_, child)| child);
    if !below.chain(list).chain(item).all(is_strict) {
        return false;
    }
    let names_all = || {
        let required: Vec<&str> = fields
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        children("properties").all(|(name, _)| required.contains(&name.as_str()))
    };
    let is_object = fields.contains_key("properties")
        || fields.get("type").is_some_and(|kind| kind == "object");
    !is_object || (fields.get("additionalProperties") == Some(&Value::Bool(false)) && names_all())
}

/// A name as JSON Schema spells it. Google's clients also write `min_length`.
fn spelled(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}

fn kind(value: &Raw, nullable: bool) -> Option<String> {
    let kind: String = value.read().ok()?;
    let kind = serde_json::to_string(&kind.to_ascii_lowercase()).ok()?;
    Some(if nullable { format!(r#"[{kind},"null"]"#) } else { kind })
}

fn alternatives(value: &Raw, nullable: bool, closed: bool) -> Option<String> {
    let list: Vec<Raw> = value.read().ok()?;
    let null = nullable.then(|| r#"{"type":"null"}"#.to_owned());
    let each = list.iter().map(|schema| json_schema(schema, closed));
    let each: Vec<String> = each.chain(null.map(Some)).collect::<Option<_>>()?;
    Some(format!("[{}]", each.join(",")))
}

fn with_null(value: &Raw) -> Option<String> {
    let mut list: Vec<Value> = value.read().ok()?;
    list.push(Value::Null);
    serde_json::to_string(&list).ok()
}

/// Schemas by name: first those that are put in an order, then the others as they stand.
fn named(value: &Raw, order: &[String], closed: bool) -> Option<String> {
    let Fields(mut schemas) = value.read().ok()?;
    let place = |name: &String| order.iter().position(|other| other == name);
    schemas.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    let mut out = Object::default();
    for (name, schema) in &schemas {
        out.add(name, &json_schema(schema, closed)?);
    }
    Some(out.finish())
}

/// An object that is written field by field.
#[derive(Default)]
struct Object(Vec<String>);

impl Object {
    fn add(&mut self, name: &str, json: &str) {
        self.0.push(format!("{}:{json}", Value::from(name)));
    }

    fn finish(self) -> String {
        format!("{{{}}}", self.0.join(","))
    }
}

/// The fields of an object, in their order.
struct Fields(Vec<(String, Raw)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = object.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        json.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(dialect: &str, closed: bool) -> Option<String> {
        json_schema(&Raw::new(dialect).expect("JSON"), closed)
    }

    #[test]
    fn a_schema_is_said_in_the_words_of_json_schema() {
        for (dialect, schema) in [
            (r#"{"type":"STRING"}"#, r#"{"type":"string"}"#),
            (r#"{"type":"STRING","nullable":true}"#, r#"{"type":["string","null"]}"#),
            (
                r#"{"type":"STRING","format":"enum","enum":["a"],"nullable":true}"#,
                r#"{"type":["string","null"],"enum":["a",null]}"#,
            ),
            (
                r#"{"type":"ARRAY","min_items":"1","items":{"type":"INTEGER","format":"int32"}}"#,
                r#"{"type":"array","minItems":1,"items":{"type":"integer","format":"int32"}}"#,
            ),
            (
                r#"{"any_of":[{"type":"NUMBER"}],"nullable":true,"example":3}"#,
                r#"{"anyOf":[{"type":"number"},{"type":"null"}],"examples":[3]}"#,
            ),
            (
                r#"{"type":"OBJECT","properties":{"z_a":{"type":"STRING"},"a":{"type":"BOOLEAN"}},
                    "property_ordering":["a","z_a"],"required":["z_a"]}"#,
                r#"{"type":"object","properties":{"a":{"type":"boolean"},"z_a":{"type":"string"}},"required":["z_a"]}"#,
            ),
        ] {
            assert_eq!(said(dialect, false).as_deref(), Some(schema));
        }
        for wrong in ["7", "[]", r#"{"type":7}"#, r#"{"items":[]}"#, r#"{"properties":[]}"#] {
            assert_eq!(said(wrong, false), None, "{wrong}");
        }
    }

    #[test]
    fn a_closed_object_has_no_other_properties() {
        let dialect = r#"{"type":"OBJECT","properties":{"a":{"type":"OBJECT","properties":{}}}}"#;
        let closed = r#"{"type":"object","properties":{"a":{"type":"object","properties":{},"additionalProperties":false}},"additionalProperties":false}"#;
        assert_eq!(said(dialect, true).as_deref(), Some(closed));
    }

    #[test]
    fn it_is_strict_where_nothing_is_left_open() {
        for (schema, strict) in [
            (r#"{"type":"string"}"#, true),
            (r#"{"type":"object"}"#, false),
            (r#"{"type":"object","properties":{},"additionalProperties":false}"#, true),
            (r#"{"properties":{"a":{}},"additionalProperties":false}"#, false),
            (r#"{"properties":{"a":{}},"required":["a"],"additionalProperties":false}"#, true),
            (r#"{"items":{"type":"object"}}"#, false),
            (r#"{"anyOf":[{"type":"null"},{"type":"object"}]}"#, false),
        ] {
            let schema = serde_json::from_str(schema).expect("JSON");
            assert_eq!(is_strict(&schema), strict, "{schema}");
        }
    }
}
