//! What counts as one address, and that what has ended counts no more.

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn one_address_is_an_ipv4_address_or_a_64_of_ipv6() {
    for (first, second, is_one) in [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
    ] {
        let addresses = Addresses::default();
        let held = addresses.count(address(first), 1).unwrap();
        assert_eq!(addresses.count(address(second), 1).is_none(), is_one, "{first} {second}");
        drop(held);
    }
}

#[test]
fn what_has_ended_counts_no_more() {
    let addresses = Addresses::default();
    let count = || addresses.count(address("192.0.2.1"), 2);
    for _ in 0..3 {
        let (first, second) = (count().unwrap(), count().unwrap());
        assert!(count().is_none());
        drop(first);
        let third = count().unwrap();
        assert!(count().is_none());
        drop((second, third));
        assert!(addresses.0.lock().unwrap().is_empty());
    }
    assert!(addresses.count(address("192.0.2.1"), 0).is_none());
}
