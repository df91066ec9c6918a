//! What a workspace has.
use actix_web::{get, web::Json};
use cape_domain::{access::ViewBilling, billing::Transaction};
use cape_services::billing::{CreditAccount, CreditService};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Unpermitted},
    extract::{Permitted, Service},
};

/// A workspace's credits.
#[derive(Serialize, ToSchema)]
pub struct CreditsView {
    /// What can be used, without what is held.
    #[schema(example = "500.000000")]
    balance: String,
    /// What calls that are running have set aside.
    #[schema(example = "0.000000")]
    held: String,
    /// What is owed.
    #[schema(example = "0.000000")]
    owed: String,
    /// What moved last, newest first.
    recent_transactions: Vec<TransactionView>,
}

/// Something that moved credits.
#[derive(Serialize, ToSchema)]
pub struct TransactionView {
    #[schema(example = "txn_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    /// What it was about.
    #[schema(example = "purchase")]
    r#type: &'static str,
    /// What the workspace gained by it; less than zero where it paid.
    #[schema(example = "500.000000")]
    amount: String,
    created_at: DateTime<Utc>,
}

impl From<Transaction> for TransactionView {
    fn from(transaction: Transaction) -> Self {
        let change = transaction.balance_change().ok().and_then(|change| change.net().ok());
        Self {
            id: transaction.id.to_string(),
            r#type: transaction.kind.name(),
            amount: change.unwrap_or_default().to_string(),
            created_at: transaction.at,
        }
    }
}

impl From<CreditAccount> for CreditsView {
    fn from(CreditAccount { balance, recent }: CreditAccount) -> Self {
        Self {
            balance: balance.available.to_string(),
            held: balance.held.to_string(),
            owed: balance.receivable.to_string(),
            recent_transactions: recent.into_iter().map(TransactionView::from).collect(),
        }
    }
}

/// Show credits.
#[utoipa::path(
    tag = "billing", operation_id = "getCredits",
    security(("access_token" = [])),
    responses((status = 200, description = "What there is", body = CreditsView), Unpermitted, Failure),
)]
#[get("/payment/credits")]
pub async fn account(
    Permitted(permit): Permitted<ViewBilling>,
    credits: Service<CreditService>,
) -> Result<Json<CreditsView>, ApiError> {
    Ok(Json(credits.account(permit).await?.into()))
}
