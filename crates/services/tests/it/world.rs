//! Every service over the fakes, in a store where ACME and RIVAL live.
mod accounts;
mod lent;
mod setup;

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
    billing::{BasisPoints, CreditGrant, Credits, DunningRules, GrantSource, PaymentProvider},
    ids::ProcessId,
    time::Sleeper,
    usage::{ChatProvider, CircuitRules, EmbeddingProvider, Limiter, ModerationProvider, Provider},
};
use cape_services::{
    Base, Tasks,
    access::{
        ApiKeyService, Authenticator, ControlFeed, Doorkeeper, IntrospectionService, KeyRing,
        ObeysControl, Origin,
    },
    accounts::{Client, Login, Outbox, SignedIn},
    audit::Trail,
    billing::{
        CreditService, ExpiryService, LedgerCheck, PlanService, PlanSync, PricingService,
        PurchaseService, SubscriptionService, WebhookService,
    },
    jobs::JobRunner,
    processes::ProcessService,
    usage::{
        Attempts, ChatService, Circuits, CountService, Counting, CredentialRing, CredentialService,
        Deployment, Entitlements, Gate, Leaving, LimitBook, LimitRuleService, LiveBook, ModelAdmin,
        ModelCatalogue, ModelService, Settler, Sweeper, SwitchService, Switchboard, Upstream,
        UsageReports, UsageRules, Violations,
    },
};
use cape_testkit::{
    clock::FrozenClock,
    fakes::{
        HeldSleeper, OpenLimiter, PlainHasher, PlainTokens, PlainVault, PostBox, ScriptedChat,
        ScriptedEmbeddings, ScriptedModerations, ScriptedPayments, UnsteadyStore, Watchful,
    },
    fixtures::{ADA, PASSWORD, REQUEST, at, give, grant, inhabit, user},
    ids::CountingIds,
    memory::MemoryStore,
    secrets::CountingSecrets,
};
use chrono::TimeDelta;
use tokio::runtime::Handle;

use self::accounts::Parts;
pub use self::{
    accounts::Accounts,
    lent::Lent,
    setup::{SERVICE, Setup},
};

