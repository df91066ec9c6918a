//! Pages of a list: newest first, by the moment of making and then by id.
use std::str::FromStr;

use uuid::Uuid;

use crate::time::Timestamp;

/// Where the next page begins: right after this row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the last row of this page was made.
    pub at: Timestamp,
    /// Its raw id, which tells rows of one instant apart.
    pub id: Uuid,
}

/// How many rows, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The row to begin after; nothing for the newest.
    pub after: Option<Cursor>,
    /// The most rows to give, 1 to [`PageRequest::MOST`].
    limit: u32,
}

/// Some rows of a list, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// A number of rows that no page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be between 1 and {}", PageRequest::MOST)]
pub struct InvalidLimit;

/// A text that is not a cursor we gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list")]
pub struct InvalidCursor;

impl PageRequest {
    /// How many rows a page has unless it is asked for otherwise.
    pub const USUAL: u32 = 20;
    /// How many rows a page has at most.
    pub const MOST: u32 = 100;

    /// A page of `limit` rows.
    ///
    /// # Errors
    ///
    /// [`InvalidLimit`] outside 1 to [`Self::MOST`].
    pub const fn new(after: Option<Cursor>, limit: u32) -> Result<Self, InvalidLimit> {
        if limit == 0 || limit > Self::MOST {
            return Err(InvalidLimit);
        }
        Ok(Self { after, limit })
    }

    /// The newest rows.
    #[must_use]
    pub const fn first() -> Self {
        Self { after: None, limit: Self::USUAL }
    }

    /// As many rows as a page has at most.
    #[must_use]
    pub const fn longest(after: Option<Cursor>) -> Self {
        Self { after, limit: Self::MOST }
    }

    /// The most rows to give.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// How many rows to load: one more than asked for tells whether there is a next page.
    #[must_use]
    pub const fn probe(&self) -> u32 {
        self.limit + 1
    }

    /// Makes a page of what was loaded with [`Self::probe`].
    #[must_use]
    pub fn page<T>(&self, mut rows: Vec<T>, cursor: impl Fn(&T) -> Cursor) -> Page<T> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(cursor);
        Page { rows, next }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}-{}", self.at.timestamp_micros(), self.id.simple())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (at, id) = text.split_once('-').ok_or(InvalidCursor)?;
        let micros = i64::from_str_radix(at, 16).map_err(|_| InvalidCursor)?;
        let at = Timestamp::from_timestamp_micros(micros).ok_or(InvalidCursor)?;
        let cursor = Self { at, id: Uuid::try_parse(id).map_err(|_| InvalidCursor)? };
        if cursor.to_string() == text { Ok(cursor) } else { Err(InvalidCursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(number: u32) -> Cursor {
        let at = Timestamp::from_timestamp_micros(1_900_000_000_123_456).expect("in range");
        Cursor { at, id: Uuid::from_u128(number.into()) }
    }

    #[test]
    fn a_cursor_has_one_spelling() {
        let text = cursor(7).to_string();
        assert_eq!(text.parse(), Ok(cursor(7)));
        for wrong in ["", "-", "zz-00", "1-1", &text.to_uppercase(), &format!("0{text}")] {
            assert_eq!(wrong.parse::<Cursor>(), Err(InvalidCursor), "{wrong}");
        }
    }

    #[test]
    fn a_page_says_whether_there_is_more() {
        let request = PageRequest::new(None, 2).expect("in range");
        let page = request.page(vec![3, 2, 1], |number| cursor(*number));
        assert_eq!(page, Page { rows: vec![3, 2], next: Some(cursor(2)) });
        let last = request.page(vec![2, 1], |number| cursor(*number));
        assert_eq!(last.next, None);
        assert_eq!(PageRequest::new(None, 0), Err(InvalidLimit));
        assert_eq!(PageRequest::new(None, 101), Err(InvalidLimit));
    }
}
