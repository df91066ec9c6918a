//! What a workspace used over a period.
use crate::{
    billing::Credits,
    usage::{Provider, QuotaPeriod, TokenCounts, UsdAmount},
};

/// What was used over a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageSummary {
    /// The period, by the moment of admission.
    pub period: QuotaPeriod,
    /// The same, model by model, what was charged the most first.
    pub models: Vec<ModelUsage>,
}

/// What was used of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUsage {
    /// The model.
    pub model: String,
    /// Who runs it.
    pub provider: Provider,
    /// Calls that were paid for.
    pub settled: u64,
    /// Calls that came to nothing.
    pub failed: u64,
    /// Calls that have not come back yet.
    pub running: u64,
    /// What the settled calls used.
    pub tokens: TokenCounts,
    /// What they cost us.
    pub cost: UsdAmount,
    /// What was charged for them.
    pub charge: Credits,
}
