//! Short texts that people write: names, titles, labels.
use std::{fmt, str::FromStr};

/// A line of text: trimmed, not empty, at most `MAX` characters, without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line<const MAX: usize>(String);

/// The name of a person, a workspace, a key, a company.
pub type Name = Line<100>;

/// Why a text is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLine {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Too many characters.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The most there may be.
        max: usize,
    },
    /// A line break, NUL or another control character, or one that turns the direction of text.
    #[error("must not contain control characters")]
    ControlCharacter,
}

impl<const MAX: usize> Line<MAX> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> FromStr for Line<MAX> {
    type Err = InvalidLine;

    fn from_str(text: &str) -> Result<Self, InvalidLine> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidLine::Empty);
        }
        if text.chars().any(disturbs) {
            return Err(InvalidLine::ControlCharacter);
        }
        if text.chars().count() > MAX {
            return Err(InvalidLine::TooLong { max: MAX });
        }
        Ok(Self(text.to_owned()))
    }
}

/// Control characters, and the marks that reorder what is shown (Unicode TR 36, section 2.5).
fn disturbs(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

impl<const MAX: usize> fmt::Display for Line<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_and_bounded_and_has_no_tricks() {
        for (text, expected) in [
            ("  Acme  ", Ok("Acme")),
            ("Zoë", Ok("Zoë")),
            ("abcdef", Err(InvalidLine::TooLong { max: 5 })),
            ("äöüäö", Ok("äöüäö")),
            (" \t ", Err(InvalidLine::Empty)),
            ("", Err(InvalidLine::Empty)),
            ("a\0b", Err(InvalidLine::ControlCharacter)),
            ("a\nb", Err(InvalidLine::ControlCharacter)),
            ("a\u{202E}b", Err(InvalidLine::ControlCharacter)),
        ] {
            let line = text.parse::<Line<5>>();
            assert_eq!(line.as_ref().map(Line::as_str).map_err(|e| *e), expected, "{text:?}");
        }
    }
}
