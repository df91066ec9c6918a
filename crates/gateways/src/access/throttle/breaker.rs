//! How many attempts fail everywhere together: what tells one who forgot a password from a list
//! of leaked ones that is being tried.
use cape_domain::time::Timestamp;

/// The seconds that are counted.
const COUNTED: i64 = 60;
const SLOTS: usize = 60;

/// Failures of the last minute, second by second.
pub(super) struct Breaker {
    most: u32,
    newest: i64,
    sum: u64,
    failures: [u32; SLOTS],
}

impl Breaker {
    /// One that opens at more than `most` failures.
    pub const fn new(most: u32) -> Self {
        Self { most, newest: 0, sum: 0, failures: [0; SLOTS] }
    }

    /// Whether there were too many.
    pub fn is_open(&mut self, now: Timestamp) -> bool {
        self.advance(now);
        self.sum > u64::from(self.most)
    }

    /// Counts a failure.
    pub fn count(&mut self, now: Timestamp) {
        self.advance(now);
        let newest = slot(self.newest);
        self.set(newest, self.failures[newest].saturating_add(1));
    }

    /// Takes the latest failure back.
    pub fn take_back(&mut self, now: Timestamp) {
        self.advance(now);
        let mut seconds = (self.newest - COUNTED + 1..=self.newest).rev().map(slot);
        if let Some(latest) = seconds.find(|slot| self.failures[*slot] > 0) {
            self.set(latest, self.failures[latest] - 1);
        }
    }

    /// Moves on to a second, and forgets what is a minute old. Where the clock was put back by
    /// more than that, all is forgotten: it would be counted for too long.
    fn advance(&mut self, now: Timestamp) {
        let second = now.timestamp();
        if (second - self.newest).abs() >= COUNTED {
            *self = Self { newest: second, ..Self::new(self.most) };
        }
        while self.newest < second {
            self.newest += 1;
            self.set(slot(self.newest), 0);
        }
    }

    fn set(&mut self, slot: usize, failures: u32) {
        let before = std::mem::replace(&mut self.failures[slot], failures);
        self.sum = self.sum - u64::from(before) + u64::from(failures);
    }
}

fn slot(second: i64) -> usize {
    usize::try_from(second.rem_euclid(COUNTED)).unwrap_or_default()
}
