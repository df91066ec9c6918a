//! Lists: in a file an array of texts, in a variable one text with commas.
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Array(Vec<String>),
    Text(String),
}

pub(in crate::config) fn serialize<T: Serialize, S: Serializer>(
    items: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items)
}

pub(in crate::config) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: TryFrom<String, Error: fmt::Display>,
    D: Deserializer<'de>,
{
    let texts = match Written::deserialize(deserializer) {
        Ok(Written::Array(texts)) => texts,
        Ok(Written::Text(text)) => text.split(',').map(|item| item.trim().to_owned()).collect(),
        Err(_) => return Err(D::Error::custom("must be a list of texts")),
    };
    texts
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| T::try_from(text).map_err(D::Error::custom))
        .collect()
}
