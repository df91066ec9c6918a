//! Networks: where callers come from, and which of them are believed or let in.
use std::{fmt, net::IpAddr, str::FromStr};

/// A network in CIDR notation, such as `10.0.0.0/8`; a lone address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a network such as 10.0.0.0/8")]
pub struct InvalidNetwork;

impl Network {
    /// What one customer of a provider holds: an IPv4 address, or an IPv6 /64. Counting single
    /// IPv6 addresses would count nothing, because everybody has 2^64 of them.
    #[must_use]
    pub fn of_client(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self { address: address.into(), prefix: 32 },
            IpAddr::V6(address) => {
                let network = address.to_bits() >> 64 << 64;
                Self { address: IpAddr::V6(network.into()), prefix: 64 }
            }
        }
    }

    /// Whether an address lies in it. An IPv4 address that is written as IPv6 is IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(own)) => {
                let shift = 32 - u32::from(self.prefix);
                let [net, own] = [net, own].map(|a| a.to_bits().checked_shr(shift).unwrap_or(0));
                net == own
            }
            (IpAddr::V6(net), IpAddr::V6(own)) => {
                let shift = 128 - u32::from(self.prefix);
                let [net, own] = [net, own].map(|a| a.to_bits().checked_shr(shift).unwrap_or(0));
                net == own
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(widest), str::parse).map_err(|_| InvalidNetwork)?;
        if prefix > widest { Err(InvalidNetwork) } else { Ok(Self { address, prefix }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_an_address_and_a_prefix() {
        for wrong in ["", "10.0.0.0/33", "::1/129", "10.0.0/8", "a/8", "10.0.0.0/", "1.2.3.4/-1"] {
            assert_eq!(wrong.parse::<Network>(), Err(InvalidNetwork), "{wrong}");
        }
        for (text, shown) in [("10.0.0.0/8", "10.0.0.0/8"), ("::1", "::1/128")] {
            assert_eq!(text.parse::<Network>().map(|n| n.to_string()).as_deref(), Ok(shown));
        }
    }

    #[test]
    fn an_address_lies_in_a_network_or_not() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("::/0", "2001:db8::1", true),
            ("::/0", "10.0.0.1", false),
            ("2001:db8::/64", "2001:db8::ffff", true),
            ("2001:db8::/64", "2001:db8:0:1::1", false),
            ("192.0.2.7", "192.0.2.7", true),
        ] {
            let network: Network = network.parse().expect("a network");
            assert_eq!(network.contains(address.parse().expect("an address")), expected);
        }
    }

    #[test]
    fn a_client_is_one_ipv4_address_or_an_ipv6_network() {
        for (address, network) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(Network::of_client(address).to_string(), network);
        }
    }
}
