//! Models, their prices, limits and quotas, and what every call used and cost.
//!
//! Not here: what a credit costs in money.
mod call;
mod chat;
mod circuit;
mod completion;
mod credential;
mod embedding;
mod estimate;
mod filter;
mod limit;
mod limit_rule;
mod model;
mod model_entry;
mod moderation;
mod performance;
mod ports;
mod price;
mod price_book;
mod provider;
mod quota;
mod receipt;
mod report;
mod route;
mod rule_name;
mod series;
mod summary;
mod switch;
mod tokens;
mod violation;

pub use call::{Call, CallState, FailureKind, Metered, Timing};
pub use chat::{
    CachePoint, ChatRequest, Image, ImageSource, LogProbs, Message, Part, Reasoning, Sampling,
    Thought, Tool, ToolCall, ToolChoice, plain_text,
};
pub use circuit::{Circuit, CircuitRules};
pub use completion::{
    ChatCompletion, ChatEvent, Choice, FinishReason, Piece, ThoughtPart, ToolCallPart,
};
pub use credential::{CredentialUsed, InvalidProviderKey, ProviderCredential, ProviderKey};
pub use embedding::{EmbeddingInput, EmbeddingProvider, EmbeddingRequest, Embeddings};
pub use estimate::{
    Estimate, INPUT_OVERHEAD, MESSAGE_OVERHEAD, estimate, estimate_embedding, estimate_moderation,
    likely_judged, likely_tokens,
};
pub use filter::{CallFilter, CallPhase, InvalidPeriod, UnknownPhase};
pub use limit::{
    Claim, Counted, Decision, Limiter, LimiterError, Measure, Refusal, Rule, Standing, Subject,
    UnknownMeasure, UnknownWindow, Window,
};
pub use limit_rule::{
    CallFacts, HIGHEST_LIMIT, InvalidReach, LimitRule, LimitTerms, MOST_RULES, Per, Reach,
    UnknownPer,
};
pub use model::{Model, ModelClass, ModelKind, UnknownModelClass};
pub use model_entry::{
    InvalidModel, LONGEST_MODEL_NAME, ModelDescription, ModelEntry, PriceRefused,
};
pub use moderation::{
    Category, Judgement, ModerationInput, ModerationProvider, ModerationRequest, Moderations,
};
pub use performance::{GroupPerformance, Percentiles};
pub use ports::{
    CallReads, CallRepository, ChatProvider, ChatStream, CredentialReads, CredentialRepository,
    KeySpendingReads, KeySpendingRepository, LimitRuleReads, LimitRuleRepository, ModelEntryReads,
    ModelEntryRepository, ModelProviderError, QuotaReads, QuotaRepository, SwitchReads,
    SwitchRepository, UnsupportedParameter, UsageReads, UsageRepositories,
};
pub use price::{
    Price, PriceOutOfRange, PricedVersion, TokenPrices, UsdAmount, charge, pico_per_call,
    pico_per_token, surcharge,
};
pub use price_book::{InvalidPriceBook, PriceBook};
pub use provider::{InvalidProvider, Provider};
pub use quota::{Quota, QuotaPeriod};
pub use receipt::{LotUse, Receipt};
pub use report::CallReports;
pub use route::{HEAVIEST, InvalidRoute, Route, Target};
pub use rule_name::{InvalidRuleName, RuleName};
pub use series::{Bucket, BucketUsage, SeriesPoint, TooManyBuckets, UnknownBucket, UsageSeries};
pub use summary::{Group, GroupBy, GroupUsage, UnknownGroupBy, Usage, UsageSummary};
pub use switch::{InvalidTarget, StopReason, Switch, SwitchTarget, Switches};
pub use tokens::TokenCounts;
pub use violation::{Refused, Violation, ViolationReads, ViolationRepository, minute_of};
