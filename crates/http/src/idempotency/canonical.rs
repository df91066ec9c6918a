//! The form of a body in which two that mean the same are the same bytes.
use std::ops::Range;

use serde::de::IgnoredAny;

use crate::extract::depth_within;

/// JSON without insignificant white space, and with the members of every object in the order of
/// their names: programs write the same object in another order each time. Texts and numbers stay
/// as they are spelled. What is no JSON, or nested too deeply to be read by anybody, stays as it is.
pub(super) fn canonical(body: &[u8]) -> Vec<u8> {
    let readable = depth_within(body) && serde_json::from_slice::<IgnoredAny>(body).is_ok();
    if !readable {
        return body.to_vec();
    }
    let mut rewriting = Rewriting { rest: body, out: Vec::with_capacity(body.len()) };
    rewriting.value();
    rewriting.out
}

/// What is left of a text that is known to be JSON, and what was written of it.
struct Rewriting<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
}

/// Where a member of an object was written.
struct Member {
    name: Range<usize>,
    whole: Range<usize>,
}

impl Rewriting<'_> {
    /// Its depth is bounded: see [`canonical`].
    fn value(&mut self) {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.text(),
            Some(_) => self.word(),
            None => {}
        }
    }

    fn object(&mut self) {
        self.take();
        let begun = self.out.len();
        let mut members = Vec::new();
        while !matches!(self.peek(), Some(b'}') | None) {
            self.comma();
            let from = self.out.len() - begun;
            self.text();
            let named = self.out.len() - begun;
            self.peek();
            self.take();
            self.value();
            members.push(Member { name: from..named, whole: from..self.out.len() - begun });
        }
        let written = &self.out[begun..];
        if !members.is_sorted_by_key(|member| &written[member.name.clone()]) {
            let written = self.out.split_off(begun);
            // Of two members with one name, the order stays: it may matter.
            members.sort_by_key(|member| &written[member.name.clone()]);
            for (place, member) in members.into_iter().enumerate() {
                if place > 0 {
                    self.out.push(b',');
                }
                self.out.extend_from_slice(&written[member.whole]);
            }
        }
        self.take();
    }

    fn array(&mut self) {
        self.take();
        while !matches!(self.peek(), Some(b']') | None) {
            self.comma();
            self.value();
        }
        self.take();
    }

    /// Up to the quotation mark that no backslash is before.
    fn text(&mut self) {
        self.take();
        while let Some(byte) = self.rest.first().copied() {
            self.take();
            match byte {
                b'\\' => self.take(),
                b'"' => return,
                _ => {}
            }
        }
    }

    /// A number, or one of the three names.
    fn word(&mut self) {
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
        let length = self.rest.iter().position(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        self.out.extend_from_slice(word);
        self.rest = rest;
    }

    /// The next byte that means something.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    /// Writes the next byte.
    fn take(&mut self) {
        if let Some((byte, rest)) = self.rest.split_first() {
            self.out.push(*byte);
            self.rest = rest;
        }
    }

    /// Writes a comma, if one is next.
    fn comma(&mut self) {
        if self.peek() == Some(b',') {
            self.take();
            self.peek();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> String {
        String::from_utf8(canonical(body.as_bytes())).expect("UTF-8")
    }

    #[test]
    fn white_space_and_the_order_of_members_mean_nothing() {
        for body in [
            r#"{"a":1,"b":[1,2,{"x":null,"y":true}],"c":{"d":"e"}}"#,
            r#" { "b" : [ 1 , 2 , { "y" : true , "x" : null } ] , "c":{"d":"e"}, "a":1 } "#,
            "{\"c\":{\"d\":\"e\"}\n,\t\"a\":1,\r\"b\":[1,2,{\"y\":true,\"x\":null}]}",
        ] {
            assert_eq!(of(body), of(r#"{"c":{"d":"e"},"b":[1,2,{"y":true,"x":null}],"a":1}"#));
        }
    }

    #[test]
    fn whatever_else_differs_makes_a_difference() {
        let bodies = [
            "{}",
            "[]",
            "[[]]",
            "[{}]",
            "null",
            "0",
            "0.0",
            "\"\"",
            "\" \"",
            "\"0\"",
            "[1,2]",
            "[12]",
            "[2,1]",
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"a ":1}"#,
            r#"{"b":1}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":2,"a":1}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":{},"b":1}"#,
            r#"["a\"","b"]"#,
            r#"["a\",","b"]"#,
            r#"["a\\","b"]"#,
            r#"{"a":"}","b":"{"}"#,
            "[12345678901234567890123456789]",
            "[12345678901234567890123456788]",
            "",
            " ",
            "{",
            "x",
        ];
        let forms: std::collections::HashSet<_> = bodies.iter().map(|body| of(body)).collect();
        assert_eq!(forms.len(), bodies.len());
    }

    #[test]
    fn what_is_written_is_the_same_json_and_written_so_again() {
        for body in [
            r#"{"z":[],"y":{},"x":[[],[[1]]],"w":{"b":{"d":1,"c":2},"a":"\\\""}}"#,
            r#"[{"b":1,"a":2},{"b":1,"a":2}]"#,
            r#"{"a":-1.5e+10,"c":false,"b":"zoë \u00e4 \/"}"#,
            r#""alone""#,
        ] {
            let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
            let form = of(body);
            assert_eq!(read(&form), read(body));
            assert_eq!(of(&form), form);
        }
    }

    #[test]
    fn what_is_no_json_or_too_deep_stays_as_it_is() {
        let deep = ["[ ".repeat(100), "]".repeat(100)].concat();
        for body in ["{ \"a\" : ", "not json", " ", "{\"a\":1} {}", &deep] {
            assert_eq!(of(body), body);
        }
    }
}
