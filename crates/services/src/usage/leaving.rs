//! Answers that nobody reads along any more: whether they are read to their end all the same, how
//! many at once, and for how long.
//!
//! A provider bills what it writes whether somebody listens or not, and tells the figure at the
//! end; so the rule is to listen to it. Not here: what a call is charged that was hung up on.
use std::{
    collections::BTreeSet,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cape_domain::{time::Sleeper, usage::Provider};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What becomes of answers whose callers have left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeavingRules {
    /// How many are read to their end at the same time. More are hung up on.
    pub most: usize,
    /// How long one is read on. Then it is hung up on.
    pub longest: Duration,
    /// Whose answers are hung up on at once.
    pub aborted: BTreeSet<Provider>,
}

impl Default for LeavingRules {
    fn default() -> Self {
        Self { most: 256, longest: Duration::from_mins(2), aborted: BTreeSet::new() }
    }
}

/// Decides what becomes of answers whose callers have left.
pub struct Leaving {
    rules: LeavingRules,
    seats: Arc<Semaphore>,
    sleeper: Arc<dyn Sleeper>,
}

/// An answer that is read to its end though nobody takes it. Dropping it leaves its place to
/// another one.
pub(super) struct Drain {
    /// It is never locked: who waits for it has it alone.
    over: Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _seat: OwnedSemaphorePermit,
}

impl Leaving {
    /// Nobody has left yet.
    #[must_use]
    pub fn new(rules: LeavingRules, sleeper: Arc<dyn Sleeper>) -> Arc<Self> {
        let seats = Arc::new(Semaphore::new(rules.most.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self { rules, seats, sleeper })
    }

    /// The caller of a provider's answer has left. None says to hang up.
    pub(super) fn leave(&self, provider: Provider) -> Option<Drain> {
        let drain = self.drain(provider);
        let outcome = if drain.is_some() { "drained" } else { "aborted" };
        let provider = provider.to_string();
        metrics::counter!("cape_left_streams_total", "provider" => provider, "outcome" => outcome)
            .increment(1);
        drain
    }

    fn drain(&self, provider: Provider) -> Option<Drain> {
        if self.rules.aborted.contains(&provider) {
            return None;
        }
        let seat = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        let (sleeper, longest) = (Arc::clone(&self.sleeper), self.rules.longest);
        let over = Box::pin(async move { sleeper.sleep(longest).await });
        Some(Drain { over: Mutex::new(over), _seat: seat })
    }
}

impl Drain {
    /// Comes back when it was read for long enough.
    pub(super) async fn over(&mut self) {
        self.over.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().await;
    }
}

impl fmt::Debug for Leaving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaving").field("rules", &self.rules).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use cape_testkit::fakes::HeldSleeper;

    use super::*;

    fn leaving(rules: LeavingRules) -> (Arc<Leaving>, Arc<HeldSleeper>) {
        let sleeper = Arc::new(HeldSleeper::default());
        (Leaving::new(rules, sleeper.clone()), sleeper)
    }

    #[test]
    fn no_more_are_read_on_than_there_are_places() {
        let (leaving, _) = leaving(LeavingRules { most: 2, ..LeavingRules::default() });
        let first = leaving.leave(Provider::OPENAI).expect("a place");
        let second = leaving.leave(Provider::GEMINI);
        assert!(second.is_some());
        assert!(leaving.leave(Provider::OPENAI).is_none());
        drop(first);
        assert!(leaving.leave(Provider::OPENAI).is_some(), "its place is free again");
        let (none, _) = self::leaving(LeavingRules { most: 0, ..LeavingRules::default() });
        assert!(none.leave(Provider::OPENAI).is_none());
    }

    #[test]
    fn some_providers_are_hung_up_on_at_once() {
        let aborted = [Provider::ANTHROPIC].into();
        let (leaving, _) = leaving(LeavingRules { aborted, ..LeavingRules::default() });
        for (provider, drained) in
            [(Provider::OPENAI, true), (Provider::ANTHROPIC, false), (Provider::GEMINI, true)]
        {
            assert_eq!(leaving.leave(provider).is_some(), drained, "{provider}");
        }
    }

    #[tokio::test]
    async fn one_is_read_on_for_so_long_and_no_longer() {
        let longest = Duration::from_secs(7);
        let (leaving, sleeper) = leaving(LeavingRules { longest, ..LeavingRules::default() });
        let mut drain = leaving.leave(Provider::OPENAI).expect("a place");
        for _ in 0..2 {
            tokio::select! {
                biased;
                () = drain.over() => panic!("nobody was woken"),
                () = ready(()) => {}
            }
        }
        assert_eq!(sleeper.asked(), [longest], "looking again does not begin anew");
        sleeper.wake();
        drain.over().await;
    }
}
