//! Section `usage`: how models are asked, priced and bounded.
use std::{
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
    time::Duration,
};

use cape_domain::{secret::Secret, usage::CircuitRules};
use cape_gateways::usage::providers::{
    AnthropicProvider, GeminiProvider, OpenAiProvider, ProviderClientOptions, ProviderOptions,
};
use cape_services::usage::LeavingRules;
use serde::{Deserialize, Serialize};

use super::{
    Environment,
    problem::Rules,
    providers::{self, NamedProviders},
    values::{BaseUrl, SecretText, duration},
};

/// Ten times the cost: whoever sets more has mistaken the unit.
const HIGHEST_MARKUP: u32 = 100_000;

/// How models are asked, priced and bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Whether limits and quotas hold.
    pub limits: Limits,
    /// What is added to a call's cost, in hundredths of a percent.
    pub markup_basis_points: u32,
    /// The most tokens that come out where the caller set no bound.
    pub default_output_tokens: NonZeroU64,
    /// How long a call may take until its hold is swept.
    #[serde(with = "duration")]
    pub longest_call: Duration,
    /// How often a call is tried in all, over all models that it may be sent to. 1 is not to try
    /// again.
    pub attempts: NonZeroU32,
    /// How long after its first attempt a call may be tried again, and how long that may take.
    #[serde(with = "duration")]
    pub attempts_within: Duration,
    /// After so many failures in a row a model is not asked for a while. 0 is to ask always.
    pub circuit_failures: u32,
    /// How many streams whose callers have left are read to their end at the same time. More are
    /// hung up on. 0 is to hang up on all.
    pub abandoned_streams: u32,
    /// How long a stream whose caller has left is read on. Then it is hung up on.
    #[serde(with = "duration")]
    pub abandoned_for: Duration,
    /// How long making a connection to a provider may take.
    #[serde(with = "duration")]
    pub connect_timeout: Duration,
    /// A price book in place of the built-in one.
    pub price_book: Option<PathBuf>,
    /// A price book beside that one: models that are called too, and routes to them.
    pub more_prices: Option<PathBuf>,
    /// OpenAI.
    pub openai: ModelProvider,
    /// Anthropic.
    pub anthropic: ModelProvider,
    /// Gemini.
    pub gemini: ModelProvider,
    /// Whoever else speaks as OpenAI does, by names.
    pub providers: NamedProviders,
}

/// Whether limits and quotas hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limits {
    /// They hold.
    On,
    /// They are lifted, for load tests in the local environment.
    Off,
}

/// What becomes of a stream whose caller has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Abandoned {
    /// It is read to its end, and charged as the provider tells.
    #[default]
    Drain,
    /// It is hung up on at once, and charged as an estimate of what came.
    Abort,
}

/// How one provider of models is reached. Without a key it is not configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelProvider {
    /// Our key there.
    pub api_key: Option<SecretText>,
    /// Where it is.
    pub base_url: BaseUrl,
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

impl Usage {
    pub(super) fn defaults() -> Self {
        Self {
            limits: Limits::On,
            markup_basis_points: 2_000,
            default_output_tokens: NonZeroU64::new(4_096).expect("4096 is not zero"),
            longest_call: Duration::from_mins(15),
            attempts: NonZeroU32::new(3).expect("3 is not zero"),
            attempts_within: Duration::from_mins(1),
            circuit_failures: CircuitRules::default().failures,
            abandoned_streams: 256,
            abandoned_for: LeavingRules::default().longest,
            connect_timeout: ProviderClientOptions::default().connect_timeout,
            price_book: None,
            more_prices: None,
            openai: ModelProvider::at(OpenAiProvider::BASE_URL),
            anthropic: ModelProvider::at(AnthropicProvider::BASE_URL),
            gemini: ModelProvider::at(GeminiProvider::BASE_URL),
            providers: NamedProviders::new(),
        }
    }

    pub(super) fn check(&self, environment: Environment, sandboxed: bool, rules: &mut Rules) {
        let lifted = self.limits == Limits::Off && !environment.is_local();
        rules.refuse(lifted, "usage.limits", || {
            format!("can be off in the local environment alone, and this is {environment}")
        });
        rules.refuse(
            self.markup_basis_points > HIGHEST_MARKUP,
            "usage.markup_basis_points",
            || format!("is more than {HIGHEST_MARKUP}, ten times the cost"),
        );
        let defaults = Self::defaults();
        let providers = [
            ("usage.openai", &self.openai, &defaults.openai),
            ("usage.anthropic", &self.anthropic, &defaults.anthropic),
            ("usage.gemini", &self.gemini, &defaults.gemini),
        ];
        for (path, provider, default) in providers {
            // Elsewhere workspaces are asked for there, which have keys of their own.
            let moved = provider.base_url != default.base_url;
            let silent = sandboxed && provider.api_key.is_none() && moved;
            rules.refuse(silent, &format!("{path}.base_url"), || {
                format!("has no effect without {path}.api_key")
            });
            let swept = provider.answer_timeout >= self.longest_call;
            rules.refuse(swept, &format!("{path}.answer_timeout"), || {
                "is not shorter than usage.longest_call, when a call is given up".to_owned()
            });
        }
        providers::check(&self.providers, self.longest_call, rules);
    }
}

impl ModelProvider {
    fn at(base_url: &str) -> Self {
        let ProviderOptions { answer_timeout, first_byte_timeout, idle_timeout, .. } =
            ProviderOptions::new(base_url, Secret::new(""));
        Self {
            api_key: None,
            base_url: BaseUrl::known(base_url),
            answer_timeout,
            first_byte_timeout,
            idle_timeout,
            abandoned: Abandoned::default(),
        }
    }
}
