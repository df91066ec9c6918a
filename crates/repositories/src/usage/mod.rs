//! Calls, quotas, what keys have spent, what is stopped, and keys at providers, as rows: one file
//! per repository.
mod calls;
mod credentials;
mod key_spending;
mod limit_rules;
mod model_entries;
mod quotas;
mod report;
mod switches;
mod violations;

use cape_domain::usage::{
    CallReads, CallReports, CallRepository, CredentialReads, CredentialRepository,
    KeySpendingReads, KeySpendingRepository, LimitRuleReads, LimitRuleRepository, ModelEntryReads,
    ModelEntryRepository, QuotaReads, QuotaRepository, SwitchReads, SwitchRepository, UsageReads,
    UsageRepositories, ViolationReads, ViolationRepository,
};

use crate::store::SqlWork;

pub(crate) use self::calls::row as call;

impl UsageReads for SqlWork {
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

impl UsageRepositories for SqlWork {
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
