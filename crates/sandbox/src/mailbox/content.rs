//! The text and the HTML in a mail (RFC 2045 and 2046). Attachments are not looked at, nor what else
//! is in a mail: its source has it.
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::headers::Headers;

/// Parts within parts. Each level reads its bytes once more, and takes some of the stack.
const DEEPEST: usize = 8;
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What a mail says, with lines that end with LF.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// The first part that is plain text.
    pub(crate) text: Option<String>,
    /// The first part that is HTML.
    pub(crate) html: Option<String>,
}

impl Content {
    /// Reads a body under its headers.
    pub(crate) fn read(headers: &Headers, body: &[u8]) -> Self {
        let mut content = Self::default();
        content.look(headers, body, DEEPEST);
        content
    }

    fn look(&mut self, headers: &Headers, body: &[u8], depth: usize) {
        let kind = Kind::parse(headers.get("content-type").unwrap_or("text/plain"));
        let disposition = headers.get("content-disposition").unwrap_or_default();
        if disposition.trim_start().to_ascii_lowercase().starts_with("attachment") {
            return;
        }
        if kind.name.starts_with("multipart/") {
            if let (Some(depth), Some(boundary)) = (depth.checked_sub(1), kind.boundary) {
                for part in parts(body, &boundary) {
                    let (headers, body) = Headers::split(part);
                    self.look(&headers, body, depth);
                }
            }
            return;
        }
        let place = match kind.name.as_str() {
            "text/plain" => &mut self.text,
            "text/html" => &mut self.html,
            _ => return,
        };
        place.get_or_insert_with(|| {
            let encoding = headers.get("content-transfer-encoding").unwrap_or_default();
            let bytes = decode(body, encoding);
            let named = kind.charset.as_deref().unwrap_or("utf-8");
            let text = charset(&bytes, named);
            let text = text.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned());
            text.replace("\r\n", "\n")
        });
    }
}

/// A content type, as far as it is needed.
struct Kind {
    /// In lower case.
    name: String,
    charset: Option<String>,
    boundary: Option<String>,
}

impl Kind {
    fn parse(value: &str) -> Self {
        let (name, parameters) = value.split_once(';').unwrap_or((value, ""));
        let name = name.trim().to_ascii_lowercase();
        let mut kind = Self { name, charset: None, boundary: None };
        for (key, value) in parameters.split(';').filter_map(|pair| pair.split_once('=')) {
            let value = value.trim().trim_matches('"');
            let place = match key.trim().to_ascii_lowercase().as_str() {
                "charset" => &mut kind.charset,
                "boundary" => &mut kind.boundary,
                _ => continue,
            };
            *place = Some(value.to_owned()).filter(|value| !value.is_empty());
        }
        kind
    }
}

/// The parts between the lines `--boundary`; the last one may lack its end.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let (mut parts, mut start, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let tail = line.trim_ascii_end().strip_prefix(delimiter.as_bytes());
        if let Some(tail @ (b"" | b"--")) = tail {
            // The end of the line before a delimiter belongs to the delimiter.
            let part = start.take().map(|start| &body[start..at]);
            parts.extend(part.map(|part| part.strip_suffix(b"\r\n").unwrap_or(part)));
            if tail == b"--" {
                return parts;
            }
            start = Some(at + line.len());
        }
        at += line.len();
    }
    parts.extend(start.map(|start| &body[start..]));
    parts
}

fn decode(body: &[u8], encoding: &str) -> Vec<u8> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "quoted-printable" => quoted_printable(body),
        "base64" => base64(body).unwrap_or_else(|| body.to_vec()),
        _ => body.to_vec(),
    }
}

/// A line that ends with `=` goes on in the next one; spaces at the end of a line were added on the
/// way.
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let content = line.trim_ascii_end();
        if let Some(content) = content.strip_suffix(b"=") {
            plain.extend(escapes(content));
        } else {
            plain.extend(escapes(content));
            let end: &[u8] = if line.ends_with(b"\n") { b"\r\n" } else { b"" };
            plain.extend_from_slice(end);
        }
    }
    plain
}