/// Where everybody calls from.
pub const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

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
    pub vectors: Arc<ScriptedEmbeddings>,
    pub judges: Arc<ScriptedModerations>,
    pub limiter: Arc<OpenLimiter>,
    pub sleeper: Arc<HeldSleeper>,
    pub post: PostBox,
    pub trail: Trail,
    pub keys: Arc<ApiKeyService>,
    pub ring: Arc<KeyRing>,
    pub authenticator: Arc<Authenticator>,
    pub introspection: Arc<IntrospectionService>,
    pub feed: Arc<ControlFeed>,
    pub accounts: Accounts,
    pub pricing: Arc<PricingService>,
    pub credits: Arc<CreditService>,
    pub purchases: Arc<PurchaseService>,
    pub webhooks: Arc<WebhookService>,
    pub subscriptions: Arc<SubscriptionService>,
    pub plans: Arc<PlanService>,
    pub expiry: Arc<ExpiryService>,
    pub ledger: Arc<LedgerCheck>,
    pub jobs: Arc<JobRunner>,
    pub process: Arc<ProcessService>,
    pub entitlements: Arc<Entitlements>,
    pub switches: Arc<SwitchService>,
    pub limit_rules: Arc<LimitRuleService>,
    pub violations: Arc<Violations>,
    pub admin: Arc<ModelAdmin>,
    pub credentials: Arc<CredentialService>,
    pub lent: Lent,
    pub chat: Arc<ChatService>,
    pub counts: Arc<CountService>,
    pub listing: Arc<ModelService>,
    pub reports: Arc<UsageReports>,
    pub catalogue: Arc<ModelCatalogue>,
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

    #[expect(clippy::too_many_lines, reason = "every service is made here")]
    fn over(
        setup: Setup,
        store: MemoryStore,
        unsteady: UnsteadyStore,
        clock: Arc<FrozenClock>,
        base: Base,
    ) -> Self {
        let vault = Arc::new(PlainVault::default());
        let hasher = Arc::new(PlainHasher::demanding(setup.work));
        let tokens = Arc::new(PlainTokens::default());
        let trail = Trail::new(base.clone(), vault.clone() as Arc<dyn Vault>);
        let signer: Arc<dyn AccessTokens> = tokens.clone();
        let ring = KeyRing::new(base.clone(), setup.verified_only);
        let authenticator = Authenticator::new(base.clone(), signer.clone(), ring.clone());
        let entitlements = Entitlements::new(base.clone());
        let switchboard = Switchboard::new(ring.clone());
        let limits = LimitBook::new();
        let lent = Lent::default();
        let credential_ring =
            CredentialRing::new(base.clone(), vault.clone(), lent.lenders(&LENT_FOR));
        let book = LiveBook::over(Arc::new(setup.book));
        let caches: Vec<Arc<dyn ObeysControl>> = vec![
            authenticator.clone(),
            ring.clone(),
            entitlements.clone(),
            switchboard.clone(),
            limits.clone(),
            credential_ring.clone(),
            book.clone(),
        ];
        let feed = ControlFeed::new(base.clone(), caches);
        let introspection =
            IntrospectionService::new(authenticator.clone(), feed.clone(), &setup.services);
        let accounts = Parts {
            base: base.clone(),
            trail: trail.clone(),
            doorkeeper: Doorkeeper::new(base.clone(), setup.throttle),
            hasher: hasher.clone(),
            tokens: signer,
            vault: vault.clone(),
            post: setup.post.clone().map(|post| (post, store.clone())),
            verified_only: setup.verified_only,
            welcome: setup.welcome,
        };
        let accounts = accounts.assemble();

        let payments = Arc::new(ScriptedPayments::default());
        let watched = Arc::new(Watchful::over(payments.clone(), store.clone()));
        let seller = setup.sells.then(|| watched.clone() as Arc<dyn PaymentProvider>);
        let purchases = PurchaseService::new(base.clone(), trail.clone(), seller.clone());
        let sync = PlanSync::new(base.clone(), seller.clone());
        let subscriptions = SubscriptionService::new(
            base.clone(),
            trail.clone(),
            Outbox::new(base.clone(), setup.post.is_some()),
            sync.clone(),
            DunningRules::default(),
            seller.clone(),
        );
        let webhooks =
            WebhookService::new(base.clone(), trail.clone(), subscriptions.clone(), seller);

        let models = Arc::new(ScriptedChat::default());
        let vectors = Arc::new(ScriptedEmbeddings::default());
        let judges = Arc::new(ScriptedModerations::default());
        let limiter = Arc::new(OpenLimiter::default());
        let sleeper = Arc::new(HeldSleeper::default());
        let process = ProcessService::new(base.clone());
        let tasks = Tasks::new(Handle::current());
        let asked: Arc<dyn ChatProvider> = Arc::new(Watchful::over(models.clone(), store.clone()));
        let embeds: Arc<dyn EmbeddingProvider> =
            Arc::new(Watchful::over(vectors.clone(), store.clone()));
        let judging: Arc<dyn ModerationProvider> =
            Arc::new(Watchful::over(judges.clone(), store.clone()));
        let upstream =
            Upstream { chat: asked, embeddings: Some(embeds), moderations: Some(judging) };
        let providers = BTreeMap::from(CONFIGURED.map(|provider| (provider, upstream.clone())));
        let circuits = Circuits::new(CircuitRules::default());
        let violations = Violations::new(base.clone());
        let counting = Counting {
            limiter: limiter.clone(),
            book: limits.clone(),
            violations: violations.clone(),
        };
        let gate = Arc::new(Gate::new(
            base.clone(),
            tasks.clone(),
            feed.clone(),
            ring.clone(),
            entitlements.clone(),
            credential_ring.clone(),
            switchboard.clone(),
            book.clone(),
            providers,
            circuits.clone(),
            counting,
            process.id(),
            usage_rules(setup.limited),
        ));
        let settler = Arc::new(Settler::new(base.clone(), tasks.clone(), gate.clone(), 1));
        let switches = SwitchService::new(base.clone(), trail.clone(), book.clone());
        let limit_rules = LimitRuleService::new(base.clone(), trail.clone(), book.clone());
        let admin =
            ModelAdmin::new(base.clone(), trail.clone(), book.clone(), BTreeSet::from(CONFIGURED));
        let counts = CountService::new(gate.clone());
        let sleeps = sleeper.clone() as Arc<dyn Sleeper>;
        let attempts = Attempts::new(
            base.clone(),
            sleeps.clone(),
            circuits,
            credential_ring.clone(),
            setup.attempts,
        );
        let leaving = Leaving::new(setup.leaving, sleeps.clone());
        let chat =
            ChatService::new(base.clone(), tasks.clone(), sleeps, gate, attempts, settler, leaving);
        Self {
            keys: ApiKeyService::new(base.clone(), trail.clone()),
            pricing: PricingService::new(base.clone()),
            plans: PlanService::new(base.clone(), trail.clone(), sync.clone()),
            subscriptions: subscriptions.clone(),
            credits: CreditService::new(base.clone()),
            expiry: ExpiryService::new(base.clone(), trail.clone()),
            ledger: LedgerCheck::new(base.clone()),
            jobs: JobRunner::new(
                base.clone(),
                webhooks.clone(),
                purchases.clone(),
                subscriptions,
                sync,
                accounts.mails.clone(),
            ),
            listing: ModelService::new(
                ring.clone(),
                entitlements.clone(),
                switchboard.clone(),
                book.clone(),
                BTreeSet::from(CONFIGURED),
                credential_ring.clone(),
            ),
            reports: UsageReports::new(
                base.clone(),
                entitlements.clone(),
                book.clone(),
                limiter.clone() as Arc<dyn Limiter>,
                limits,
                setup.limited,
            ),
            catalogue: ModelCatalogue::new(
                base.clone(),
                entitlements.clone(),
                book.clone(),
                BTreeSet::from(CONFIGURED),
                credential_ring.clone(),
                usage_rules(setup.limited).markup,
            ),
            credentials: CredentialService::new(
                base.clone(),
                trail.clone(),
                vault.clone(),
                credential_ring,
            ),
            lent,
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
            vectors,
            judges,
            limiter,
            sleeper,
            post: setup.post.unwrap_or_default(),
            trail,
            ring,
            authenticator,
            introspection,
            feed,
            accounts,
            purchases,
            webhooks,
            process,
            entitlements,
            switches,
            limit_rules,
            violations,
            admin,
            chat,
            counts,
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
        let login = self.accounts.login.with_password(&client(), &email, &password).await;
        signed_in(login.expect("the right password"))
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

/// At which providers a workspace may have a key of its own.
const LENT_FOR: [Provider; 3] = [Provider::OPENAI, Provider::GEMINI, Provider::ANTHROPIC];

/// Whose models can be asked.
const CONFIGURED: [Provider; 2] = [Provider::OPENAI, Provider::GEMINI];

const fn usage_rules(limited: bool) -> UsageRules {
    UsageRules {
        markup: BasisPoints(2_000),
        default_output: 1_000,
        limited,
        longest_call: TimeDelta::minutes(10),
        lanes: 1,
    }
}

/// A request from the usual address.
pub const fn origin() -> Origin {
    Origin { request: REQUEST, address: Some(ADDRESS) }
}

/// A program that says nothing about itself, at the usual address.
pub const fn client() -> Client {
    Client { origin: origin(), device: None }
}

/// Who was not asked for a second factor.
pub fn signed_in(login: Login) -> SignedIn {
    match login {
        Login::SignedIn(pair) => *pair,
        Login::SecondFactor { .. } => panic!("{login:?}"),
    }
}

/// The end of waiting for something that does come.
pub async fn soon<F: Future>(coming: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), coming).await.expect("it comes")
}
