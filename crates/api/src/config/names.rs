//! Every name that can be set, told from the sections themselves.
use std::collections::BTreeMap;

use serde_json::Value;

use super::{Config, Environment, NamedProvider, providers};

/// What variables of our own begin with.
pub(super) const PREFIX: &str = "CAPE_";
/// The variable that names the file.
pub(super) const CONFIG_FILE: &str = "CAPE_CONFIG";

/// Names that other programs use too, and what they set here. A name of our own wins over them.
pub(super) const CONVENTIONAL: [(&str, &str); 10] = [
    ("HOST", "http.host"),
    ("PORT", "http.port"),
    ("DATABASE_URL", "database.url"),
    ("REDIS_URL", "redis.url"),
    ("STRIPE_SECRET_KEY", "billing.stripe.secret_key"),
    ("STRIPE_WEBHOOK_SECRET", "billing.stripe.webhook_secrets"),
    ("SMTP_URL", "mail.smtp_url"),
    ("OPENAI_API_KEY", "usage.openai.api_key"),
    ("ANTHROPIC_API_KEY", "usage.anthropic.api_key"),
    ("GEMINI_API_KEY", "usage.gemini.api_key"),
];

/// Every environment variable that has a meaning, sorted. `<NAME>` stands for a name that whoever
/// configures has chosen.
#[must_use]
pub fn variables() -> Vec<String> {
    let conventional = CONVENTIONAL.iter().map(|(name, _)| (*name).to_owned());
    let mut names: Vec<String> = own_variables().into_keys().chain(conventional).collect();
    names.extend(named::variables("<NAME>"));
    names.push(CONFIG_FILE.to_owned());
    names.sort_unstable();
    names
}

/// Our own variables, and the paths that they set.
pub(super) fn own_variables() -> BTreeMap<String, String> {
    paths()
        .into_iter()
        .map(|path| (format!("{PREFIX}{}", path.to_uppercase().replace('.', "__")), path))
        .collect()
}

/// The path of every value.
pub(super) fn paths() -> Vec<String> {
    let defaults = serde_json::to_value(Config::defaults(Environment::Local))
        .expect("every section can be written as JSON");
    let mut paths = Vec::new();
    collect(&defaults, "", &mut paths);
    paths
}

fn collect(value: &Value, path: &str, paths: &mut Vec<String>) {
    match value {
        Value::Object(section) => {
            for (name, value) in section {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(value, &path, paths);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            paths.push(path.to_owned());
        }
    }
}

/// What is set of an entry whose name somebody has chosen: a provider of models.
pub(super) mod named {
    use super::{NamedProvider, PREFIX, collect, providers::SECTION};

    /// What can be set of an entry.
    fn fields() -> Vec<String> {
        let entry = serde_json::to_value(NamedProvider::default());
        let mut fields = Vec::new();
        collect(&entry.expect("an entry can be written as JSON"), "", &mut fields);
        fields
    }

    /// The name of an entry, and what stands behind it in a path: a field, or nothing.
    pub(in crate::config) fn entry(path: &str) -> Option<(&str, &str)> {
        let rest = path.strip_prefix(SECTION)?.strip_prefix('.')?;
        Some(rest.split_once('.').unwrap_or((rest, "")))
    }

    /// Every path of the entry of this name.
    pub(in crate::config) fn paths(name: &str) -> Vec<String> {
        fields().into_iter().map(|field| format!("{SECTION}.{name}.{field}")).collect()
    }

    /// Every variable of the entry of this name, which is written as variables write it.
    pub(in crate::config) fn variables(name: &str) -> Vec<String> {
        let written = |field: String| format!("{}{name}__{}", prefix(), field.to_uppercase());
        fields().into_iter().map(written).collect()
    }

    /// The name in a variable of an entry, as variables write it.
    pub(in crate::config) fn in_variable(variable: &str) -> Option<&str> {
        variable.strip_prefix(&prefix())?.split_once("__").map(|(name, _)| name)
    }

    /// The path that a variable of an entry sets. Where a variable has `_`, the name has `-`.
    pub(in crate::config) fn path(variable: &str) -> Option<String> {
        let name = in_variable(variable)?;
        let at = variables(name).iter().position(|known| known == variable)?;
        paths(&name.to_lowercase().replace('_', "-")).into_iter().nth(at)
    }

    fn prefix() -> String {
        format!("{PREFIX}{}__", SECTION.to_uppercase().replace('.', "__"))
    }
}

/// The known name that somebody may have meant.
pub(super) fn nearest<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a String>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate.as_str()))
        .filter(|(distance, _)| *distance * 3 <= name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be added, dropped or replaced (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_letters() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("port", "port", 0),
            ("prot", "port", 2),
            ("hst", "host", 1),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn every_conventional_name_sets_a_path_that_exists() {
        let paths = paths();
        for (name, path) in CONVENTIONAL {
            assert!(paths.iter().any(|known| known == path), "{name} {path}");
        }
    }

    #[test]
    fn a_variable_of_an_entry_sets_the_path_of_that_entry() {
        for (variable, path) in [
            ("CAPE_USAGE__PROVIDERS__GROQ__API_KEY", Some("usage.providers.groq.api_key")),
            (
                "CAPE_USAGE__PROVIDERS__AZURE_EU_1__BASE_URL",
                Some("usage.providers.azure-eu-1.base_url"),
            ),
            ("CAPE_USAGE__PROVIDERS__GROQ__KEY", None),
            ("CAPE_USAGE__PROVIDERS__GROQ", None),
            ("CAPE_USAGE__OPENAI__API_KEY", None),
        ] {
            assert_eq!(named::path(variable).as_deref(), path, "{variable}");
        }
        assert_eq!(named::entry("usage.providers.groq.api_key"), Some(("groq", "api_key")));
        assert_eq!(named::entry("usage.providers.groq"), Some(("groq", "")));
        assert_eq!(named::entry("usage.openai.api_key"), None);
    }

    #[test]
    fn nothing_is_suggested_for_what_resembles_nothing() {
        let known = vec!["CAPE_HTTP__PORT".to_owned()];
        assert_eq!(nearest("CAPE_HTTP__PROT", &known), Some("CAPE_HTTP__PORT"));
        assert_eq!(nearest("CAPE_FLUX_CAPACITOR", &known), None);
    }
}
