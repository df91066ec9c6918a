//! Section `mail`: how mails go out.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::values::SecretText;

/// How mails go out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The server that takes them: `smtp://user:password@host:587?tls=required`, `smtps://…`.
    pub smtp_url: Option<SecretText>,
    /// Whom they come from.
    pub from: String,
    /// What the platform calls itself in them, and in apps that show codes.
    pub product: String,
    /// Where templates lie that take the place of the built-in ones.
    pub templates: Option<PathBuf>,
}

impl Mail {
    pub(super) fn defaults() -> Self {
        Self {
            smtp_url: None,
            from: "CapeControl <no-reply@localhost.localdomain>".to_owned(),
            product: "CapeControl".to_owned(),
            templates: None,
        }
    }
}
