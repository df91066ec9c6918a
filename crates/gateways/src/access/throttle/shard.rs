//! The tallies behind one lock.
use std::collections::HashMap;

use cape_domain::{access::Tally, time::Timestamp};

use super::Key;

/// What failed, and when the failure before the last one was, so that one can be taken back.
#[derive(Clone, Copy, Debug)]
struct Entry {
    tally: Tally,
    before: Timestamp,
}

/// Some tallies.
pub(super) struct Shard {
    entries: HashMap<Key, Entry>,
    capacity: usize,
}

impl Shard {
    pub fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), capacity }
    }

    /// The tally, if it still matters.
    ///
    /// Clocks differ a little, and are put back. A failure of a time that has not come is one of
    /// now: nobody waits longer than the rule says, by any clock.
    pub fn look(&mut self, key: &Key, now: Timestamp) -> Option<Tally> {
        let entry = self.entries.get_mut(key).filter(|entry| !entry.tally.is_over(now))?;
        entry.tally.last_at = entry.tally.last_at.min(now);
        Some(entry.tally)
    }

    /// Counts a failure.
    pub fn count(&mut self, key: &Key, now: Timestamp) {
        let before = self.look(key, now);
        if before.is_none() {
            self.make_room(key, now);
        }
        let tally = Tally::failed(before, now);
        let before = before.map_or(now, |tally| tally.last_at);
        self.entries.insert(key.clone(), Entry { tally, before });
    }

    /// Takes one failure back, as if it had not been.
    pub fn take_back(&mut self, key: &Key, now: Timestamp) {
        if self.look(key, now).is_none_or(|tally| tally.failures <= 1) {
            self.forget(key);
        } else if let Some(entry) = self.entries.get_mut(key) {
            entry.tally.failures -= 1;
            entry.tally.last_at = entry.before.min(now);
        }
    }

    /// Forgets what failed.
    pub fn forget(&mut self, key: &Key) {
        self.entries.remove(key);
    }

    /// Makes sure that one more fits in: without those that are over, or else without the one
    /// that failed longest ago.
    fn make_room(&mut self, key: &Key, now: Timestamp) {
        if self.entries.len() < self.capacity || self.entries.contains_key(key) {
            return;
        }
        let age = |entry: &Entry| (entry.tally.last_at, entry.tally.failures);
        let oldest = self.entries.iter().min_by_key(|(_, entry)| age(entry));
        let Some((key, entry)) = oldest.map(|(key, entry)| (key.clone(), *entry)) else { return };
        if entry.tally.is_over(now) {
            self.entries.retain(|_, entry| !entry.tally.is_over(now));
        } else {
            self.entries.remove(&key);
        }
    }

    /// How many tallies there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}
