//! What was used over the last window, in sixtieths of it.
//!
//! Whose it is and how much it may be is *not* known here.
use cape_domain::usage::Window;

/// A window has sixty buckets; the one that it begins in counts too, as a whole. So nothing that
/// is within the window is ever left out, and something is kept for a sixtieth too long at most.
pub(super) const COUNTED: i64 = 61;
const SLOTS: usize = 61;

/// The length of a bucket, in microseconds: sixty are no shorter than the window.
pub(super) fn bucket_length(window: Window) -> i64 {
    i64::try_from(window.length().as_micros().div_ceil(60)).unwrap_or(i64::MAX)
}

/// Amounts in the last buckets. Buckets are numbered from the beginning of time.
#[derive(Clone)]
pub(super) struct Counter {
    newest: i64,
    /// The sum of all amounts.
    used: u128,
    amounts: [u64; SLOTS],
}

impl Counter {
    /// Nothing was used up to this bucket.
    pub const fn new(newest: i64) -> Self {
        Self { newest, used: 0, amounts: [0; SLOTS] }
    }

    /// Moves on to a bucket, and forgets what is no longer counted. Never moves back.
    pub fn advance(&mut self, bucket: i64) {
        if bucket >= self.newest.saturating_add(COUNTED) {
            *self = Self::new(bucket);
        }
        while self.newest < bucket {
            self.newest += 1;
            self.set(self.newest, 0);
        }
    }

    /// What is used.
    pub const fn used(&self) -> u128 {
        self.used
    }

    /// Adds to what was used in a bucket, unless that is forgotten.
    pub fn add(&mut self, bucket: i64, amount: u64) {
        if self.counts(bucket) {
            self.set(bucket, self.amounts[slot(bucket)].saturating_add(amount));
        }
    }

    /// Takes from what was used in a bucket, unless that is forgotten. Never below zero.
    pub fn take(&mut self, bucket: i64, amount: u64) {
        if self.counts(bucket) {
            self.set(bucket, self.amounts[slot(bucket)].saturating_sub(amount));
        }
    }

    /// The first bucket in which nothing of it is counted, whatever was used.
    pub const fn idle_from(&self) -> i64 {
        self.newest.saturating_add(COUNTED)
    }

    /// The first bucket in which all that is used now is forgotten. None, if nothing is used.
    pub fn forgotten_from(&self) -> Option<i64> {
        (self.newest - COUNTED + 1..=self.newest)
            .rev()
            .find(|bucket| self.amounts[slot(*bucket)] > 0)
            .map(|bucket| bucket + COUNTED)
    }

    /// The first bucket in which no more than `most` of what is used now is still counted.
    pub fn room_from(&self, most: u128) -> i64 {
        let mut used = self.used;
        for bucket in self.newest - COUNTED + 1..=self.newest {
            if used <= most {
                return bucket - 1 + COUNTED;
            }
            used -= u128::from(self.amounts[slot(bucket)]);
        }
        self.idle_from()
    }

    const fn counts(&self, bucket: i64) -> bool {
        bucket <= self.newest && bucket > self.newest - COUNTED
    }

    fn set(&mut self, bucket: i64, amount: u64) {
        let before = std::mem::replace(&mut self.amounts[slot(bucket)], amount);
        self.used = self.used - u128::from(before) + u128::from(amount);
    }
}

fn slot(bucket: i64) -> usize {
    usize::try_from(bucket.rem_euclid(COUNTED)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_counted_in_its_bucket_and_the_sixty_after_it() {
        for start in [-1_000, -1, 0, 7, 1_000_000] {
            let mut counter = Counter::new(start);
            counter.add(start, 5);
            counter.add(start, 2);
            counter.advance(start + 60);
            assert_eq!((counter.used(), counter.forgotten_from()), (7, Some(start + 61)));
            counter.advance(start + 10);
            assert_eq!(counter.used(), 7, "time does not move back");
            counter.advance(start + 61);
            assert_eq!((counter.used(), counter.forgotten_from()), (0, None));
        }
    }

    #[test]
    fn a_long_pause_forgets_everything_in_one_step() {
        let mut counter = Counter::new(0);
        (0..61).for_each(|bucket| {
            counter.advance(bucket);
            counter.add(bucket, 1);
        });
        assert_eq!(counter.used(), 61);
        counter.advance(i64::MAX / 2);
        assert_eq!(counter.used(), 0);
    }

    #[test]
    fn room_comes_when_the_oldest_amounts_are_forgotten() {
        let mut counter = Counter::new(10);
        counter.add(10, 3);
        counter.advance(20);
        counter.add(20, 4);
        for (most, expected) in [(7, 20), (6, 71), (4, 71), (3, 81), (0, 81)] {
            let room = counter.room_from(most);
            assert_eq!(room.max(20), expected, "room for {most}");
        }
    }

    #[test]
    fn what_is_forgotten_is_not_corrected_and_nothing_goes_below_zero() {
        let mut counter = Counter::new(100);
        counter.add(40, 9);
        counter.add(39, 1_000);
        counter.add(101, 1_000);
        assert_eq!(counter.used(), 9);
        counter.take(40, 4);
        counter.take(39, 4);
        assert_eq!(counter.used(), 5);
        counter.take(40, u64::MAX);
        assert_eq!(counter.used(), 0);
        counter.add(100, u64::MAX);
        counter.add(100, u64::MAX);
        assert_eq!(counter.used(), u128::from(u64::MAX));
    }
}
