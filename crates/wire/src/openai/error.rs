//! What a failure looks like. Which status it has is not said in it.
use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::lenient;

/// The body of an answer that tells a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong. Some providers send a mere text.
    #[serde(deserialize_with = "detail_or_text")]
    pub error: ErrorDetail,
}

/// What went wrong. All four are always written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For humans.
    #[serde(default, deserialize_with = "lenient::text_or_empty")]
    pub message: String,
    /// The kind of failure: `invalid_request_error`, `insufficient_quota`, ...
    #[serde(rename = "type", default, deserialize_with = "lenient::text")]
    pub kind: Option<String>,
    /// The parameter at fault, or `null`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub param: Option<String>,
    /// The exact failure: `model_not_found`, `invalid_api_key`, ..., or `null`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub code: Option<String>,
}

impl ErrorBody {
    /// A failure of that kind.
    #[must_use]
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        let (message, kind) = (message.into(), Some(kind.into()));
        Self { error: ErrorDetail { message, kind, param: None, code: None } }
    }

    /// The same, with the parameter at fault.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.error.param = Some(param.into());
        self
    }

    /// The same, with its code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.error.code = Some(code.into());
        self
    }
}

fn detail_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ErrorDetail, D::Error> {
    struct Reader;

    impl<'de> Visitor<'de> for Reader {
        type Value = ErrorDetail;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object or a string")
        }

        fn visit_str<E>(self, text: &str) -> Result<ErrorDetail, E> {
            Ok(ErrorDetail { message: text.to_owned(), ..ErrorDetail::default() })
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ErrorDetail, A::Error> {
            ErrorDetail::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(Reader)
}
