//! What is wrong with a configuration.
use std::{collections::BTreeSet, fmt, io, path::PathBuf};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The file of this name.
    File(String),
    /// The environment variable of this name.
    Variable(String),
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is wrong with: `billing.stripe.secret_key`, or the variable that nobody knows.
    pub path: String,
    /// What is wrong with it. It repeats no secret.
    pub message: String,
    /// Where the value comes from, unless it is a default or follows from several.
    pub origin: Option<Origin>,
}

/// The program cannot start with this configuration.
#[derive(Debug, thiserror::Error)]
pub enum InvalidConfig {
    /// The file that was named is not there, or cannot be read.
    #[error("the configuration file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{name}, line {line}: {message}")]
    Malformed {
        /// The file.
        name: String,
        /// Where in it, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// These values are refused: all of them, in the order of their paths.
    #[error("the configuration is refused:{}", listed(.0))]
    Refused(Vec<Problem>),
}

fn listed(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    lines.concat()
}

impl InvalidConfig {
    /// The values that are refused.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Unreadable { .. } | Self::Malformed { .. } => &[],
            Self::Refused(problems) => problems,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        match &self.origin {
            Some(Origin::Variable(name)) if *name != self.path => write!(f, " (from {name})"),
            Some(Origin::File(name)) => write!(f, " (from {name})"),
            Some(Origin::Variable(_)) | None => Ok(()),
        }
    }
}

/// Collects what the rules refuse.
pub(super) struct Rules {
    malformed: BTreeSet<String>,
    refused: Vec<(String, String)>,
}

impl Rules {
    /// Rules about values some of which could not be read: about those nothing more is said.
    pub(super) fn new(malformed: BTreeSet<String>) -> Self {
        Self { malformed, refused: Vec::new() }
    }

    /// Refuses the value at `path`, if `broken`.
    pub(super) fn refuse(&mut self, broken: bool, path: &str, message: impl FnOnce() -> String) {
        if broken && !self.malformed.contains(path) {
            self.refused.push((path.to_owned(), message()));
        }
    }

    /// Paths and messages.
    pub(super) fn into_refused(self) -> Vec<(String, String)> {
        self.refused
    }
}
