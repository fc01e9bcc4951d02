//! RC4 tickets for many services, by one account from one address.

use countersign_sdk::collections::hash64;
use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

/// The number of services that are counted; the maximum of the parameter `services`.
const MAX_SERVICES: usize = 8;

/// The number of accounts that are remembered per address; beyond it the one seen longest ago is forgotten. Each needs
/// a ticket-granting ticket of its own, so they can't be invented to displace one.
const MAX_ACCOUNTS: usize = 16;

/// State of an address. Kept references are the latest tickets of all accounts.
#[derive(State)]
#[state(slot = "address")]
struct Address {
    accounts: [Account; MAX_ACCOUNTS],
}

/// One account's tickets.
#[derive(State)]
struct Account {
    /// Hash of its name, 0 for none.
    name: u64,
    services: SlidingDistinct<MAX_SERVICES>,
    /// When it was last reported; 1970 for never.
    reported: Timestamp,
}

/// `where` passes only tickets with RC4, for services that aren't machines.
#[detection]
fn detect(event: &Event, address: &mut Slot<Address>, cx: &mut Context) {
    let (at, parameters) = (event.time(), cx.parameters());
    let (Some(name), Some(service)) = (name(event), event.service_name()) else { return };
    let Some(account) = account(address, hash64(name.as_bytes()).max(1), at) else { return };
    let services = account.services.add(&service.to_lowercase(), at, parameters.window);
    let known = at - account.reported < parameters.window;
    if !known && services as i64 >= parameters.services {
        account.reported = at;
        let more = (services as i64).saturating_sub(parameters.services).clamp(0, 3);
        let confidence = u8::try_from(75_i64.saturating_add(more * 5)).unwrap_or(90);
        let finding = Finding::new(class::Credential, confidence)
            .severity(Severity::High)
            .about(Role::Actor)
            .evidence_all(address.kept())
            .message(format!(
                "{name} got tickets for {services}{} services within {}, encrypted with {}, from {}; the last for {service}",
                if services == MAX_SERVICES { " or more" } else { "" },
                parameters.window,
                event.authentication_token_encryption_details_algorithm().unwrap_or("RC4"),
                event.src_endpoint_ip().map_or_else(|| "an unnamed address".to_owned(), |address| address.to_string()),
            ));
        cx.report(finding);
    }
    address.keep(event.reference());
}

/// The account's name, for people and as a key: a name isn't unique without its domain.
fn name(event: &Event) -> Option<String> {
    let name = event.actor_user_name().or(event.actor_user_uid())?.to_lowercase();
    match event.actor_user_domain().filter(|_| !name.contains('@')) {
        Some(domain) => Some(format!("{name}@{}", domain.to_lowercase())),
        None => Some(name),
    }
}

/// The state of an account; a new one takes the place of the one seen longest ago, unless it is late and all others are
/// newer.
fn account(address: &mut Address, name: u64, at: Timestamp) -> Option<&mut Account> {
    let known = address.accounts.iter().position(|account| account.name == name);
    let place = match known {
        Some(place) => place,
        None => {
            let (place, last) = address
                .accounts
                .iter()
                .enumerate()
                .map(|(place, account)| (place, account.services.newest()))
                .min_by_key(|(place, last)| (*last, *place))?;
            if last.is_some_and(|last| last > at) {
                return None;
            }
            place
        }
    };
    let account = address.accounts.get_mut(place)?;
    if account.name != name {
        account.name = name;
        account.services.reset();
        account.reported = Timestamp::from_micros(0);
    }
    Some(account)
}
