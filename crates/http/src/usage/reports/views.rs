//! What reports have in common.
use cape_domain::usage::{Group, GroupUsage, QuotaPeriod, TokenCounts, TokenPrices, Usage};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A half-open period.
#[derive(Serialize, ToSchema)]
pub struct PeriodView {
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
}

/// Tokens in classes that do not overlap.
#[derive(Serialize, ToSchema)]
pub struct TokensView {
    /// Read for the first time.
    pub(super) input: u64,
    /// Read from the provider's cache.
    pub(super) cached_input: u64,
    /// Written to the provider's cache.
    pub(super) cache_write: u64,
    /// Written to the caller.
    pub(super) output: u64,
    /// Written by the model to itself.
    pub(super) reasoning: u64,
}

/// What some calls used.
#[derive(Serialize, ToSchema)]
pub struct UsageView {
    /// Calls that were paid for.
    calls: u64,
    /// Calls that came to nothing.
    failed: u64,
    /// Calls that have not come back yet.
    running: u64,
    /// What the paid calls used.
    tokens: TokensView,
    /// What they cost us, in United States dollars.
    #[schema(example = "0.000450000000")]
    cost_usd: String,
    /// What was charged for them, in credits.
    #[schema(example = "0.054000")]
    charge: String,
}

/// What the calls of a group have in common: what it was asked for by.
#[derive(Serialize, ToSchema)]
pub struct GroupView {
    /// Whose keys they were made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "usr_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    user_id: Option<String>,
    /// The key they were made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "key_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    key_id: Option<String>,
    /// The model that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "gpt-4o-mini")]
    model: Option<String>,
    /// Who runs the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "openai")]
    provider: Option<String>,
}

/// What the calls of a group used.
#[derive(Serialize, ToSchema)]
pub struct GroupUsageView {
    #[serde(flatten)]
    group: GroupView,
    #[serde(flatten)]
    usage: UsageView,
}

/// What tokens cost us, in United States dollars per million of them, and what a call does.
#[derive(Serialize, ToSchema)]
pub struct TokenPricesView {
    /// Tokens that are read for the first time.
    #[schema(example = "0.150000")]
    input_per_million: String,
    /// Tokens that are read from the provider's cache.
    #[schema(example = "0.075000")]
    cached_input_per_million: String,
    /// Tokens that are written to the provider's cache.
    #[schema(example = "0.150000")]
    cache_write_per_million: String,
    /// Tokens that come out, for the caller or for the model itself.
    #[schema(example = "0.600000")]
    output_per_million: String,
    /// The call itself.
    #[schema(example = "0.000000000000")]
    per_call: String,
}

/// The columns of a group and its usage in a table.
pub(super) const USAGE_COLUMNS: [&str; 14] = [
    "user_id",
    "key_id",
    "model",
    "provider",
    "calls",
    "failed",
    "running",
    "input",
    "cached_input",
    "cache_write",
    "output",
    "reasoning",
    "cost_usd",
    "charge",
];

impl From<QuotaPeriod> for PeriodView {
    fn from(period: QuotaPeriod) -> Self {
        Self { start: period.start, end: period.end }
    }
}

impl From<TokenCounts> for TokensView {
    fn from(tokens: TokenCounts) -> Self {
        let TokenCounts { input, cached_input, cache_write, output, reasoning } = tokens;
        Self { input, cached_input, cache_write, output, reasoning }
    }
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self {
            calls: usage.settled,
            failed: usage.failed,
            running: usage.running,
            tokens: usage.tokens.into(),
            cost_usd: usage.cost.to_string(),
            charge: usage.charge.to_string(),
        }
    }
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        let none = Self { user_id: None, key_id: None, model: None, provider: None };
        match group {
            Group::User(user) => Self { user_id: Some(user.to_string()), ..none },
            Group::Key(key) => Self { key_id: Some(key.to_string()), ..none },
            Group::Model { model, provider } => {
                Self { model: Some(model), provider: Some(provider.to_string()), ..none }
            }
            Group::Provider(provider) => Self { provider: Some(provider.to_string()), ..none },
        }
    }
}

impl From<GroupUsage> for GroupUsageView {
    fn from(GroupUsage { group, usage }: GroupUsage) -> Self {
        Self { group: group.into(), usage: usage.into() }
    }
}

impl From<TokenPrices> for TokenPricesView {
    fn from(prices: TokenPrices) -> Self {
        // A million-millionth of a dollar per token is a millionth per million.
        let per_million = |pico: u64| format!("{}.{:06}", pico / 1_000_000, pico % 1_000_000);
        let unit = 1_000_000_000_000;
        Self {
            input_per_million: per_million(prices.input),
            cached_input_per_million: per_million(prices.cached_input),
            cache_write_per_million: per_million(prices.cache_write),
            output_per_million: per_million(prices.output),
            per_call: format!("{}.{:012}", prices.request / unit, prices.request % unit),
        }
    }
}

/// The cells of a group and its usage, in the order of [`USAGE_COLUMNS`].
pub(super) fn usage_cells(group: Option<Group>, usage: &Usage) -> Vec<String> {
    let none = GroupView { user_id: None, key_id: None, model: None, provider: None };
    let group = group.map_or(none, GroupView::from);
    let names = [group.user_id, group.key_id, group.model, group.provider];
    let mut cells: Vec<_> = names.map(Option::unwrap_or_default).into();
    cells.extend([usage.settled, usage.failed, usage.running].map(|calls| calls.to_string()));
    cells.extend(token_cells(usage.tokens));
    cells.extend([usage.cost.to_string(), usage.charge.to_string()]);
    cells
}

/// Tokens, class by class.
pub(super) fn token_cells(tokens: TokenCounts) -> [String; 5] {
    let TokensView { input, cached_input, cache_write, output, reasoning } = tokens.into();
    [input, cached_input, cache_write, output, reasoning].map(|count| count.to_string())
}

/// A moment, as JSON has it.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact_to_the_last_digit() {
        let prices = TokenPrices {
            input: 150_000,
            cached_input: 1,
            cache_write: 3_750_001,
            output: 15_000_000,
            request: 10_000_000_001,
        };
        let view = TokenPricesView::from(prices);
        assert_eq!(view.input_per_million, "0.150000");
        assert_eq!(view.cached_input_per_million, "0.000001");
        assert_eq!(view.cache_write_per_million, "3.750001");
        assert_eq!(view.output_per_million, "15.000000");
        assert_eq!(view.per_call, "0.010000000001");
    }

    #[test]
    fn a_line_has_a_cell_for_every_column() {
        assert_eq!(usage_cells(None, &Usage::default()).len(), USAGE_COLUMNS.len());
    }
}
