use async_trait::async_trait;
use cape_domain::{
    ids::LimitRuleId,
    store::StoreError,
    usage::{LimitRule, LimitRuleReads, LimitRuleRepository},
};

use super::{MemoryRead, MemoryUnitOfWork};

#[async_trait]
impl LimitRuleReads for MemoryRead {
    async fn all(&mut self) -> Result<Vec<LimitRule>, StoreError> {
        let mut all: Vec<_> = self.tables.usage.limit_rules.values().cloned().collect();
        all.sort_by_key(|rule| rule.terms.name);
        Ok(all)
    }

    async fn find(&mut self, id: LimitRuleId) -> Result<Option<LimitRule>, StoreError> {
        Ok(self.tables.usage.limit_rules.get(&id).cloned())
    }
}

#[async_trait]
impl LimitRuleReads for MemoryUnitOfWork {
    async fn all(&mut self) -> Result<Vec<LimitRule>, StoreError> {
        LimitRuleReads::all(&mut self.copy).await
    }

    async fn find(&mut self, id: LimitRuleId) -> Result<Option<LimitRule>, StoreError> {
        LimitRuleReads::find(&mut self.copy, id).await
    }
}

#[async_trait]
impl LimitRuleRepository for MemoryUnitOfWork {
    async fn insert(&mut self, rule: &LimitRule) -> Result<(), StoreError> {
        let rules = &mut self.copy.tables.usage.limit_rules;
        let taken = |other: &LimitRule| other.id == rule.id || other.terms.name == rule.terms.name;
        if rules.values().any(taken) {
            return Err(TAKEN);
        }
        rules.insert(rule.id, rule.clone());
        Ok(())
    }

    async fn replace(&mut self, rule: &LimitRule) -> Result<(), StoreError> {
        let rules = &mut self.copy.tables.usage.limit_rules;
        let taken = |other: &LimitRule| other.id != rule.id && other.terms.name == rule.terms.name;
        let before = rules.get(&rule.id).map(|before| before.version.saturating_add(1));
        if before != Some(rule.version) || rules.values().any(taken) {
            return Err(TAKEN);
        }
        rules.insert(rule.id, rule.clone());
        Ok(())
    }

    async fn remove(&mut self, id: LimitRuleId) -> Result<bool, StoreError> {
        Ok(self.copy.tables.usage.limit_rules.remove(&id).is_some())
    }
}

const TAKEN: StoreError = StoreError::Conflict { what: "limit" };
