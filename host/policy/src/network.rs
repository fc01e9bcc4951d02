//! Networks in CIDR form, and what is said about them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::fault::Fault;
use crate::node::{Node, NodeValue};
use crate::reader::Faults;

/// Most networks of one file.
pub(crate) const MOST_NETWORKS: usize = 1_000_000;

/// A network: an address whose bits past the prefix are zero, and the prefix's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text isn't a network.
enum Wrong {
    /// It is none.
    Form,
    /// It is one when it is written like this.
    Written(Network),
}

impl Network {
    /// The network of so many bits that an address lies in; none if the address has fewer bits.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Option<Network> {
        let address = address.to_canonical();
        let masked = match address {
            IpAddr::V4(v4) if prefix <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) if prefix <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
            _ => return None,
        };
        Some(Network { address: masked, prefix })
    }

    /// How many bits of the prefix are fixed: 0–32 or 0–128.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether it is one of IPv4.
    #[must_use]
    pub fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }

    /// Whether an address lies in it. IPv4 written as IPv6 (`::ffff:a.b.c.d`) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        Network::around(address, self.prefix) == Some(*self)
    }

    fn parse(text: &str) -> Result<Network, Wrong> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| Wrong::Form)?;
        let canonical = address.to_canonical();
        let bits: u8 = if canonical.is_ipv4() { 32 } else { 128 };
        let Some(prefix) = prefix else {
            return Network::around(canonical, bits).map_or(Err(Wrong::Form), |one| Err(Wrong::Written(one)));
        };
        let plain = (1..=3).contains(&prefix.len()) && prefix.bytes().all(|c| c.is_ascii_digit());
        let prefix: u8 = prefix.parse().ok().filter(|_| plain).ok_or(Wrong::Form)?;
        // Of IPv4 written as IPv6 the first 96 bits say only that.
        let prefix = if canonical == address { prefix } else { prefix.checked_sub(96).ok_or(Wrong::Form)? };
        let network = Network::around(canonical, prefix).ok_or(Wrong::Form)?;
        if network.to_string() == text || (canonical == address && network.address == address) {
            Ok(network)
        } else {
            Err(Wrong::Written(network))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// What is said about networks; of those in which an address lies the narrowest counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Networks<T> {
    entries: BTreeMap<Network, T>,
    /// The lengths of prefixes that there are, the longest first: of IPv4 and of IPv6.
    prefixes: [Vec<u8>; 2],
}

impl<T> Default for Networks<T> {
    fn default() -> Self {
        Networks { entries: BTreeMap::new(), prefixes: [Vec::new(), Vec::new()] }
    }
}

impl<T> Networks<T> {
    /// The narrowest network in which an address lies, and what is said about it.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<(Network, &T)> {
        let [v4, v6] = &self.prefixes;
        let prefixes = if address.to_canonical().is_ipv4() { v4 } else { v6 };
        prefixes.iter().find_map(|prefix| {
            let network = Network::around(address, *prefix)?;
            self.entries.get(&network).map(|value| (network, value))
        })
    }

    /// Every network with what is said about it, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Network, &T)> {
        self.entries.iter().map(|(network, value)| (*network, value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds one; false if it is there already.
    pub(crate) fn insert(&mut self, network: Network, value: T) -> bool {
        if self.entries.contains_key(&network) {
            return false;
        }
        let [v4, v6] = &mut self.prefixes;
        let prefixes = if network.address.is_ipv4() { v4 } else { v6 };
        if let Err(place) = prefixes.binary_search_by(|one| network.prefix.cmp(one)) {
            prefixes.insert(place, network.prefix);
        }
        self.entries.insert(network, value);
        true
    }
}

/// A list of networks, each with the node that names it; at least one.
pub(crate) fn networks<'n>(node: &'n Node, faults: &Faults) -> Vec<(&'n Node, Network)> {
    const EXPECTED: &str = "a list of networks such as `203.0.113.0/24` or `2001:db8::/32`";
    let NodeValue::Array(items) = &node.value else {
        faults.push(node.fault(EXPECTED, None));
        return Vec::new();
    };
    if items.is_empty() {
        faults.push(node.fault(format!("{EXPECTED}, at least one"), None));
    }
    items.iter().filter_map(|item| Some((item, network(item, faults)?))).collect()
}

