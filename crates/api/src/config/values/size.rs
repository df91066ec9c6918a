//! Numbers of bytes as text: `10MiB`, `512KiB`, or a plain number.
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// Bytes in each unit, the largest first.
const UNITS: [(&str, usize); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("", 1)];

const EXPECTED: &str = "must be a number of bytes such as 10MiB, 512KiB or 4096";

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(usize),
    Text(String),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(in crate::config) fn serialize<S: Serializer>(
    size: &usize,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(*size))
}

pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<usize, D::Error> {
    match Written::deserialize(deserializer) {
        Ok(Written::Number(bytes)) => Some(bytes).filter(|bytes| *bytes > 0),
        Ok(Written::Text(text)) => parsed(&text),
        Err(_) => None,
    }
    .ok_or_else(|| D::Error::custom(EXPECTED))
}

/// None for what is no size, and for nothing at all.
fn parsed(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<usize>().ok()?.checked_mul(*bytes).filter(|total| *total > 0)
}

fn shown(size: usize) -> String {
    UNITS
        .iter()
        .find(|(_, bytes)| size.is_multiple_of(*bytes))
        .map_or_else(|| size.to_string(), |(unit, bytes)| format!("{}{unit}", size / bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_whole_number_and_perhaps_a_unit() {
        for (text, bytes) in
            [("1", 1), ("512KiB", 524_288), ("10MiB", 10_485_760), ("1 GiB", 1 << 30)]
        {
            assert_eq!(parsed(text), Some(bytes), "{text}");
        }
        for text in ["", "0", "MiB", "10MB", "1.5MiB", "-1", "99999999999999GiB"] {
            assert_eq!(parsed(text), None, "{text}");
        }
        for text in ["1", "1025", "512KiB", "10MiB", "2GiB"] {
            assert_eq!(parsed(text).map(shown).as_deref(), Some(text));
        }
    }
}
