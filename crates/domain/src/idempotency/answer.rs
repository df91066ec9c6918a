//! An answer that can be given again, as one text, which is what gets sealed.
use std::fmt::Write as _;

use super::Fingerprint;

/// An answer that can be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The headers that are a part of what was answered, in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte by byte; nothing, where it was not worth keeping.
    pub body: Option<String>,
}

/// A text that is not an answer, or one to another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the answer to that request")]
pub struct MalformedAnswer;

/// What stands before the bytes of a body that was kept, and where none was.
const KEPT: &str = "kept";
const NOT_KEPT: &str = "not kept";

impl Answer {
    /// The largest body that is kept, in bytes.
    pub const LARGEST: usize = 1 << 20;

    /// An answer. A body that is too large, or no text, is not kept; that there was one is.
    #[must_use]
    pub fn new(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        let small = Some(body).filter(|body| body.len() <= Self::LARGEST);
        Self { status, headers, body: small.and_then(|body| String::from_utf8(body).ok()) }
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The answer to the request of this fingerprint, as a text: the fingerprint, the status, the
    /// headers, each on a line, an empty line, and the body. A header with a line break, which
    /// HTTP does not have, is left out.
    #[must_use]
    pub fn to_text(&self, request: Fingerprint) -> String {
        let mut text = String::with_capacity(512 + self.body.as_ref().map_or(0, String::len));
        // A text takes everything.
        let _ = writeln!(text, "{request}\n{}", self.status);
        let sound = |text: &str| !text.contains(['\n', '\r']);
        for (name, value) in self.headers.iter().filter(|(n, v)| sound(n) && sound(v)) {
            let _ = writeln!(text, "{name}: {value}");
        }
        text.push('\n');
        match &self.body {
            Some(body) => {
                text.extend([KEPT, "\n", body]);
            }
            None => text.push_str(NOT_KEPT),
        }
        text
    }

    /// Reads an answer. One that was given to another request is none: whoever swapped two rows
    /// gains nothing.
    ///
    /// # Errors
    ///
    /// [`MalformedAnswer`].
    pub fn from_text(text: &str, request: Fingerprint) -> Result<Self, MalformedAnswer> {
        let (head, body) = text.split_once("\n\n").ok_or(MalformedAnswer)?;
        let body = match body.split_once('\n') {
            Some((KEPT, body)) => Some(body.to_owned()),
            None if body == NOT_KEPT => None,
            Some(_) | None => return Err(MalformedAnswer),
        };
        let mut lines = head.split('\n');
        if lines.next() != Some(&*request.to_string()) {
            return Err(MalformedAnswer);
        }
        let status = lines.next().and_then(|line| line.parse().ok()).ok_or(MalformedAnswer)?;
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").ok_or(MalformedAnswer)?;
            Ok((name.to_owned(), value.to_owned()))
        });
        Ok(Self { status, headers: headers.collect::<Result<_, _>>()?, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Fingerprint = Fingerprint([0xAB; 32]);

    fn header(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn answer(headers: &[(String, String)], body: Option<&str>) -> Answer {
        Answer { status: 201, headers: headers.to_vec(), body: body.map(str::to_owned) }
    }

    #[test]
    fn an_answer_is_read_back_byte_by_byte() {
        let headers = [header("content-type", "text/event-stream"), header("x-empty", "")];
        for headers in [&headers[..], &headers[..1], &[]] {
            for body in
                [None, Some(""), Some("\n"), Some("data: a\n\ndata: zoë\n\n"), Some("kept\nkept")]
            {
                let given = answer(headers, body);
                let read = Answer::from_text(&given.to_text(REQUEST), REQUEST);
                assert_eq!(read.as_ref(), Ok(&given));
            }
        }
    }

    #[test]
    fn the_answer_to_another_request_is_none_and_neither_is_any_other_text() {
        let text = answer(&[header("a", "b")], Some("body")).to_text(REQUEST);
        assert_eq!(Answer::from_text(&text, Fingerprint([0; 32])), Err(MalformedAnswer));
        for broken in [
            String::new(),
            text.replace("201", "many"),
            text.replace("a: b", "a"),
            text.replace("kept\n", ""),
            text.replace("\n\n", "\n"),
        ] {
            assert_eq!(Answer::from_text(&broken, REQUEST), Err(MalformedAnswer), "{broken:?}");
        }
    }

    #[test]
    fn a_header_cannot_begin_another_line() {
        let sly = answer(&[header("a", "b\n\nkept\nforged"), header("c", "d")], Some("true"));
        let read = Answer::from_text(&sly.to_text(REQUEST), REQUEST);
        assert_eq!(read, Ok(answer(&[header("c", "d")], Some("true"))));
    }

    #[test]
    fn what_is_too_large_or_no_text_is_not_kept_and_that_is_known() {
        let of = |body: Vec<u8>| Answer::new(200, vec![header("a", "b")], body);
        assert_eq!(of(vec![b'x'; Answer::LARGEST]).body.map(|body| body.len()), Some(1 << 20));
        assert_eq!(of(vec![b'x'; Answer::LARGEST + 1]).body, None);
        assert_eq!(of(vec![0xFF]).body, None);
        assert_eq!(of(vec![0xFF]).header("a"), Some("b"));
        assert_eq!(of(vec![0xFF]).header("c"), None);
    }
}
