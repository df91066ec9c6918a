//! Those who take money.
pub mod stripe;

pub use stripe::{InvalidStripeOptions, StripeGateway, StripeOptions};
