//! Networks of addresses: a prefix of an IPv4 or IPv6 address, without bits past it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use countersign_document::{Item, Problem, quoted};

/// Most bytes of a network's text.
const MAX_TEXT: usize = 4_096;

/// How much of an IPv6 address stands before the IPv4 address that is mapped into it (RFC 4291 section 2.5.5.2).
const MAPPED: u8 = 96;

/// A network (RFC 4632 section 3.1, RFC 4291 section 2.3). IPv4 networks mapped into IPv6 are IPv4 networks, as mapped
/// addresses are IPv4 addresses: a network of one family has no address of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    // INVARIANT: the address is canonical, the prefix is at most its bits, and the bits past the prefix are zero.
    address: IpAddr,
    prefix: u8,
}

/// Why text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFault {
    /// It isn't an address, `/` and a number.
    Form,
    /// An address alone; the network that has only this.
    Address(Network),
    /// The prefix is longer than so many bits.
    Prefix(u8),
    /// Bits past the prefix are set; the network without them.
    HostBits(Network),
}

impl Network {
    /// The network of a prefix of an address, whatever the bits past it; none if the prefix is too long.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Option<Network> {
        let (address, prefix) = match (address, address.to_canonical()) {
            (IpAddr::V6(_), mapped @ IpAddr::V4(_)) if prefix >= MAPPED => (mapped, prefix - MAPPED),
            // A network so wide has more than mapped addresses.
            _ => (address, prefix),
        };
        let masked = match address {
            IpAddr::V4(address) if prefix <= 32 => {
                IpAddr::V4(Ipv4Addr::from(u32::from(address) & !u32::MAX.checked_shr(prefix.into()).unwrap_or(0)))
            }
            IpAddr::V6(address) if prefix <= 128 => {
                IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::MAX.checked_shr(prefix.into()).unwrap_or(0)))
            }
            _ => return None,
        };
        Some(Network { address: masked, prefix })
    }

    /// Reads `10.0.0.0/8` or `2001:db8::/32`.
    ///
    /// # Errors
    /// When it isn't one; where it is clear which network was meant, the fault names it.
    pub fn parse(text: &str) -> Result<Network, NetworkFault> {
        let Some((address, prefix)) = text.split_once('/') else {
            let address: IpAddr = text.parse().map_err(|_| NetworkFault::Form)?;
            let address = address.to_canonical();
            let alone = Network { address, prefix: if address.is_ipv4() { 32 } else { 128 } };
            return Err(NetworkFault::Address(alone));
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkFault::Form)?;
        // No sign and no leading zeros: one length has one text.
        let plain = prefix == "0" || (!prefix.starts_with('0') && prefix.bytes().all(|c| c.is_ascii_digit()));
        if !plain || prefix.is_empty() || prefix.len() > 3 {
            return Err(NetworkFault::Form);
        }
        let max = if address.is_ipv4() { 32 } else { 128 };
        let prefix: u8 = prefix.parse().map_err(|_| NetworkFault::Prefix(max))?;
        let network = Network::around(address, prefix).ok_or(NetworkFault::Prefix(max))?;
        let given = if network.address.is_ipv4() { address.to_canonical() } else { address };
        if network.address == given { Ok(network) } else { Err(NetworkFault::HostBits(network)) }
    }

    /// Reads a network of a file. A canonical form has it in its normal form.
    ///
    /// Adds a diagnostic where it returns none.
    pub fn read<C: From<Problem>>(item: Item<'_, C>) -> Option<Network> {
        let text = item.any_text(MAX_TEXT)?;
        match Network::parse(text) {
            Ok(network) if !item.reader().is_canonical() || network.to_string() == text => Some(network),
            Ok(network) => item.invalid(format!("`{network}`, the network's normal form")),
            Err(NetworkFault::Form) => item.invalid("a network such as `10.0.0.0/8` or `2001:db8::/32`"),
            Err(NetworkFault::Address(network)) => {
                item.invalid(format!("a network, such as `{network}` of this address alone"))
            }
            Err(NetworkFault::Prefix(max)) => {
                item.refuse(Problem::OutOfRange, format!("a prefix of 0 to {max} bits"), quoted(text), None)
            }
            Err(NetworkFault::HostBits(network)) => {
                item.invalid(format!("`{network}`, the network without bits past its prefix"))
            }
        }
    }

    /// How many bits are fixed: 0–32, of IPv6 0–128.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether its addresses are of IPv4.
    #[must_use]
    pub fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }

    /// The first and the last address.
    #[must_use]
    pub fn ends(&self) -> (IpAddr, IpAddr) {
        let last = match self.address {
            IpAddr::V4(first) => {
                let hosts = u32::MAX.checked_shr(self.prefix.into()).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(first) | hosts))
            }
            IpAddr::V6(first) => {
                let hosts = u128::MAX.checked_shr(self.prefix.into()).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(first) | hosts))
            }
        };
        (self.address, last)
    }

    /// Whether an address lies in it; one that is mapped into IPv6 is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (first, last) = self.ends();
        let address = address.to_canonical();
        // Addresses of another family order before or after all of this one.
        first <= address && address <= last
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        match Network::parse(text).unwrap_err() {
            NetworkFault::Form => "form".to_owned(),
            NetworkFault::Address(network) => format!("address {network}"),
            NetworkFault::Prefix(max) => format!("prefix {max}"),
            NetworkFault::HostBits(network) => format!("host bits {network}"),
        }
    }

    #[test]
    fn networks_have_the_addresses_of_their_prefix() {
        for (network, within, without) in [
            ("10.0.0.0/8", vec!["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], vec!["9.255.255.255", "11.0.0.0"]),
            ("192.0.2.7/32", vec!["192.0.2.7"], vec!["192.0.2.6", "192.0.2.8"]),
            ("0.0.0.0/0", vec!["0.0.0.0", "255.255.255.255", "::ffff:0.0.0.0"], vec!["::", "2001:db8::"]),
            ("2001:db8::/33", vec!["2001:db8::", "2001:db8:7fff:ffff::"], vec!["2001:db8:8000::", "2001:db7::"]),
            ("::1/128", vec!["::1"], vec!["::", "::2", "0.0.0.1"]),
            // Every IPv6 address, and no IPv4 address, mapped or not.
            ("::/0", vec!["::", "ffff::", "::fffe:1.2.3.4"], vec!["1.2.3.4", "::ffff:1.2.3.4"]),
        ] {
            let parsed = Network::parse(network).unwrap();
            assert_eq!(parsed.to_string(), network);
            for address in within {
                assert!(parsed.contains(address.parse().unwrap()), "{address} in {network}");
            }
            for address in without {
                assert!(!parsed.contains(address.parse().unwrap()), "{address} not in {network}");
            }
        }
    }

    #[test]
    fn what_is_mapped_into_ipv6_is_ipv4() {
        for (written, network) in [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:a00:0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:192.0.2.1/128", "192.0.2.1/32"),
        ] {
            assert_eq!(Network::parse(written).unwrap().to_string(), network, "{written}");
        }
        assert_eq!(fault("::ffff:10.1.0.0/104"), "host bits 10.0.0.0/8");
        // Wider than what is mapped: an IPv6 network.
        assert_eq!(fault("::ffff:0:0/95"), "host bits ::fffe:0:0/95");
    }

    #[test]
    fn a_fault_says_which_network_may_have_been_meant() {
        for (text, expected) in [
            ("10.1.2.3/8", "host bits 10.0.0.0/8"),
            ("2001:db8::1/32", "host bits 2001:db8::/32"),
            ("10.0.0.1", "address 10.0.0.1/32"),
            ("::ffff:10.0.0.1", "address 10.0.0.1/32"),
            ("::1", "address ::1/128"),
            ("10.0.0.0/33", "prefix 32"),
            ("10.0.0.0/999", "prefix 32"),
            ("::/129", "prefix 128"),
            ("::ffff:10.0.0.0/130", "prefix 128"),
        ] {
            assert_eq!(fault(text), expected, "{text}");
        }
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "10/8",
            "010.0.0.0/8",
            "10.0.0.0/0000",
            "10.0.0.0/1e1",
            "fe80::%1/64",
            "localhost/8",
            " 10.0.0.0/8",
        ] {
            assert_eq!(fault(text), "form", "{text}");
        }
    }
}
