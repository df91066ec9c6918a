//! Embeddings: texts go in, and a vector comes out for each.
use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, SeqAccess, Visitor},
};

use super::{
    invalid::{InvalidRequest, Shape},
    models::ListObject,
    request::Paths,
};
use crate::{
    TextOr, Unknown, lenient,
    words::{constant, words},
};

constant! {
    /// What a vector calls itself.
    EmbeddingObject = "embedding"
}

words! {
    /// How vectors are written.
    EncodingFormat {
        /// As lists of numbers. It is the usual form.
        Float = "float",
        /// As base64 of their numbers, four bytes each, the lowest first.
        Base64 = "base64",
    }
}

/// The body of `POST /v1/embeddings`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingRequest {
    /// The model that is asked.
    pub model: String,
    /// What to turn into vectors.
    pub input: EmbeddingInput,
    /// How many numbers a vector shall have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u64>,
    /// How vectors shall be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding_format: Option<EncodingFormat>,
    /// The caller's own user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Parameters that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// One text or several, each as it is or as the tokens that the model makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum EmbeddingInput {
    /// One text.
    Text(String),
    /// Several. An empty list is one of texts.
    Texts(Vec<String>),
    /// The tokens of one.
    Tokens(Vec<u32>),
    /// The tokens of several.
    TokenLists(Vec<Vec<u32>>),
}

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingResponse {
    /// `list`.
    #[serde(default)]
    pub object: ListObject,
    /// The vectors.
    pub data: Vec<Embedding>,
    /// The model that was asked.
    #[serde(default)]
    pub model: String,
    /// What it used.
    #[serde(default, deserialize_with = "lenient::counters_or_none")]
    pub usage: EmbeddingUsage,
}

/// One vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// `embedding`.
    #[serde(default)]
    pub object: EmbeddingObject,
    /// Which of the inputs it is of, counted from 0.
    pub index: u64,
    /// Its numbers.
    pub embedding: Vector,
}

/// The numbers of a vector, in either [`EncodingFormat`]: see [`encoded`] and [`decoded`].
pub type Vector = TextOr<f32>;

/// How many tokens were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingUsage {
    /// Those that went in.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// All of them, which are the same.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
}

/// A vector in base64.
#[must_use]
pub fn encoded(numbers: &[f32]) -> Vector {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Vector::Text(STANDARD.encode(bytes))
}

/// The numbers of a vector, however they are written. None, where they cannot be read.
#[must_use]
pub fn decoded(vector: Vector) -> Option<Vec<f32>> {
    let text = match vector {
        Vector::Parts(numbers) => return Some(numbers),
        Vector::Text(text) => text,
    };
    let bytes = STANDARD.decode(text).ok()?;
    let numbers = bytes.chunks_exact(size_of::<f32>());
    if !numbers.remainder().is_empty() {
        return None;
    }
    numbers.map(|bytes| bytes.try_into().ok().map(f32::from_le_bytes)).collect()
}

impl EmbeddingRequest {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] when it is no JSON, or not of a request's shape.
    pub fn read(body: &[u8]) -> Result<Self, InvalidRequest> {
        let shape = Shape {
            required: &["model", "input"],
            smallest: r#""model":"","input":"""#,
            look_into: |_, _| None,
        };
        serde_json::from_slice(body)
            .map_err(|error| InvalidRequest::find::<Self>(body, &error, &shape))
    }

    /// Where fields stand that are not known here. Those that are null or empty ask for nothing.
    #[must_use]
    pub fn unknown_paths(&self) -> Vec<String> {
        let mut paths = Paths::default();
        paths.add("", &self.unknown);
        paths.into_vec()
    }
}

impl<'de> Deserialize<'de> for EmbeddingInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InputReader)
    }
}

struct InputReader;

impl<'de> Visitor<'de> for InputReader {
    type Value = EmbeddingInput;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or an array of strings, of tokens or of arrays of tokens")
    }

    fn visit_str<E>(self, text: &str) -> Result<EmbeddingInput, E> {
        Ok(EmbeddingInput::Text(text.to_owned()))
    }

    /// The first element says what all of them are.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<EmbeddingInput, A::Error> {
        match list.next_element()? {
            None => Ok(EmbeddingInput::Texts(Vec::new())),
            Some(Item::Text(first)) => rest(first, list).map(EmbeddingInput::Texts),
            Some(Item::Token(first)) => rest(first, list).map(EmbeddingInput::Tokens),
            Some(Item::Tokens(first)) => rest(first, list).map(EmbeddingInput::TokenLists),
        }
    }
}

fn rest<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
    first: T,
    mut list: A,
) -> Result<Vec<T>, A::Error> {
    let mut all = vec![first];
    while let Some(next) = list.next_element()? {
        all.push(next);
    }
    Ok(all)
}

/// An element of a list of inputs.
enum Item {
    Text(String),
    Token(u32),
    Tokens(Vec<u32>),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemReader)
    }
}

struct ItemReader;

impl<'de> Visitor<'de> for ItemReader {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a token or an array of tokens")
    }

    fn visit_str<E>(self, text: &str) -> Result<Item, E> {
        Ok(Item::Text(text.to_owned()))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Item, E> {
        let token = u32::try_from(number);
        token.map(Item::Token).map_err(|_| E::custom(format!("{number} is not a token")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
        let first: Option<u32> = list.next_element()?;
        let first = first.ok_or_else(|| A::Error::custom("expected at least one token"))?;
        rest(first, list).map(Item::Tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_is_the_same_in_either_form() {
        for numbers in [vec![], vec![0.0, -1.5, 0.002_306_425_5, f32::MAX, f32::MIN_POSITIVE]] {
            assert_eq!(decoded(encoded(&numbers)), Some(numbers.clone()));
            assert_eq!(decoded(Vector::Parts(numbers.clone())), Some(numbers));
        }
        assert_eq!(encoded(&[1.0, -2.0]), Vector::from("AACAPwAAAMA="));
        for text in ["AACAPw==AACA", "AACA", "AACAPw", "?", "AACAPwA="] {
            assert_eq!(decoded(Vector::from(text)), None, "{text}");
        }
    }
}
