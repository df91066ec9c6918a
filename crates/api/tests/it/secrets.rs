//! Generated secrets: made once, kept for one user, and nowhere where customers may be.
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Barrier,
    thread,
};

use cape_api::{
    config::{Config, Environment, values::Key},
    secrets::{Keys, SecretsError},
};
use cape_gateways::secrets::OsSecrets;

const GIVEN: &str = "5167e1d50d5eb2f5a9f61bf9cf5ed6a9f6e8d8d0f5a4c2b1908f7e6d5c4b3a21";

/// A place that is empty, and a configuration that keeps its secrets below it.
fn place(name: &str, pairs: &[(&str, &str)]) -> (PathBuf, Config) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("secrets").join(name);
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{error}"),
        Ok(()) | Err(_) => {}
    }
    let file = directory.join("data/secrets.toml");
    let mut variables: BTreeMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    variables.insert("CAPE_SECRETS__FILE".to_owned(), file.to_string_lossy().into_owned());
    (file, Config::read(None, &variables).expect("a configuration"))
}

#[test]
fn secrets_are_made_once_and_stay_the_same() {
    let (file, config) = place("once", &[]);
    let first = Keys::resolve(&config, &OsSecrets).expect("keys");
    let text = fs::read_to_string(&file).expect("the file");
    let second = Keys::resolve(&config, &OsSecrets).expect("the same keys");
    assert_eq!(first, second);
    assert_eq!(fs::read_to_string(&file).expect("the file"), text);
    assert_ne!(first.signing, first.refresh);
    assert_ne!(first.refresh, first.vault);
}

#[cfg(unix)]
#[test]
fn secrets_are_for_one_user() {
    use std::os::unix::fs::PermissionsExt as _;

    let (file, config) = place("mode", &[]);
    Keys::resolve(&config, &OsSecrets).expect("keys");
    let mode = fs::metadata(&file).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for open in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&file, fs::Permissions::from_mode(open)).expect("a mode");
        let refused = Keys::resolve(&config, &OsSecrets).expect_err("a refusal");
        assert!(matches!(refused, SecretsError::Exposed(_)), "{open:o}: {refused}");
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).expect("a mode");
    Keys::resolve(&config, &OsSecrets).expect("keys");
}

#[test]
fn many_that_start_at_once_have_the_same_secrets() {
    for round in 0..20 {
        let (file, config) = place(&format!("race-{round}"), &[]);
        let start = Barrier::new(8);
        let all: Vec<Keys> = thread::scope(|scope| {
            let starting: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        Keys::resolve(&config, &OsSecrets).expect("keys")
                    })
                })
                .collect();
            starting.into_iter().map(|thread| thread.join().expect("a thread")).collect()
        });
        assert!(all.iter().all(|keys| *keys == all[0]));
        let directory = file.parent().expect("a directory");
        assert_eq!(fs::read_dir(directory).expect("a directory").count(), 1, "no drafts are left");
    }
}

#[test]
fn a_key_that_is_given_is_used_and_with_all_of_them_no_file_is_made() {
    let (file, config) = place("given", &[("CAPE_SECRETS__VAULT_KEY", GIVEN)]);
    let given = Key::try_from(GIVEN.to_owned()).expect("a key");
    let keys = Keys::resolve(&config, &OsSecrets).expect("keys");
    assert_eq!(keys.vault, given);
    assert_ne!(keys.signing, given);
    assert!(!fs::read_to_string(&file).expect("the file").contains(GIVEN));

    let (file, mut config) = place("all-given", &[]);
    config.secrets.signing_key = Some(keys.signing);
    config.secrets.refresh_key = Some(keys.refresh);
    config.secrets.vault_key = Some(keys.vault);
    Keys::resolve(&config, &OsSecrets).expect("keys");
    assert!(!file.exists());
}

#[test]
fn nothing_is_generated_where_customers_may_be() {
    for environment in [Environment::Staging, Environment::Production] {
        let (file, mut config) = place(environment.name(), &[]);
        config.environment = environment;
        let refused = Keys::resolve(&config, &OsSecrets).expect_err("a refusal");
        assert!(matches!(refused, SecretsError::Missing(_)), "{refused}");
        assert!(!file.exists());
    }
}

#[test]
fn a_file_that_was_damaged_is_refused_without_being_shown_or_replaced() {
    let (file, config) = place("damaged", &[]);
    Keys::resolve(&config, &OsSecrets).expect("keys");
    for damaged in ["signing_key = \"hunter2\"\n", "signing_key = 'hunter2\n", "hunter2", ""] {
        fs::write(&file, damaged).expect("the file");
        let refused = Keys::resolve(&config, &OsSecrets).expect_err("a refusal");
        assert!(matches!(refused, SecretsError::Malformed { .. }), "{refused}");
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
        assert_eq!(fs::read_to_string(&file).expect("the file"), damaged);
    }
}
