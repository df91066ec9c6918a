//! Objects whose `type` says which they are.
//!
//! serde's own tagged enums are not used to read these: they buffer, and a [`Raw`] cannot be read
//! from the buffer, nor can an unknown object be kept as it was.
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};

use crate::Raw;

/// An object and its `type`.
pub struct Tagged {
    raw: Raw,
    tag: Option<String>,
}

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    tag: Option<String>,
}

impl Tagged {
    pub fn of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        if !raw.is_object() {
            return Err(D::Error::custom("invalid type: expected an object"));
        }
        let Tag { tag } = raw.read().map_err(|error| D::Error::custom(reason(&error)))?;
        Ok(Self { raw, tag })
    }

    /// The `type`, or an error where there is none.
    pub fn tag<E: serde::de::Error>(&self) -> Result<&str, E> {
        self.tag.as_deref().ok_or_else(|| E::missing_field("type"))
    }

    /// The `type`, or what it is where it is left out.
    pub fn tag_or<'a>(&'a self, default: &'a str) -> &'a str {
        self.tag.as_deref().unwrap_or(default)
    }

    /// The rest of the object.
    pub fn read<T: DeserializeOwned, E: serde::de::Error>(&self) -> Result<T, E> {
        self.raw.read().map_err(|error| E::custom(reason(&error)))
    }

    /// The whole object, unread.
    pub fn into_raw(self) -> Raw {
        self.raw
    }
}

/// What is wrong, without the position: it counts from the wrong place, and the outer reader knows
/// the right one.
pub fn reason(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    if text.ends_with(&position) {
        text.truncate(text.len() - position.len());
    }
    text
}

/// Reads an enum by its `type`: variants that hold a struct first, then those that hold nothing.
/// The variant `Other` takes the rest.
macro_rules! read_by_type {
    ($name:ident $(or $default:literal)? {
        $($tag:literal => $variant:ident,)*
    } $(empty { $($bare_tag:literal => $bare:ident,)* })?) => {
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let tagged = $crate::tagged::Tagged::of(deserializer)?;
                match $crate::tagged::read_by_type!(@tag tagged, D $(, $default)?) {
                    $($tag => tagged.read().map(Self::$variant),)*
                    $($($bare_tag => Ok(Self::$bare),)*)?
                    _ => Ok(Self::Other(tagged.into_raw())),
                }
            }
        }
    };
    (@tag $tagged:ident, $d:ident) => { $tagged.tag::<$d::Error>()? };
    (@tag $tagged:ident, $d:ident, $default:literal) => { $tagged.tag_or($default) };
}

pub(crate) use read_by_type;
