//! Buying credits, granting them, and proving the ledger.
mod credits;
mod expiry;
mod grants;
mod ledger_check;
mod posting;
mod pricing;
mod purchases;
mod settlements;
mod webhooks;

pub use credits::{CreditAccount, CreditService};
pub use expiry::ExpiryService;
pub(crate) use grants::{Gift, give};
pub use ledger_check::LedgerCheck;
pub(crate) use posting::post;
pub use pricing::{PricingService, Sold};
pub use purchases::{OpenedOrder, PurchaseError, PurchaseService};
pub(crate) use settlements::close_hold;
pub use webhooks::{WebhookError, WebhookService};
