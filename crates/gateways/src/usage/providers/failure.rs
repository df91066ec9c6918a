//! What goes wrong with a provider, and how it is told without telling secrets.
use std::time::Duration;

use cape_domain::{secret::Secret, usage::ModelProviderError};

/// The most characters of a provider's words that are passed on.
const LONGEST_MESSAGE: usize = 1_000;
/// No provider is believed that wants to be left alone for longer.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What was asked.
    Request,
    /// Our key, or what stands behind it.
    Credentials,
    /// Our haste.
    RateLimit,
    /// It took too long.
    Timeout,
    /// The provider's own.
    Provider,
}

impl Fault {
    /// What a status says. Those that nobody expects are the provider's fault: the caller could
    /// do nothing about them.
    pub const fn of_status(status: u16) -> Self {
        match status {
            400 | 404 | 413 | 422 => Self::Request,
            401..=403 => Self::Credentials,
            408 | 504 => Self::Timeout,
            429 => Self::RateLimit,
            _ => Self::Provider,
        }
    }
}

/// A failure in the provider's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Whose fault it is.
    pub fault: Fault,
    /// Its words; may be empty.
    pub message: String,
    /// When it wants to be asked again.
    pub retry_after: Option<Duration>,
}

impl Complaint {
    /// A complaint without a wish to be asked again.
    pub const fn new(fault: Fault, message: String) -> Self {
        Self { fault, message, retry_after: None }
    }
}

/// An answer that cannot be read. What stands in it is not repeated: it is somebody's text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no JSON, or JSON of another shape.
    #[error("{category:?} error at line {line}, column {column} of the provider's JSON")]
    Json {
        /// What is wrong.
        category: serde_json::error::Category,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// It lacks something, or has too much of it.
    #[error("{0}")]
    Shape(&'static str),
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        let (category, line, column) = (error.classify(), error.line(), error.column());
        Self::Json { category, line, column }
    }
}

impl From<Unreadable> for ModelProviderError {
    fn from(error: Unreadable) -> Self {
        Self::Malformed(Box::new(error))
    }
}

/// A failure on the provider's side, as far as it told.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outage {
    /// It said so.
    #[error("the provider failed: {0}")]
    Told(String),
    /// The connection ended before the answer did.
    #[error("the provider broke off in the middle of an answer")]
    BrokenOff,
}

/// A failure of the connection itself. Its address is left out.
pub fn connection(error: reqwest::Error) -> ModelProviderError {
    if error.is_timeout() {
        return ModelProviderError::Timeout;
    }
    ModelProviderError::Unavailable(Box::new(error.without_url()))
}

/// Keeps our key out of what is told.
#[derive(Clone, Debug)]
pub struct Censor(Secret);

impl Censor {
    /// Keeps this key back.
    pub const fn new(key: Secret) -> Self {
        Self(key)
    }

    /// The failure, in words that can be shown.
    pub fn tell(&self, complaint: Complaint) -> ModelProviderError {
        let message = self.clean(&complaint.message);
        match complaint.fault {
            Fault::Request => ModelProviderError::Rejected { message },
            Fault::Credentials => ModelProviderError::Credentials,
            Fault::RateLimit => ModelProviderError::RateLimited {
                retry_after: complaint.retry_after.map(|wait| wait.min(LONGEST_WAIT)),
            },
            Fault::Timeout => ModelProviderError::Timeout,
            Fault::Provider => ModelProviderError::Unavailable(Box::new(Outage::Told(message))),
        }
    }

    /// Words without our key, control characters, and more than anybody reads.
    fn clean(&self, words: &str) -> String {
        let key = self.0.expose();
        let words = if key.is_empty() { words.to_owned() } else { words.replace(key, "***") };
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let words: String = words.trim().chars().take(LONGEST_MESSAGE).map(printable).collect();
        if words.is_empty() { "no reason was given".to_owned() } else { words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(fault: Fault, message: &str) -> ModelProviderError {
        Censor::new(Secret::new("sk-1")).tell(Complaint::new(fault, message.to_owned()))
    }

    #[test]
    fn a_status_says_whose_fault_it_is() {
        for (status, fault) in [
            (302, Fault::Provider),
            (400, Fault::Request),
            (401, Fault::Credentials),
            (402, Fault::Credentials),
            (403, Fault::Credentials),
            (404, Fault::Request),
            (405, Fault::Provider),
            (408, Fault::Timeout),
            (413, Fault::Request),
            (422, Fault::Request),
            (429, Fault::RateLimit),
            (500, Fault::Provider),
            (503, Fault::Provider),
            (504, Fault::Timeout),
            (529, Fault::Provider),
        ] {
            assert_eq!(Fault::of_status(status), fault, "{status}");
        }
    }

    #[test]
    fn our_key_is_not_told_and_neither_is_a_novel() {
        let ModelProviderError::Rejected { message } = told(Fault::Request, "a\nsk-1 b") else {
            panic!("not the caller's fault");
        };
        assert_eq!(message, "a *** b");
        let ModelProviderError::Rejected { message } = told(Fault::Request, &"é".repeat(5_000))
        else {
            panic!("not the caller's fault");
        };
        assert_eq!(message.chars().count(), LONGEST_MESSAGE);
        let ModelProviderError::Unavailable(source) = told(Fault::Provider, "sk-1 is down") else {
            panic!("not the provider's fault");
        };
        assert_eq!(source.to_string(), "the provider failed: *** is down");
    }

    #[test]
    fn a_wait_that_is_asked_for_has_an_end() {
        let complaint = |wait| Complaint {
            retry_after: Some(wait),
            ..Complaint::new(Fault::RateLimit, String::new())
        };
        let censor = Censor::new(Secret::new(""));
        for (asked, told) in
            [(Duration::from_secs(7), Duration::from_secs(7)), (Duration::MAX, LONGEST_WAIT)]
        {
            let ModelProviderError::RateLimited { retry_after } = censor.tell(complaint(asked))
            else {
                panic!("not our haste");
            };
            assert_eq!(retry_after, Some(told));
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_repeated() {
        let error = serde_json::from_str::<u64>(r#""somebody's text""#).expect_err("a text");
        let told = Unreadable::from(error).to_string();
        assert_eq!(told, "Data error at line 1, column 17 of the provider's JSON");
    }
}
