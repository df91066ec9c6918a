//! All calls that a filter admits, page by page.
use cape_domain::{
    access::{Permit, ViewUsage},
    ids::WorkspaceId,
    page::{Cursor, PageRequest},
    store::Scope,
    usage::{Call, CallFilter},
};

use super::{ReportError, UsageReports};
use crate::Base;

/// The most calls of an export.
pub const MOST_EXPORTED: u32 = 100_000;

/// Calls, newest first, a page at a time. Between pages nothing is kept open, so whoever reads
/// slowly holds nobody up. Calls that are made meanwhile are not among them.
pub struct CallExport {
    base: Base,
    scope: Scope,
    workspace: WorkspaceId,
    filter: CallFilter,
    place: Place,
}

/// Where an export is.
#[derive(Clone, Copy)]
enum Place {
    Beginning,
    After(Cursor),
    End,
}

impl UsageReports {
    /// All calls of the actor's workspace that a filter admits, if they are not too many: an
    /// export is never silently cut off.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub async fn export(
        &self,
        permit: Permit<ViewUsage>,
        filter: CallFilter,
    ) -> Result<CallExport, ReportError> {
        filter.check()?;
        let (scope, workspace) = (permit.scope(), permit.actor().workspace);
        let mut work = self.base.store.look(scope).await?;
        let found = work.reports().count(workspace, &filter, MOST_EXPORTED + 1).await?;
        if found > u64::from(MOST_EXPORTED) {
            return Err(ReportError::TooManyCalls);
        }
        Ok(CallExport {
            base: self.base.clone(),
            scope,
            workspace,
            filter,
            place: Place::Beginning,
        })
    }
}

impl CallExport {
    /// The next calls; nothing after the last ones.
    ///
    /// # Errors
    ///
    /// See [`ReportError`]. There is nothing more after it.
    pub async fn next(&mut self) -> Result<Option<Vec<Call>>, ReportError> {
        let after = match std::mem::replace(&mut self.place, Place::End) {
            Place::Beginning => None,
            Place::After(cursor) => Some(cursor),
            Place::End => return Ok(None),
        };
        let page = PageRequest::longest(after);
        let mut work = self.base.store.look(self.scope).await?;
        let page = work.reports().list(self.workspace, &self.filter, page).await?;
        if let Some(next) = page.next {
            self.place = Place::After(next);
        }
        Ok(Some(page.rows))
    }
}
