//! How many connections each address at the network has, so that no address takes all places.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Addresses that have connections, with how many. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses(Arc<Mutex<HashMap<IpAddr, u32>>>);

/// A connection of an address, until this is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    /// Counts one more connection of an address, unless it has `most` already.
    pub(crate) fn count(&self, address: IpAddr, most: u32) -> Option<Counted> {
        let address = one(address);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.get(&address).copied().unwrap_or_default();
        if count >= most {
            return None;
        }
        all.insert(address, count + 1);
        Some(Counted { addresses: self.clone(), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(all.remove(&self.address)),
        }
    }
}

/// What counts as one address: an IPv4 address, also where a socket shows it as an IPv6 one, and the /64 of an IPv6 address, of
/// which whoever has one address has all.
fn one(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        address => address,
    }
}

#[cfg(test)]
#[path = "../tests/unit/addresses.rs"]
mod tests;
