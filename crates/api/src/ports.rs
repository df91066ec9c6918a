//! The real ports, as configured.
use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use cape_domain::{
    access::Throttle,
    accounts::Mailer,
    billing::PaymentProvider,
    secret::{Secret, SecretSource},
    store::Store,
    usage::{Limiter, PriceBook},
};
use cape_gateways::{
    access::{
        throttle::{InProcessThrottle, InProcessThrottleOptions},
        tokens::{Algorithm, JwtOptions, JwtTokens},
    },
    accounts::{
        deriver::HkdfSecrets,
        hasher::{Argon2Hasher, Argon2Options},
        mail::{SmtpMailer, SmtpOptions},
        meter::ZxcvbnMeter,
        totp::TotpApp,
    },
    audit::vault::AesVault,
    billing::stripe::{StripeGateway, StripeOptions},
    health::RedisHealth,
    redis_link::RedisLink,
    secrets::OsSecrets,
    usage::{
        limiter::{InProcessLimiter, InProcessLimiterOptions, RedisLimiter},
        price_book,
    },
};

use crate::{
    compose::Ports,
    config::{
        Config, Integration, Reach, SigningAlgorithm, Throttling,
        values::{BaseUrl, SecretText},
    },
    providers::Providers,
    secrets::Keys,
    system::{SystemClock, TokioSleeper, UuidV7},
    unthrottled::NoThrottle,
};

/// The secret that a sandbox signs its webhooks with, unless one is configured. It guards
/// nothing: what a webhook says is never believed.
pub const SANDBOX_WEBHOOK_SECRET: &str = "whsec_sandbox";

/// Who signs access tokens, where no public address says it. It is the same for every replica.
const ISSUER: &str = "capecontrol";
/// For whom access tokens are: `/api`.
const AUDIENCE: &str = "cape-api";

/// How long handing a mail over may take: less than a job's lease.
const SMTP_TIMEOUT: Duration = Duration::from_secs(20);

/// Where integrations are emulated that have no key of their own.
#[derive(Clone, Debug, Default)]
pub struct Emulated<'a> {
    /// Where everything that is reached over HTTP is.
    pub url: Option<&'a str>,
    /// Where mails are taken.
    pub smtp_url: Option<String>,
}

/// The real ports. `public_url` is how others reach the platform.
///
/// # Errors
///
/// When something that is configured cannot be used.
pub fn real(
    config: &Config,
    store: Arc<dyn Store>,
    emulated: &Emulated<'_>,
    public_url: &str,
) -> anyhow::Result<Ports> {
    let sandbox = emulated.url;
    let secrets: Arc<dyn SecretSource> = Arc::new(OsSecrets);
    let keys = Keys::resolve(config, &*secrets)?;
    let issuer = config.http.public_url.as_ref().map_or(ISSUER, BaseUrl::as_str);
    let options = JwtOptions {
        algorithm: match config.access.algorithm {
            SigningAlgorithm::EdDsa => Algorithm::EdDsa,
            SigningAlgorithm::Hs256 => Algorithm::Hs256,
        },
        rotation: config.access.key_rotation,
        ..JwtOptions::new(issuer, AUDIENCE)
    };
    let tokens = JwtTokens::new(options, keys.signing.expose())
        .map_err(|error| anyhow::anyhow!("the signing key is not usable: {error}"))?;
    let hash = &config.accounts.hash;
    let hasher = Argon2Options {
        memory_kib: hash.memory_kib.get(),
        passes: hash.iterations.get(),
        lanes: hash.parallel.get(),
        concurrent: config.accounts.hash_threads.get(),
    };
    let providers = Providers::configured(config, sandbox)?;
    let redis = redis(config)?;
    Ok(Ports {
        store,
        clock: Arc::new(SystemClock),
        ids: Arc::new(UuidV7),
        sleeper: Arc::new(TokioSleeper),
        hasher: Arc::new(Argon2Hasher::new(hasher, secrets.clone())?),
        tokens: Arc::new(tokens),
        throttle: throttle(config),
        meter: Arc::new(ZxcvbnMeter),
        deriver: Arc::new(HkdfSecrets::new(*keys.refresh.expose())),
        totp: Arc::new(TotpApp::new(&*config.mail.product)?),
        mailer: mailer(config, emulated)?,
        vault: Arc::new(AesVault::new(keys.vault.expose(), secrets.clone())?),
        payments: payments(config, sandbox, public_url)?,
        providers: providers.platform,
        lenders: providers.lenders,
        limiter: limiter(config, redis.clone()),
        redis: redis.map(|link| Arc::new(RedisHealth::new(link)) as _),
        prices: Arc::new(prices(config)?),
        secrets,
    })
}

