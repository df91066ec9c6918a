//! The shape of the house: who may depend upon whom, and where things lie. What the compiler
//! cannot see, and `cargo deny` only where it is installed, is refused here.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

/// The one rule: each crate, and all that it may see of the others.
const EDGES: [(&str, &[&str]); 10] = [
    ("domain", &[]),
    ("wire", &[]),
    ("sandbox", &[]),
    ("migration", &[]),
    ("testkit", &["domain"]),
    ("services", &["domain"]),
    ("repositories", &["domain"]),
    ("gateways", &["domain", "wire"]),
    ("http", &["domain", "services", "wire"]),
    ("api", &["domain", "gateways", "http", "migration", "repositories", "sandbox", "services"]),
];

/// What tests may see beyond that.
const EDGES_OF_TESTS: [(&str, &[&str]); 5] = [
    ("services", &["testkit"]),
    ("repositories", &["testkit", "migration"]),
    ("gateways", &["testkit"]),
    ("http", &["testkit"]),
    ("api", &["testkit"]),
];

/// Packages that a layer keeps to itself. Where tests alone need one, see [`KEPT_FOR_TESTS`].
const KEPT: [(&str, &[&str]); 13] = [
    ("actix-web", &["api", "http", "sandbox"]),
    ("sea-orm", &["migration", "repositories"]),
    ("sea-orm-migration", &["migration"]),
    ("sqlx", &["api", "migration", "repositories"]),
    ("redis", &["gateways"]),
    ("argon2", &["gateways"]),
    ("jsonwebtoken", &["gateways"]),
    ("lettre", &["gateways"]),
    ("minijinja", &["gateways"]),
    ("totp-rs", &["api", "gateways"]),
    ("xorf", &["gateways"]),
    ("zxcvbn", &["gateways"]),
    ("reqwest", &["api", "gateways", "sandbox"]),
];

/// Who needs one of them for nothing but tests: to make databases and count rows, to call, to show
/// codes as an app does.
const KEPT_FOR_TESTS: [(&str, &str); 3] = [("api", "sqlx"), ("api", "reqwest"), ("api", "totp-rs")];

/// All that the rules may know of the world: nothing here reads, waits, or tells the time.
const KNOWN_TO_DOMAIN: [&str; 9] = [
    "async-trait",
    "chrono",
    "chrono-tz",
    "crc32fast",
    "email_address",
    "iso_currency",
    "sha2",
    "thiserror",
    "uuid",
];

/// Areas have the same name on every floor.
const AREAS: [&str; 10] = [
    "access",
    "accounts",
    "audit",
    "billing",
    "usage",
    "agents",
    "chat",
    "idempotency",
    "marketplace",
    "notifications",
];

/// Floors that are divided into areas, and the folders there that are none.
const FLOORS: [(&str, &[&str]); 5] = [
    ("domain", &[]),
    ("services", &[]),
    ("repositories", &["pool"]),
    ("gateways", &[]),
    ("http", &["error", "extract", "middleware", "operations"]),
];

/// A file that is longer holds two things.
const LONGEST_FILE: usize = 450;

/// The answer of `cargo metadata`, as far as it is of interest.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// A crate of the workspace.
#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

/// What a crate depends upon.
#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

impl Package {
    fn short_name(&self) -> &str {
        ours(&self.name).expect("every crate of the workspace is called cape-…")
    }

    fn source(&self) -> PathBuf {
        self.manifest_path.parent().expect("a directory").join("src")
    }

    fn dependencies(&self, of_tests: bool) -> impl Iterator<Item = &str> {
        let wanted = move |kind: &Option<String>| (kind.as_deref() == Some("dev")) == of_tests;
        self.dependencies.iter().filter(move |d| wanted(&d.kind)).map(|d| d.name.as_str())
    }
}

