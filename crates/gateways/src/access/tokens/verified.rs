//! Which tokens were verified, so that a signature is not computed again for each request.
//!
//! Only what can never change is remembered: that this very token bears our signature, and what it
//! says. Whether its time has come, whether its key is still accepted and whether its session was
//! ended are *not* remembered: that is asked for each time. Refused tokens are not here either.
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use cape_domain::{access::AccessClaims, time::Timestamp};
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

/// Locks that callers are spread over.
const SHARDS: u8 = 64;
/// The most tokens behind one lock, of about 250 bytes: 4 MiB in all.
const TOKENS_PER_SHARD: usize = 256;
/// How often a shard gives back the room of tokens whose time is over.
const SWEEP: TimeDelta = TimeDelta::minutes(1);

/// The whole token's SHA-256: nobody finds another text with the same one, and the token itself is
/// not kept.
type Fingerprint = [u8; 32];

/// What a token was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verified {
    /// When its key signs.
    pub period: i64,
    /// What it says.
    pub claims: AccessClaims,
}

/// The tokens that were verified last.
pub(super) struct VerifiedTokens {
    shards: Vec<Mutex<Shard>>,
    capacity: usize,
}

impl VerifiedTokens {
    /// None yet.
    pub fn new() -> Self {
        Self::with_room(SHARDS, TOKENS_PER_SHARD)
    }

    /// None yet, and room for `capacity` behind each of at least one lock.
    fn with_room(shards: u8, capacity: usize) -> Self {
        Self { shards: (0..shards.max(1)).map(|_| Mutex::default()).collect(), capacity }
    }

    /// What a token was found to be, if it is remembered. It need not be good any more.
    pub fn find(&self, token: &str) -> Option<Verified> {
        let fingerprint = fingerprint(token);
        self.shard(&fingerprint).tokens.get(&fingerprint).cloned()
    }

    /// Remembers a token that is good now, at the cost of another if there is no room.
    pub fn remember(&self, token: &str, verified: Verified, now: Timestamp) {
        let fingerprint = fingerprint(token);
        self.shard(&fingerprint).insert(fingerprint, verified, now, self.capacity);
    }

    fn shard(&self, fingerprint: &Fingerprint) -> MutexGuard<'_, Shard> {
        let shard = &self.shards[usize::from(fingerprint[0]) % self.shards.len()];
        // A map is sound after every step, even of somebody who panicked.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are remembered.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().expect("no test failed").tokens.len()).sum()
    }
}

fn fingerprint(token: &str) -> Fingerprint {
    Sha256::digest(token).into()
}

#[derive(Default)]
struct Shard {
    tokens: HashMap<Fingerprint, Verified>,
    swept: Timestamp,
}

impl Shard {
    fn insert(
        &mut self,
        fingerprint: Fingerprint,
        verified: Verified,
        now: Timestamp,
        capacity: usize,
    ) {
        let full = self.tokens.len() >= capacity;
        if full || now - self.swept >= SWEEP {
            self.tokens.retain(|_, verified| now < verified.claims.expires_at);
            self.swept = now;
        }
        if self.tokens.len() >= capacity {
            let oldest = self.tokens.iter().min_by_key(|(_, verified)| verified.claims.expires_at);
            if let Some(oldest) = oldest.map(|(fingerprint, _)| *fingerprint) {
                self.tokens.remove(&oldest);
            }
        }
        self.tokens.insert(fingerprint, verified);
    }
}

#[cfg(test)]
mod tests {
    use cape_domain::{
        access::{Role, TokenId},
        ids::{SessionId, UserId, WorkspaceId},
    };
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(1_900_000_000 + seconds, 0).expect("a time")
    }

    fn made(at: Timestamp) -> Verified {
        let session = SessionId::new(Uuid::from_u128(2));
        let claims = AccessClaims {
            user: UserId::new(Uuid::from_u128(1)),
            session,
            epoch: 3,
            workspace: WorkspaceId::new(Uuid::from_u128(4)),
            role: Role::Member,
            operator: false,
            authenticated_at: at,
            issued_at: at,
            expires_at: at + AccessClaims::LIFE,
            id: TokenId { session, generation: 5 },
        };
        Verified { period: 733, claims }
    }

    #[test]
    fn only_the_very_token_is_found() {
        let tokens = VerifiedTokens::new();
        tokens.remember("a.b.c", made(at(0)), at(0));
        assert_eq!(tokens.find("a.b.c"), Some(made(at(0))));
        for other in ["a.b.C", "a.b.", "a.b", "a.b.cc", " a.b.c", ""] {
            assert_eq!(tokens.find(other), None, "{other:?}");
        }
    }

    #[test]
    fn where_there_is_no_room_the_oldest_makes_it() {
        let tokens = VerifiedTokens::with_room(1, 3);
        for second in [1, 0, 2, 3, 4] {
            tokens.remember(&second.to_string(), made(at(second)), at(4));
            assert!(tokens.count() <= 3);
        }
        let kept = (0..5).filter(|second| tokens.find(&second.to_string()).is_some());
        assert_eq!(kept.collect::<Vec<_>>(), [2, 3, 4]);
    }

    #[test]
    fn there_are_never_more_than_there_is_room_for() {
        let tokens = VerifiedTokens::new();
        for number in 0..20_000 {
            tokens.remember(&number.to_string(), made(at(0)), at(0));
        }
        assert!(tokens.count() <= usize::from(SHARDS) * TOKENS_PER_SHARD);
        assert!(tokens.find("19999").is_some());
    }

    #[test]
    fn those_whose_time_is_over_are_forgotten_within_a_minute_of_use() {
        let tokens = VerifiedTokens::with_room(1, 100);
        for number in 0..50 {
            tokens.remember(&number.to_string(), made(at(0)), at(0));
        }
        tokens.remember("just before", made(at(840)), at(899));
        assert_eq!(tokens.count(), 51);
        tokens.remember("after", made(at(958)), at(959));
        assert_eq!(tokens.count(), 2);
    }
}
