//! Names of providers of models.
use cape_domain::usage::{InvalidProvider, Provider};
use serde::{Deserialize, Serialize};

/// The name of a provider, as the catalogue and receipts have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderName(Provider);

impl ProviderName {
    /// The provider of this name.
    #[must_use]
    pub const fn provider(self) -> Provider {
        self.0
    }
}

impl TryFrom<String> for ProviderName {
    type Error = InvalidProvider;

    fn try_from(text: String) -> Result<Self, InvalidProvider> {
        text.parse().map(Self)
    }
}

impl From<ProviderName> for String {
    fn from(value: ProviderName) -> Self {
        value.0.name().to_owned()
    }
}