fn network(node: &Node, faults: &Faults) -> Option<Network> {
    let NodeValue::Text(text) = &node.value else {
        faults.push(node.fault("a network such as `203.0.113.0/24` or `2001:db8::/32`", None));
        return None;
    };
    match Network::parse(text) {
        Ok(network) => Some(network),
        Err(wrong) => {
            let hint = match wrong {
                Wrong::Form => None,
                Wrong::Written(network) => Some(format!("write `{network}`")),
            };
            let expected = "a network such as `203.0.113.0/24` or `2001:db8::/32`, its bits past the prefix zero";
            faults.push(node.fault(expected, hint));
            None
        }
    }
}

/// Notes a network that stands in the file twice.
pub(crate) fn twice(node: &Node, network: Network) -> Fault {
    node.fault("a network once", Some("it is named further up already".to_owned())).with_got(&network.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap_or_else(|_| panic!("{text}"))
    }

    fn wrong(text: &str) -> Option<String> {
        match Network::parse(text) {
            Ok(network) => panic!("{text} is {network}"),
            Err(Wrong::Form) => None,
            Err(Wrong::Written(network)) => Some(network.to_string()),
        }
    }

    #[test]
    fn networks_are_read_strictly() {
        for text in ["0.0.0.0/0", "203.0.113.0/24", "203.0.113.7/32", "::/0", "2001:db8::/32", "2001:db8::1/128"] {
            assert_eq!(network(text).to_string(), text);
        }
        assert_eq!(network("2001:0DB8::/32").to_string(), "2001:db8::/32");
        for (text, meant) in [
            ("203.0.113.7/24", "203.0.113.0/24"),
            ("203.0.113.7", "203.0.113.7/32"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
            ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ] {
            assert_eq!(wrong(text).as_deref(), Some(meant), "{text}");
        }
        for text in [
            "",
            "/",
            "203.0.113.0/",
            "203.0.113.0/33",
            "::/129",
            "203.0.113/24",
            "203.0.113.0/+8",
            "203.0.113.0/0x8",
            "203.0.113.0/24/24",
            "::ffff:203.0.113.0/95",
            "example.org/24",
            " 203.0.113.0/24",
        ] {
            assert_eq!(wrong(text), None, "{text}");
        }
    }

    #[test]
    fn the_narrowest_network_counts() {
        let mut networks = Networks::default();
        for (text, name) in [
            ("10.0.0.0/8", "wide"),
            ("10.1.0.0/16", "narrow"),
            ("10.1.2.3/32", "one"),
            ("::/16", "six"),
            ("0.0.0.0/0", "any"),
        ] {
            assert!(networks.insert(network(text), name));
        }
        assert!(!networks.insert(network("10.0.0.0/8"), "again"));
        let find =
            |address: &str| networks.find(address.parse().unwrap()).map(|(network, name)| (network.to_string(), *name));
        for (address, expected) in [
            ("10.1.2.3", Some(("10.1.2.3/32", "one"))),
            ("::ffff:10.1.2.3", Some(("10.1.2.3/32", "one"))),
            ("10.1.2.4", Some(("10.1.0.0/16", "narrow"))),
            ("10.2.0.0", Some(("10.0.0.0/8", "wide"))),
            ("192.0.2.1", Some(("0.0.0.0/0", "any"))),
            ("::1", Some(("::/16", "six"))),
            ("2001:db8::1", None),
        ] {
            assert_eq!(find(address), expected.map(|(network, name)| (network.to_owned(), name)), "{address}");
        }
        assert!(network("10.0.0.0/8").contains("10.255.255.255".parse().unwrap()));
        assert!(!network("10.0.0.0/8").contains("11.0.0.0".parse().unwrap()));
    }
}
