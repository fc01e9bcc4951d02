//! What the operator says about networks, and about the addresses in them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use countersign_declaration::Network;
use countersign_document::Problem;

use crate::reader::{Item, Table};

/// Most networks of one file.
pub(crate) const MAX_NETWORKS: usize = 1_000_000;

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
        let address = address.to_canonical();
        let prefixes = if address.is_ipv4() { v4 } else { v6 };
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

    /// Reports more than `max` networks in a file.
    pub(crate) fn check_count(&self, table: &Table<'_>, max: usize) {
        if self.len() > max {
            let (expected, got) = (format!("at most {max} networks"), format!("{} networks", self.len()));
            table.item().refuse::<()>(Problem::OutOfRange, expected, got, None);
        }
    }

    /// Adds one; false if it is there already.
    pub(crate) fn insert(&mut self, network: Network, value: T) -> bool {
        if self.entries.contains_key(&network) {
            return false;
        }
        let [v4, v6] = &mut self.prefixes;
        let prefixes = if network.is_ipv4() { v4 } else { v6 };
        if let Err(place) = prefixes.binary_search_by(|one| network.prefix().cmp(one)) {
            prefixes.insert(place, network.prefix());
        }
        self.entries.insert(network, value);
        true
    }
}

/// A list of networks, each with the item that names it; at least one.
pub(crate) fn networks<'n>(item: Item<'n>) -> Option<Vec<(Item<'n>, Network)>> {
    item.list((1, usize::MAX), |item| Some(Network::read(item).map(|network| (item, network))))
        .map(|networks| networks.into_iter().flatten().collect())
}

/// Reports a network that is in the file twice.
pub(crate) fn duplicate(item: Item<'_>, network: Network) {
    let hint = "it is named further up already".to_owned();
    item.refuse::<()>(Problem::DuplicateValue, "a network once", format!("`{network}`"), Some(hint));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap()
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
    }
}
