//! A mail as it is kept and shown.
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{content::Content, headers::Headers};

/// Who sends a mail to whom, whatever is written in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// Empty when nobody is to be told that it did not arrive.
    pub(crate) from: String,
    /// All who were accepted.
    pub(crate) to: Vec<String>,
}

/// A mail that was taken.
#[derive(Debug)]
pub(crate) struct Message {
    /// `mail_…`.
    pub(crate) id: String,
    /// By the sandbox's clock.
    pub(crate) received_at: DateTime<Utc>,
    /// Who sent it to whom.
    pub(crate) envelope: Envelope,
    /// Names and values, in their order, decoded.
    pub(crate) headers: Vec<(String, String)>,
    /// What is in it.
    pub(crate) content: Content,
    /// As it came.
    pub(crate) source: Vec<u8>,
}

impl Message {
    /// Reads a mail as far as it can be read; the source is always there.
    pub(crate) fn read(
        id: String,
        received_at: DateTime<Utc>,
        envelope: Envelope,
        source: Vec<u8>,
    ) -> Self {
        let (headers, body) = Headers::split(&source);
        let content = Content::read(&headers, body);
        Self { id, received_at, envelope, headers: headers.decoded(), content, source }
    }

    /// What it is about, if it says.
    pub(crate) fn subject(&self) -> Option<&str> {
        let subject = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("subject"));
        subject.map(|(_, value)| value.as_str())
    }

    /// When it came, as it is written.
    pub(crate) fn received(&self) -> String {
        self.received_at.to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// Whether it went to this address.
    pub(crate) fn reached(&self, address: &str) -> bool {
        self.envelope.to.iter().any(|to| to.eq_ignore_ascii_case(address))
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id, "received_at": self.received(), "from": self.envelope.from,
            "to": self.envelope.to, "subject": self.subject(), "text": self.content.text,
            "html": self.content.html,
        })
    }
}
