//! Headers of a mail or of a part of it (RFC 5322), and words in them that are not ASCII (RFC 2047).
use std::borrow::Cow;

use super::content::{base64, charset, escapes};

/// Encoded words have 75 bytes at most. Who does not keep to it is read too, within bounds.
const LONGEST_WORD: usize = 1_000;

/// Names and values, in their order. Values are in one line, and still encoded.
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// The headers of a source, and its body. Lines that are no header are left out.
    pub(crate) fn split(source: &[u8]) -> (Self, &[u8]) {
        let (mut headers, mut read) = (Vec::<(String, String)>::new(), 0);
        for line in source.split_inclusive(|byte| *byte == b'\n') {
            read += line.len();
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
            if line.is_empty() {
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = headers.last_mut() {
                    value.push_str(&line);
                }
            } else if let Some((name, value)) = line.split_once(':') {
                headers.push((name.trim_end().to_owned(), value.trim_start().to_owned()));
            }
        }
        (Self(headers), &source[read..])
    }

    /// The first value under this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let header = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }

    /// As they are meant to be read.
    pub(crate) fn decoded(self) -> Vec<(String, String)> {
        self.0.into_iter().map(|(name, value)| (name, decode(&value))).collect()
    }
}

/// Decodes the encoded words in a value. Space between two of them is not meant.
fn decode(value: &str) -> String {
    let (mut said, mut rest, mut behind_word) = (String::new(), value, false);
    while let Some(at) = rest.find("=?") {
        let (before, word) = rest.split_at(at);
        if let Some((decoded, behind)) = encoded_word(word) {
            if !(behind_word && before.trim().is_empty()) {
                said.push_str(before);
            }
            said.push_str(&decoded);
            (rest, behind_word) = (behind, true);
        } else {
            said.push_str(before);
            said.push_str("=?");
            (rest, behind_word) = (&word[2..], false);
        }
    }
    said.push_str(rest);
    said
}

/// `=?charset?encoding?text?=` at the start, decoded, and what stands behind it.
fn encoded_word(word: &str) -> Option<(Cow<'static, str>, &str)> {
    let (named, rest) = word.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let end = rest.as_bytes().windows(2).take(LONGEST_WORD).position(|pair| pair == b"?=")?;
    let text = &rest[..end];
    let bytes = match encoding {
        "Q" | "q" => escapes(text.replace('_', " ").as_bytes()),
        "B" | "b" => base64(text.as_bytes())?,
        _ => return None,
    };
    // A language may stand behind the charset (RFC 2231).
    let named = named.split_once('*').map_or(named, |(named, _)| named);
    Some((charset(&bytes, named)?.into(), &rest[end + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_decoded_and_joined() {
        for (value, expected) in [
            ("plain", "plain"),
            ("=?utf-8?Q?Gr=C3=BC=C3=9Fe_an?= =?UTF-8?b?4oKs?=", "Grüße an€"),
            ("a =?utf-8?Q?b?= c", "a b c"),
            ("=?iso-8859-1*de?q?=FC?= =?us-ascii?Q?=3F?=", "ü?"),
            ("=?utf-8?Q??=", ""),
        ] {
            assert_eq!(decode(value), expected);
        }
    }

    #[test]
    fn what_is_no_encoded_word_is_left_alone() {
        for value in
            ["=?", "=?utf-8?X?a?=", "=?koi8-r?Q?a?=", "=?utf-8?Q?a", "=?utf-8?B?*?=", "1=?2"]
        {
            assert_eq!(decode(value), value);
        }
    }

    #[test]
    fn a_value_in_several_lines_is_one() {
        let source = b"Subject: one\r\n \r\n two\r\nno header\r\nX-Y : z\r\n\r\nbody\r\n";
        let (headers, body) = Headers::split(source);
        assert_eq!((headers.get("subject"), headers.get("x-y")), (Some("one  two"), Some("z")));
        assert_eq!(body, b"body\r\n");
        assert_eq!(Headers::split(b"Subject: x").1, b"");
        assert_eq!(Headers::split(b"\r\nbody").1, b"body");
    }
}
