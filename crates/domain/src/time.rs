//! Time as a value and as a port.
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound as _, Utc};

/// An instant. Rules receive it; they never ask for it.
pub type Timestamp = DateTime<Utc>;

/// Where services learn what time it is.
pub trait Clock: Send + Sync {
    /// The instant as the source tells it. Adapters implement this; everybody else asks [`now`].
    ///
    /// [`now`]: Self::now
    fn read(&self) -> Timestamp;

    /// The current instant, in whole microseconds: the finest that every database gives back.
    fn now(&self) -> Timestamp {
        self.read().trunc_subsecs(6)
    }
}

/// Where waiting is done, so that a test need not.
#[async_trait]
pub trait Sleeper: Send + Sync {
    /// Comes back after so long.
    async fn sleep(&self, duration: Duration);
}
