//! Letting whoever guesses guess, for load tests.
use async_trait::async_trait;
use cape_domain::{
    access::{Attempt, Throttle, Throttled},
    time::Timestamp,
};

/// Counts nothing, and lets every attempt in.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoThrottle;

#[async_trait]
impl Throttle for NoThrottle {
    async fn claim(&self, _: &Attempt, _: Timestamp) -> Result<(), Throttled> {
        Ok(())
    }

    async fn check(&self, _: &Attempt, _: Timestamp) -> Result<(), Throttled> {
        Ok(())
    }

    async fn fail(&self, _: &Attempt, _: Timestamp) {}

    async fn succeed(&self, _: &Attempt, _: Timestamp) {}
}
