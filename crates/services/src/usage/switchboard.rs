//! What is stopped, remembered under the control feed, and which calls have to end for it.
//!
//! Not here: who may stop what, which is the [`SwitchService`](super::SwitchService)'s.
use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use cape_domain::{
    access::{ControlChange, ControlEntry},
    ids::{ApiKeyId, WorkspaceId},
    store::{ReadWork, StoreError},
    time::Timestamp,
    usage::{Provider, Switches},
};
use tokio::sync::watch;

use super::ChatError;
use crate::access::{KeyRing, ObeysControl};

/// Knows what is stopped. Until the first poll of the feed nothing is known, and everything is.
pub struct Switchboard {
    keys: Arc<KeyRing>,
    news: Mutex<News>,
    running: Mutex<HashMap<ApiKeyId, usize>>,
    state: watch::Sender<State>,
}

/// What the feed told and was not looked up yet.
#[derive(Default)]
struct News {
    switches: bool,
    keys: HashSet<ApiKeyId>,
}

/// What is known.
#[derive(Default)]
struct State {
    switches: Option<Switches>,
    /// Of the keys that running calls are made with, those that are no longer good.
    taken_back: HashSet<ApiKeyId>,
}

/// A call that is running, and who makes it. Dropping it says that the call is over.
pub struct Watch {
    board: Arc<Switchboard>,
    key: ApiKeyId,
    workspace: WorkspaceId,
}

/// What tells that a call to one model has to end.
pub(super) struct Stop {
    state: watch::Receiver<State>,
    key: ApiKeyId,
    workspace: WorkspaceId,
    model: String,
    provider: Provider,
}

impl Switchboard {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(keys: Arc<KeyRing>) -> Arc<Self> {
        let (news, running) = (Mutex::default(), Mutex::default());
        Arc::new(Self { keys, news, running, state: watch::Sender::default() })
    }

    /// Refuses a call with a key, or of a workspace, that is stopped.
    ///
    /// # Errors
    ///
    /// [`ChatError::Stopped`]; [`ChatError::Closed`] while nothing is known.
    pub(super) fn admit_caller(
        &self,
        key: ApiKeyId,
        workspace: WorkspaceId,
    ) -> Result<(), ChatError> {
        let state = self.state.borrow();
        let switches = state.switches.as_ref().ok_or(ChatError::Closed)?;
        switches.against_caller(key, workspace).map_or(Ok(()), |switch| Err(switch.into()))
    }

    /// Refuses a call to a model, or to a provider, that is stopped.
    ///
    /// # Errors
    ///
    /// [`ChatError::Stopped`]; [`ChatError::Closed`] while nothing is known.
    pub(super) fn admit_model(&self, model: &str, provider: Provider) -> Result<(), ChatError> {
        let state = self.state.borrow();
        let switches = state.switches.as_ref().ok_or(ChatError::Closed)?;
        switches.against_model(model, provider).map_or(Ok(()), |switch| Err(switch.into()))
    }

    /// Watches over a call that is about to run.
    pub(super) fn watch(self: &Arc<Self>, key: ApiKeyId, workspace: WorkspaceId) -> Watch {
        *lock(&self.running).entry(key).or_default() += 1;
        Watch { board: Arc::clone(self), key, workspace }
    }

    async fn look_up(&self, work: &mut dyn ReadWork, news: &News) -> Result<(), StoreError> {
        if news.switches || self.state.borrow().switches.is_none() {
            let switches: Switches = work.switches().all().await?.into_iter().collect();
            self.state.send_if_modified(|state| {
                let differs = state.switches.as_ref() != Some(&switches);
                state.switches = Some(switches);
                differs
            });
        }
        let mut taken_back = HashSet::new();
        for key in &news.keys {
            if self.keys.look_up(work, *key).await?.is_none() {
                taken_back.insert(*key);
            }
        }
        self.state.send_if_modified(|state| {
            let running = lock(&self.running);
            let known = |key: &ApiKeyId| running.contains_key(key) && !news.keys.contains(key);
            state.taken_back.retain(known);
            state.taken_back.extend(&taken_back);
            !taken_back.is_empty()
        });
        Ok(())
    }
}

#[async_trait]
impl ObeysControl for Switchboard {
    fn apply(&self, entry: &ControlEntry) {
        match entry.change {
            ControlChange::SwitchesChanged => lock(&self.news).switches = true,
            // Where no call runs with it, whoever comes next is told by the ring.
            ControlChange::ApiKeyChanged(key) => {
                if lock(&self.running).contains_key(&key) {
                    lock(&self.news).keys.insert(key);
                }
            }
            ControlChange::SessionEpoch { .. }
            | ControlChange::PlanChanged(_)
            | ControlChange::CredentialsChanged(_)
            | ControlChange::LimitsChanged
            | ControlChange::PlansChanged
            | ControlChange::CatalogueChanged => {}
        }
    }

