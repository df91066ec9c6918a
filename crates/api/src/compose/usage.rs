//! The services of calling models, and of what was used.
use std::sync::Arc;

use cape_domain::{
    billing::BasisPoints,
    usage::{CircuitRules, Provider},
};
use cape_services::{
    Base,
    access::{ControlFeed, KeyRing},
    audit::Trail,
    processes::ProcessService,
    usage::{
        AttemptRules, Attempts, ChatService, Circuits, CountService, Counting, CredentialRing,
        CredentialService, Deployment, Entitlements, Gate, Leaving, LeavingRules, LimitBook,
        LimitRuleService, LiveBook, ModelAdmin, ModelCatalogue, ModelService, Settler,
        SwitchService, Switchboard, UsageReports, UsageRules, Violations,
    },
};
use chrono::TimeDelta;

use super::{Ports, Surroundings};
use crate::config::{Abandoned, Config, Limits};

/// In how many lanes calls are written where writers do not wait for each other.
const LANES: usize = 4;

/// What is known of who may spend.
pub(super) struct Known<'a> {
    pub(super) feed: &'a Arc<ControlFeed>,
    pub(super) keys: &'a Arc<KeyRing>,
    pub(super) entitlements: &'a Arc<Entitlements>,
    pub(super) limits: &'a Arc<LimitBook>,
    pub(super) switchboard: &'a Arc<Switchboard>,
    pub(super) book: &'a Arc<LiveBook>,
    pub(super) credentials: &'a Arc<CredentialRing>,
}

/// The services of calling models, and of what was used.
pub(super) struct Usage {
    pub(super) chat: Arc<ChatService>,
    pub(super) counts: Arc<CountService>,
    pub(super) switches: Arc<SwitchService>,
    pub(super) limit_rules: Arc<LimitRuleService>,
    pub(super) violations: Arc<Violations>,
    pub(super) model_admin: Arc<ModelAdmin>,
    pub(super) credentials: Arc<CredentialService>,
    pub(super) models: Arc<ModelService>,
    pub(super) reports: Arc<UsageReports>,
    pub(super) catalogue: Arc<ModelCatalogue>,
}

impl Usage {
    /// Puts them together.
    pub(super) fn compose(
        config: &Config,
        base: &Base,
        trail: &Trail,
        ports: &Ports,
        surroundings: &Surroundings,
        known: &Known<'_>,
        process: &ProcessService,
    ) -> Self {
        let violations = Violations::new(base.clone());
        let counting = Counting {
            limiter: ports.limiter.clone(),
            book: known.limits.clone(),
            violations: violations.clone(),
        };
        let (chat, counts) = chat(config, base, ports, surroundings, known, counting, process);
        let (entitlements, book) = (known.entitlements, known.book);
        Self {
            chat,
            counts,
            switches: SwitchService::new(base.clone(), trail.clone(), book.clone()),
            model_admin: ModelAdmin::new(
                base.clone(),
                trail.clone(),
                book.clone(),
                ports.providers.keys().copied().collect(),
            ),
            limit_rules: LimitRuleService::new(base.clone(), trail.clone(), book.clone()),
            violations,
            credentials: CredentialService::new(
                base.clone(),
                trail.clone(),
                ports.vault.clone(),
                known.credentials.clone(),
            ),
            models: ModelService::new(
                known.keys.clone(),
                entitlements.clone(),
                known.switchboard.clone(),
                book.clone(),
                ports.providers.keys().copied().collect(),
                known.credentials.clone(),
            ),
            reports: UsageReports::new(
                base.clone(),
                entitlements.clone(),
                book.clone(),
                ports.limiter.clone(),
                known.limits.clone(),
                config.usage.limits == Limits::On,
            ),
            catalogue: ModelCatalogue::new(
                base.clone(),
                entitlements.clone(),
                book.clone(),
                ports.providers.keys().copied().collect(),
                known.credentials.clone(),
                BasisPoints(config.usage.markup_basis_points),
            ),
        }
    }
}

fn chat(
    config: &Config,
    base: &Base,
    ports: &Ports,
    surroundings: &Surroundings,
    known: &Known<'_>,
    counting: Counting,
    process: &ProcessService,
) -> (Arc<ChatService>, Arc<CountService>) {
    let rules = UsageRules {
        markup: BasisPoints(config.usage.markup_basis_points),
        default_output: config.usage.default_output_tokens.get(),
        limited: config.usage.limits == Limits::On,
        longest_call: TimeDelta::from_std(config.usage.longest_call).unwrap_or(TimeDelta::MAX),
        lanes: match surroundings.deployment {
            Deployment::Alone => 1,
            Deployment::Shared => LANES,
        },
    };
    let circuits = Circuits::new(CircuitRules {
        failures: config.usage.circuit_failures,
        ..CircuitRules::default()
    });
    let gate = Arc::new(Gate::new(
        base.clone(),
        surroundings.tasks.clone(),
        known.feed.clone(),
        known.keys.clone(),
        known.entitlements.clone(),
        known.credentials.clone(),
        known.switchboard.clone(),
        known.book.clone(),
        ports.providers.clone(),
        circuits.clone(),
        counting,
        process.id(),
        rules,
    ));
    let settler =
        Arc::new(Settler::new(base.clone(), surroundings.tasks.clone(), gate.clone(), rules.lanes));
    let counts = CountService::new(gate.clone());
    let sleeper = ports.sleeper.clone();
    let attempts = Attempts::new(
        base.clone(),
        sleeper.clone(),
        circuits,
        known.credentials.clone(),
        attempts(config),
    );
    let leaving = Leaving::new(leaving(config), sleeper.clone());
    let tasks = surroundings.tasks.clone();
    (ChatService::new(base.clone(), tasks, sleeper, gate, attempts, settler, leaving), counts)
}

fn leaving(config: &Config) -> LeavingRules {
    let usage = &config.usage;
    let built_in = [
        (Provider::OPENAI, usage.openai.abandoned),
        (Provider::ANTHROPIC, usage.anthropic.abandoned),
        (Provider::GEMINI, usage.gemini.abandoned),
    ];
    let named = usage.providers.iter().map(|(name, named)| (name.provider(), named.abandoned));
    let aborted = |(provider, abandoned)| (abandoned == Abandoned::Abort).then_some(provider);
    LeavingRules {
        most: usize::try_from(usage.abandoned_streams).unwrap_or(usize::MAX),
        longest: usage.abandoned_for,
        aborted: built_in.into_iter().chain(named).filter_map(aborted).collect(),
    }
}

fn attempts(config: &Config) -> AttemptRules {
    AttemptRules {
        most: config.usage.attempts.get(),
        within: TimeDelta::from_std(config.usage.attempts_within).unwrap_or(TimeDelta::MAX),
        ..AttemptRules::default()
    }
}
