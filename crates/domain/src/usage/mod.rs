//! Models, their prices, limits and quotas, and what every call used and cost.
//!
//! Not here: what a credit costs in money.
mod call;
mod chat;
mod estimate;
mod limit;
mod model;
mod ports;
mod price;
mod price_book;
mod quota;
mod summary;
mod tokens;

pub use call::{Call, CallState, FailureKind, Metered, Timing};
pub use chat::{
    ChatCompletion, ChatEvent, ChatRequest, FinishReason, Message, Sampling, Tool, ToolCall,
    ToolCallPart, ToolChoice,
};
pub use estimate::{Estimate, MESSAGE_OVERHEAD, estimate, likely_tokens};
pub use limit::{Claim, Decision, Limiter, LimiterError, Measure, Refusal, Rule, Standing, Window};
pub use model::{Model, ModelClass, Provider, UnknownModelClass, UnknownProvider};
pub use ports::{
    CallReads, CallRepository, ChatProvider, ChatStream, KeySpendingReads, KeySpendingRepository,
    ModelProviderError, QuotaReads, QuotaRepository, UnsupportedParameter, UsageReads,
    UsageRepositories,
};
pub use price::{Price, PriceOutOfRange, PricedVersion, TokenPrices, UsdAmount, charge};
pub use price_book::{InvalidPriceBook, PriceBook};
pub use quota::{Quota, QuotaPeriod};
pub use summary::{ModelUsage, UsageSummary};
pub use tokens::TokenCounts;
