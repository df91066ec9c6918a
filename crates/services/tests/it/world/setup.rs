//! What a test may want otherwise.
use std::sync::Arc;

use cape_domain::{access::Throttle, billing::Credits, secret::Secret, usage::PriceBook};
use cape_services::usage::{AttemptRules, LeavingRules};
use cape_testkit::{
    fakes::{OpenThrottle, PostBox},
    fixtures::{credits, price_book},
};

/// What a service of the operator's shows that asks whose tokens are.
pub const SERVICE: &str = "the secret of a service";

/// What a test may want otherwise.
pub struct Setup {
    /// What a new workspace is given.
    pub welcome: Credits,
    /// Whether an address has to be verified before its owner is let in.
    pub verified_only: bool,
    /// Where letters go, if anybody sends them.
    pub post: Option<PostBox>,
    /// Who slows down whoever guesses.
    pub throttle: Arc<dyn Throttle>,
    /// How much work a new hash of a password takes; what ADA has took 1.
    pub work: u32,
    /// What services show that ask whose tokens are.
    pub services: Vec<Secret>,
    /// Whether somebody takes money.
    pub sells: bool,
    /// Whether limits and quotas hold.
    pub limited: bool,
    /// The models.
    pub book: PriceBook,
    /// How often models are asked.
    pub attempts: AttemptRules,
    /// What becomes of answers whose callers leave.
    pub leaving: LeavingRules,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            welcome: credits(100),
            verified_only: false,
            post: Some(PostBox::default()),
            throttle: Arc::new(OpenThrottle),
            work: 1,
            services: vec![Secret::new(SERVICE)],
            sells: true,
            limited: true,
            book: price_book(),
            attempts: AttemptRules { most: 1, ..AttemptRules::default() },
            leaving: LeavingRules::default(),
        }
    }
}
