//! Calling models: admission, the call, its settlement, and what is left when a process dies.
mod admission;
mod chat;
mod entitlements;
mod error;
mod limits;
mod models;
mod pump;
mod reports;
mod reservation;
mod settlement;
mod sweeper;

pub use admission::{Admission, Gate, NewCall, UsageRules};
pub use chat::{ChatService, Completed, Streaming};
pub use entitlements::Entitlements;
pub use error::ChatError;
pub use models::{ModelService, OpenModel};
pub use pump::StreamItem;
pub use reports::{ReportError, UsageReports};
pub use settlement::Settler;
pub use sweeper::{Deployment, Sweeper};
