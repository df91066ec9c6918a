//! Buying credits, granting them, and proving the ledger.
mod corrections;
mod credits;
mod expiry;
mod grants;
mod ledger_check;
mod opened;
mod posting;
mod pricing;
mod purchases;
mod settlements;
mod webhooks;

pub(crate) use corrections::{Charged, correct_charge};
pub use credits::{CreditAccount, CreditService};
pub use expiry::ExpiryService;
pub(crate) use grants::{Gift, give};
pub use ledger_check::LedgerCheck;
pub use opened::{OpenedOrder, PurchaseError};
pub(crate) use posting::post;
pub use pricing::{PricingService, Sold};
pub use purchases::PurchaseService;
pub(crate) use settlements::{Ending, close_hold, close_holds};
pub use webhooks::{WebhookError, WebhookService};
