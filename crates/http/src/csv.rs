//! Tables as text: RFC 4180, in UTF-8, with a line that names the columns.
//!
//! A spreadsheet takes a cell that begins like a formula for one. Such a cell begins with an
//! apostrophe here, which makes it a text: whoever chose a name must not get to calculate on
//! somebody else's machine.
use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder,
    dev::Payload,
    http::header::{Accept, CONTENT_DISPOSITION, Header as _},
};

use crate::error::ApiError;

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An object.
    Json,
    /// A table.
    Csv,
}

/// What the client would like best, by its `Accept`. JSON, unless it is a table.
pub struct Accepted(pub Format);

impl FromRequest for Accepted {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let best = Accept::parse(request).map(|accept| accept.preference());
        let table = best.is_ok_and(|best| best.essence_str() == "text/csv");
        ready(Ok(Self(if table { Format::Csv } else { Format::Json })))
    }
}

impl Format {
    /// The format that is asked for by name, or else the accepted one.
    pub(crate) fn of(asked: Option<&str>, accepted: Self) -> Result<Self, ApiError> {
        match asked {
            None => Ok(accepted),
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some(_) => Err(ApiError::field("format", "must be json or csv")),
        }
    }
}

/// Lines of a table.
#[derive(Debug, Default)]
pub(crate) struct Table(String);

impl Table {
    /// A table with these columns.
    pub(crate) fn of(columns: &[&str]) -> Self {
        let mut table = Self::default();
        table.line(columns);
        table
    }

    /// Adds a line.
    pub(crate) fn line<C: AsRef<str>>(&mut self, cells: &[C]) {
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                self.0.push(',');
            }
            self.cell(cell.as_ref());
        }
        self.0.push_str("\r\n");
    }

    /// The lines.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    /// The whole table, to be saved under this name.
    pub(crate) fn answer(self, name: &str) -> HttpResponse {
        head(name).body(self.0)
    }

    fn cell(&mut self, text: &str) {
        let mark = if is_like_a_formula(text) { "'" } else { "" };
        if text.contains(['"', ',', '\r', '\n']) {
            let quoted = text.replace('"', "\"\"");
            self.0.extend(["\"", mark, &quoted, "\""]);
        } else {
            self.0.extend([mark, text]);
        }
    }
}

/// The head of an answer that is a table, to be saved under this name.
pub(crate) fn head(name: &str) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("text/csv; charset=utf-8; header=present")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")));
    answer
}

/// Whether a spreadsheet may take a text for a formula (OWASP, CSV injection).
fn is_like_a_formula(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn line(cells: &[&str]) -> String {
        let mut table = Table::default();
        table.line(cells);
        table.into_text()
    }

    #[test]
    fn cells_are_quoted_where_they_have_to_be() {
        for (cells, expected) in [
            (&["a", "b"][..], "a,b\r\n"),
            (&["", ""], ",\r\n"),
            (&["a,b", "c"], "\"a,b\",c\r\n"),
            (&["say \"hi\""], "\"say \"\"hi\"\"\"\r\n"),
            (&["two\r\nlines"], "\"two\r\nlines\"\r\n"),
            (&["ö 1.5 a=b a-b"], "ö 1.5 a=b a-b\r\n"),
        ] {
            assert_eq!(line(cells), expected);
        }
        assert_eq!(Table::of(&["one", "two"]).into_text(), "one,two\r\n");
    }

    #[test]
    fn a_cell_that_begins_like_a_formula_is_made_a_text() {
        for (cell, expected) in [
            ("=1+1", "'=1+1\r\n"),
            ("+1", "'+1\r\n"),
            ("-1", "'-1\r\n"),
            ("@SUM(A1)", "'@SUM(A1)\r\n"),
            (" =1", "' =1\r\n"),
            ("\t=1", "'\t=1\r\n"),
            ("\tx", "'\tx\r\n"),
            ("＝1", "'＝1\r\n"),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\r\n"),
            ("\r=1", "\"'\r=1\"\r\n"),
        ] {
            assert_eq!(line(&[cell]), expected);
        }
    }

    #[actix_web::test]
    async fn a_table_is_given_to_who_likes_it_best_or_asks_for_it() {
        for (accept, expected) in [
            (None, Format::Json),
            (Some("*/*"), Format::Json),
            (Some("text/csv"), Format::Csv),
            (Some("text/csv;q=0.5, application/json"), Format::Json),
            (Some("application/json;q=0.5, text/csv;header=present"), Format::Csv),
            (Some("nonsense"), Format::Json),
        ] {
            let request = TestRequest::default();
            let request = match accept {
                Some(accept) => request.insert_header(("accept", accept)),
                None => request,
            };
            let Accepted(found) = Accepted::extract(&request.to_http_request()).await.expect("one");
            assert_eq!(found, expected, "{accept:?}");
        }
        for accepted in [Format::Json, Format::Csv] {
            assert_eq!(Format::of(None, accepted).ok(), Some(accepted));
            assert_eq!(Format::of(Some("json"), accepted).ok(), Some(Format::Json));
            assert_eq!(Format::of(Some("csv"), accepted).ok(), Some(Format::Csv));
            assert!(Format::of(Some("xml"), accepted).is_err());
        }
    }
}
