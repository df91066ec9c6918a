//! What doing things once needs from the outside.
use async_trait::async_trait;

use super::{Entry, KeyDigest, Requester};
use crate::{audit::Sealed, ids::ReservationId, store::StoreError, time::Timestamp};

/// Requests that carried a key, within the scope of the work, to look at.
#[async_trait]
pub trait IdempotencyReads: Send {
    /// What is known of the request that `requester` calls by this key. Whether it has expired is
    /// not looked at.
    async fn find(
        &mut self,
        requester: &Requester,
        key: KeyDigest,
    ) -> Result<Option<Entry>, StoreError>;
}

/// Requests that carried a key, within the scope of the work, to change.
///
/// Whoever says how an attempt went names it by its number. If it is not the last one any more,
/// nothing is changed, and that is said.
#[async_trait]
pub trait IdempotencyRepository: IdempotencyReads {
    /// Stores a first attempt, unless its requester has used this key. Says whether it did: of
    /// many at the same time, one does.
    async fn reserve(&mut self, entry: &Entry) -> Result<bool, StoreError>;

    /// Stores the next attempt, if the one before is the last that is known, was not answered,
    /// and has no lease any more when this one begins. Says whether it did: of many at the same
    /// time, one does.
    async fn resume(&mut self, entry: &Entry) -> Result<bool, StoreError>;

    /// Moves the end of the lease of an attempt that was not answered. Says whether it did.
    async fn renew(
        &mut self,
        id: ReservationId,
        attempt: u32,
        until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Stores the answer of an attempt that has none, until it expires. Says whether it did.
    async fn answer(
        &mut self,
        id: ReservationId,
        attempt: u32,
        answer: &Sealed,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Forgets a request, answered or not, if this was its last attempt. Says whether it did.
    async fn forget(&mut self, id: ReservationId, attempt: u32) -> Result<bool, StoreError>;

    /// Forgets requests that had expired at `now`, so many at most, the oldest first. Says how
    /// many there were.
    async fn prune(&mut self, now: Timestamp, most: u32) -> Result<u64, StoreError>;
}
