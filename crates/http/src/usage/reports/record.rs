//! A call, as it is shown and as a line of a table.
use std::time::Duration;

use cape_domain::usage::{Call, CallState, Metered};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::views::{TokensView, moment, token_cells};

/// A call, and what it used and cost.
#[derive(Serialize, ToSchema)]
pub struct RecordView {
    #[schema(example = "cal_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    /// `running`, `settled` or `failed`.
    state: &'static str,
    /// The name that was asked for.
    model_asked: String,
    /// The model that was called.
    model: String,
    provider: String,
    /// Under whose key the provider was asked: the `platform`'s, or the `workspace`'s own, which
    /// pays the provider itself and is charged the mark-up alone.
    credential: &'static str,
    /// Which key of the workspace's own.
    #[schema(example = "crd_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    credential_id: Option<String>,
    streamed: bool,
    key_id: String,
    user_id: String,
    request_id: String,
    /// When it was admitted.
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    /// What was used; so far, while it is running.
    tokens: TokensView,
    /// Whether the tokens are our estimate, because the provider did not tell.
    estimated: bool,
    /// The version of the price.
    price_version: String,
    /// What is added to the cost, in hundredths of a per cent.
    markup_basis_points: u32,
    /// What it cost us, in United States dollars: nothing, under the workspace's own key.
    cost_usd: String,
    /// What was charged, in credits.
    charge: String,
    /// The ledger transaction that paid for it.
    transaction_id: Option<String>,
    /// The ledger transaction that corrected an estimate, once what was used was known.
    correction_id: Option<String>,
    /// Why it came to nothing.
    failure: Option<&'static str>,
    timing: Option<TimingView>,
}

/// How long the stages of a call took, in milliseconds.
#[expect(clippy::struct_field_names, reason = "the unit is part of the contract")]
#[derive(Serialize, ToSchema)]
pub struct TimingView {
    /// From the admission until the answer had come to its end.
    total_ms: u64,
    /// Of it, waiting for the provider.
    provider_ms: u64,
    /// Of it, everything else: admitting the call and setting credits aside.
    own_ms: u64,
    /// From the admission until the first piece of an answer came that comes in pieces.
    first_token_ms: Option<u64>,
    /// From the end of the answer until it was paid for.
    settlement_ms: u64,
}

/// The columns of a table of calls.
pub(super) const COLUMNS: [&str; 30] = [
    "id",
    "state",
    "started_at",
    "ended_at",
    "user_id",
    "key_id",
    "request_id",
    "model_asked",
    "model",
    "provider",
    "streamed",
    "input",
    "cached_input",
    "cache_write",
    "output",
    "reasoning",
    "estimated",
    "price_version",
    "markup_basis_points",
    "cost_usd",
    "charge",
    "transaction_id",
    "correction_id",
    "failure",
    "total_ms",
    "provider_ms",
    "own_ms",
    "first_token_ms",
    "settlement_ms",
    "credential",
];

impl From<Call> for RecordView {
    fn from(call: Call) -> Self {
        let state = call.state.name();
        let (metered, paid, timing, ended_at, failure) = match call.state {
            CallState::Running { so_far } => (so_far, (None, None), None, None, None),
            CallState::Settled { metered, transaction, correction, timing, at } => {
                (metered, (transaction, correction), Some(timing), Some(at), None)
            }
            CallState::Failed { kind, timing, at } => {
                (Metered::default(), (None, None), Some(timing), Some(at), Some(kind.name()))
            }
        };
        let (transaction, correction) = paid;
        let taken = ended_at
            .map_or(Duration::ZERO, |at| (at - call.started_at).to_std().unwrap_or_default());
        Self {
            id: call.id.to_string(),
            state,
            model_asked: call.model_asked,
            model: call.model,
            provider: call.provider.to_string(),
            credential: call.credential.name(),
            credential_id: call.credential.id().map(|id| id.to_string()),
            streamed: call.streamed,
            key_id: call.key.to_string(),
            user_id: call.user.to_string(),
            request_id: call.request.to_string(),
            started_at: call.started_at,
            ended_at,
            tokens: metered.tokens.into(),
            estimated: metered.estimated,
            price_version: call.price_version,
            markup_basis_points: call.markup.0,
            cost_usd: metered.cost.to_string(),
            charge: metered.charge.to_string(),
            transaction_id: transaction.map(|id| id.to_string()),
            correction_id: correction.map(|id| id.to_string()),
            failure,
            timing: timing.map(|timing| TimingView {
                total_ms: millis(timing.total),
                provider_ms: millis(timing.provider),
                own_ms: millis(timing.total.saturating_sub(timing.provider)),
                first_token_ms: timing.first_token.map(millis),
                settlement_ms: millis(taken.saturating_sub(timing.total)),
            }),
        }
    }
}

