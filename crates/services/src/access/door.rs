//! Slowing down who guesses, in front of whatever can be guessed.
use std::{sync::Arc, time::Duration};

use cape_domain::{
    access::{Attempt, Door, Network, Throttle, Throttled},
    accounts::Email,
    time::Timestamp,
};

use super::Origin;
use crate::Base;

/// Lets attempts in, or makes them wait. A clone is another handle to the same counts.
#[derive(Clone)]
pub struct Doorkeeper {
    base: Base,
    throttle: Arc<dyn Throttle>,
}

/// Too many attempts failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts failed; try again in a moment")]
pub struct Wait {
    /// How long to wait until the next one.
    pub retry_after: Duration,
}

/// An attempt that was let in, and counts as failed until it is said to have succeeded.
#[must_use]
pub(crate) struct Admitted {
    attempt: Attempt,
}

impl Doorkeeper {
    /// Counts with this throttle.
    #[must_use]
    pub const fn new(base: Base, throttle: Arc<dyn Throttle>) -> Self {
        Self { base, throttle }
    }

    /// Lets an attempt in, and counts it as failed beforehand.
    pub(crate) async fn admit(
        &self,
        door: Door,
        origin: Origin,
        account: Option<&Email>,
        familiar: bool,
    ) -> Result<Admitted, Wait> {
        let attempt = attempt(door, origin, account, familiar);
        let now = self.base.now();
        self.throttle.claim(&attempt, now).await.map_err(|refused| wait(refused, now))?;
        Ok(Admitted { attempt })
    }

    /// Takes back what was counted beforehand.
    pub(crate) async fn succeeded(&self, admitted: Admitted) {
        self.throttle.succeed(&admitted.attempt, self.base.now()).await;
    }

    /// Takes note that a secret which nobody can guess was not good. Whoever tries many of them
    /// is told to wait; whoever has a good one never is.
    pub(crate) async fn refused(&self, door: Door, origin: Origin) -> Result<(), Wait> {
        let now = self.base.now();
        let attempt = attempt(door, origin, None, false);
        self.throttle.check(&attempt, now).await.map_err(|refused| wait(refused, now))?;
        self.throttle.fail(&attempt, now).await;
        Ok(())
    }
}

fn wait(refused: Throttled, now: Timestamp) -> Wait {
    Wait { retry_after: (refused.opens_at - now).to_std().unwrap_or_default() }
}

fn attempt(door: Door, origin: Origin, account: Option<&Email>, familiar: bool) -> Attempt {
    let network = origin.address.map(Network::of_client);
    Attempt { door, account: account.cloned(), network, familiar }
}
