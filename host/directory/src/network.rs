//! Networks that an account may be used from: `192.0.2.0/24`, `2001:db8::/32`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Text that isn't a network.
#[derive(Debug, thiserror::Error)]
#[error("expected a network such as `192.0.2.0/24`, got another text")]
pub(crate) struct NetworkError;

impl Network {
    /// Whether an address is in it. An IPv4 address is the same where a socket shows it as an IPv6 one.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                shifted(own.to_bits().into(), 32, self.prefix) == shifted(other.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                shifted(own.to_bits(), 128, self.prefix) == shifted(other.to_bits(), 128, self.prefix)
            }
            _ => false,
        }
    }
}

/// The bits of a prefix.
fn shifted(bits: u128, length: u8, prefix: u8) -> u128 {
    bits.checked_shr(u32::from(length.saturating_sub(prefix))).unwrap_or_default()
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), str::parse::<u8>).map_err(|_| NetworkError)?;
        if prefix > longest { Err(NetworkError) } else { Ok(Network { address, prefix }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl From<Network> for String {
    fn from(network: Network) -> String {
        network.to_string()
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Network, NetworkError> {
        text.parse()
    }
}

#[cfg(test)]
#[path = "../tests/unit/network.rs"]
mod tests;
