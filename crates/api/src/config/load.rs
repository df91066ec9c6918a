//! Bringing the sources together.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use serde::Deserialize as _;
use toml::{Table, Value};

use super::{
    Config, Environment,
    names::CONFIG_FILE,
    problem::{InvalidConfig, Problem, Rules},
    sandbox,
    sources::{ConfigFile, Setting, Settings, set},
};

/// The file that is read if none is named. It need not be there.
const USUAL_FILE: &str = "cape.toml";
/// The path that the defaults of all others depend on.
const ENVIRONMENT: &str = "environment";
/// The path whose default depends on others.
const SANDBOX: &str = "sandbox.enabled";

impl Config {
    /// The configuration from the file at `path`, or the one that `CAPE_CONFIG` names, or
    /// `cape.toml` in the working directory if there is one; and from the variables of
    /// `environment`, which is the process's as it was handed in.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] when the program cannot start with it.
    pub fn load(
        path: Option<&Path>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, InvalidConfig> {
        let named = path.or_else(|| set(environment, CONFIG_FILE).map(Path::new));
        let path = named.unwrap_or(Path::new(USUAL_FILE));
        let file = match fs::read_to_string(path) {
            Ok(text) => Some(ConfigFile { name: path.display().to_string(), text }),
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(InvalidConfig::Unreadable { path: path.to_owned(), source }),
        };
        Self::read(file.as_ref(), environment)
    }

    /// The configuration from what is handed in, and nothing else.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] when the program cannot start with it.
    pub fn read(
        file: Option<&ConfigFile>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, InvalidConfig> {
        let mut settings = Settings::default();
        if let Some(file) = file {
            settings.add_file(file)?;
        }
        settings.add_variables(environment);
        let Settings { by_path, mut problems } = settings;
        let layers = Layers::over_defaults(&by_path);
        let malformed: BTreeSet<String> =
            layers.problems.iter().map(|problem| problem.path.clone()).collect();
        problems.extend(layers.problems);
        let mut config = parsed(layers.effective).map_err(|message| {
            InvalidConfig::Refused(vec![Problem { path: String::new(), message, origin: None }])
        })?;
        if !by_path.contains_key(SANDBOX) {
            config.enable_sandbox_where_needed();
        }
        // Without an environment nobody knows which rules hold.
        if !malformed.contains(ENVIRONMENT) {
            let mut rules = Rules::new(malformed);
            config.check(&mut rules);
            problems.extend(rules.into_refused().into_iter().map(|(path, message)| {
                let origin = by_path.get(&path).map(|setting| setting.origin.clone());
                Problem { path, message, origin }
            }));
        }
        problems.sort_by(|left, right| left.path.cmp(&right.path));
        if problems.is_empty() { Ok(config) } else { Err(InvalidConfig::Refused(problems)) }
    }

    fn enable_sandbox_where_needed(&mut self) {
        let needed =
            self.environment.is_local() && self.lacks_an_integration() && sandbox::BUILT_IN;
        let reachable = self.sandbox.url.is_some() && !self.environment.is_guarded();
        self.sandbox.enabled = needed || reachable;
    }
}

/// Defaults, and over them whatever can be read of the settings.
struct Layers {
    effective: Table,
    problems: Vec<Problem>,
}

impl Layers {
    fn over_defaults(settings: &BTreeMap<String, Setting>) -> Self {
        let mut problems = Vec::new();
        let mut defaults = tree(&Config::defaults(Environment::Local));
        if let Some(setting) = settings.get(ENVIRONMENT) {
            match readable(&defaults, ENVIRONMENT, setting).and_then(|value| {
                let mut chosen = defaults.clone();
                chosen.insert(ENVIRONMENT.to_owned(), value);
                parsed(chosen)
            }) {
                Ok(config) => defaults = tree(&Config::defaults(config.environment)),
                Err(message) => problems.push(problem(ENVIRONMENT, message, setting)),
            }
        }
        let mut effective = defaults.clone();
        for (path, setting) in settings.iter().filter(|(path, _)| *path != ENVIRONMENT) {
            match readable(&defaults, path, setting) {
                Ok(value) => put(&mut effective, path, value),
                Err(message) => problems.push(problem(path, message, setting)),
            }
        }
        Self { effective, problems }
    }
}

fn problem(path: &str, message: String, setting: &Setting) -> Problem {
    Problem { path: path.to_owned(), message, origin: Some(setting.origin.clone()) }
}

/// The first candidate that its place takes: each is tried alone, so that every fault is found
/// and has its path. What is told is the fault of the first that had the right type.
fn readable(defaults: &Table, path: &str, setting: &Setting) -> Result<Value, String> {
    let mut faults = Vec::new();
    for candidate in &setting.candidates {
        let mut alone = defaults.clone();
        put(&mut alone, path, candidate.clone());
        match parsed(alone) {
            Ok(_) => return Ok(candidate.clone()),
            Err(message) => faults.push(message),
        }
    }
    let typed = faults.iter().position(|fault| !fault.starts_with("invalid type"));
    Err(faults.swap_remove(typed.unwrap_or(0)))
}

fn parsed(table: Table) -> Result<Config, String> {
    Config::deserialize(Value::Table(table)).map_err(|error| error.message().to_owned())
}

/// Defaults hold no secrets, so that their masked form is all of them.
fn tree(defaults: &Config) -> Table {
    Table::try_from(defaults).expect("every section can be written as TOML")
}

fn put(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                put(section, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_same_after_they_were_written_down() {
        for environment in Environment::ALL {
            let defaults = Config::defaults(environment);
            assert_eq!(parsed(tree(&defaults)), Ok(defaults));
        }
    }
}
