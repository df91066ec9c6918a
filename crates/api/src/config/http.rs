//! Section `http`: how the program is reached.
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::problem::Rules;
use super::values::{BaseUrl, CorsOrigin, Network, duration, host, list, size};

/// How the program is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The address to listen on.
    #[serde(with = "host")]
    pub host: IpAddr,
    /// The port to listen on; 0 takes any free one.
    pub port: u16,
    /// How others reach it: in links, and as who signs tokens. See [`public_url_at`].
    ///
    /// [`public_url_at`]: Self::public_url_at
    pub public_url: Option<BaseUrl>,
    /// The origins whose pages may call, spelled exactly.
    #[serde(with = "list")]
    pub cors_origins: Vec<CorsOrigin>,
    /// The proxies whose word on the caller's address is taken.
    #[serde(with = "list")]
    pub trusted_proxies: Vec<Network>,
    /// Threads that serve requests; as many as there are cores, if not set.
    pub workers: Option<NonZeroUsize>,
    /// The most bytes that a request's body may have.
    #[serde(with = "size")]
    pub body_limit: usize,
    /// How long a client may take to send the head of a request. How long an answer may take is
    /// for whoever makes it to bound.
    #[serde(with = "duration")]
    pub request_timeout: Duration,
    /// How long a stop waits for what has begun.
    #[serde(with = "duration")]
    pub shutdown_timeout: Duration,
    /// How many requests without credentials are taken from one network.
    pub flood: Flood,
}

/// How many requests without credentials are taken from one network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flood {
    /// Whether they are counted at all.
    pub enabled: bool,
    /// How many in the period.
    pub requests: NonZeroU32,
    /// The period.
    #[serde(with = "duration")]
    pub per: Duration,
    /// How many at once.
    pub burst: NonZeroU32,
}

impl Http {
    pub(super) const fn defaults() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 8080,
            public_url: None,
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            workers: None,
            body_limit: 10 << 20,
            request_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(30),
            flood: Flood {
                enabled: true,
                requests: NonZeroU32::new(100).expect("a hundred is not zero"),
                per: Duration::from_mins(1),
                burst: NonZeroU32::new(50).expect("fifty is not zero"),
            },
        }
    }

    pub(super) fn check(&self, rules: &mut Rules) {
        rules.refuse(self.flood.per.is_zero(), "http.flood.per", || "is no time at all".to_owned());
    }

    /// Where to listen.
    #[must_use]
    pub const fn listen(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// Where to reach it from this machine, once it listens on `port`.
    #[must_use]
    pub const fn reachable_at(&self, port: u16) -> SocketAddr {
        let host = match self.host {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            host => host,
        };
        SocketAddr::new(host, port)
    }

    /// How others reach it, without a slash at the end: as it is set, or else the address on this
    /// machine, once it listens on `port`.
    #[must_use]
    pub fn public_url_at(&self, port: u16) -> String {
        self.public_url
            .as_ref()
            .map_or_else(|| format!("http://{}", self.reachable_at(port)), ToString::to_string)
    }
}
