//! Calls, quotas, what keys have spent, what is stopped, and keys at providers, in memory.
mod calls;
mod credentials;
mod key_spending;
mod limit_rules;
mod model_entries;
mod quotas;
mod report;
mod switches;
mod violations;

use std::collections::BTreeMap;

use cape_domain::{
    billing::Credits,
    ids::{ApiKeyId, CallId, LimitRuleId, WorkspaceId},
    time::Timestamp,
    usage::{
        Call, CallReads, CallReports, CallRepository, CredentialReads, CredentialRepository,
        KeySpendingReads, KeySpendingRepository, LimitRule, LimitRuleReads, LimitRuleRepository,
        ModelEntry, ModelEntryReads, ModelEntryRepository, Provider, ProviderCredential,
        QuotaReads, QuotaRepository, Refused, Switch, SwitchReads, SwitchRepository, SwitchTarget,
        UsageReads, UsageRepositories, Violation, ViolationReads, ViolationRepository,
    },
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new, newest_first};

/// The rows of usage.
#[derive(Clone, Default)]
pub(crate) struct Tables {
    calls: BTreeMap<CallId, Call>,
    quotas: BTreeMap<(WorkspaceId, Timestamp, Timestamp), u64>,
    key_spending: BTreeMap<ApiKeyId, Credits>,
    switches: BTreeMap<SwitchTarget, Switch>,
    limit_rules: BTreeMap<LimitRuleId, LimitRule>,
    violations: BTreeMap<Refused, Violation>,
    credentials: BTreeMap<(WorkspaceId, Provider), ProviderCredential>,
    model_entries: BTreeMap<String, ModelEntry>,
}

impl UsageReads for MemoryRead {
    fn calls(&mut self) -> &mut dyn CallReads {
        self
    }

    fn reports(&mut self) -> &mut dyn CallReports {
        self
    }

    fn quotas(&mut self) -> &mut dyn QuotaReads {
        self
    }

    fn key_spending(&mut self) -> &mut dyn KeySpendingReads {
        self
    }

    fn switches(&mut self) -> &mut dyn SwitchReads {
        self
    }

    fn limit_rules(&mut self) -> &mut dyn LimitRuleReads {
        self
    }

    fn violations(&mut self) -> &mut dyn ViolationReads {
        self
    }

    fn model_entries(&mut self) -> &mut dyn ModelEntryReads {
        self
    }

    fn credentials(&mut self) -> &mut dyn CredentialReads {
        self
    }
}

impl UsageRepositories for MemoryUnitOfWork {
    fn calls(&mut self) -> &mut dyn CallRepository {
        self
    }

    fn quotas(&mut self) -> &mut dyn QuotaRepository {
        self
    }

    fn key_spending(&mut self) -> &mut dyn KeySpendingRepository {
        self
    }

    fn switches(&mut self) -> &mut dyn SwitchRepository {
        self
    }

    fn limit_rules(&mut self) -> &mut dyn LimitRuleRepository {
        self
    }

    fn violations(&mut self) -> &mut dyn ViolationRepository {
        self
    }

    fn model_entries(&mut self) -> &mut dyn ModelEntryRepository {
        self
    }

    fn credentials(&mut self) -> &mut dyn CredentialRepository {
        self
    }
}
