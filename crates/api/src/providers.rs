//! Who runs models, as configured: under the platform's keys, and under those of workspaces.
use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context as _;
use cape_domain::{secret::Secret, usage::Provider};
use cape_gateways::usage::providers::{
    AnthropicProvider, GeminiProvider, InvalidProviderOptions, OpenAiDialect, OpenAiFormat,
    OpenAiProvider, ProviderClient, ProviderClientOptions, ProviderOptions,
};
use cape_services::usage::{Lender, UnusableKey, Upstream};

use crate::config::{Config, Dialect, Integration, ModelProvider, NamedProvider, Reach};

/// Who can be asked.
#[derive(Default)]
pub struct Providers {
    /// Under the platform's keys, or without one.
    pub platform: BTreeMap<Provider, Upstream>,
    /// Under any key: also those that the platform has none for.
    pub lenders: BTreeMap<Provider, Lender>,
}

/// Where a provider is that has a section of its own, and under which key the platform asks it.
struct Place {
    options: ProviderOptions,
    key: Option<Secret>,
}

impl Providers {
    /// All that are configured. Those that have no key of their own are asked at `sandbox`, where
    /// it stands in for them.
    ///
    /// # Errors
    ///
    /// When what is configured cannot be used, with its path.
    pub fn configured(config: &Config, sandbox: Option<&str>) -> anyhow::Result<Self> {
        let client = ProviderClient::new(ProviderClientOptions {
            connect_timeout: config.usage.connect_timeout,
            use_system_proxies: sandbox.is_none(),
        })?;
        let usage = &config.usage;
        let mut all = Self::default();
        let place = |integration, section, path, key| {
            let emulated = sandbox.map(|sandbox| (format!("{sandbox}{path}"), Secret::new(key)));
            Place::of(config.reach(integration), section, emulated, usage.longest_call)
        };
        let Place { options, key } =
            place(Integration::OpenAi, &usage.openai, "/openai/v1", "sk-sandbox");
        let openai = OpenAiProvider::new(&client, options).context("usage.openai")?;
        all.add(Provider::OPENAI, key, move |key| openai.under(key).map(Upstream::of_all))?;
        let Place { options, key } =
            place(Integration::Anthropic, &usage.anthropic, "/anthropic", "sk-ant-sandbox");
        let anthropic = AnthropicProvider::new(&client, options).context("usage.anthropic")?;
        all.add(Provider::ANTHROPIC, key, move |key| anthropic.under(key).map(Upstream::of_chats))?;
        let Place { options, key } =
            place(Integration::Gemini, &usage.gemini, "/gemini", "AIza-sandbox");
        let gemini = GeminiProvider::new(&client, options).context("usage.gemini")?;
        all.add(Provider::GEMINI, key, move |key| gemini.under(key).map(Upstream::of_both))?;
        for (name, named) in &usage.providers {
            let provider = name.provider();
            let path = || format!("usage.providers.{provider}");
            let format = OpenAiFormat::of(dialect(named));
            let options = options_of(named, usage.longest_call);
            let gateway = OpenAiProvider::speaking(format, &client, options).with_context(path)?;
            let open = move |key| gateway.under(key).map(Upstream::of_all);
            all.add(provider, named.platform_key(), open).with_context(path)?;
        }
        Ok(all)
    }

    fn add(
        &mut self,
        provider: Provider,
        platform_key: Option<Secret>,
        open: impl Fn(Secret) -> Result<Upstream, InvalidProviderOptions> + Send + Sync + 'static,
    ) -> Result<(), InvalidProviderOptions> {
        if let Some(key) = platform_key {
            self.platform.insert(provider, open(key)?);
        }
        let lender = move |key: &Secret| open(key.clone()).map_err(|_| UnusableKey);
        self.lenders.insert(provider, Arc::new(lender));
        Ok(())
    }
}

impl Place {
    /// `emulated` is where the sandbox has it, and the key that is good there.
    fn of(
        reach: Reach,
        section: &ModelProvider,
        emulated: Option<(String, Secret)>,
        longest_stream: Duration,
    ) -> Self {
        let own = || section.base_url.to_string();
        let (base_url, key) = match (reach, emulated) {
            (Reach::Configured, _) => {
                (own(), section.api_key.as_ref().map(crate::config::values::SecretText::secret))
            }
            (Reach::Sandboxed, Some((url, key))) => (url, Some(key)),
            (Reach::Sandboxed, None) | (Reach::Disabled, _) => (own(), None),
        };
        let options = ProviderOptions {
            base_url,
            api_key: Secret::new(""),
            answer_timeout: section.answer_timeout,
            first_byte_timeout: section.first_byte_timeout,
            idle_timeout: section.idle_timeout,
            longest_stream,
        };
        Self { options, key }
    }
}

fn options_of(named: &NamedProvider, longest_stream: Duration) -> ProviderOptions {
    ProviderOptions {
        base_url: named.base_url.as_ref().map(ToString::to_string).unwrap_or_default(),
        api_key: Secret::new(""),
        answer_timeout: named.answer_timeout,
        first_byte_timeout: named.first_byte_timeout,
        idle_timeout: named.idle_timeout,
        longest_stream,
    }
}

fn dialect(named: &NamedProvider) -> OpenAiDialect {
    match named.dialect {
        Dialect::OpenAi => OpenAiDialect::openai(),
        Dialect::Azure => OpenAiDialect::azure(named.api_version.clone().unwrap_or_default()),
        Dialect::Mistral => OpenAiDialect::mistral(),
        Dialect::Compatible => OpenAiDialect::compatible(),
    }
}
