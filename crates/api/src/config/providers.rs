//! Section `usage.providers`: whoever speaks as OpenAI does, each under a name of its own.
use std::{collections::BTreeMap, time::Duration};

use cape_domain::{secret::Secret, usage::Provider};
use cape_gateways::usage::providers::ProviderOptions;
use serde::{Deserialize, Serialize};

use super::{
    problem::Rules,
    usage::Abandoned,
    values::{BaseUrl, ProviderName, SecretText, duration},
};

/// Where the section stands.
pub(super) const SECTION: &str = "usage.providers";

/// Those that have sections of their own.
const BUILT_IN: [Provider; 3] = [Provider::OPENAI, Provider::ANTHROPIC, Provider::GEMINI];

/// Integrations that are no providers of models, and are shown beside them.
const OTHERS: [&str; 2] = ["stripe", "mail"];

/// Providers by their names, as models in the price book have them.
pub type NamedProviders = BTreeMap<ProviderName, NamedProvider>;

/// A provider that speaks as OpenAI does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NamedProvider {
    /// In what it differs from OpenAI.
    pub dialect: Dialect,
    /// Where it is. It has to be said.
    pub base_url: Option<BaseUrl>,
    /// Our key there.
    pub api_key: Option<SecretText>,
    /// Whether it answers nobody without a key. Who needs none is asked without one.
    pub requires_key: bool,
    /// The version of Azure's interface.
    pub api_version: Option<String>,
    /// How long an answer in one piece may take.
    #[serde(with = "duration")]
    pub answer_timeout: Duration,
    /// How long a stream may take to begin.
    #[serde(with = "duration")]
    pub first_byte_timeout: Duration,
    /// How long a stream may be silent afterwards.
    #[serde(with = "duration")]
    pub idle_timeout: Duration,
    /// What becomes of a stream whose caller has left.
    pub abandoned: Abandoned,
}

/// In what a provider differs from OpenAI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// In nothing.
    OpenAi,
    /// As Azure's deployments do.
    Azure,
    /// As Mistral does.
    Mistral,
    /// As Groq, Ollama, vLLM, LM Studio, `OpenRouter` and most others do.
    #[default]
    Compatible,
}

impl Default for NamedProvider {
    fn default() -> Self {
        let ProviderOptions { answer_timeout, first_byte_timeout, idle_timeout, .. } =
            ProviderOptions::new("", Secret::new(""));
        Self {
            dialect: Dialect::default(),
            base_url: None,
            api_key: None,
            requires_key: false,
            api_version: None,
            answer_timeout,
            first_byte_timeout,
            idle_timeout,
            abandoned: Abandoned::default(),
        }
    }
}

impl NamedProvider {
    /// The key that the platform asks with: an empty one, where none is needed. Nothing, where it
    /// may not ask.
    #[must_use]
    pub fn platform_key(&self) -> Option<Secret> {
        match &self.api_key {
            Some(key) => Some(key.secret()),
            None if self.requires_key => None,
            None => Some(Secret::new("")),
        }
    }
}

pub(super) fn check(providers: &NamedProviders, longest_call: Duration, rules: &mut Rules) {
    for (name, named) in providers {
        let provider = name.provider();
        let at = |field: &str| format!("{SECTION}.{provider}.{field}");
        rules.refuse(BUILT_IN.contains(&provider), &format!("{SECTION}.{provider}"), || {
            format!("is built in and has a section of its own, usage.{provider}")
        });
        rules.refuse(OTHERS.contains(&provider.name()), &format!("{SECTION}.{provider}"), || {
            "is the name of another integration".to_owned()
        });
        rules.refuse(named.base_url.is_none(), &at("base_url"), || {
            "is needed: where the provider is".to_owned()
        });
        let is_azure = named.dialect == Dialect::Azure;
        let version = named.api_version.as_deref();
        rules.refuse(is_azure && version.is_none(), &at("api_version"), || {
            "is needed by the dialect `azure`, such as 2024-10-21".to_owned()
        });
        rules.refuse(!is_azure && version.is_some(), &at("api_version"), || {
            "has no effect without the dialect `azure`".to_owned()
        });
        let is_odd = |text: &str| text.trim().is_empty() || text.contains(char::is_whitespace);
        rules.refuse(version.is_some_and(is_odd), &at("api_version"), || {
            "must be a version such as 2024-10-21".to_owned()
        });
        rules.refuse(named.answer_timeout >= longest_call, &at("answer_timeout"), || {
            "is not shorter than usage.longest_call, when a call is given up".to_owned()
        });
        let bad_key = named.api_key.as_ref().is_some_and(|key| !stands_in_a_header(key.expose()));
        rules.refuse(bad_key, &at("api_key"), || "has characters that no key has".to_owned());
    }
}

/// Visible letters of ASCII, as keys are made of.
fn stands_in_a_header(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_graphic())
}
