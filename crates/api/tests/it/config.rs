//! Configuration: what holds where nothing is set, what wins, and what is refused.
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use cape_api::config::{
    Config, ConfigFile, Environment, Format, Integration, InvalidConfig, Limits, Reach,
    values::SecretText,
};

/// Everything that production asks for, and nothing else.
const KEYS: [(&str, &str); 3] = [
    (
        "CAPE_SECRETS__SIGNING_KEY",
        "5167e1d50d5eb2f5a9f61bf9cf5ed6a9f6e8d8d0f5a4c2b1908f7e6d5c4b3a21",
    ),
    ("CAPE_SECRETS__REFRESH_KEY", "UWfh1Q1esvWp9hv5z17Wqfbo2ND1pMKxkI9-bVxLOiA"),
    ("CAPE_SECRETS__VAULT_KEY", "0267e1d50d5eb2f5a9f61bf9cf5ed6a9f6e8d8d0f5a4c2b1908f7e6d5c4b3a21"),
];

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(pairs: &[(&str, &str)]) -> Result<Config, InvalidConfig> {
    Config::read(None, &variables(pairs))
}

fn read_file(text: &str, pairs: &[(&str, &str)]) -> Result<Config, InvalidConfig> {
    let file = ConfigFile { name: "cape.toml".to_owned(), text: text.to_owned() };
    Config::read(Some(&file), &variables(pairs))
}

/// What is refused, one line for each.
fn refused(pairs: &[(&str, &str)]) -> Vec<String> {
    lines(read(pairs))
}

fn lines(result: Result<Config, InvalidConfig>) -> Vec<String> {
    let error = result.expect_err("a refusal");
    error.problems().iter().map(ToString::to_string).collect()
}

/// What a guarded environment refuses beside these variables and all keys.
fn refused_in(environment: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let all = [&[("CAPE_ENVIRONMENT", environment)], &KEYS[..], pairs].concat();
    refused(&all)
}

#[test]
fn a_newcomer_has_to_set_nothing() {
    let config = read(&[]).expect("a configuration");
    assert_eq!(config.environment, Environment::Local);
    assert_eq!(config.http.listen().to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.public_url_at(8080), "http://127.0.0.1:8080");
    assert_eq!(config.http.body_limit, 10 * 1024 * 1024);
    assert_eq!(config.http.shutdown_timeout, Duration::from_secs(30));
    assert_eq!(config.database.url.expose(), "sqlite://data/cape.db");
    assert_eq!(config.redis.url, None);
    assert_eq!(config.secrets.file, Path::new("data/secrets.toml"));
    assert_eq!(config.usage.limits, Limits::On);
    assert_eq!(config.usage.markup_basis_points, 2_000);
    assert_eq!(config.usage.default_output_tokens.get(), 4_096);
    assert_eq!(config.usage.longest_call, Duration::from_mins(15));
    assert_eq!(config.usage.openai.base_url.as_str(), "https://api.openai.com/v1");
    assert_eq!(config.billing.stripe.base_url.as_str(), "https://api.stripe.com");
}

#[test]
fn defaults_depend_on_the_environment() {
    for (name, local, format) in [
        ("local", true, Format::Pretty),
        ("dev", false, Format::Json),
        ("staging", false, Format::Json),
        ("production", false, Format::Json),
    ] {
        let config = read(&[&[("CAPE_ENVIRONMENT", name)], &KEYS[..]].concat()).expect(name);
        assert_eq!(config.environment.name(), name);
        assert_eq!(config.database.migrate, local, "{name}");
        assert_eq!(config.accounts.verified_only, !local, "{name}");
        assert_eq!(config.accounts.welcome_credits, if local { 100 } else { 0 }, "{name}");
        assert_eq!(config.sandbox.enabled, local && cfg!(feature = "sandbox"), "{name}");
        assert_eq!(config.telemetry.format, format, "{name}");
    }
}

