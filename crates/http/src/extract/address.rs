//! Where a request comes from: the rightmost hop that is not one of our own proxies.
//!
//! What stands further left in `X-Forwarded-For` was written by whoever sent the request, and
//! is not believed.
use std::net::IpAddr;

use cape_domain::access::Network;

/// Where a request comes from, given who is connected and what it forwards.
#[must_use]
pub fn client_address(
    peer: Option<IpAddr>,
    forwarded_for: &str,
    trusted: &[Network],
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
        let trusted: Vec<Network> =
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
}
