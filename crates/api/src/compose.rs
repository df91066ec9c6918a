//! From configuration and ports to services. Nothing is started here, and nothing is asked.
use std::{collections::BTreeMap, sync::Arc};

use cape_domain::{
    access::AccessTokens,
    accounts::{PasswordHasher, RefreshSecrets},
    audit::Vault,
    billing::{BasisPoints, Credits, PaymentProvider},
    ids::IdSource,
    probe::Probe,
    secret::SecretSource,
    store::Store,
    time::{Clock, Sleeper},
    usage::{ChatProvider, Limiter, PriceBook, Provider},
};
use cape_http::{
    Services,
    operations::info::{About, MetricsPage},
};
use cape_services::{
    Base, Tasks,
    access::{ApiKeyService, Authenticator, ControlFeed, ObeysControl},
    accounts::{ProfileService, RegistrationService, SessionRules, SessionService},
    audit::Trail,
    billing::{
        CreditService, ExpiryService, LedgerCheck, PricingService, PurchaseService, WebhookService,
    },
    health::HealthService,
    jobs::JobRunner,
    processes::ProcessService,
    usage::{
        ChatService, Deployment, Entitlements, Gate, ModelService, Settler, Sweeper, UsageReports,
        UsageRules,
    },
};
use chrono::TimeDelta;

use crate::config::{Config, Integration, Limits, Reach};

/// Everything outside that services work with.
#[expect(missing_docs, reason = "each is named after its port")]
#[derive(Clone)]
pub struct Ports {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
    pub secrets: Arc<dyn SecretSource>,
    pub sleeper: Arc<dyn Sleeper>,
    pub hasher: Arc<dyn PasswordHasher>,
    pub tokens: Arc<dyn AccessTokens>,
    pub refresh: Arc<dyn RefreshSecrets>,
    pub vault: Arc<dyn Vault>,
    pub payments: Option<Arc<dyn PaymentProvider>>,
    pub providers: BTreeMap<Provider, Arc<dyn ChatProvider>>,
    pub limiter: Arc<dyn Limiter>,
    pub redis: Option<Arc<dyn Probe>>,
    pub prices: Arc<PriceBook>,
}

/// The platform, put together.
#[derive(Clone)]
pub struct Platform {
    /// What routes call.
    pub services: Services,
    /// Carries out jobs.
    pub jobs: Arc<JobRunner>,
    /// Ends what dead processes left open.
    pub sweeper: Arc<Sweeper>,
    /// Takes what has expired.
    pub expiry: Arc<ExpiryService>,
    /// Tells caches what changed.
    pub feed: Arc<ControlFeed>,
    /// This process.
    pub process: Arc<ProcessService>,
    /// Proves the ledger.
    pub ledger: Arc<LedgerCheck>,
    /// Calls that are running.
    pub tasks: Tasks,
}

/// Where and as what the platform runs.
#[derive(Clone)]
pub struct Surroundings {
    /// Where calls run.
    pub tasks: Tasks,
    /// Who else may be working on the same database.
    pub deployment: Deployment,
    /// The database, by its kind.
    pub database: &'static str,
    /// Writes down what is counted.
    pub metrics: MetricsPage,
}