fn throttle(config: &Config) -> Arc<dyn Throttle> {
    match config.accounts.throttle {
        Throttling::On => Arc::new(InProcessThrottle::new(InProcessThrottleOptions::default())),
        Throttling::Off => Arc::new(NoThrottle),
    }
}

fn mailer(config: &Config, emulated: &Emulated<'_>) -> anyhow::Result<Option<Arc<dyn Mailer>>> {
    let url = match (config.reach(Integration::Mail), &emulated.smtp_url) {
        (Reach::Configured, _) => config.mail.smtp_url.as_ref().context("no address")?.secret(),
        (Reach::Sandboxed, Some(url)) => Secret::new(url),
        (Reach::Sandboxed, None) | (Reach::Disabled, _) => return Ok(None),
    };
    let mailer = SmtpMailer::new(SmtpOptions {
        from: config.mail.from.clone(),
        product: config.mail.product.clone(),
        templates: config.mail.templates.clone(),
        timeout: SMTP_TIMEOUT,
        url,
    })
    .map_err(|error| anyhow::anyhow!("mail: {error}"))?;
    Ok(Some(Arc::new(mailer)))
}

fn payments(
    config: &Config,
    sandbox: Option<&str>,
    public_url: &str,
) -> anyhow::Result<Option<Arc<dyn PaymentProvider>>> {
    let stripe = &config.billing.stripe;
    let (base_url, secret_key) = match (config.reach(Integration::Stripe), sandbox) {
        (Reach::Configured, _) => {
            let key = stripe.secret_key.as_ref().context("no key")?.secret();
            (stripe.base_url.to_string(), key)
        }
        (Reach::Sandboxed, Some(sandbox)) => {
            (format!("{sandbox}/stripe"), Secret::new("sk_test_sandbox"))
        }
        (Reach::Sandboxed, None) | (Reach::Disabled, _) => return Ok(None),
    };
    let mut webhook_secrets: Vec<_> =
        stripe.webhook_secrets.iter().map(SecretText::secret).collect();
    if webhook_secrets.is_empty() && config.reach(Integration::Stripe) == Reach::Sandboxed {
        webhook_secrets.push(Secret::new(SANDBOX_WEBHOOK_SECRET));
    }
    let home = |url: &Option<BaseUrl>| {
        url.as_ref().map_or_else(|| public_url.to_owned(), ToString::to_string)
    };
    let gateway = StripeGateway::new(StripeOptions {
        base_url,
        secret_key,
        webhook_secrets,
        success_url: home(&stripe.success_url),
        cancel_url: home(&stripe.cancel_url),
        ..StripeOptions::default()
    })?;
    Ok(Some(Arc::new(gateway)))
}

fn redis(config: &Config) -> anyhow::Result<Option<Arc<RedisLink>>> {
    let Some(url) = &config.redis.url else { return Ok(None) };
    let link = RedisLink::new(&Secret::new(url.expose()))
        .map_err(|error| anyhow::anyhow!("redis.url: {error}"))?;
    Ok(Some(Arc::new(link)))
}

/// Counts for all processes where they share a server, and otherwise for this one.
fn limiter(config: &Config, redis: Option<Arc<RedisLink>>) -> Arc<dyn Limiter> {
    match redis {
        Some(link) => Arc::new(RedisLimiter::new(link, &config.redis.prefix)),
        None => Arc::new(InProcessLimiter::new(InProcessLimiterOptions::default())),
    }
}

fn prices(config: &Config) -> anyhow::Result<PriceBook> {
    let usage = &config.usage;
    let whole = match &usage.price_book {
        None => price_book::SHIPPED.to_owned(),
        Some(path) => price_file("usage.price_book", path)?,
    };
    let at =
        usage.price_book.as_ref().map_or("the built-in one".into(), |path| path.to_string_lossy());
    let book = price_book::read(&whole).with_context(|| format!("usage.price_book: in {at}"))?;
    let Some(path) = &usage.more_prices else { return Ok(book) };
    let more = price_file("usage.more_prices", path)?;
    price_book::read_together(&[&whole, &more])
        .with_context(|| format!("usage.more_prices: in {}", path.display()))
}

fn price_file(setting: &str, path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path)
        .with_context(|| format!("{setting}: the price book {} cannot be read", path.display()))
}