/// Whole milliseconds; what is finer is not shown.
pub(in crate::usage) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl RecordView {
    /// The cells of a line, in the order of [`COLUMNS`].
    pub(super) fn cells(call: Call) -> Vec<String> {
        let tokens = match &call.state {
            CallState::Running { so_far } => so_far.tokens,
            CallState::Settled { metered, .. } => metered.tokens,
            CallState::Failed { .. } => Metered::default().tokens,
        };
        let view = Self::from(call);
        let timing = view.timing.as_ref();
        let took = |part: fn(&TimingView) -> Option<u64>| {
            timing.and_then(part).map(|millis| millis.to_string()).unwrap_or_default()
        };
        let mut cells = vec![
            view.id,
            view.state.to_owned(),
            moment(view.started_at),
            view.ended_at.map(moment).unwrap_or_default(),
            view.user_id,
            view.key_id,
            view.request_id,
            view.model_asked,
            view.model,
            view.provider,
            view.streamed.to_string(),
        ];
        cells.extend(token_cells(tokens));
        cells.extend([
            view.estimated.to_string(),
            view.price_version,
            view.markup_basis_points.to_string(),
            view.cost_usd,
            view.charge,
            view.transaction_id.unwrap_or_default(),
            view.correction_id.unwrap_or_default(),
            view.failure.unwrap_or_default().to_owned(),
            took(|timing| Some(timing.total_ms)),
            took(|timing| Some(timing.provider_ms)),
            took(|timing| Some(timing.own_ms)),
            took(|timing| timing.first_token_ms),
            took(|timing| Some(timing.settlement_ms)),
            view.credential.to_owned(),
        ]);
        cells
    }
}

#[cfg(test)]
mod tests {
    use std::{fmt::Debug, str::FromStr};

    use cape_domain::{billing::BasisPoints, time::Timestamp, usage::CredentialUsed};

    use super::*;

    fn id<T: FromStr<Err: Debug>>(prefix: &str) -> T {
        format!("{prefix}_{}", "0".repeat(32)).parse().expect("an id")
    }

    #[test]
    fn a_line_has_a_cell_for_every_column() {
        let call = Call {
            id: id("cal"),
            workspace: id("wsp"),
            key: id("key"),
            user: id("usr"),
            request: id("req"),
            model_asked: "=fast".to_owned(),
            model: "m".to_owned(),
            provider: "openai".parse().expect("a name"),
            credential: CredentialUsed::Platform,
            streamed: true,
            price_version: "1".to_owned(),
            markup: BasisPoints(2_000),
            hold: None,
            started_at: Timestamp::UNIX_EPOCH,
            state: CallState::Running { so_far: Metered::default() },
        };
        let line = RecordView::cells(call);
        assert_eq!(line.len(), COLUMNS.len());
        let under = |name| {
            let place = COLUMNS.iter().position(|column| *column == name).expect(name);
            line[place].as_str()
        };
        assert_eq!((under("model_asked"), under("charge")), ("=fast", "0.000000"));
        assert_eq!((under("ended_at"), under("total_ms")), ("", ""));
        assert_eq!(under("started_at"), "1970-01-01T00:00:00Z");
    }
}
