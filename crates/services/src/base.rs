//! What every use case works with.
use std::sync::Arc;

use cape_domain::{
    ids::IdSource,
    secret::SecretSource,
    store::Store,
    time::{Clock, Timestamp},
};

/// The ports that every use case needs. A clone is another handle to the same ones.
#[derive(Clone)]
pub struct Base {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where new ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Where unguessable bytes come from.
    pub secrets: Arc<dyn SecretSource>,
}

impl Base {
    /// The current instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Random bytes.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.secrets.fill(&mut bytes);
        bytes
    }
}
