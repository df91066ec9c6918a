//! What is known of a request that carried a key.
use std::time::Duration;

use chrono::TimeDelta;

use super::{Fingerprint, KeyDigest, Requester};
use crate::{audit::Sealed, ids::ReservationId, time::Timestamp};

/// A request that carried a key, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its identity. What the request makes takes it over as its own, where that has to be made
    /// once even if the process dies in the middle: every attempt has the same.
    pub id: ReservationId,
    /// Who asked.
    pub requester: Requester,
    /// Under which key.
    pub key: KeyDigest,
    /// For what.
    pub fingerprint: Fingerprint,
    /// Which attempt it is, from 1. Only the last one may say how it ended.
    pub attempt: u32,
    /// When the attempt began.
    pub begun_at: Timestamp,
    /// From when on the key is free again.
    pub expires_at: Timestamp,
    /// How far it is.
    pub state: EntryState,
}

/// How far a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// Somebody is at it, or was until its process died.
    Reserved {
        /// Until when nobody else may try. It is renewed while somebody is at it.
        until: Timestamp,
    },
    /// It was answered.
    Answered {
        /// The answer, as a sealed text: see [`Answer`](super::Answer).
        answer: Sealed,
    },
}

/// What becomes of a request whose key is known already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The key is free again: the request is a new one.
    Anew,
    /// The attempt before was given up: the request is tried again, as the next attempt.
    Resume,
    /// It has been answered.
    Replay(Sealed),
    /// Somebody is at it.
    InFlight {
        /// When asking again may be worth it.
        retry_after: Duration,
    },
    /// The key belongs to another request.
    Reused,
}

impl Entry {
    /// For how long an answer is kept, and a key belongs to its request.
    pub const KEPT: TimeDelta = TimeDelta::hours(24);

    /// For how long a reservation holds that nobody renews. A process that was silent for so long
    /// is taken for dead.
    pub const LEASE: TimeDelta = TimeDelta::seconds(30);

    /// How often a reservation is renewed.
    pub const RENEWAL: Duration = Duration::from_secs(10);

    const SHORTEST_WAIT: TimeDelta = TimeDelta::seconds(1);

    /// A key that was never seen, or is free again.
    #[must_use]
    pub fn reserve(
        id: ReservationId,
        requester: Requester,
        key: KeyDigest,
        fingerprint: Fingerprint,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            requester,
            key,
            fingerprint,
            attempt: 1,
            begun_at: now,
            expires_at: now + Self::KEPT,
            state: EntryState::Reserved { until: now + Self::LEASE },
        }
    }

    /// What becomes of a request that comes under the same key. Another request is told so even
    /// while the first one runs: it would be told nothing else later.
    #[must_use]
    pub fn verdict(&self, fingerprint: Fingerprint, now: Timestamp) -> Verdict {
        let running = match self.state {
            EntryState::Reserved { until } => now < until,
            EntryState::Answered { .. } => false,
        };
        if now >= self.expires_at && !running {
            return Verdict::Anew;
        }
        if fingerprint != self.fingerprint {
            return Verdict::Reused;
        }
        match &self.state {
            EntryState::Answered { answer } => Verdict::Replay(answer.clone()),
            EntryState::Reserved { .. } if running => {
                Verdict::InFlight { retry_after: self.retry_after(now) }
            }
            EntryState::Reserved { .. } => Verdict::Resume,
        }
    }

    /// The next attempt at a request whose last one was given up.
    #[must_use]
    pub fn resume(self, now: Timestamp) -> Self {
        let state = EntryState::Reserved { until: now + Self::LEASE };
        let attempt = self.attempt.saturating_add(1);
        Self { attempt, begun_at: now, expires_at: now + Self::KEPT, state, ..self }
    }

    /// As long as it has run already: whoever asks again and again asks ever more rarely.
    fn retry_after(&self, now: Timestamp) -> Duration {
        let ran = (now - self.begun_at).clamp(Self::SHORTEST_WAIT, Self::LEASE);
        Duration::from_secs(ran.num_seconds().unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        idempotency::RequesterId,
        ids::{UserId, WorkspaceId},
    };

    const SAME: Fingerprint = Fingerprint([1; 32]);
    const OTHER: Fingerprint = Fingerprint([2; 32]);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn reserved() -> Entry {
        let user = UserId::new(Uuid::from_u128(1));
        let workspace = WorkspaceId::new(Uuid::from_u128(2));
        let requester = Requester { workspace, id: RequesterId::User(user), person: user };
        let id = ReservationId::new(Uuid::from_u128(3));
        Entry::reserve(id, requester, KeyDigest([0; 32]), SAME, at(0))
    }

    fn answered() -> Entry {
        Entry { state: EntryState::Answered { answer: sealed() }, ..reserved() }
    }

    fn sealed() -> Sealed {
        Sealed { person: UserId::new(Uuid::from_u128(1)), ciphertext: vec![7] }
    }

    const DAY: i64 = 24 * 60 * 60;

    #[test]
    fn every_state_has_a_verdict_on_every_request_at_every_time() {
        let in_flight = |seconds| Verdict::InFlight { retry_after: Duration::from_secs(seconds) };
        let replay = || Verdict::Replay(sealed());
        for (entry, now, same, other) in [
            (reserved(), 0, in_flight(1), Verdict::Reused),
            (reserved(), 2, in_flight(2), Verdict::Reused),
            (reserved(), 29, in_flight(29), Verdict::Reused),
            (reserved(), 30, Verdict::Resume, Verdict::Reused),
            (reserved(), DAY - 1, Verdict::Resume, Verdict::Reused),
            (reserved(), DAY, Verdict::Anew, Verdict::Anew),
            (answered(), 0, replay(), Verdict::Reused),
            (answered(), DAY - 1, replay(), Verdict::Reused),
            (answered(), DAY, Verdict::Anew, Verdict::Anew),
        ] {
            assert_eq!(entry.verdict(SAME, at(now)), same, "{:?} at {now}", entry.state);
            assert_eq!(entry.verdict(OTHER, at(now)), other, "{:?} at {now}", entry.state);
        }
    }

    #[test]
    fn who_is_at_it_is_waited_for_however_long_it_takes() {
        let state = EntryState::Reserved { until: at(2 * DAY) };
        let renewed = Entry { state, ..reserved() };
        let waiting = Verdict::InFlight { retry_after: Duration::from_secs(30) };
        for now in [100, DAY, 2 * DAY - 1] {
            assert_eq!(renewed.verdict(SAME, at(now)), waiting, "{now}");
            assert_eq!(renewed.verdict(OTHER, at(now)), Verdict::Reused, "{now}");
        }
        assert_eq!(renewed.verdict(SAME, at(2 * DAY)), Verdict::Anew);
    }

    #[test]
    fn the_next_attempt_has_the_same_identity_and_a_lease_of_its_own() {
        let first = reserved();
        let second = first.clone().resume(at(100));
        assert_eq!((second.id, second.fingerprint), (first.id, first.fingerprint));
        assert_eq!((first.attempt, second.attempt), (1, 2));
        assert_eq!(second.state, EntryState::Reserved { until: at(130) });
        assert_eq!((second.begun_at, second.expires_at), (at(100), at(100 + DAY)));
    }
}
