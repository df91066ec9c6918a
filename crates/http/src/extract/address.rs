//! Where a request comes from: the rightmost hop that is not one of our own proxies.
//!
//! What stands further left in `X-Forwarded-For` was written by whoever sent the request, and
//! is not believed.
use std::{net::IpAddr, str::FromStr};

/// A network whose machines are our own proxies, such as `10.0.0.0/8` or `::1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedNetwork {
    address: IpAddr,
    prefix: u8,
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a network such as 10.0.0.0/8")]
pub struct InvalidNetwork;

impl TrustedNetwork {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(own)) => {
                let shift = 32 - u32::from(self.prefix);
                let [net, own] = [net, own].map(|a| u64::from(a.to_bits()) >> shift);
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

impl FromStr for TrustedNetwork {
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

/// Where a request comes from, given who is connected and what it forwards.
#[must_use]
pub fn client_address(
    peer: Option<IpAddr>,
    forwarded_for: &str,
    trusted: &[TrustedNetwork],
) -> Option<IpAddr> {
    let ours = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer?;
    for hop in forwarded_for.rsplit(',') {
        if !ours(client) {
            break;
        }
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        client = hop;
    }
    Some(client.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_our_own_proxies_say_is_believed() {
        let trusted: Vec<TrustedNetwork> =
            ["10.0.0.0/8", "fd00::/8"].iter().map(|n| n.parse().expect("a network")).collect();
        for (peer, forwarded, expected) in [
            ("203.0.113.9", "", "203.0.113.9"),
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
            ("10.1.1.1", "198.51.100.1", "198.51.100.1"),
            ("10.1.1.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
            ("10.1.1.1", "198.51.100.1, 10.2.2.2", "198.51.100.1"),
            ("10.1.1.1", "", "10.1.1.1"),
            ("10.1.1.1", "6.6.6.6, garbage", "10.1.1.1"),
            ("fd00::1", "2001:db8::1", "2001:db8::1"),
            ("::ffff:10.1.1.1", "198.51.100.1", "198.51.100.1"),
        ] {
            let found = client_address(peer.parse().ok(), forwarded, &trusted);
            assert_eq!(found, expected.parse().ok(), "{peer} {forwarded}");
        }
        assert_eq!(client_address(None, "198.51.100.1", &trusted), None);
    }

    #[test]
    fn a_network_has_an_address_and_a_prefix() {
        for wrong in ["", "10.0.0.0/33", "::1/129", "10.0.0/8", "a/8", "10.0.0.0/"] {
            assert_eq!(wrong.parse::<TrustedNetwork>(), Err(InvalidNetwork), "{wrong}");
        }
        let everything: TrustedNetwork = "::/0".parse().expect("a network");
        assert!(everything.contains("2001:db8::1".parse().expect("an address")));
    }
}
