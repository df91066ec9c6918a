//! Networks of proxies.
use cape_domain::access::{InvalidNetwork, Network as Cidr};
use serde::{Deserialize, Serialize, Serializer};

/// A network as it was written: `10.0.0.0/8`, `::1`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    text: String,
    network: Cidr,
}

impl Network {
    /// The network itself.
    #[must_use]
    pub const fn trusted(&self) -> Cidr {
        self.network
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        let network = text.parse()?;
        Ok(Self { text, network })
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