/// Puts the platform together.
#[must_use]
pub fn compose(config: &Config, ports: Ports, surroundings: Surroundings) -> Platform {
    let base = Base {
        store: ports.store.clone(),
        clock: ports.clock.clone(),
        ids: ports.ids.clone(),
        secrets: ports.secrets.clone(),
    };
    let trail = Trail::new(base.clone(), ports.vault.clone());
    let process = ProcessService::new(base.clone());
    let authenticator = Authenticator::new(base.clone(), ports.tokens.clone());
    let entitlements = Entitlements::new(base.clone());
    let caches: Vec<Arc<dyn ObeysControl>> = vec![authenticator.clone(), entitlements.clone()];
    let feed = ControlFeed::new(base.clone(), caches);
    let payments = ports.payments.clone();
    let webhooks = WebhookService::new(base.clone(), trail.clone(), payments.clone());
    let purchases = PurchaseService::new(base.clone(), trail.clone(), payments);
    let chat = chat(config, &base, &ports, &surroundings.tasks, &feed, &entitlements, &process);
    let services = Services {
        authenticator,
        tokens: ports.tokens.clone(),
        api_keys: ApiKeyService::new(base.clone(), trail.clone()),
        registration: registration(config, &base, &trail, &ports),
        sessions: sessions(config, &base, &trail, &ports),
        profiles: ProfileService::new(base.clone()),
        pricing: PricingService::new(base.clone()),
        credits: CreditService::new(base.clone()),
        purchases: purchases.clone(),
        webhooks: webhooks.clone(),
        chat,
        models: ModelService::new(
            entitlements.clone(),
            ports.prices.clone(),
            ports.providers.keys().copied().collect(),
        ),
        reports: UsageReports::new(base.clone(), entitlements),
        health: health(config, &base, &ports, &feed),
        ids: ports.ids.clone(),
        tasks: surroundings.tasks.clone(),
        about: About {
            version: env!("CARGO_PKG_VERSION"),
            environment: config.environment.name().to_owned(),
            database: surroundings.database,
        },
        metrics: surroundings.metrics,
    };
    Platform {
        services,
        jobs: JobRunner::new(base.clone(), webhooks, purchases),
        sweeper: Sweeper::new(base.clone(), process.id(), surroundings.deployment),
        expiry: ExpiryService::new(base.clone(), trail),
        feed,
        process,
        ledger: LedgerCheck::new(base),
        tasks: surroundings.tasks,
    }
}

fn chat(
    config: &Config,
    base: &Base,
    ports: &Ports,
    tasks: &Tasks,
    feed: &Arc<ControlFeed>,
    entitlements: &Arc<Entitlements>,
    process: &ProcessService,
) -> Arc<ChatService> {
    let rules = UsageRules {
        markup: BasisPoints(config.usage.markup_basis_points),
        default_output: config.usage.default_output_tokens.get(),
        limited: config.usage.limits == Limits::On,
        longest_call: TimeDelta::from_std(config.usage.longest_call).unwrap_or(TimeDelta::MAX),
    };
    let gate = Arc::new(Gate::new(
        base.clone(),
        feed.clone(),
        entitlements.clone(),
        ports.prices.clone(),
        ports.providers.clone(),
        ports.limiter.clone(),
        process.id(),
        rules,
    ));
    let settler = Arc::new(Settler::new(base.clone(), gate.clone()));
    ChatService::new(base.clone(), tasks.clone(), ports.sleeper.clone(), gate, settler)
}

fn registration(
    config: &Config,
    base: &Base,
    trail: &Trail,
    ports: &Ports,
) -> Arc<RegistrationService> {
    let whole = i64::try_from(config.accounts.welcome_credits).unwrap_or(0);
    let welcome = Credits::whole(whole).unwrap_or(Credits::ZERO);
    RegistrationService::new(base.clone(), trail.clone(), ports.hasher.clone(), welcome)
}

fn sessions(config: &Config, base: &Base, trail: &Trail, ports: &Ports) -> Arc<SessionService> {
    SessionService::new(
        base.clone(),
        trail.clone(),
        ports.hasher.clone(),
        ports.tokens.clone(),
        ports.refresh.clone(),
        SessionRules { verified_only: config.accounts.verified_only },
    )
}

fn health(
    config: &Config,
    base: &Base,
    ports: &Ports,
    feed: &Arc<ControlFeed>,
) -> Arc<HealthService> {
    use cape_services::health::Integration as Used;
    let used = |integration| match config.reach(integration) {
        Reach::Configured => Used::Live,
        Reach::Sandboxed => Used::Sandbox,
        Reach::Disabled => Used::Disabled,
    };
    let integrations = BTreeMap::from([
        ("stripe", used(Integration::Stripe)),
        ("openai", used(Integration::OpenAi)),
        ("anthropic", used(Integration::Anthropic)),
        ("gemini", used(Integration::Gemini)),
    ]);
    HealthService::new(
        base.clone(),
        feed.clone(),
        ports.tokens.clone(),
        ports.vault.clone(),
        ports.redis.clone(),
        integrations,
    )
}
