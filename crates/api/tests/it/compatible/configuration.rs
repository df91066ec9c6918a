//! What can be said of such a provider, and what is refused with the path of the field.
use std::collections::BTreeMap;

use cape_api::config::{Config, ConfigFile, Dialect, InvalidConfig, values::SecretText};

fn read(file: &str, pairs: &[(&str, &str)]) -> Result<Config, InvalidConfig> {
    let file = ConfigFile { name: "cape.toml".to_owned(), text: file.to_owned() };
    let variables: BTreeMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::read(Some(&file), &variables)
}

/// What is refused, one line for each.
fn refused(file: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let error = read(file, pairs).expect_err("a refusal");
    error.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn a_provider_needs_a_name_and_an_address_and_the_rest_has_defaults() {
    let config = read("[usage.providers.ollama]\nbase_url = 'http://127.0.0.1:11434/v1/'\n", &[]);
    let config = config.expect("sound");
    let (name, ollama) = config.usage.providers.iter().next().expect("one");
    assert_eq!(String::from(*name), "ollama");
    assert_eq!(ollama.dialect, Dialect::Compatible);
    assert_eq!(ollama.base_url.as_ref().expect("an address").as_str(), "http://127.0.0.1:11434/v1");
    assert_eq!(ollama.answer_timeout, config.usage.openai.answer_timeout);
    // It is asked without a key.
    assert_eq!(ollama.platform_key().expect("an empty one").expose(), "");
}

#[test]
fn variables_say_it_as_well_and_win_over_the_file() {
    let file = "[usage.providers.azure-eu]\ndialect = 'azure'\napi_key = 'hidden-1'\n\
                base_url = 'https://eu.openai.azure.com/openai'\napi_version = '2024-06-01'\n\
                [usage.providers.groq]\nrequires_key = true\n";
    let config = read(
        file,
        &[
            ("CAPE_USAGE__PROVIDERS__AZURE_EU__API_VERSION", "2024-10-21"),
            ("CAPE_USAGE__PROVIDERS__AZURE_EU__API_KEY", "hidden-2"),
            ("CAPE_USAGE__PROVIDERS__GROQ__BASE_URL", "https://api.groq.com/openai/v1"),
            ("CAPE_USAGE__PROVIDERS__GROQ__IDLE_TIMEOUT", "5s"),
            ("CAPE_USAGE__PROVIDERS__EMPTY__BASE_URL", ""),
        ],
    )
    .expect("sound");
    let [azure, groq] = config.usage.providers.values().collect::<Vec<_>>()[..] else {
        panic!("two providers");
    };
    assert_eq!(azure.api_version.as_deref(), Some("2024-10-21"));
    assert_eq!(azure.api_key.as_ref().map(SecretText::expose), Some("hidden-2"));
    assert_eq!(groq.idle_timeout.as_secs(), 5);
    assert!(groq.platform_key().is_none(), "it requires a key, and there is none");
    for shown in [config.masked(), format!("{config:?}")] {
        assert!(!shown.contains("hidden"), "{shown}");
    }
    assert!(config.masked().contains("[usage.providers.azure-eu]"), "{}", config.masked());
}

#[test]
fn what_is_wrong_is_named_with_its_path() {
    for (file, expected) in [
        ("[usage.providers.groq]\n", "usage.providers.groq.base_url: is needed"),
        ("[usage.providers.groq]\nbase_url = 'groq'\n", "usage.providers.groq.base_url: must be"),
        ("[usage.providers.groq]\nbase_url = 7\n", "usage.providers.groq.base_url: "),
        (
            "[usage.providers.groq]\nbase_url = 'http://groq'\nbase_ulr = ''\n",
            "usage.providers.groq.base_ulr: is unknown; did you mean usage.providers.groq.base_url?",
        ),
        (
            "[usage.providers.groq]\nbase_url = 'http://groq'\ndialect = 'klingon'\n",
            "usage.providers.groq.dialect: unknown variant `klingon`",
        ),
        (
            "[usage.providers.groq]\nbase_url = 'http://groq'\nanswer_timeout = '15min'\n",
            "usage.providers.groq.answer_timeout: is not shorter than usage.longest_call",
        ),
        (
            "[usage.providers.groq]\nbase_url = 'http://groq'\napi_version = '2024-10-21'\n",
            "usage.providers.groq.api_version: has no effect without the dialect `azure`",
        ),
        (
            "[usage.providers.a]\nbase_url = 'http://a'\ndialect = 'azure'\n",
            "usage.providers.a.api_version: is needed by the dialect `azure`",
        ),
        (
            "[usage.providers.a]\nbase_url = 'http://a'\ndialect = 'azure'\napi_version = 'a b'\n",
            "usage.providers.a.api_version: must be a version",
        ),
        (
            "[usage.providers.groq]\nbase_url = 'http://groq'\napi_key = 'sk-hidden\u{e9}'\n",
            "usage.providers.groq.api_key: has characters that no key has",
        ),
        (
            "[usage.providers.Groq]\nbase_url = 'http://groq'\n",
            "usage.providers.Groq.base_url: `Groq` is not the name of a provider",
        ),
        ("[usage.providers]\ngroq = 'http://groq'\n", "usage.providers.groq: is unknown"),
    ] {
        let found = refused(file, &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(expected), "{found:?}");
        assert!(!found[0].contains("hidden"), "{found:?}");
    }
    let variable = "CAPE_USAGE__PROVIDERS__GROQ__KEY";
    let found = refused("", &[(variable, "hidden")]);
    let expected = "CAPE_USAGE__PROVIDERS__GROQ__KEY: is unknown; did you mean \
                    CAPE_USAGE__PROVIDERS__GROQ__API_KEY?";
    assert_eq!(found, [expected]);
}

#[test]
fn a_name_that_is_taken_is_refused() {
    for (name, expected) in [
        ("openai", "is built in and has a section of its own, usage.openai"),
        ("anthropic", "is built in and has a section of its own, usage.anthropic"),
        ("gemini", "is built in and has a section of its own, usage.gemini"),
        ("stripe", "is the name of another integration"),
        ("mail", "is the name of another integration"),
    ] {
        let file = format!("[usage.providers.{name}]\nbase_url = 'http://127.0.0.1:1'\n");
        assert_eq!(refused(&file, &[]), [format!("usage.providers.{name}: {expected}")]);
        let variable = format!("CAPE_USAGE__PROVIDERS__{}__BASE_URL", name.to_uppercase());
        let found = refused("", &[(&variable, "http://127.0.0.1:1")]);
        assert_eq!(found, [format!("usage.providers.{name}: {expected}")]);
    }
}

#[test]
fn a_built_in_provider_is_elsewhere_without_a_key_where_no_sandbox_takes_its_place() {
    let address = ("CAPE_USAGE__OPENAI__BASE_URL", "https://eu.example.com/v1");
    let config = read("", &[address, ("CAPE_SANDBOX__ENABLED", "false")]).expect("sound");
    assert_eq!(config.usage.openai.base_url.as_str(), "https://eu.example.com/v1");
    let url = ("CAPE_SANDBOX__URL", "http://127.0.0.1:8090");
    let found = refused("", &[address, ("CAPE_SANDBOX__ENABLED", "true"), url]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("usage.openai.base_url: has no effect without"), "{found:?}");
}
