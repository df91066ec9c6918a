//! Where values come from: a file and the environment.
use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{
    names::{self, CONFIG_FILE, CONVENTIONAL, PREFIX, named, nearest},
    problem::{InvalidConfig, Origin, Problem},
};

/// A configuration file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// What to call it in messages.
    pub name: String,
    /// What stands in it, as TOML.
    pub text: String,
}

/// One value that somebody set.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// What it may mean, in the order of trying: a variable holds a text, which may be a number.
    pub candidates: Vec<Value>,
    pub origin: Origin,
}

/// What was set, by path, and what nobody knows.
#[derive(Default)]
pub(super) struct Settings {
    pub by_path: BTreeMap<String, Setting>,
    pub problems: Vec<Problem>,
}

impl Settings {
    /// Adds the values of a file.
    pub(super) fn add_file(&mut self, file: &ConfigFile) -> Result<(), InvalidConfig> {
        let table: Table = file.text.parse().map_err(|error| malformed(file, &error))?;
        let mut leaves = Vec::new();
        flatten(table, "", &mut leaves);
        let always = names::paths();
        for (path, value) in leaves {
            let origin = Origin::File(file.name.clone());
            let entry = named::entry(&path);
            let known = entry.map_or_else(|| always.clone(), |(name, _)| named::paths(name));
            // An entry of which nothing is said is one, and misses what it needs.
            let is_bare = value.is_table() && entry.is_some_and(|(_, field)| field.is_empty());
            if known.contains(&path) || is_bare {
                let setting = Setting { candidates: vec![value], origin };
                self.by_path.insert(path, setting);
            } else {
                let message = unknown(&path, &known);
                self.problems.push(Problem { path, message, origin: Some(origin) });
            }
        }
        Ok(())
    }

    /// Adds the values of variables. They win over what was added before.
    pub(super) fn add_variables(&mut self, environment: &BTreeMap<String, String>) {
        for (name, path) in CONVENTIONAL {
            if let Some(text) = set(environment, name) {
                self.add_variable(name, path, text);
            }
        }
        let known = names::own_variables();
        for name in environment.keys().filter(|name| name.starts_with(PREFIX)) {
            let path = known.get(name).cloned().or_else(|| named::path(name));
            match (path, set(environment, name)) {
                (Some(path), Some(text)) => self.add_variable(name, &path, text),
                (Some(_), None) => {}
                (None, _) if name == CONFIG_FILE => {}
                (None, _) => {
                    let entry = named::in_variable(name).map(named::variables);
                    let message = match &entry {
                        Some(known) => unknown(name, known),
                        None => unknown(name, known.keys()),
                    };
                    let origin = Some(Origin::Variable(name.clone()));
                    self.problems.push(Problem { path: name.clone(), message, origin });
                }
            }
        }
    }

    fn add_variable(&mut self, name: &str, path: &str, text: &str) {
        let origin = Origin::Variable(name.to_owned());
        let setting = Setting { candidates: candidates(text), origin };
        self.by_path.insert(path.to_owned(), setting);
    }
}

/// The value of a variable. One that is empty is not set.
pub(super) fn set<'a>(environment: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    environment.get(name).map(String::as_str).filter(|text| !text.is_empty())
}

fn candidates(text: &str) -> Vec<Value> {
    let number = text.parse().map(Value::Integer).ok();
    let truth = text.parse().map(Value::Boolean).ok();
    [Some(Value::String(text.to_owned())), number, truth].into_iter().flatten().collect()
}

fn flatten(table: Table, path: &str, leaves: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        match value {
            Value::Table(section) if section.is_empty() && named::entry(&path).is_some() => {
                leaves.push((path, Value::Table(section)));
            }
            Value::Table(section) => flatten(section, &path, leaves),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => leaves.push((path, value)),
        }
    }
}

fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a String>) -> String {
    nearest(name, known).map_or_else(
        || "is unknown".to_owned(),
        |nearest| format!("is unknown; did you mean {nearest}?"),
    )
}

/// The parser's own message would repeat the line, and the line may hold a secret.
fn malformed(file: &ConfigFile, error: &toml::de::Error) -> InvalidConfig {
    let before = error.span().and_then(|span| file.text.get(..span.start)).unwrap_or_default();
    InvalidConfig::Malformed {
        name: file.name.clone(),
        line: before.matches('\n').count() + 1,
        message: error.message().to_owned(),
    }
}
