//! What all emulators share: the time, identities and the count of what was asked.
use chrono::{DateTime, Utc};

use crate::{ids::Ids, options::Clock, traffic::Traffic};

/// What all emulators share.
pub(crate) struct World {
    clock: Clock,
    /// `http://…`, without a slash at the end.
    pub(crate) base_url: String,
    /// Mints identities.
    pub(crate) ids: Ids,
    /// Counts requests and open streams.
    pub(crate) traffic: Traffic,
}

impl World {
    /// A world that nothing has happened in, reached under this base URL.
    pub(crate) fn new(clock: Clock, base_url: String) -> Self {
        Self { clock, base_url, ids: Ids::new(), traffic: Traffic::default() }
    }

    /// The current instant.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// The current instant in seconds since 1970, as the vendors write it.
    pub(crate) fn unix(&self) -> i64 {
        self.now().timestamp()
    }
}
