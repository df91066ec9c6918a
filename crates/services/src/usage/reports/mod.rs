//! What was used and what it cost.
mod export;
mod records;
mod standing;

use std::sync::Arc;

use cape_domain::{
    access::{Permit, ViewUsage},
    billing::OutOfRange,
    ids::CallId,
    store::{BoxError, StoreError},
    usage::{
        Bucket, CallFilter, GroupBy, GroupPerformance, GroupUsage, InvalidPeriod, Limiter,
        LimiterError, QuotaPeriod, SeriesPoint, TooManyBuckets, UsageSeries, UsageSummary,
    },
};

pub use self::{
    export::{CallExport, MOST_EXPORTED},
    standing::LimitStandings,
};
use super::{Entitlements, LimitBook, LiveBook};
use crate::Base;

/// The most groups of a summary, and of all parts of a series together.
pub const MOST_GROUPS: u32 = 10_000;

/// Shows what was used.
pub struct UsageReports {
    base: Base,
    entitlements: Arc<Entitlements>,
    book: Arc<LiveBook>,
    limiter: Arc<dyn Limiter>,
    limits: Arc<LimitBook>,
    limits_hold: bool,
}

/// How calls were answered over a period.
#[derive(Clone, Debug)]
pub struct Performance {
    /// The period, by the moment of admission.
    pub period: QuotaPeriod,
    /// What the groups are made by.
    pub by: GroupBy,
    /// Each group, in their order.
    pub groups: Vec<GroupPerformance>,
}

/// Why nothing could be shown.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No such call in the actor's workspace.
    #[error("call {0} does not exist")]
    NotFound(CallId),
    /// No report is made of the period.
    #[error(transparent)]
    Period(#[from] InvalidPeriod),
    /// The series would be too long.
    #[error(transparent)]
    TooManyBuckets(#[from] TooManyBuckets),
    /// There are too many groups.
    #[error(
        "a report has {MOST_GROUPS} groups at most: ask for a shorter period, longer buckets, fewer groups or less of them"
    )]
    TooManyGroups,
    /// There are too many calls to export.
    #[error(
        "an export has {MOST_EXPORTED} calls at most: ask for a shorter period, or for less of it"
    )]
    TooManyCalls,
    /// The limiter cannot tell.
    #[error(transparent)]
    Limiter(#[from] LimiterError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UsageReports {
    /// Reports over this base. `limits_hold` says whether they do, or are lifted.
    #[must_use]
    pub fn new(
        base: Base,
        entitlements: Arc<Entitlements>,
        book: Arc<LiveBook>,
        limiter: Arc<dyn Limiter>,
        limits: Arc<LimitBook>,
        limits_hold: bool,
    ) -> Arc<Self> {
        Arc::new(Self { base, entitlements, book, limiter, limits, limits_hold })
    }

    /// What the actor's workspace used, group by group: this month, unless the filter names a
    /// period.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub async fn summary(
        &self,
        permit: Permit<ViewUsage>,
        filter: CallFilter,
        by: GroupBy,
    ) -> Result<UsageSummary, ReportError> {
        let period = filter.period(self.base.now())?;
        let filter = filter.over(period);
        let workspace = permit.actor().workspace;
        let mut work = self.base.store.look(permit.scope()).await?;
        let groups = work.reports().totals(workspace, &filter, by, MOST_GROUPS + 1).await?;
        refuse_beyond(groups.len())?;
        let total = GroupUsage::total(&groups).map_err(corrupt)?;
        Ok(UsageSummary { period, by, total, groups })
    }

    /// What the actor's workspace used part by part, in groups if asked: this month, unless the
    /// filter names a period.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub async fn series(
        &self,
        permit: Permit<ViewUsage>,
        filter: CallFilter,
        bucket: Bucket,
        by: Option<GroupBy>,
    ) -> Result<UsageSeries, ReportError> {
        let period = filter.period(self.base.now())?;
        let parts = bucket.cut(period)?;
        let filter = filter.over(period);
        let workspace = permit.actor().workspace;
        let mut work = self.base.store.look(permit.scope()).await?;
        let most = MOST_GROUPS + 1;
        let used = work.reports().series(workspace, &filter, &parts, by, most).await?;
        refuse_beyond(used.len())?;
        let points = SeriesPoint::assemble(parts, used).map_err(corrupt)?;
        Ok(UsageSeries { bucket, by, period, points })
    }

    /// How the calls of the actor's workspace were answered, group by group: this month, unless
    /// the filter names a period.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub async fn performance(
        &self,
        permit: Permit<ViewUsage>,
        filter: CallFilter,
        by: GroupBy,
    ) -> Result<Performance, ReportError> {
        let period = filter.period(self.base.now())?;
        let filter = filter.over(period);
        let workspace = permit.actor().workspace;
        // Several questions, which have to be about the same calls.
        let mut work = self.base.store.read(permit.scope()).await?;
        let groups = work.reports().performance(workspace, &filter, by, MOST_GROUPS + 1).await?;
        refuse_beyond(groups.len())?;
        Ok(Performance { period, by, groups })
    }
}

fn refuse_beyond(groups: usize) -> Result<(), ReportError> {
    if groups > MOST_GROUPS as usize { Err(ReportError::TooManyGroups) } else { Ok(()) }
}

fn corrupt(source: OutOfRange) -> StoreError {
    let source: BoxError = source.into();
    StoreError::Corrupt { what: "call", source }
}
