//! Which addresses are in a network.

use super::*;

#[test]
fn a_network_has_the_addresses_of_its_prefix() {
    for (network, address, is_in) in [
        ("192.0.2.0/24", "192.0.2.255", true),
        ("192.0.2.0/24", "::ffff:192.0.2.7", true),
        ("192.0.2.0/24", "192.0.3.0", false),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.6", false),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("::/0", "2001:db9::1", true),
    ] {
        assert_eq!(
            network.parse::<Network>().unwrap().contains(address.parse().unwrap()),
            is_in,
            "{network} {address}"
        );
    }
    for text in ["", "192.0.2.0/33", "2001:db8::/129", "192.0.2/24", "192.0.2.0/-1", "example.com"] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}