fn ours(name: &str) -> Option<&str> {
    name.strip_prefix("cape-")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn workspace() -> Vec<Package> {
    let answer = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .stdin(Stdio::null())
        .output()
        .expect("cargo");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    serde_json::from_slice::<Metadata>(&answer.stdout).expect("metadata").packages
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    names.into_iter().collect()
}

/// Every file of Rust below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// How many lines there are before the tests of a file.
fn production_lines(text: &str) -> usize {
    let production =
        text.split_once("\n#[cfg(test)]\nmod tests {").map_or(text, |(before, _)| before);
    production.lines().count()
}

#[test]
fn crates_depend_upon_each_other_by_the_one_rule() {
    let workspace = workspace();
    let found: BTreeMap<_, _> = workspace
        .iter()
        .map(|package| (package.short_name(), set(package.dependencies(false).filter_map(ours))))
        .collect();
    let allowed: BTreeMap<_, _> =
        EDGES.into_iter().map(|(name, upon)| (name, set(upon.iter().copied()))).collect();
    assert_eq!(found, allowed);
}

#[test]
fn only_tests_see_the_testkit() {
    let allowed: BTreeMap<_, _> = EDGES_OF_TESTS.into_iter().collect();
    for package in workspace() {
        let allowed = allowed.get(package.short_name()).copied().unwrap_or_default();
        for upon in package.dependencies(true).filter_map(ours) {
            assert!(allowed.contains(&upon), "tests of {} depend upon {upon}", package.name);
        }
        assert!(package.dependencies(false).all(|upon| upon != "cape-testkit"));
    }
}

#[test]
fn a_layer_keeps_its_packages_to_itself() {
    let workspace = workspace();
    for (kept, by) in KEPT {
        let holders: Vec<_> = workspace
            .iter()
            .filter(|package| package.dependencies.iter().any(|upon| upon.name == kept))
            .map(Package::short_name)
            .collect();
        assert!(!holders.is_empty(), "nobody uses {kept}: strike it from the list");
        for holder in holders {
            assert!(by.contains(&holder), "{holder} depends upon {kept}");
        }
    }
    for (holder, kept) in KEPT_FOR_TESTS {
        let holder = workspace.iter().find(|package| package.short_name() == holder);
        let mut production = holder.expect("a crate").dependencies(false);
        assert!(production.all(|upon| upon != kept), "{kept} is for tests");
    }
}

#[test]
fn cargo_deny_keeps_the_same_packages_for_the_same_layers() {
    let text = fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let rules: toml::Table = text.parse().expect("TOML");
    let bans = rules["bans"]["deny"].as_array().expect("a list of bans");
    let denied: BTreeMap<_, _> = bans
        .iter()
        .filter_map(|ban| Some((ban["crate"].as_str()?, ban.get("wrappers")?.as_array()?)))
        .map(|(name, wrappers)| {
            let wrappers = wrappers.iter().filter_map(toml::Value::as_str);
            (name, set(wrappers.filter_map(ours)))
        })
        .collect();
    let kept: BTreeMap<_, _> =
        KEPT.into_iter().map(|(name, by)| (name, set(by.iter().copied()))).collect();
    assert_eq!(denied, kept);
}

#[test]
fn the_rules_know_nothing_of_the_world() {
    let workspace = workspace();
    let domain = workspace.iter().find(|package| package.short_name() == "domain").expect("domain");
    assert_eq!(set(domain.dependencies(false)), set(KNOWN_TO_DOMAIN));
}

#[test]
fn an_area_has_the_same_name_on_every_floor() {
    for (floor, others) in FLOORS {
        let source = root().join("crates").join(floor).join("src");
        for entry in fs::read_dir(&source).expect("a floor") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a name");
            let known = AREAS.contains(&name.as_str()) || others.contains(&name.as_str());
            assert!(known || entry.path().is_file(), "{floor} has a folder of its own: {name}");
        }
    }
    for floor in ["domain", "services", "repositories"] {
        for area in &AREAS[..5] {
            let folder = root().join("crates").join(floor).join("src").join(area);
            assert!(folder.is_dir(), "{floor} lacks {area}");
        }
    }
}

#[test]
fn no_file_holds_two_things() {
    for file in workspace().iter().flat_map(|package| files(&package.source())) {
        if file.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let lines = production_lines(&fs::read_to_string(&file).expect("text"));
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", file.display());
    }
}

#[test]
fn no_module_is_named_after_nothing() {
    let root = root();
    for file in workspace().iter().flat_map(|package| files(&package.source())) {
        let module = file.strip_prefix(&root).expect("in the workspace").with_extension("");
        let named = |name: &str| module.components().any(|part| part.as_os_str() == name);
        for name in ["util", "utils", "helper", "helpers", "common", "manager", "mapper"] {
            assert!(!named(name), "{} says nothing", file.display());
        }
    }
}
