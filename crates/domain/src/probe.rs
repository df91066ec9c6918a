//! Asking something outside whether it is there.
use async_trait::async_trait;

use crate::store::BoxError;

/// Something outside that can be asked whether it is there.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Asks, and waits for a second at most.
    ///
    /// # Errors
    ///
    /// Why it is not there, for the log.
    async fn check(&self) -> Result<(), BoxError>;
}
