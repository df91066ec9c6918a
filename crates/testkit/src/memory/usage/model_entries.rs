use async_trait::async_trait;
use cape_domain::{
    store::StoreError,
    usage::{ModelEntry, ModelEntryReads, ModelEntryRepository, PricedVersion},
};

use super::{MemoryRead, MemoryUnitOfWork};

const PRICE: &str = "price of a model";

#[async_trait]
impl ModelEntryReads for MemoryRead {
    async fn all(&mut self) -> Result<Vec<ModelEntry>, StoreError> {
        Ok(self.tables.usage.model_entries.values().cloned().collect())
    }
}

#[async_trait]
impl ModelEntryReads for MemoryUnitOfWork {
    async fn all(&mut self) -> Result<Vec<ModelEntry>, StoreError> {
        ModelEntryReads::all(&mut self.copy).await
    }
}

#[async_trait]
impl ModelEntryRepository for MemoryUnitOfWork {
    /// Nobody writes beside somebody who does.
    async fn take_turn(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn put(&mut self, entry: &ModelEntry) -> Result<(), StoreError> {
        let entries = &mut self.copy.tables.usage.model_entries;
        let prices = entries.get(&entry.id).map(|known| known.prices.clone()).unwrap_or_default();
        entries.insert(entry.id.clone(), ModelEntry { prices, ..entry.clone() });
        Ok(())
    }

    async fn add_price(&mut self, id: &str, price: &PricedVersion) -> Result<(), StoreError> {
        let entries = &mut self.copy.tables.usage.model_entries;
        let source = "no such model";
        let missing = || StoreError::Corrupt { what: PRICE, source: source.into() };
        let prices = &mut entries.get_mut(id).ok_or_else(missing)?.prices;
        let overlaps = |known: &PricedVersion| {
            known.version == price.version || known.effective_at == price.effective_at
        };
        if prices.iter().any(overlaps) {
            return Err(StoreError::Conflict { what: PRICE });
        }
        prices.push(price.clone());
        prices.sort_by_key(|price| price.effective_at);
        Ok(())
    }
}
