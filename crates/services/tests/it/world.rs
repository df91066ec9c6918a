//! Every service over the fakes, in a store where ACME and RIVAL live.
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use cape_domain::{
    access::AccessTokens,
    accounts::Password,
    audit::Vault,
    billing::{BasisPoints, CreditGrant, Credits, GrantSource, PaymentProvider},
    ids::ProcessId,
    time::Sleeper,
    usage::{ChatProvider, Limiter, PriceBook, Provider},
};
use cape_services::{
    Base, Tasks,
    access::{ApiKeyService, Authenticator, ControlFeed, ObeysControl, Origin},
    accounts::{ProfileService, RegistrationService, SessionRules, SessionService, SignedIn},
    audit::Trail,
    billing::{
        CreditService, ExpiryService, LedgerCheck, PricingService, PurchaseService, WebhookService,
    },
    jobs::JobRunner,
    processes::ProcessService,
    usage::{
        ChatService, Deployment, Entitlements, Gate, ModelService, Settler, Sweeper, UsageReports,
        UsageRules,
    },
};
use cape_testkit::{
    clock::FrozenClock,
    fakes::{
        HeldSleeper, OpenLimiter, PlainHasher, PlainRefreshSecrets, PlainTokens, PlainVault,
        ScriptedChat, ScriptedPayments, UnsteadyStore, Watchful,
    },
    fixtures::{ADA, PASSWORD, REQUEST, at, credits, give, grant, inhabit, price_book, user},
    ids::CountingIds,
    memory::MemoryStore,
    secrets::CountingSecrets,
};
use chrono::TimeDelta;
use tokio::runtime::Handle;

/// Where everybody calls from.
pub const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// What a test may want otherwise.
pub struct Setup {
    /// What a new workspace is given.
    pub welcome: Credits,
    /// Whether an address has to be verified before its owner is let in.
    pub verified_only: bool,
    /// Whether somebody takes money.
    pub sells: bool,
    /// Whether limits and quotas hold.
    pub limited: bool,
    /// The models.
    pub book: PriceBook,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            welcome: credits(100),
            verified_only: false,
            sells: true,
            limited: true,
            book: price_book(),
        }
    }
}

/// Every service, and every fake behind them.
pub struct World {
    pub store: MemoryStore,
    pub unsteady: UnsteadyStore,
    pub clock: Arc<FrozenClock>,
    pub base: Base,
    pub tasks: Tasks,
    pub vault: Arc<PlainVault>,
    pub hasher: Arc<PlainHasher>,
    pub tokens: Arc<PlainTokens>,
    pub payments: Arc<ScriptedPayments>,
    pub watched: Arc<Watchful<ScriptedPayments>>,
    pub models: Arc<ScriptedChat>,
    pub limiter: Arc<OpenLimiter>,
    pub sleeper: Arc<HeldSleeper>,
    pub trail: Trail,
    pub keys: Arc<ApiKeyService>,
    pub authenticator: Arc<Authenticator>,
    pub feed: Arc<ControlFeed>,
    pub registration: Arc<RegistrationService>,
    pub sessions: Arc<SessionService>,
    pub profiles: Arc<ProfileService>,
    pub pricing: Arc<PricingService>,
    pub credits: Arc<CreditService>,
    pub purchases: Arc<PurchaseService>,
    pub webhooks: Arc<WebhookService>,
    pub expiry: Arc<ExpiryService>,
    pub ledger: Arc<LedgerCheck>,
    pub jobs: Arc<JobRunner>,
    pub process: Arc<ProcessService>,
    pub entitlements: Arc<Entitlements>,
    pub chat: Arc<ChatService>,
    pub listing: Arc<ModelService>,
    pub reports: Arc<UsageReports>,
}

impl World {
    /// The usual one.
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    /// One that is otherwise. Its control feed was polled, and its process lives.
    pub async fn with(setup: Setup) -> Self {
        let store = MemoryStore::default();
        inhabit(&store).await.expect("inhabited");
        let unsteady = UnsteadyStore::over(store.clone());
        let clock = Arc::new(FrozenClock::default());
        let base = Base {
            store: Arc::new(unsteady.clone()),
            clock: clock.clone(),
            ids: Arc::new(CountingIds::default()),
            secrets: Arc::new(CountingSecrets::default()),
        };
        let world = Self::over(setup, store, unsteady, clock, base);
        world.feed.poll().await.expect("polled");
        world.process.beat().await.expect("a heartbeat");
        world
    }