#[test]
fn a_file_wins_over_defaults_and_variables_win_over_a_file() {
    let file = "[http]\nport = 1\nbody_limit = \"1MiB\"\ncors_origins = [\"https://a.example\"]\n";
    let port = |pairs: &[(&str, &str)]| read_file(file, pairs).expect("sound").http.port;
    assert_eq!(port(&[]), 1);
    assert_eq!(port(&[("PORT", "2")]), 2);
    assert_eq!(port(&[("CAPE_HTTP__PORT", "3")]), 3);
    assert_eq!(port(&[("PORT", "2"), ("CAPE_HTTP__PORT", "3")]), 3);
    assert_eq!(port(&[("PORT", ""), ("CAPE_HTTP__PORT", "")]), 1);
    let config = read_file(file, &[]).expect("sound");
    assert_eq!(config.http.body_limit, 1 << 20);
    assert_eq!(config.http.cors_origins[0].as_str(), "https://a.example");
}

#[test]
fn the_environment_can_stand_in_the_file() {
    let config = read_file("environment = \"dev\"\n", &[]).expect("sound");
    assert_eq!(config.environment, Environment::Dev);
    assert!(config.accounts.verified_only);
    let config =
        read_file("environment = \"dev\"\n", &[("CAPE_ENVIRONMENT", "local")]).expect("sound");
    assert!(!config.accounts.verified_only);
}

