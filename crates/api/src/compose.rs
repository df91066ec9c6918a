//! From configuration and ports to services. Nothing is started here, and nothing is asked.
use std::{collections::BTreeMap, sync::Arc};

use cape_domain::{
    access::{AccessTokens, Throttle},
    accounts::{Mailer, PasswordHasher, PasswordMeter, SecretDeriver, TotpCodes},
    audit::Vault,
    billing::PaymentProvider,
    ids::IdSource,
    probe::Probe,
    secret::SecretSource,
    store::Store,
    time::{Clock, Sleeper},
    usage::{Limiter, PriceBook, Provider},
};
use cape_http::{
    Services,
    operations::info::{About, MetricsPage},
};
use cape_services::{
    Base, Tasks,
    access::{
        ApiKeyService, Authenticator, ControlFeed, IntrospectionService, KeyRing, ObeysControl,
    },
    accounts::Outbox,
    audit::Trail,
    billing::{
        CreditService, ExpiryService, LedgerCheck, PlanService, PlanSync, PricingService,
        PurchaseService, SubscriptionService, WebhookService,
    },
    health::HealthService,
    idempotency::IdempotencyService,
    jobs::JobRunner,
    processes::ProcessService,
    usage::{
        CredentialRing, Deployment, Entitlements, Lender, LimitBook, LiveBook, Sweeper,
        Switchboard, Upstream,
    },
};

mod accounts;
mod usage;

use self::{
    accounts::Accounts,
    usage::{Known, Usage},
};
use crate::config::{Config, Integration, Reach, values::SecretText};

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
    pub throttle: Arc<dyn Throttle>,
    pub meter: Arc<dyn PasswordMeter>,
    pub deriver: Arc<dyn SecretDeriver>,
    pub totp: Arc<dyn TotpCodes>,
    pub mailer: Option<Arc<dyn Mailer>>,
    pub vault: Arc<dyn Vault>,
    pub payments: Option<Arc<dyn PaymentProvider>>,
    pub providers: BTreeMap<Provider, Upstream>,
    pub lenders: BTreeMap<Provider, Lender>,
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
    /// Knows when keys were used.
    pub keys: Arc<KeyRing>,
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
    /// How others reach the platform.
    pub public_url: String,
}

