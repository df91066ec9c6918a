//! The address to listen on: an IP address, or `localhost`.
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

const EXPECTED: &str = "must be an IP address such as 127.0.0.1 or 0.0.0.0";

pub(in crate::config) fn serialize<S: Serializer>(
    host: &IpAddr,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(host)
}

pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<IpAddr, D::Error> {
    let text = String::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))?;
    match text.as_str() {
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        address => address.parse().map_err(|_| D::Error::custom(EXPECTED)),
    }
}
