//! Identifiers that are the same in every run.
use std::sync::atomic::{AtomicU64, Ordering};

use cape_domain::ids::IdSource;
use uuid::{Builder, Uuid};

/// The first day of 2030, in milliseconds.
const START: u64 = 1_893_456_000_000;

/// Gives out UUIDs, version 7, one after the other: each sorts after all before it.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl IdSource for CountingIds {
    fn uuid(&self) -> Uuid {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Builder::from_unix_timestamp_millis(START + number, &[0; 10]).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_version_seven_and_each_sorts_after_all_before_it() {
        let (first, second) = (CountingIds::default(), CountingIds::default());
        let ids: Vec<_> = (0..1_000).map(|_| first.uuid()).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert!(ids.is_sorted_by(|one, next| one < next));
        assert_eq!(second.uuid(), ids[0]);
    }
}
