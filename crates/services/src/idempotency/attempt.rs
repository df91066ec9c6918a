//! A request that is being carried out, and nobody else may carry out.
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cape_domain::{
    idempotency::{Answer, Entry},
    ids::ReservationId,
    store::{Durability, Scope, StoreError, UnitOfWork},
};
use tokio_util::sync::CancellationToken;

use super::IdempotencyService;
use crate::retry::retry;

/// A request that is being carried out. As long as this lives, its reservation is renewed; when it
/// is dropped without a word, because its process or its task died, the reservation runs out.
#[must_use = "it has to be said how it ended"]
pub struct Attempt {
    service: Arc<IdempotencyService>,
    entry: Entry,
    durability: Durability,
    kept: AtomicBool,
    /// Ends the renewal.
    over: CancellationToken,
}

/// How an attempt ends that was not answered with success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was refused or failed for certain: the key is free, for whatever request.
    Nothing,
    /// It is not known what became of it: who asks again resumes it, with the same identity.
    Unknown,
}

impl Attempt {
    /// Begins an attempt at a request that was just reserved.
    pub(super) fn begin(
        service: Arc<IdempotencyService>,
        entry: Entry,
        durability: Durability,
    ) -> Self {
        let over = CancellationToken::new();
        let renewal = renew(Arc::clone(&service), entry.clone(), over.clone());
        service.tasks.spawn(renewal);
        let kept = AtomicBool::new(false);
        Self { service, entry, durability, kept, over }
    }

    /// The identity of the request, the same in every attempt. What is made under it is made once.
    #[must_use]
    pub const fn id(&self) -> ReservationId {
        self.entry.id
    }

    /// Whether there may be something already that an attempt before this one made.
    #[must_use]
    pub const fn is_resumed(&self) -> bool {
        self.entry.attempt > 1
    }

    /// Keeps the answer, with the effect that it tells of: they are committed together. An attempt
    /// that was taken for dead keeps nothing, and that is no error: another one goes on with what
    /// this one made.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn keep(&self, work: &mut dyn UnitOfWork, answer: &Answer) -> Result<(), StoreError> {
        let sealed = self.service.seal(work, &self.entry, answer).await?;
        let expires_at = self.service.base.now() + Entry::KEPT;
        let Entry { id, attempt, .. } = self.entry;
        if !work.idempotency().answer(id, attempt, &sealed, expires_at).await? {
            tracing::warn!(reservation.id = %id, attempt, "an attempt was given up too early");
        }
        self.kept.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Keeps the answer of a request that was carried out, unless it was kept with its effect. If
    /// that fails, it is logged, and whoever asked is answered all the same: the request may be
    /// carried out again then.
    pub async fn answered(&self, answer: &Answer) {
        if self.kept.load(Ordering::Relaxed) {
            return;
        }
        let kept = retry!(async {
            let mut work = self.begin_work().await?;
            self.keep(&mut *work, answer).await?;
            work.commit().await
        });
        if let Err(error) = kept {
            tracing::error!(reservation.id = %self.entry.id, %error, "an answer was not kept");
        }
    }

    /// Gives the reservation up. If that fails, it is logged, and the reservation runs out.
    pub async fn ended(self, ending: Ending) {
        self.over.cancel();
        let Entry { id, attempt, .. } = self.entry;
        let given_up = retry!(async {
            let mut work = self.begin_work().await?;
            match ending {
                Ending::Nothing => work.idempotency().forget(id, attempt).await?,
                Ending::Unknown => {
                    let now = self.service.base.now();
                    work.idempotency().renew(id, attempt, now).await?
                }
            };
            work.commit().await
        });
        if let Err(error) = given_up {
            tracing::warn!(reservation.id = %id, %error, "a reservation is left to run out");
        }
    }

    async fn begin_work(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let scope = Scope::Workspace(self.entry.requester.workspace);
        self.service.base.store.begin(scope, self.durability).await
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

/// Renews a reservation until the attempt is over, or another one took its place.
async fn renew(service: Arc<IdempotencyService>, entry: Entry, over: CancellationToken) {
    let Entry { id, attempt, .. } = entry;
    loop {
        tokio::select! {
            () = over.cancelled() => return,
            () = service.sleeper.sleep(Entry::RENEWAL) => {}
        }
        let renewed = async {
            let scope = Scope::Workspace(entry.requester.workspace);
            let mut work = service.base.store.begin(scope, Durability::Process).await?;
            let until = service.base.now() + Entry::LEASE;
            let renewed = work.idempotency().renew(id, attempt, until).await?;
            work.commit().await?;
            Ok::<_, StoreError>(renewed)
        };
        match renewed.await {
            Ok(true) => {}
            // It was answered, or taken for dead.
            Ok(false) => return,
            Err(error) => tracing::warn!(reservation.id = %id, %error, "not renewed"),
        }
    }
}

/// How a use case makes something once, and keeps its answer in the commit of what it made.
pub struct Once<'a, T>(Option<(&'a Attempt, Render<'a, T>)>);

/// What an outcome is answered with.
type Render<'a, T> = &'a (dyn Fn(&T) -> Answer + Send + Sync);

impl<T> Clone for Once<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Once<'_, T> {}

impl<'a, T> Once<'a, T> {
    /// Nobody said that this request may come again.
    #[must_use]
    pub const fn unkeyed() -> Self {
        Self(None)
    }

    /// Under this attempt, if there is one. `render` says how an outcome is answered.
    #[must_use]
    pub fn under(attempt: Option<&'a Attempt>, render: Render<'a, T>) -> Self {
        Self(attempt.map(|attempt| (attempt, render)))
    }

    /// The identity that what is made takes over.
    #[must_use]
    pub fn id(&self) -> Option<ReservationId> {
        self.0.map(|(attempt, _)| attempt.id())
    }

    /// Whether there may be something already that an attempt before this one made.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.0.is_some_and(|(attempt, _)| attempt.is_resumed())
    }

    /// Keeps the answer to an outcome, in the unit of work that makes it so.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn keep(&self, work: &mut dyn UnitOfWork, outcome: &T) -> Result<(), StoreError> {
        match self.0 {
            Some((attempt, render)) => attempt.keep(work, &render(outcome)).await,
            None => Ok(()),
        }
    }
}
