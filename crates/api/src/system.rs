//! The machine's own time and identifiers. Nobody else asks for them: this is the one place.
use std::time::Duration;

use async_trait::async_trait;
use cape_domain::{
    ids::IdSource,
    time::{Clock, Sleeper, Timestamp},
};
use chrono::Utc;
use uuid::Uuid;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that everybody else asks")]
    fn read(&self) -> Timestamp {
        Utc::now()
    }
}

/// UUIDs, version 7: each is greater than those that this process made before.
#[derive(Clone, Copy, Debug, Default)]
pub struct UuidV7;

impl IdSource for UuidV7 {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that everybody else asks")]
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Waits by the runtime's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioSleeper;

#[async_trait]
impl Sleeper for TokioSleeper {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use cape_domain::time::Clock as _;

    use super::*;

    #[test]
    fn time_is_told_in_whole_microseconds_and_passes() {
        let first = SystemClock.now();
        assert_eq!(first.timestamp_subsec_nanos() % 1_000, 0);
        assert!(SystemClock.now() >= first);
    }

    #[test]
    fn ids_of_one_process_grow() {
        let ids: Vec<Uuid> = (0..1_000).map(|_| UuidV7.uuid()).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }

    #[tokio::test]
    async fn sleeping_takes_as_long_as_asked() {
        let begun = Instant::now();
        TokioSleeper.sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }
}
