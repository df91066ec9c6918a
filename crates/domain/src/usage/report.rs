//! What reports ask of the store. It is read, and nothing is decided by it.
use async_trait::async_trait;

use super::{BucketUsage, Call, CallFilter, GroupBy, GroupPerformance, GroupUsage, QuotaPeriod};
use crate::{
    ids::WorkspaceId,
    page::{Page, PageRequest},
    store::StoreError,
};

/// Calls within the scope of the work, listed and added up.
#[async_trait]
pub trait CallReports: Send {
    /// Calls of `workspace`, newest first. A cursor is a place in time, so with another filter it
    /// leads to what that filter finds from there on.
    async fn list(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        page: PageRequest,
    ) -> Result<Page<Call>, StoreError>;

    /// How many calls of `workspace` there are. Counting stops at `most`.
    async fn count(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        most: u32,
    ) -> Result<u64, StoreError>;

    /// What `workspace` used, group by group, what was charged the most first, and equals in the
    /// order of their groups. There are `most` at most; which of more is not said.
    async fn totals(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        by: GroupBy,
        most: u32,
    ) -> Result<Vec<GroupUsage>, StoreError>;

    /// What `workspace` used in each of these parts, which follow one another without a gap, by
    /// group if asked, where there was anything. In any order; there are `most` at most, and which of more is not said.
    async fn series(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        parts: &[QuotaPeriod],
        by: Option<GroupBy>,
        most: u32,
    ) -> Result<Vec<BucketUsage>, StoreError>;

    /// How the calls of `workspace` were answered, group by group, in the order of the groups.
    /// There are `most` at most; which of more is not said.
    async fn performance(
        &mut self,
        workspace: WorkspaceId,
        filter: &CallFilter,
        by: GroupBy,
        most: u32,
    ) -> Result<Vec<GroupPerformance>, StoreError>;
}
