//! What was measured, and what is concluded from it.
use std::time::Duration;

use crate::{commits::CommitRates, latency::Latencies, load::Until, verifications::Verifications};

/// Everything that a run found out.
pub struct Figures {
    /// What a call costs beyond calling the provider directly.
    pub added: Vec<Added>,
    /// How many calls are carried, by how many callers there are at once.
    pub sustained: Vec<Sustained>,
    /// How many of one workspace alone, whose balance every call has to move.
    pub one_workspace: Sustained,
    /// How many streams are carried to their ends.
    pub streamed: Sustained,
    /// How many commits the same database makes in the same place.
    pub commits: CommitRates,
    /// How many answers a second the others give, as fast as they are answered.
    pub others: Vec<Other>,
    /// Many streams at once.
    pub streams: Streams,
    /// The platform's memory.
    pub memory: Memory,
    /// How soon it is ready.
    pub starts: Starts,
}

/// How many answers a second are given where the platform is not asked.
pub struct Other {
    /// Who answers, and what.
    pub what: &'static str,
    /// Answers a second.
    pub rate: f64,
}

/// What many streams take that are open at once.
pub struct Streams {
    /// The memory before, in KiB.
    pub before: u64,
    /// The memory while all are open, in KiB.
    pub open_together: u64,
    /// The most there was until all were over, in KiB.
    pub peak: u64,
    /// When the last had begun.
    pub begun_after: Duration,
    /// When the last was over.
    pub over_after: Duration,
}

/// Messages of payment providers.
pub struct WebhookFigures {
    /// How many there were.
    pub messages: usize,
    /// Until the last was taken in.
    pub taken_in: Duration,
    /// Until the last was acted on.
    pub acted_on: Duration,
    /// How many commits the same database makes in the same place.
    pub commits: CommitRates,
}

/// What knowing people costs.
pub struct AccountFigures {
    /// Access tokens that one thread verifies a second.
    pub verifications: Verifications,
    /// Profiles a second, and those of the bare route.
    pub profiles: Compared,
    /// Logins a second, and passwords that are compared with their hashes.
    pub logins: Compared,
}

/// Rates of two sides.
pub struct Compared {
    /// The platform's.
    pub ours: f64,
    /// The least that it could take, at the same place.
    pub bare: f64,
}

impl Compared {
    /// How much of the bare rate is reached.
    pub fn ratio(&self) -> f64 {
        self.ours / self.bare
    }
}

/// Latencies of the three sides, at the same rate.
pub struct Added {
    /// Requests a second.
    pub rate: u32,
    /// Up to where they are measured.
    pub until: Until,
    /// Of the provider, called directly.
    pub direct: Latencies,
    /// Of the same provider, called through a plain proxy.
    pub proxied: Latencies,
    /// Of the same provider, called through the platform.
    pub through: Latencies,
}

impl Added {
    /// What a side adds to the latency that so many percent do not exceed.
    pub fn at(&self, side: &Latencies, percent: usize) -> Duration {
        side.percentile(percent).saturating_sub(self.direct.percentile(percent))
    }
}

/// What callers met who asked as fast as they were answered.
pub struct Sustained {
    /// How many there were.
    pub callers: usize,
    /// Calls a second.
    pub rate: f64,
    /// How long each took.
    pub latencies: Latencies,
    /// What the platform used of the processor for one call.
    pub cpu_per_call: Duration,
}

/// Memory in RAM, in KiB.
pub struct Memory {
    /// After the start, before the first request.
    pub fresh: u64,
    /// The most there was, with all the load over.
    pub loaded: u64,
    /// A while after the load.
    pub rested: u64,
}

/// From the start of the process until it answers that it is ready.
pub struct Starts {
    /// On a database that did not exist.
    pub first: Duration,
    /// On one that is full of the load's records.
    pub again: Latencies,
}

impl Figures {
    /// The highest rate of calls.
    pub fn highest(&self) -> Option<&Sustained> {
        self.sustained.iter().max_by(|one, other| one.rate.total_cmp(&other.rate))
    }
}
