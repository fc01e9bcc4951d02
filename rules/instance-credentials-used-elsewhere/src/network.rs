//! Networks: which addresses belong together, which can't be routed, and the operator's list in CIDR form.

use core::net::{IpAddr, Ipv6Addr};

/// How many leading bits make a network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefixes {
    pub(crate) ipv4: i64,
    pub(crate) ipv6: i64,
}

impl Prefixes {
    /// Whether two addresses are of one network. Addresses of different families never are.
    pub(crate) fn same_network(self, one: IpAddr, other: IpAddr) -> bool {
        one.is_ipv4() == other.is_ipv4() && shares(one, other, if one.is_ipv4() { self.ipv4 } else { self.ipv6 })
    }
}

/// An address as bits, for state; 0 is none.
pub(crate) fn to_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The address of such bits.
pub(crate) fn from_bits(bits: u128) -> IpAddr {
    Ipv6Addr::from_bits(bits).to_canonical()
}

/// Whether no router of the internet would carry the address: private, shared, link-local and loopback ranges
/// (RFC 1918, 6598, 3927, 4193, 4291).
pub(crate) fn is_unrouted(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let shared = first == 100 && second & 0b1100_0000 == 64;
            address.is_private() || address.is_link_local() || address.is_loopback() || shared
        }
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local() || address.is_loopback(),
    }
}

/// Whether a network of the operator's list contains the address. `bad` is called with each entry that is no network.
pub(crate) fn any_contains(networks: &[String], address: IpAddr, mut bad: impl FnMut(&str)) -> bool {
    let mut found = false;
    for text in networks {
        match parse(text) {
            Some((network, bits)) => {
                found |= network.is_ipv4() == address.is_ipv4() && shares(network, address, bits);
            }
            None => bad(text),
        }
    }
    found
}

/// `address/bits`, or an address alone.
fn parse(text: &str) -> Option<(IpAddr, i64)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let max = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(max);
    (bits <= max).then_some((address, bits.into()))
}

/// Whether the first so many bits of two addresses of one family are the same.
fn shares(one: IpAddr, other: IpAddr, bits: i64) -> bool {
    let before = if one.is_ipv4() { 96 } else { 0 };
    let differing = (to_bits(one) ^ to_bits(other)).leading_zeros();
    i64::from(differing) >= bits.saturating_add(before)
}

#[cfg(test)]
mod tests {
    use countersign_sdk::testing::address;

    use super::*;

    #[test]
    fn networks_are_distinguished_at_their_edges() {
        let prefixes = Prefixes { ipv4: 28, ipv6: 64 };
        for (one, other, same) in [
            ("203.0.113.17", "203.0.113.31", true),
            ("203.0.113.17", "203.0.113.16", true),
            ("203.0.113.31", "203.0.113.32", false),
            ("203.0.113.15", "203.0.113.16", false),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("203.0.113.17", "2001:db8:1:2::1", false),
        ] {
            assert_eq!(prefixes.same_network(address(one), address(other)), same, "{one} {other}");
            assert_eq!(prefixes.same_network(address(other), address(one)), same, "{other} {one}");
        }
        let single = Prefixes { ipv4: 32, ipv6: 128 };
        assert!(single.same_network(address("192.0.2.1"), address("192.0.2.1")));
        assert!(!single.same_network(address("192.0.2.1"), address("192.0.2.0")));
        assert!(!single.same_network(address("2001:db8::1"), address("2001:db8::")));
    }

    #[test]
    fn addresses_survive_state() {
        for text in ["203.0.113.17", "0.0.0.0", "255.255.255.255", "2001:db8::1"] {
            assert_eq!(from_bits(to_bits(address(text))), address(text));
            assert_ne!(to_bits(address(text)), 0, "{text} would read as none");
        }
    }

    #[test]
    fn unrouted_ranges_end_where_the_standards_say() {
        for (text, unrouted) in [
            ("10.0.1.17", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("192.168.10.20", true),
            ("192.169.0.1", false),
            ("100.64.0.1", true),
            ("100.127.255.255", true),
            ("100.128.0.1", false),
            ("169.254.169.254", true),
            ("127.0.0.1", true),
            ("198.18.0.1", false),
            ("fd00::1", true),
            ("fe80::1", true),
            ("::1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_unrouted(address(text)), unrouted, "{text}");
        }
    }

    #[test]
    fn the_operators_list_is_read_in_cidr_form() {
        let networks: Vec<String> =
            ["192.0.2.0/25", "198.51.100.7", "2001:db8::/32", "0.0.0.0/33", "nowhere", "192.0.2.0/-1", "10.0.0.0/"]
                .map(str::to_owned)
                .to_vec();
        for (text, found) in [
            ("192.0.2.127", true),
            ("192.0.2.128", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
        ] {
            let mut bad = Vec::new();
            assert_eq!(any_contains(&networks, address(text), |entry| bad.push(entry.to_owned())), found, "{text}");
            assert_eq!(bad, ["0.0.0.0/33", "nowhere", "192.0.2.0/-1", "10.0.0.0/"]);
        }
        assert!(any_contains(&["0.0.0.0/0".to_owned()], address("198.18.0.1"), |_| {}));
        assert!(!any_contains(&["0.0.0.0/0".to_owned()], address("2001:db8::1"), |_| {}));
    }
}
