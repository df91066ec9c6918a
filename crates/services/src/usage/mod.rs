//! Calling models: admission, the call, its settlement, and what is left when a process dies.
mod admission;
mod asked;
mod attempts;
mod candidate;
mod catalogue;
mod chat;
mod circuits;
mod closing;
mod count;
mod embeddings;
mod entitlements;
mod error;
mod explanation;
mod items;
mod late;
mod limits;
mod models;
mod pump;
mod reports;
mod reservation;
mod settlement;
mod sweeper;
mod switchboard;
mod switches;

pub use admission::{Admission, Gate, NewCall, UsageRules};
pub use asked::{Asked, AskedChat, AskedEmbedding, Upstream};
pub use attempts::{AttemptRules, Attempts};
pub use candidate::Candidate;
pub use catalogue::{ModelCatalogue, ModelStanding, ProviderStanding};
pub use chat::{ChatService, Completed, Streaming};
pub use circuits::Circuits;
pub use count::{CountService, Counted};
pub use embeddings::Embedded;
pub use entitlements::Entitlements;
pub use error::ChatError;
pub use explanation::{Amounts, Change, Check, Considered, Explanation, Forecast};
pub use items::Items;
pub use models::{ModelService, OpenModel};
pub use pump::StreamItem;
pub use reports::{
    CallExport, LimitStandings, MOST_EXPORTED, MOST_GROUPS, Performance, ReportError, UsageReports,
};
pub use settlement::Settler;
pub use sweeper::{Deployment, Sweeper};
pub use switchboard::{Switchboard, Watch};
pub use switches::{SwitchError, SwitchService};
