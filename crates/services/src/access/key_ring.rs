//! Keys that are known to be good, remembered under the control feed.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cape_domain::{
    access::{ApiKey, ControlChange, ControlEntry, UseAi},
    accounts::User,
    ids::ApiKeyId,
    store::{Durability, ReadWork, Scope, StoreError},
    time::Timestamp,
};
use chrono::TimeDelta;

use super::ObeysControl;
use crate::Base;

/// Knows every key that is used, and when it was used last.
pub struct KeyRing {
    base: Base,
    verified_only: bool,
    keys: Mutex<HashMap<ApiKeyId, Arc<ApiKey>>>,
    used: Mutex<HashMap<ApiKeyId, Use>>,
}

#[derive(Clone, Copy)]
struct Use {
    at: Timestamp,
    written: Option<Timestamp>,
}

/// How many keys are remembered; beyond that, all are looked up again.
const REMEMBERED: usize = 20_000;

/// How exactly the last use of a key is known.
const TO_THE: TimeDelta = TimeDelta::minutes(1);

impl KeyRing {
    /// Nothing is known yet. With `verified_only`, keys of users whose address is not verified
    /// are no good.
    #[must_use]
    pub fn new(base: Base, verified_only: bool) -> Arc<Self> {
        Arc::new(Self { base, verified_only, keys: Mutex::default(), used: Mutex::default() })
    }

    /// The key with this id, if it was not taken back, and its owner may still use it.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn find(&self, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, StoreError> {
        if let Some(key) = lock(&self.keys).get(&id) {
            return Ok(Some(Arc::clone(key)));
        }
        let mut work = self.base.store.read(Scope::Platform).await?;
        let Some(key) = self.look_up(&mut *work, id).await? else { return Ok(None) };
        let key = Arc::new(key);
        let mut keys = lock(&self.keys);
        if keys.len() >= REMEMBERED {
            keys.clear();
        }
        keys.insert(id, Arc::clone(&key));
        Ok(Some(key))
    }

    /// The same, by what is stored at the instant of `work`.
    pub(crate) async fn look_up(
        &self,
        work: &mut dyn ReadWork,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        let found = work.api_keys().find(id).await?.filter(|key| key.is_good(self.base.now()));
        let Some(key) = found else { return Ok(None) };
        let owner = work.users().find(key.owner).await?.filter(|owner| self.may_use_keys(owner));
        let place = work.workspaces().membership(key.workspace, key.owner).await?;
        let may_spend = place.is_some_and(|place| place.role.grants().allows::<UseAi>());
        Ok((owner.is_some() && may_spend).then_some(key))
    }

    /// Takes note that a key was used. It is written down later, with others.
    pub fn note_use(&self, id: ApiKeyId) {
        let at = self.base.now();
        let mut used = lock(&self.used);
        used.entry(id).and_modify(|known| known.at = at).or_insert(Use { at, written: None });
    }

    /// Writes down when keys were used, all of them together, and says how many there were. A key
    /// in steady use is written once a minute.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: they are written the next time.
    pub async fn write_uses(&self) -> Result<usize, StoreError> {
        let due: Vec<_> = {
            let used = lock(&self.used);
            let due = used.iter().filter(|(_, known)| {
                known.written.is_none_or(|written| known.at >= written + TO_THE)
            });
            due.map(|(id, known)| (*id, known.at)).collect()
        };
        if !due.is_empty() {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
            work.api_keys().note_use(&due).await?;
            work.commit().await?;
        }
        let now = self.base.now();
        let mut used = lock(&self.used);
        for (id, at) in &due {
            if let Some(known) = used.get_mut(id) {
                known.written = Some(*at);
            }
        }
        // What was used once more within the minute after it was written is known well enough.
        used.retain(|_, known| known.written.is_none() || now < known.at + TO_THE);
        Ok(due.len())
    }

    fn may_use_keys(&self, owner: &User) -> bool {
        owner.is_active() && (owner.is_verified() || !self.verified_only)
    }
}

impl ObeysControl for KeyRing {
    fn apply(&self, entry: &ControlEntry) {
        match entry.change {
            ControlChange::ApiKeyChanged(id) => {
                lock(&self.keys).remove(&id);
            }
            ControlChange::SessionEpoch { .. }
            | ControlChange::PlanChanged(_)
            | ControlChange::CredentialsChanged(_)
            | ControlChange::PlansChanged
            | ControlChange::LimitsChanged
            | ControlChange::SwitchesChanged
            | ControlChange::CatalogueChanged => {}
        }
    }

    fn forget(&self, now: Timestamp) {
        lock(&self.keys).retain(|_, key| key.is_good(now));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