/// Puts the platform together.
#[must_use]
pub fn compose(config: &Config, ports: Ports, surroundings: Surroundings) -> Platform {
    let base = base(&ports);
    let trail = Trail::new(base.clone(), ports.vault.clone());
    let process = ProcessService::new(base.clone());
    let keys = KeyRing::new(base.clone(), config.accounts.verified_only);
    let authenticator = Authenticator::new(base.clone(), ports.tokens.clone(), keys.clone());
    let entitlements = Entitlements::new(base.clone());
    let (switchboard, limits) = (Switchboard::new(keys.clone()), LimitBook::new());
    let credentials = CredentialRing::new(base.clone(), ports.vault.clone(), ports.lenders.clone());
    let book = LiveBook::over(ports.prices.clone());
    let caches: Vec<Arc<dyn ObeysControl>> = vec![
        authenticator.clone(),
        keys.clone(),
        entitlements.clone(),
        switchboard.clone(),
        limits.clone(),
        credentials.clone(),
        book.clone(),
    ];
    let feed = ControlFeed::new(base.clone(), caches);
    let payments = ports.payments.clone();
    let plans = PlanSync::new(base.clone(), payments.clone());
    let subscriptions = SubscriptionService::new(
        base.clone(),
        trail.clone(),
        Outbox::new(base.clone(), ports.mailer.is_some()),
        plans.clone(),
        config.billing.dunning.rules(),
        payments.clone(),
    );
    let webhooks =
        WebhookService::new(base.clone(), trail.clone(), subscriptions.clone(), payments.clone());
    let purchases = PurchaseService::new(base.clone(), trail.clone(), payments);
    let accounts = Accounts::compose(config, &base, &trail, &ports, &surroundings.public_url);
    let known = Known {
        feed: &feed,
        keys: &keys,
        entitlements: &entitlements,
        switchboard: &switchboard,
        limits: &limits,
        credentials: &credentials,
        book: &book,
    };
    let usage = Usage::compose(config, &base, &trail, &ports, &surroundings, &known, &process);
    let services = Services {
        introspection: introspection(config, &authenticator, &feed),
        authenticator,
        tokens: ports.tokens.clone(),
        api_keys: ApiKeyService::new(base.clone(), trail.clone()),
        registration: accounts.registration,
        verification: accounts.verification,
        logins: accounts.logins,
        sessions: accounts.sessions,
        passwords: accounts.passwords,
        email_changes: accounts.email_changes,
        mfa: accounts.mfa,
        members: accounts.members,
        closing: accounts.closing,
        operators: accounts.operators,
        profiles: accounts.profiles,
        pricing: PricingService::new(base.clone()),
        credits: CreditService::new(base.clone()),
        purchases: purchases.clone(),
        webhooks: webhooks.clone(),
        subscriptions: subscriptions.clone(),
        plans: PlanService::new(base.clone(), trail.clone(), plans.clone()),
        chat: usage.chat,
        counts: usage.counts,
        switches: usage.switches,
        limit_rules: usage.limit_rules,
        violations: usage.violations,
        model_admin: usage.model_admin,
        credentials: usage.credentials,
        models: usage.models,
        reports: usage.reports,
        catalogue: usage.catalogue,
        health: health(config, &base, &ports, &feed),
        idempotency: idempotency(&base, &trail, &ports, &surroundings.tasks),
        ids: ports.ids.clone(),
        tasks: surroundings.tasks.clone(),
        about: about(config, surroundings.database),
        metrics: surroundings.metrics,
    };
    Platform {
        services,
        jobs: JobRunner::new(
            base.clone(),
            webhooks,
            purchases,
            subscriptions,
            plans,
            accounts.mails,
        ),
        sweeper: Sweeper::new(base.clone(), process.id(), surroundings.deployment),
        expiry: ExpiryService::new(base.clone(), trail),
        feed,
        keys,
        process,
        ledger: LedgerCheck::new(base),
        tasks: surroundings.tasks,
    }
}

fn base(ports: &Ports) -> Base {
    Base {
        store: ports.store.clone(),
        clock: ports.clock.clone(),
        ids: ports.ids.clone(),
        secrets: ports.secrets.clone(),
    }
}

fn idempotency(
    base: &Base,
    trail: &Trail,
    ports: &Ports,
    tasks: &Tasks,
) -> Arc<IdempotencyService> {
    let (vault, sleeper) = (ports.vault.clone(), ports.sleeper.clone());
    IdempotencyService::new(base.clone(), trail.clone(), vault, tasks.clone(), sleeper)
}

fn about(config: &Config, database: &'static str) -> About {
    let environment = config.environment.name().to_owned();
    About { version: env!("CARGO_PKG_VERSION"), environment, database }
}

fn introspection(
    config: &Config,
    authenticator: &Arc<Authenticator>,
    feed: &Arc<ControlFeed>,
) -> Arc<IntrospectionService> {
    let secrets: Vec<_> =
        config.access.introspection_secrets.iter().map(SecretText::secret).collect();
    IntrospectionService::new(authenticator.clone(), feed.clone(), &secrets)
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
    let known = [
        ("stripe", used(Integration::Stripe)),
        ("mail", used(Integration::Mail)),
        ("openai", used(Integration::OpenAi)),
        ("anthropic", used(Integration::Anthropic)),
        ("gemini", used(Integration::Gemini)),
    ];
    let mut integrations: BTreeMap<String, Used> =
        known.into_iter().map(|(name, used)| (name.to_owned(), used)).collect();
    for (name, named) in &config.usage.providers {
        let asked = named.platform_key().is_some();
        integrations.insert((*name).into(), if asked { Used::Live } else { Used::Disabled });
    }
    HealthService::new(
        base.clone(),
        feed.clone(),
        ports.tokens.clone(),
        ports.vault.clone(),
        ports.redis.clone(),
        integrations,
    )
}