    fn over(
        setup: Setup,
        store: MemoryStore,
        unsteady: UnsteadyStore,
        clock: Arc<FrozenClock>,
        base: Base,
    ) -> Self {
        let vault = Arc::new(PlainVault::default());
        let hasher = Arc::new(PlainHasher::default());
        let tokens = Arc::new(PlainTokens::default());
        let trail = Trail::new(base.clone(), vault.clone() as Arc<dyn Vault>);
        let signer: Arc<dyn AccessTokens> = tokens.clone();
        let authenticator = Authenticator::new(base.clone(), signer.clone());
        let entitlements = Entitlements::new(base.clone());
        let caches: Vec<Arc<dyn ObeysControl>> = vec![authenticator.clone(), entitlements.clone()];
        let feed = ControlFeed::new(base.clone(), caches);
        let rules = SessionRules { verified_only: setup.verified_only };
        let secrets = Arc::new(PlainRefreshSecrets);
        let sessions = SessionService::new(
            base.clone(),
            trail.clone(),
            hasher.clone(),
            signer,
            secrets,
            rules,
        );
        let registration =
            RegistrationService::new(base.clone(), trail.clone(), hasher.clone(), setup.welcome);

        let payments = Arc::new(ScriptedPayments::default());
        let watched = Arc::new(Watchful::over(payments.clone(), store.clone()));
        let seller = setup.sells.then(|| watched.clone() as Arc<dyn PaymentProvider>);
        let purchases = PurchaseService::new(base.clone(), trail.clone(), seller.clone());
        let webhooks = WebhookService::new(base.clone(), trail.clone(), seller);

        let models = Arc::new(ScriptedChat::default());
        let limiter = Arc::new(OpenLimiter::default());
        let sleeper = Arc::new(HeldSleeper::default());
        let process = ProcessService::new(base.clone());
        let tasks = Tasks::new(Handle::current());
        let book = Arc::new(setup.book);
        let asked: Arc<dyn ChatProvider> = Arc::new(Watchful::over(models.clone(), store.clone()));
        let providers = BTreeMap::from(CONFIGURED.map(|provider| (provider, asked.clone())));
        let gate = Arc::new(Gate::new(
            base.clone(),
            feed.clone(),
            entitlements.clone(),
            book.clone(),
            providers,
            limiter.clone() as Arc<dyn Limiter>,
            process.id(),
            usage_rules(setup.limited),
        ));
        let settler = Arc::new(Settler::new(base.clone(), gate.clone()));
        let sleeps = sleeper.clone() as Arc<dyn Sleeper>;
        let chat = ChatService::new(base.clone(), tasks.clone(), sleeps, gate, settler);
        Self {
            keys: ApiKeyService::new(base.clone(), trail.clone()),
            profiles: ProfileService::new(base.clone()),
            pricing: PricingService::new(base.clone()),
            credits: CreditService::new(base.clone()),
            expiry: ExpiryService::new(base.clone(), trail.clone()),
            ledger: LedgerCheck::new(base.clone()),
            jobs: JobRunner::new(base.clone(), webhooks.clone(), purchases.clone()),
            listing: ModelService::new(entitlements.clone(), book, BTreeSet::from(CONFIGURED)),
            reports: UsageReports::new(base.clone(), entitlements.clone()),
            store,
            unsteady,
            clock,
            base,
            tasks,
            vault,
            hasher,
            tokens,
            payments,
            watched,
            models,
            limiter,
            sleeper,
            trail,
            authenticator,
            feed,
            registration,
            sessions,
            purchases,
            webhooks,
            process,
            entitlements,
            chat,
        }
    }

    /// Time passes. The control feed is polled afterwards, as it is twice a second.
    pub async fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
        self.feed.poll().await.expect("polled");
    }

    /// ADA signs in to ACME.
    pub async fn ada_signs_in(&self) -> SignedIn {
        let (email, password) = (user(ADA).email, Password::given(PASSWORD));
        self.sessions.log_in(origin(), &email, &password).await.expect("signed in")
    }

    /// ACME is given credits, in millionths, as the lot with this number. They come first.
    pub async fn give(&self, number: u32, micros: i64) {
        let lot = grant(number, GrantSource::Promotion, Credits::from_micros(micros));
        let lot = CreditGrant { created_at: at(0), ..lot };
        give(&self.store, &lot).await.expect("given");
    }

    /// A sweeper of another process that shares the database.
    pub fn sweeper(&self, process: ProcessId, deployment: Deployment) -> Arc<Sweeper> {
        Sweeper::new(self.base.clone(), process, deployment)
    }

    /// No invariant of the ledger is broken.
    pub async fn proves_its_ledger(&self) {
        assert_eq!(self.ledger.run().await.expect("checked"), []);
    }
}

/// Whose models can be asked.
const CONFIGURED: [Provider; 2] = [Provider::OpenAi, Provider::Gemini];

const fn usage_rules(limited: bool) -> UsageRules {
    UsageRules {
        markup: BasisPoints(2_000),
        default_output: 1_000,
        limited,
        longest_call: TimeDelta::minutes(10),
    }
}

/// A request from the usual address.
pub const fn origin() -> Origin {
    Origin { request: REQUEST, address: Some(ADDRESS) }
}

/// The end of waiting for something that does come.
pub async fn soon<F: Future>(coming: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), coming).await.expect("it comes")
}
