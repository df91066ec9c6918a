//! `.env.example` tells every variable that there is, and none that there is not.
use std::{collections::BTreeMap, fs, path::Path};

use cape_api::config::{Config, variables};

/// Names that are not the program's, but those of the composition of containers.
const COMPOSITION: [&str; 1] = ["POSTGRES_PASSWORD"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

struct Line {
    name: String,
    value: String,
    active: bool,
}

/// Lines of the form `NAME=value` or `# NAME=value`.
fn example() -> Vec<Line> {
    let text = fs::read_to_string(root().join(".env.example")).expect(".env.example");
    let lines = text.lines().filter_map(|line| {
        let assignment = line.strip_prefix("# ").unwrap_or(line);
        let (name, value) = assignment.split_once('=')?;
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        (!name.is_empty() && name.chars().all(is_name)).then(|| Line {
            name: name.to_owned(),
            value: value.to_owned(),
            active: !line.starts_with('#'),
        })
    });
    lines.collect()
}

/// The prefix of variables whose next part is a name that somebody has chosen.
const CHOSEN: &str = "CAPE_USAGE__PROVIDERS__";

/// A variable as the program names it: `<NAME>` stands for what somebody has chosen.
fn unnamed(variable: &str) -> String {
    match variable.strip_prefix(CHOSEN).and_then(|rest| rest.split_once("__")) {
        Some((_, field)) => format!("{CHOSEN}<NAME>__{field}"),
        None => variable.to_owned(),
    }
}

#[test]
fn the_example_names_every_variable_once_and_no_other() {
    let mut named: Vec<String> = example().iter().map(|line| unnamed(&line.name)).collect();
    named.sort_unstable();
    let mut known = variables();
    known.extend(COMPOSITION.map(str::to_owned));
    known.sort_unstable();
    assert_eq!(named, known);
}

#[test]
fn the_example_can_be_used_as_it_is() {
    let active = example().into_iter().filter(|line| line.active);
    let environment: BTreeMap<_, _> = active.map(|line| (line.name, line.value)).collect();
    Config::read(None, &environment).expect("a configuration");
}

#[test]
fn every_value_in_the_example_would_be_taken() {
    for Line { name, value, .. } in example() {
        let mut environment = BTreeMap::from([(name.clone(), value)]);
        if let Some(provider) = name.strip_suffix("__BASE_URL") {
            let key = if provider.ends_with("STRIPE") { "SECRET_KEY" } else { "API_KEY" };
            environment.insert(format!("{provider}__{key}"), "key".to_owned());
        }
        if let Some((provider, _)) = name.strip_prefix(CHOSEN).and_then(|n| n.split_once("__")) {
            let url = "https://api.example.com/v1".to_owned();
            environment.entry(format!("{CHOSEN}{provider}__BASE_URL")).or_insert(url);
        }
        if let Some(provider) = name.strip_suffix("__API_VERSION") {
            environment.insert(format!("{provider}__DIALECT"), "azure".to_owned());
        }
        if name == "CAPE_SANDBOX__ENABLED" {
            // Where none is built in, it has to be elsewhere.
            let url = "http://127.0.0.1:8090".to_owned();
            environment.insert("CAPE_SANDBOX__URL".to_owned(), url);
        }
        Config::read(None, &environment).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn the_composition_reads_its_own_names_and_no_other() {
    let text = fs::read_to_string(root().join("docker/compose.yaml")).expect("compose.yaml");
    let read: Vec<&str> =
        text.split("${").skip(1).filter_map(|rest| rest.split([':', '}']).next()).collect();
    assert!(!read.is_empty());
    assert!(read.iter().all(|name| COMPOSITION.contains(name)), "{read:?}");
}