#[test]
fn conventional_names_are_honoured() {
    let config = read(&[
        ("HOST", "0.0.0.0"),
        ("PORT", "9000"),
        ("DATABASE_URL", "postgres://ada:pw@db/cape"),
        ("REDIS_URL", "redis://cache"),
        ("STRIPE_SECRET_KEY", "sk_test_1"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_1, whsec_2"),
        ("SMTP_URL", "smtp://127.0.0.1:25"),
        ("OPENAI_API_KEY", "1234"),
        ("ANTHROPIC_API_KEY", "true"),
        ("GEMINI_API_KEY", "g"),
        ("PATH", "/usr/bin"),
    ])
    .expect("sound");
    assert_eq!(config.http.listen().to_string(), "0.0.0.0:9000");
    assert_eq!(config.http.public_url_at(9000), "http://127.0.0.1:9000");
    assert_eq!(config.database.url.expose(), "postgres://ada:pw@db/cape");
    assert_eq!(config.redis.url.expect("Redis").expose(), "redis://cache");
    let stripe = config.billing.stripe;
    assert_eq!(stripe.secret_key.expect("a key").expose(), "sk_test_1");
    let secrets: Vec<&str> = stripe.webhook_secrets.iter().map(SecretText::expose).collect();
    assert_eq!(secrets, ["whsec_1", "whsec_2"]);
    assert_eq!(config.usage.openai.api_key.expect("a key").expose(), "1234");
    assert_eq!(config.usage.anthropic.api_key.expect("a key").expose(), "true");
    assert!(!config.sandbox.enabled, "everything is real");
}

#[test]
fn every_kind_of_value_can_stand_in_a_variable() {
    let config = read(&[
        ("CAPE_HTTP__CORS_ORIGINS", "https://a.example, http://localhost:3000"),
        ("CAPE_HTTP__TRUSTED_PROXIES", "10.0.0.0/8,::1"),
        ("CAPE_HTTP__WORKERS", "3"),
        ("CAPE_HTTP__BODY_LIMIT", "2048"),
        ("CAPE_HTTP__SHUTDOWN_TIMEOUT", "500ms"),
        ("CAPE_DATABASE__MIGRATE", "false"),
        ("CAPE_USAGE__LIMITS", "off"),
        ("CAPE_USAGE__PRICE_BOOK", "prices.toml"),
        ("CAPE_ACCOUNTS__HASH__MEMORY_KIB", "64"),
        ("CAPE_SANDBOX__URL", "http://127.0.0.1:8090/"),
    ])
    .expect("sound");
    assert_eq!(config.http.cors_origins.len(), 2);
    assert_eq!(config.http.trusted_proxies.len(), 2);
    assert_eq!(config.http.workers.map(std::num::NonZero::get), Some(3));
    assert_eq!(config.http.body_limit, 2048);
    assert_eq!(config.http.shutdown_timeout, Duration::from_millis(500));
    assert!(!config.database.migrate);
    assert_eq!(config.usage.limits, Limits::Off);
    assert_eq!(config.accounts.hash.memory_kib.get(), 64);
    assert_eq!(config.sandbox.url.expect("a sandbox").as_str(), "http://127.0.0.1:8090");
}

#[test]
fn an_integration_without_a_key_is_emulated_or_not_there() {
    let reaches = |pairs: &[(&str, &str)]| {
        let config = read(pairs).expect("sound");
        Integration::ALL.map(|integration| config.reach(integration))
    };
    let (real, emulated, none) = (Reach::Configured, Reach::Sandboxed, Reach::Disabled);
    let url = ("CAPE_SANDBOX__URL", "http://127.0.0.1:8090");
    let key = ("OPENAI_API_KEY", "k");
    let smtp = ("SMTP_URL", "smtp://127.0.0.1:25");
    // Stripe, mail, OpenAI, Anthropic, Gemini.
    assert_eq!(reaches(&[]), [emulated; 5]);
    assert_eq!(reaches(&[url]), [emulated, none, emulated, emulated, emulated]);
    assert_eq!(reaches(&[key, url, smtp]), [emulated, real, real, emulated, emulated]);
    assert_eq!(reaches(&[key, ("CAPE_SANDBOX__ENABLED", "false")]), [none, none, real, none, none]);
    assert_eq!(reaches(&[("CAPE_ENVIRONMENT", "dev")]), [none; 5]);
    let apart = [("CAPE_ENVIRONMENT", "dev"), url];
    assert_eq!(reaches(&apart), [emulated, none, emulated, emulated, emulated]);
}

#[test]
fn what_is_malformed_is_named_with_its_path_and_all_of_it_at_once() {
    let found = refused(&[
        ("PORT", "99999"),
        ("HOST", "nowhere"),
        ("CAPE_HTTP__BODY_LIMIT", "10MB"),
        ("CAPE_HTTP__REQUEST_TIMEOUT", "0s"),
        ("CAPE_HTTP__CORS_ORIGINS", "example.com"),
        ("CAPE_HTTP__TRUSTED_PROXIES", "proxy"),
        ("CAPE_DATABASE__READERS", "0"),
        ("CAPE_USAGE__LIMITS", "maybe"),
        ("CAPE_TELEMETRY__LOG", "info,=,="),
        ("DATABASE_URL", "mysql://db"),
        ("REDIS_URL", "7"),
    ]);
    assert_eq!(
        found,
        [
            "database.readers: invalid value: integer `0`, expected a nonzero u32 (from \
             CAPE_DATABASE__READERS)",
            "database.url: must begin with sqlite:// or postgres:// (from DATABASE_URL)",
            "http.body_limit: must be a number of bytes such as 10MiB, 512KiB or 4096 (from \
             CAPE_HTTP__BODY_LIMIT)",
            "http.cors_origins: must be origins such as https://app.example.com, in lower case and \
             without a path (from CAPE_HTTP__CORS_ORIGINS)",
            "http.host: must be an IP address such as 127.0.0.1 or 0.0.0.0 (from HOST)",
            "http.port: invalid value: integer `99999`, expected u16 (from PORT)",
            "http.request_timeout: must be a duration such as 500ms, 30s, 15min or 1h (from \
             CAPE_HTTP__REQUEST_TIMEOUT)",
            "http.trusted_proxies: must be an address or a network such as 10.0.0.0/8 (from \
             CAPE_HTTP__TRUSTED_PROXIES)",
            "redis.url: must begin with redis:// or rediss:// (from REDIS_URL)",
            "telemetry.log: is no filter such as `info` or `info,cape_services=debug` (from \
             CAPE_TELEMETRY__LOG)",
            "usage.limits: unknown variant `maybe`, expected `on` or `off` (from \
             CAPE_USAGE__LIMITS)",
        ]
    );
}

#[test]
fn what_is_unknown_is_refused_with_the_name_that_may_have_been_meant() {
    assert_eq!(
        refused(&[("CAPE_HTTP__PROT", "1"), ("CAPE_FLUX_CAPACITOR", "1"), ("CAPE_http__port", "")]),
        [
            "CAPE_FLUX_CAPACITOR: is unknown",
            "CAPE_HTTP__PROT: is unknown; did you mean CAPE_HTTP__PORT?",
            "CAPE_http__port: is unknown",
        ]
    );
    let file = "http = 1\n[database]\nrul = \"x\"\n[secrets.vault_key]\nx = 1\n";
    assert_eq!(
        lines(read_file(file, &[])),
        [
            "database.rul: is unknown; did you mean database.url? (from cape.toml)",
            "http: is unknown (from cape.toml)",
            "secrets.vault_key.x: is unknown; did you mean secrets.vault_key? (from cape.toml)",
        ]
    );
}

#[test]
fn a_broken_environment_is_told_without_guessing_at_its_rules() {
    let found = refused(&[("CAPE_ENVIRONMENT", "prod"), ("PORT", "x")]);
    assert_eq!(
        found,
        [
            "environment: unknown variant `prod`, expected one of `local`, `dev`, `staging`, \
             `production` (from CAPE_ENVIRONMENT)",
            "http.port: invalid type: string \"x\", expected u16 (from PORT)",
        ]
    );
}

#[test]
fn staging_and_production_refuse_whatever_is_generated_emulated_or_lax() {
    for name in ["staging", "production"] {
        let found = refused(&[
            ("CAPE_ENVIRONMENT", name),
            ("CAPE_SECRETS__REFRESH_KEY", KEYS[1].1),
            ("CAPE_SANDBOX__ENABLED", "true"),
            ("CAPE_SANDBOX__URL", "http://127.0.0.1:8090"),
            ("CAPE_HTTP__CORS_ORIGINS", "https://a.example,*"),
            ("CAPE_USAGE__LIMITS", "off"),
        ]);
        let paths: Vec<&str> = found.iter().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(
            paths,
            [
                "http.cors_origins",
                "sandbox.enabled",
                "sandbox.url",
                "secrets.signing_key",
                "secrets.vault_key",
                "usage.limits",
            ],
            "{found:#?}"
        );
    }
}

#[test]
fn other_environments_are_laxer_but_limits_hold_everywhere_but_locally() {
    let lax = [("CAPE_HTTP__CORS_ORIGINS", "*"), ("CAPE_SANDBOX__URL", "http://127.0.0.1:8090")];
    assert!(read(&lax).is_ok());
    assert!(read(&[&[("CAPE_ENVIRONMENT", "dev")], &lax[..]].concat()).is_ok());
    assert_eq!(
        refused(&[("CAPE_ENVIRONMENT", "dev"), ("CAPE_USAGE__LIMITS", "off")]),
        ["usage.limits: can be off in the local environment alone, and this is dev (from \
          CAPE_USAGE__LIMITS)"]
    );
}

#[test]
fn stripe_is_configured_whole_where_customers_pay() {
    let test = [("STRIPE_SECRET_KEY", "sk_test_1"), ("STRIPE_WEBHOOK_SECRET", "whsec_1")];
    let home = ("CAPE_HTTP__PUBLIC_URL", "https://cape.example");
    assert!(read(&[test[0]]).is_ok());
    assert_eq!(
        refused_in("production", &[test[0], test[1], home]),
        ["billing.stripe.secret_key: is a test key, and production takes real money (from \
          STRIPE_SECRET_KEY)"]
    );
    let staging = [&[("CAPE_ENVIRONMENT", "staging"), home], &KEYS[..], &test[..]].concat();
    assert!(read(&staging).is_ok());
    assert_eq!(
        refused_in("staging", &test[..1]),
        [
            "billing.stripe.webhook_secrets: is not set, so that no payment would ever be noticed",
            "http.public_url: is not set, so that customers would not come back from Stripe",
        ]
    );
}

#[test]
fn keys_are_keys_and_differ() {
    let (name, key) = KEYS[0];
    assert_eq!(
        refused(&[(name, key), ("CAPE_SECRETS__VAULT_KEY", key)]),
        ["secrets.vault_key: is the same as secrets.signing_key (from CAPE_SECRETS__VAULT_KEY)"]
    );
    for wrong in ["hunter2", &"00".repeat(32)] {
        let found = refused_in("production", &[(name, wrong)]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("secrets.signing_key: "), "{found:?}");
        assert!(!found[0].contains(wrong), "{found:?}");
    }
}

#[test]
fn what_would_have_no_effect_or_no_end_is_refused() {
    let found = refused(&[
        ("CAPE_USAGE__GEMINI__BASE_URL", "http://127.0.0.1:1"),
        ("CAPE_USAGE__OPENAI__ANSWER_TIMEOUT", "1h"),
        ("CAPE_BILLING__STRIPE__BASE_URL", "http://127.0.0.1:1"),
        ("CAPE_ACCOUNTS__HASH__PARALLEL", "4096"),
        ("CAPE_ACCOUNTS__WELCOME_CREDITS", "1000001"),
        ("CAPE_USAGE__MARKUP_BASIS_POINTS", "200000"),
    ]);
    let paths: Vec<&str> = found.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(
        paths,
        [
            "accounts.hash.memory_kib",
            "accounts.welcome_credits",
            "billing.stripe.base_url",
            "usage.gemini.base_url",
            "usage.markup_basis_points",
            "usage.openai.answer_timeout",
        ]
    );
}

#[test]
fn no_secret_is_shown() {
    let secrets = [
        &KEYS[..],
        &[
            ("DATABASE_URL", "postgres://ada:hidden-1@db/cape"),
            ("REDIS_URL", "redis://:hidden-2@cache"),
            ("STRIPE_SECRET_KEY", "hidden-3"),
            ("STRIPE_WEBHOOK_SECRET", "hidden-4,hidden-5"),
            ("OPENAI_API_KEY", "hidden-6"),
            ("ANTHROPIC_API_KEY", "hidden-7"),
            ("GEMINI_API_KEY", "hidden-8"),
        ],
    ]
    .concat();
    let config = read(&secrets).expect("sound");
    for shown in [config.masked(), format!("{config:?}")] {
        assert!(!shown.contains("hidden"), "{shown}");
        for (_, key) in KEYS {
            assert!(!shown.contains(key), "{shown}");
        }
    }
    let masked = config.masked();
    for line in [
        "environment = \"local\"",
        "url = \"postgres://ada:********@db/cape\"",
        "secret_key = \"********\"",
        "webhook_secrets = [\"********\", \"********\"]",
        "vault_key = \"********\"",
        "longest_call = \"15min\"",
        "limits = \"on\"",
    ] {
        assert!(masked.lines().any(|shown| shown == line), "{line} in\n{masked}");
    }
}

#[test]
fn no_refusal_repeats_a_secret() {
    let file = "[billing.stripe]\nsecret_key = 70770770\n[secrets]\nvault_key = 70770770\n";
    let found = lines(read_file(file, &[("CAPE_SECRETS__SIGNING_KEY", "70770770")]));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(!found.concat().contains("70770770"), "{found:?}");
    let error =
        read_file("[billing.stripe]\nsecret_key = 'sk_live_7\n", &[]).expect_err("not TOML");
    let told = error.to_string();
    assert!(told.starts_with("cape.toml, line 2: "), "{told}");
    assert!(!told.contains("sk_live_7"), "{told}");
}

#[test]
fn the_file_is_the_one_that_is_named() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("config-file");
    fs::create_dir_all(&directory).expect("a directory");
    let [first, second] = ["first.toml", "second.toml"].map(|name| directory.join(name));
    fs::write(&first, "[http]\nport = 1\n").expect("a file");
    fs::write(&second, "[http]\nport = 2\n").expect("a file");
    let named = variables(&[("CAPE_CONFIG", &second.to_string_lossy())]);
    let port = |path, variables| Config::load(path, variables).expect("sound").http.port;
    assert_eq!(port(None, &named), 2);
    assert_eq!(port(Some(first.as_path()), &named), 1);
    let absent = directory.join("absent.toml");
    let error = Config::load(Some(&absent), &named).expect_err("no such file");
    assert!(matches!(error, InvalidConfig::Unreadable { .. }));
    assert_eq!(port(None, &variables(&[])), 8080);
}