/// Replaces `=C3` by its byte. What looks otherwise is left alone.
pub(crate) fn escapes(text: &[u8]) -> Vec<u8> {
    let (mut plain, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((first, behind)) = rest.split_first() {
        let (mut byte, digits) = ([*first], behind.get(..2).filter(|_| *first == b'='));
        let escaped = digits.is_some_and(|two| hex::decode_to_slice(two, &mut byte).is_ok());
        plain.push(if escaped { byte[0] } else { *first });
        rest = if escaped { &behind[2..] } else { behind };
    }
    plain
}

/// Decodes base64, in however many lines it is written.
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(text).ok()
}

/// Text in a charset, if it is one that is known here.
pub(crate) fn charset(bytes: &[u8], name: &str) -> Option<String> {
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "us-ascii" => Some(String::from_utf8_lossy(bytes).into_owned()),
        "iso-8859-1" => Some(bytes.iter().copied().map(char::from).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(source: &str) -> (Option<String>, Option<String>) {
        let source = source.replace('\n', "\r\n");
        let (headers, body) = Headers::split(source.as_bytes());
        let Content { text, html } = Content::read(&headers, body);
        (text, html)
    }

    fn text(source: &str) -> String {
        content(source).0.expect("a text")
    }

    #[test]
    fn a_mail_without_a_type_is_text() {
        assert_eq!(content("Subject: x\n\nhé\nho\n"), (Some("hé\nho\n".into()), None));
        assert_eq!(content("\n"), (Some(String::new()), None));
    }

    #[test]
    fn quoted_printable_and_base64_are_decoded() {
        let quoted = "Content-Transfer-Encoding: Quoted-Printable\n\n";
        assert_eq!(text(&format!("{quoted}Gr=C3=bc=C3=9Fe =\nan  \nall=3D")), "Grüße an\nall=");
        assert_eq!(text(&format!("{quoted}50=% =4 =")), "50=% =4 ");
        let base = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n";
        assert_eq!(text(&format!("{base}R3LD\nvMOf\nZQ==\n")), "Grüße");
        assert_eq!(text(&format!("{base}R3LDvMOfZQ")), "Grüße");
        assert_eq!(text(&format!("{base}* not at all *")), "* not at all *");
    }

    #[test]
    fn charsets_beyond_the_known_ones_are_shown_as_far_as_possible() {
        let header = |name: &str| format!("Content-Type: text/plain; charset=\"{name}\"\n");
        let quoted = "Content-Transfer-Encoding: quoted-printable\n\n=FC";
        assert_eq!(text(&format!("{}{quoted}", header("ISO-8859-1"))), "ü");
        assert_eq!(text(&format!("{}{quoted}", header("koi8-r"))), "\u{fffd}");
    }

    #[test]
    fn the_first_text_and_html_are_found_at_any_place_that_is_not_attached() {
        let mail = "Content-Type: multipart/mixed; boundary=\"out er\"\n\npreamble\n--out er\n\
                    Content-Type: text/plain\nContent-Disposition: attachment; filename=a\n\nA\n\
                    --out er  \nContent-Type: Multipart/Alternative;\n boundary=in\n\n--in\n\nT\n\n\
                    --inner\n--in\nContent-Type: text/html\n\n<p>\n--in--\nepilogue\n--out er\n\n\
                    second\n--out er--\n--out er\n\nbehind\n";
        assert_eq!(content(mail), (Some("T\n\n--inner".into()), Some("<p>".into())));
    }

    #[test]
    fn a_broken_multipart_is_read_as_far_as_it_goes() {
        assert_eq!(text("Content-Type: multipart/mixed; boundary=x\n\n--x\n\nhalf"), "half");
        for boundary in ["", "; boundary=", "; boundary=y"] {
            let mail = format!("Content-Type: multipart/mixed{boundary}\n\n--x\n\nhalf");
            assert_eq!(content(&mail), (None, None));
        }
    }

    #[test]
    fn parts_within_parts_are_looked_into_as_deep_as_anybody_writes_and_no_deeper() {
        let nested = |levels: usize| -> String {
            let level = |n| format!("Content-Type: multipart/mixed; boundary={n}\n\n--{n}\n");
            (0..levels).map(level).chain(["\ndeep".into()]).collect()
        };
        assert_eq!(text(&nested(DEEPEST)), "deep");
        assert_eq!(content(&nested(100_000)), (None, None));
    }
}