    async fn catch_up(&self, work: &mut dyn ReadWork) -> Result<(), StoreError> {
        let news = mem::take(&mut *lock(&self.news));
        let outcome = self.look_up(work, &news).await;
        if outcome.is_err() {
            let mut later = lock(&self.news);
            later.switches |= news.switches;
            later.keys.extend(news.keys);
        }
        outcome
    }

    fn forget(&self, _: Timestamp) {}
}

impl Watch {
    /// What tells that the call has to end while it is one to this model.
    pub(super) fn over(&self, model: &str, provider: Provider) -> Stop {
        Stop {
            state: self.board.state.subscribe(),
            key: self.key,
            workspace: self.workspace,
            model: model.to_owned(),
            provider,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut running = lock(&self.board.running);
        if let Some(calls) = running.get_mut(&self.key) {
            *calls -= 1;
            if *calls == 0 {
                running.remove(&self.key);
            }
        }
    }
}

impl Stop {
    /// Comes back when the call has to end, with why: at once, if it has to already. Whoever stops
    /// waiting may wait again.
    pub(super) async fn wait(&mut self) -> ChatError {
        let Self { state, key, workspace, model, provider } = self;
        let verdict = |state: &State| {
            if state.taken_back.contains(key) {
                return Some(ChatError::KeyTakenBack);
            }
            let switches = state.switches.as_ref()?;
            let caller = switches.against_caller(*key, *workspace);
            caller.or_else(|| switches.against_model(model, *provider)).map(ChatError::from)
        };
        // The board is gone only with the platform.
        match state.wait_for(|state| verdict(state).is_some()).await {
            Ok(state) => verdict(&state).unwrap_or(ChatError::Closed),
            Err(_) => ChatError::Closed,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use cape_domain::{
        store::{Durability, Scope, Store as _},
        usage::SwitchTarget,
    };
    use cape_testkit::{
        clock::FrozenClock,
        fixtures::{ACME, SMALL_MODEL, api_key, switch},
        ids::CountingIds,
        memory::MemoryStore,
        secrets::CountingSecrets,
    };

    use super::*;
    use crate::Base;

    fn board(store: &MemoryStore) -> Arc<Switchboard> {
        let base = Base {
            store: Arc::new(store.clone()),
            clock: Arc::new(FrozenClock::default()),
            ids: Arc::new(CountingIds::default()),
            secrets: Arc::new(CountingSecrets::default()),
        };
        Switchboard::new(KeyRing::new(base, false))
    }

    async fn polled(board: &Switchboard, store: &MemoryStore) {
        let mut work = store.read(Scope::Platform).await.expect("a look");
        board.catch_up(&mut *work).await.expect("looked up");
    }

    #[tokio::test]
    async fn until_it_is_known_what_is_stopped_nobody_calls() {
        let store = MemoryStore::default();
        let board = board(&store);
        let key = api_key(10).id;
        let caller = || board.admit_caller(key, ACME);
        let model = || board.admit_model(SMALL_MODEL, Provider::OPENAI);
        assert!(matches!((caller(), model()), (Err(ChatError::Closed), Err(ChatError::Closed))));
        polled(&board, &store).await;
        assert!(matches!((caller(), model()), (Ok(()), Ok(()))));
    }

    #[tokio::test]
    async fn what_was_stopped_before_the_first_poll_is_known_after_it() {
        let store = MemoryStore::default();
        let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        work.switches().put(&switch(SwitchTarget::Workspace(ACME))).await.expect("put");
        work.commit().await.expect("commit");
        let board = board(&store);
        polled(&board, &store).await;
        let refused = board.admit_caller(api_key(10).id, ACME);
        assert!(matches!(refused, Err(ChatError::Stopped(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn nothing_is_kept_of_calls_that_are_over() {
        let store = MemoryStore::default();
        let board = board(&store);
        let key = api_key(10).id;
        let watches = [board.watch(key, ACME), board.watch(key, ACME)];
        assert_eq!(lock(&board.running).get(&key), Some(&2));
        // Nobody knows the key: it is not good.
        lock(&board.news).keys.insert(key);
        polled(&board, &store).await;
        assert!(board.state.borrow().taken_back.contains(&key));
        drop(watches);
        assert!(lock(&board.running).is_empty());
        polled(&board, &store).await;
        assert!(board.state.borrow().taken_back.is_empty());
    }
}
