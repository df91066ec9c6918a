//! The templates of mails: ours, and those that an operator puts in their place.
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use cape_domain::accounts::MailKind;
use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig};

macro_rules! templates {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("templates/", $name)))),*]
    };
}

/// Each kind's pair, and what they share.
const OURS: &[(&str, &str)] = templates![
    "address_taken.html" "address_taken.txt"
    "claim_email.html" "claim_email.txt"
    "email_changed.html" "email_changed.txt"
    "foot.txt"
    "frame.html"
    "invitation.html" "invitation.txt"
    "new_device.html" "new_device.txt"
    "parts.html"
    "password_changed.html" "password_changed.txt"
    "payment_owed.html" "payment_owed.txt"
    "release_email.html" "release_email.txt"
    "reset_password.html" "reset_password.txt"
    "second_factor_changed.html" "second_factor_changed.txt"
    "session_theft.html" "session_theft.txt"
    "sign_in_code.html" "sign_in_code.txt"
    "subscription_ended.html" "subscription_ended.txt"
    "verify_email.html" "verify_email.txt"
    "welcome.html" "welcome.txt"
];

/// What a template that only others use begins with, so that a slip in the name of one of ours
/// is noticed.
const PARTIAL: char = '_';

/// A template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTemplate {
    /// It could not be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// Where it lies.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// There is nothing that it could replace.
    #[error("{0} has the name of no template; one that only others use begins with `_`")]
    Unknown(String),
    /// It does not say what it should, or nothing at all.
    #[error("the template of a mail does not work: {0}")]
    Broken(String),
}

/// How the template of a kind for text or HTML is called.
pub(super) fn name(kind: MailKind, ending: &str) -> String {
    format!("{}.{ending}", kind.name())
}

/// All templates, ready to be used.
pub(super) fn load(directory: Option<&Path>) -> Result<Environment<'static>, InvalidTemplate> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(false); // an error would show what stands in the mail
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(broken)?);
    for (name, source) in OURS {
        environment.add_template(name, source).map_err(broken)?;
    }
    for (name, source) in directory.map(read_all).transpose()?.unwrap_or_default() {
        environment.add_template_owned(name, source).map_err(broken)?;
    }
    Ok(environment)
}

/// What is wrong with a template, and where; not what it was given.
pub(super) fn broken(error: minijinja::Error) -> InvalidTemplate {
    InvalidTemplate::Broken(error.to_string())
}

/// The templates of an operator, by their names.
fn read_all(directory: &Path) -> Result<Vec<(String, String)>, InvalidTemplate> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| InvalidTemplate::Unreadable { path, source }
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable(directory))? {
        let path = entry.map_err(unreadable(directory))?.path();
        let ending = path.extension().and_then(OsStr::to_str);
        let named = path.file_name().and_then(OsStr::to_str);
        let (Some("txt" | "html"), Some(name)) = (ending, named) else { continue };
        if !name.starts_with(PARTIAL) && !OURS.iter().any(|(ours, _)| *ours == name) {
            return Err(InvalidTemplate::Unknown(path.display().to_string()));
        }
        let source = fs::read_to_string(&path).map_err(unreadable(&path))?;
        found.push((name.to_owned(), source));
    }
    Ok(found)
}
