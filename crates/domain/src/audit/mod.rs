//! The trail of who did what.
//!
//! Not here: deciding whether it was allowed. A call to a model is not entered: its usage
//! record is its entry.
mod entry;
mod ports;

pub use entry::{Action, AuditEntry, PersonalKey, Sealed, SealedSecret};
pub use ports::{
    AuditReads, AuditRepositories, PersonalKeyReads, PersonalKeyRepository, SealError, TrailReads,
    TrailRepository, Vault,
};
