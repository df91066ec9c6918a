//! Providers of models under names of their own, as configured.
use std::collections::BTreeMap;

use anyhow::Context as _;
use cape_domain::usage::Provider;
use cape_gateways::usage::providers::{
    OpenAiDialect, OpenAiFormat, OpenAiProvider, ProviderClient, ProviderOptions,
};
use cape_services::usage::Upstream;

use crate::config::{Config, Dialect, NamedProvider};

/// Those that can be asked, with a key of the platform's or without one.
///
/// # Errors
///
/// When what is configured cannot be used, with its path.
pub fn named(
    config: &Config,
    client: &ProviderClient,
) -> anyhow::Result<BTreeMap<Provider, Upstream>> {
    let mut all = BTreeMap::new();
    for (name, named) in &config.usage.providers {
        let provider = name.provider();
        let Some(options) = options(named) else { continue };
        let format = OpenAiFormat::of(dialect(named));
        let upstream = OpenAiProvider::speaking(format, client, options)
            .with_context(|| format!("usage.providers.{provider}"))?;
        all.insert(provider, Upstream::of_all(upstream));
    }
    Ok(all)
}

/// None, where the platform may not ask.
fn options(named: &NamedProvider) -> Option<ProviderOptions> {
    Some(ProviderOptions {
        base_url: named.base_url.as_ref()?.to_string(),
        api_key: named.platform_key()?,
        answer_timeout: named.answer_timeout,
        first_byte_timeout: named.first_byte_timeout,
        idle_timeout: named.idle_timeout,
    })
}

fn dialect(named: &NamedProvider) -> OpenAiDialect {
    match named.dialect {
        Dialect::OpenAi => OpenAiDialect::openai(),
        Dialect::Azure => OpenAiDialect::azure(named.api_version.clone().unwrap_or_default()),
        Dialect::Mistral => OpenAiDialect::mistral(),
        Dialect::Compatible => OpenAiDialect::compatible(),
    }
}
