//! Money, as clients see it.
use cape_domain::billing::Money;
use serde::Serialize;
use utoipa::ToSchema;

/// An amount of money.
#[derive(Serialize, ToSchema)]
pub struct MoneyView {
    /// In the currency's smallest unit: 500 is five dollars.
    #[schema(example = 500)]
    amount_minor: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: &'static str,
}

impl From<Money> for MoneyView {
    fn from(money: Money) -> Self {
        Self { amount_minor: money.minor(), currency: money.currency().code() }
    }
}
