//! Images, which nobody looks at. Only how they are told of is checked, as the vendor checks it.
use serde_json::Value;

use crate::fields::BadField;

const MEDIA_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const DETAILS: [&str; 4] = ["auto", "low", "high", "original"];

/// Checks where an image is.
pub(crate) fn check(url: &Value, path: &str) -> Result<(), BadField> {
    let Some(url) = url.as_str() else {
        return Err(match url {
            Value::Null => BadField::missing(path),
            _ => BadField::not_a(path, "string"),
        });
    };
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(());
    }
    let inline = url.strip_prefix("data:").and_then(|data| data.split_once(";base64,"));
    match inline {
        Some((kind, data)) if MEDIA_TYPES.contains(&kind) && !data.is_empty() => Ok(()),
        Some(_) => {
            let reason = "expected an image of type image/png, image/jpeg, image/gif or image/webp";
            Err(BadField::refused(path, reason))
        }
        None => {
            let reason = "expected a valid URL, but got a value with an invalid format";
            Err(BadField::refused(path, reason))
        }
    }
}

/// Checks how closely it is to be looked at.
pub(crate) fn check_detail(detail: &Value, path: &str) -> Result<(), BadField> {
    match detail {
        Value::Null => Ok(()),
        Value::String(word) if DETAILS.contains(&word.as_str()) => Ok(()),
        _ => {
            let reason = format!("supported values are: {}", DETAILS.join(", "));
            Err(BadField::refused(path, reason))
        }
    }
}
