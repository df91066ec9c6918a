//! Where mails go, and how they are to look.
use std::{path::PathBuf, time::Duration};

use cape_domain::secret::Secret;

use super::InvalidTemplate;

/// Where mails go, and how they are to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpOptions {
    /// The server, with the password for it:
    ///
    /// - `smtps://user:password@host:465`, encrypted from the beginning;
    /// - `smtp://user:password@host:587?tls=required`, encrypted once greetings are exchanged;
    /// - `smtp://user:password@host:25`, not encrypted, for a server on this machine.
    ///
    /// User and password may be left out, and are percent-encoded where they have to be.
    pub url: Secret,
    /// Who sends: `no-reply@example.com`, or `Acme <no-reply@example.com>`.
    pub from: String,
    /// How long handing a mail over may take, all in all.
    pub timeout: Duration,
    /// What the platform calls itself.
    pub product: String,
    /// A directory with templates that are used in place of ours, by the same names. What is not
    /// in it stays as it is.
    pub templates: Option<PathBuf>,
}

/// Why mails cannot be sent like this.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSmtpOptions {
    /// What is wrong with the address is not said: a password may stand in it.
    #[error(
        "the mail server must be smtps://user:password@host:port, \
         smtp://user:password@host:port?tls=required or, not encrypted, \
         smtp://user:password@host:port"
    )]
    Url,
    /// The keys to verify the server with could not be prepared.
    #[error("the mail server cannot be reached over TLS: {0}")]
    Tls(String),
    /// Nobody would be told whom to answer.
    #[error("the sender of mails must be an address such as Acme <no-reply@example.com>")]
    From,
    /// No server is that fast.
    #[error("handing a mail over must be given some time")]
    Timeout,
    /// It stands in subjects.
    #[error("the name of the platform must be one line of at most 100 characters")]
    Product,
    /// A template of the operator's.
    #[error(transparent)]
    Template(#[from] InvalidTemplate),
}
