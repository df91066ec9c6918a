//! Calls that a limit or a quota refused, counted for those who look after the workspace.
//!
//! A refused call counts nowhere else. They are counted minute by minute, so that somebody who asks
//! without end takes no more room than one who asks once.
use async_trait::async_trait;
use chrono::DurationRound as _;

use crate::{
    ids::{ApiKeyId, UserId, ViolationId, WorkspaceId},
    page::{Page, PageRequest},
    store::StoreError,
    time::Timestamp,
};

/// What one rule refused of one key in one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its identity.
    pub id: ViolationId,
    /// What was refused.
    pub refused: Refused,
    /// How many calls.
    pub calls: u64,
}

/// Whose calls are refused by what, and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refused {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Whose key it is.
    pub user: UserId,
    /// The key.
    pub key: ApiKeyId,
    /// The name of the rule.
    pub rule: String,
    /// Whose use it counts together.
    pub scope: &'static str,
    /// The first moment of the minute.
    pub minute: Timestamp,
}

/// The first moment of the minute that this moment lies in.
#[must_use]
pub fn minute_of(at: Timestamp) -> Timestamp {
    at.duration_trunc(chrono::TimeDelta::minutes(1)).unwrap_or(at)
}

/// Refused calls, to look at.
#[async_trait]
pub trait ViolationReads: Send {
    /// Those of a workspace, page by page: the newest minute first.
    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Violation>, StoreError>;
}

/// Refused calls, to write down.
#[async_trait]
pub trait ViolationRepository: ViolationReads {
    /// Counts them, with those that are there for the same: these keep their identity.
    async fn count(&mut self, violations: &[Violation]) -> Result<(), StoreError>;

    /// Forgets those of minutes before this. Says how many.
    async fn forget(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_begins_with_its_first_moment() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        for (moment, minute) in [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("2026-01-01T00:00:59.999999Z", "2026-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:00Z"),
        ] {
            assert_eq!(minute_of(at(moment)), at(minute));
        }
    }
}
