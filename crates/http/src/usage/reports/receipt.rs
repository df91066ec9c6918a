//! The receipt of a call: the record, and what paid for it.
use cape_domain::{
    billing::{Correction, Hold, HoldState},
    usage::{LotUse, QuotaPeriod, Receipt},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    record::RecordView,
    views::{PeriodView, TokenPricesView},
};

/// The receipt of a call: what it used, by which prices, and which credits paid for it.
#[derive(Serialize, ToSchema)]
pub struct ReceiptView {
    #[serde(flatten)]
    record: RecordView,
    /// The prices that the cost was computed by. Null for a call that came to nothing, and where
    /// the price book no longer has prices that lead to the recorded cost.
    unit_prices_usd: Option<TokenPricesView>,
    /// The month in whose quota it falls.
    quota_period: PeriodView,
    /// What was set aside when it was admitted. Null for a model that costs nothing.
    hold: Option<HoldView>,
    /// The lots of credits that paid for it out of what was set aside, in their order.
    paid_by: Vec<LotUseView>,
    /// What it cost beyond what was set aside.
    beyond_hold: OverageView,
    /// What was moved when it came back after it had been charged an estimate. All of nothing,
    /// for a call that did not. What paid for it first is above, unchanged.
    correction: CorrectionView,
}

/// Credits that were set aside for a call: the worst case that it was admitted for.
#[derive(Serialize, ToSchema)]
pub struct HoldView {
    #[schema(example = "hld_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    /// `open`, `settled` or `released`.
    state: &'static str,
    #[schema(example = "0.786600")]
    amount: String,
    placed_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    /// When it would have been swept, had nothing more been heard of the call.
    deadline: DateTime<Utc>,
}

/// What one lot of credits paid.
#[derive(Serialize, ToSchema)]
pub struct LotUseView {
    #[schema(example = "grt_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    grant_id: String,
    /// Why its credits were given: `purchase`, `bonus` or `promotion`.
    source: &'static str,
    #[schema(example = "0.054000")]
    amount: String,
}

/// What a call cost beyond what was set aside for it.
#[derive(Serialize, ToSchema)]
pub struct OverageView {
    /// Taken from what was available. Which lots that were is not recorded call by call.
    #[schema(example = "0.000000")]
    from_available: String,
    /// Owed since then.
    #[schema(example = "0.000000")]
    owed: String,
}

/// What corrected the estimate that a call had been charged.
#[derive(Serialize, ToSchema)]
pub struct CorrectionView {
    /// Taken from what was available.
    #[schema(example = "0.000000")]
    from_available: String,
    /// Owed since then.
    #[schema(example = "0.000000")]
    owed: String,
    /// Given back to lots of credits.
    #[schema(example = "0.000000")]
    to_available: String,
    /// Given back, and used at once to pay what was owed.
    #[schema(example = "0.000000")]
    to_debt: String,
}

impl From<Correction> for CorrectionView {
    fn from(correction: Correction) -> Self {
        Self {
            from_available: correction.taken.from_available.to_string(),
            owed: correction.taken.owed.to_string(),
            to_available: correction.to_available.to_string(),
            to_debt: correction.to_debt.to_string(),
        }
    }
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        let ended_at = match hold.state {
            HoldState::Open => None,
            HoldState::Settled { at, .. } | HoldState::Released { at } => Some(at),
        };
        Self {
            id: hold.id.to_string(),
            state: hold.state.name(),
            amount: hold.amount.to_string(),
            placed_at: hold.created_at,
            ended_at,
            deadline: hold.deadline,
        }
    }
}

impl From<LotUse> for LotUseView {
    fn from(lot: LotUse) -> Self {
        Self {
            grant_id: lot.grant.to_string(),
            source: lot.source.name(),
            amount: lot.amount.to_string(),
        }
    }
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        Self {
            quota_period: QuotaPeriod::month_of(receipt.call.started_at).into(),
            record: receipt.call.into(),
            unit_prices_usd: receipt.prices.map(TokenPricesView::from),
            hold: receipt.hold.map(HoldView::from),
            paid_by: receipt.lots.into_iter().map(LotUseView::from).collect(),
            beyond_hold: OverageView {
                from_available: receipt.overage.from_available.to_string(),
                owed: receipt.overage.owed.to_string(),
            },
            correction: receipt.correction.into(),
        }
    }
}
