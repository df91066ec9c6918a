//! Reads, and units of work: what a use case writes, it writes together or not at all.
use async_trait::async_trait;

use crate::{
    access::{AccessReads, AccessRepositories},
    accounts::{AccountsReads, AccountsRepositories},
    audit::{AuditReads, AuditRepositories},
    billing::{BillingReads, BillingRepositories},
    idempotency::{IdempotencyReads, IdempotencyRepository},
    ids::WorkspaceId,
    jobs::{JobReads, JobRepository},
    processes::{ProcessReads, ProcessRepository},
    usage::{UsageReads, UsageRepositories},
};

/// Why the store could not do as asked. Backends translate their own errors into this.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the same thing first, or it exists already.
    #[error("conflicting change to {what}")]
    Conflict {
        /// What was being written.
        what: &'static str,
    },
    /// The database cannot be reached or gave up; trying again may help.
    #[error("the store is unavailable")]
    Unavailable(#[source] BoxError),
    /// A row breaks a domain rule; trying again will not help.
    #[error("{what} is malformed")]
    Corrupt {
        /// What was being read or written.
        what: &'static str,
        /// Which rule it breaks.
        #[source]
        source: BoxError,
    },
}

impl StoreError {
    /// Whether the same steps may succeed on what is stored now.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        match self {
            Self::Conflict { .. } => true,
            Self::Unavailable(_) | Self::Corrupt { .. } => false,
        }
    }
}

/// Any error, for the end of a chain.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Whose rows a piece of work sees and writes. Fixed when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of one tenant.
    Workspace(WorkspaceId),
    /// Everybody's: for signing in, jobs and operators, never for a customer's request.
    Platform,
}

/// A row belongs to a workspace that the work has no business with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is out of scope")]
pub struct OutOfScope(pub WorkspaceId);

impl Scope {
    /// Fails unless rows of `workspace` are within reach.
    ///
    /// # Errors
    ///
    /// [`OutOfScope`] names the workspace.
    pub fn admit(self, workspace: WorkspaceId) -> Result<(), OutOfScope> {
        match self {
            Self::Workspace(own) if own != workspace => Err(OutOfScope(workspace)),
            Self::Workspace(_) | Self::Platform => Ok(()),
        }
    }
}

/// What a committed unit of work survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, however sudden. For what can be done again.
    Process,
    /// A power cut. For money, and for every promise made to somebody outside.
    Power,
}

/// A look at what is committed, all of it at the same instant.
pub trait ReadWork:
    AccessReads + AccountsReads + AuditReads + BillingReads + UsageReads + Send
{
    /// Requests that carried an idempotency key.
    fn idempotency(&mut self) -> &mut dyn IdempotencyReads;

    /// Jobs.
    fn jobs(&mut self) -> &mut dyn JobReads;

    /// Running processes.
    fn processes(&mut self) -> &mut dyn ProcessReads;
}

/// One transaction. Dropping it without [`commit`](Self::commit) undoes everything.
#[async_trait]
#[must_use = "a unit of work that is not committed is rolled back"]
pub trait UnitOfWork:
    AccessRepositories
    + AccountsRepositories
    + AuditRepositories
    + BillingRepositories
    + UsageRepositories
    + Send
{
    /// Requests that carried an idempotency key.
    fn idempotency(&mut self) -> &mut dyn IdempotencyRepository;

    /// Jobs, which leave together with the change that made them necessary.
    fn jobs(&mut self) -> &mut dyn JobRepository;

    /// Running processes.
    fn processes(&mut self) -> &mut dyn ProcessRepository;

    /// Makes every change visible at once.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Opens reads and units of work.
#[async_trait]
pub trait Store: Send + Sync {
    /// Looks, without waiting for anybody who writes.
    async fn read(&self, scope: Scope) -> Result<Box<dyn ReadWork>, StoreError>;

    /// Looks without keeping an instant: an answer is of some moment since it began, and two need
    /// not be of the same. For a single question that is as good as a read, and costs less.
    async fn look(&self, scope: Scope) -> Result<Box<dyn ReadWork>, StoreError>;

    /// Begins a transaction. Where only one can be open at a time, callers get theirs in the
    /// order in which they asked. No task may begin a second one while the first is open.
    async fn begin(
        &self,
        scope: Scope,
        durability: Durability,
    ) -> Result<Box<dyn UnitOfWork>, StoreError>;
}
