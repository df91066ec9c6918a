//! A sleeper that sleeps until it is woken.
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use cape_domain::time::Sleeper;
use tokio::sync::{Notify, watch};

/// Nobody who sleeps here wakes up by itself, however long it wanted to sleep.
#[derive(Default)]
pub struct HeldSleeper {
    asleep: watch::Sender<usize>,
    wake: Notify,
    asked: Mutex<Vec<Duration>>,
}

impl HeldSleeper {
    /// Comes back when somebody sleeps.
    pub async fn until_somebody_sleeps(&self) {
        // The other end lives as long as we do.
        let _ = self.asleep.subscribe().wait_for(|asleep| *asleep > 0).await;
    }

    /// Wakes one who sleeps, or the next one who would.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// For how long everybody so far wanted to sleep, the oldest first.
    #[must_use]
    pub fn asked(&self) -> Vec<Duration> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Somebody who sleeps, until dropped.
struct Asleep<'a>(&'a watch::Sender<usize>);

impl<'a> Asleep<'a> {
    fn new(asleep: &'a watch::Sender<usize>) -> Self {
        asleep.send_modify(|asleep| *asleep += 1);
        Self(asleep)
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|asleep| *asleep -= 1);
    }
}

#[async_trait]
impl Sleeper for HeldSleeper {
    async fn sleep(&self, duration: Duration) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(duration);
        let _asleep = Asleep::new(&self.asleep);
        self.wake.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn who_sleeps_wakes_when_told_to_and_not_before() {
        let sleeper = HeldSleeper::default();
        assert!(sleeper.until_somebody_sleeps().now_or_never().is_none());
        let mut sleep = sleeper.sleep(Duration::from_secs(30));
        assert!((&mut sleep).now_or_never().is_none());
        sleeper.until_somebody_sleeps().await;
        sleeper.wake();
        sleep.await;
        assert!(sleeper.until_somebody_sleeps().now_or_never().is_none());
        assert_eq!(sleeper.asked(), [Duration::from_secs(30)]);
    }
}
