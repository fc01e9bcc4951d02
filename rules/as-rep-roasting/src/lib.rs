//! RC4 tickets for accounts that need no pre-authentication.

use countersign_sdk::prelude::*;
use countersign_sdk::sign_in::account_name;

countersign_sdk::rule!();

#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

/// The number of accounts that are counted per address.
const MAX_ACCOUNTS: usize = 16;

/// State of an address. Kept references are the tickets that were reported last.
#[derive(State)]
#[state(slot = "address")]
struct Address {
    /// Accounts, by when they were reported.
    accounts: SlidingDistinct<MAX_ACCOUNTS>,
}

/// `where` passes only tickets with RC4 that were issued without pre-authentication.
#[detection]
fn detect(event: &Event, address: &mut Slot<Address>, cx: &mut Context) {
    let (at, parameters) = (event.time(), cx.parameters());
    let Some(account) = account_name(event) else { return };
    if address.accounts.last_seen(&account).is_some_and(|last| at - last < parameters.repeat_after) {
        return;
    }
    address.accounts.add(&account, at, parameters.repeat_after);
    // For a late row this includes accounts that come after it.
    let together = address.accounts.count_since(at - parameters.window).max(1);
    let confidence = match together {
        1 => 60,
        2 => 75,
        _ => 90,
    };
    let others = match together - 1 {
        0 => String::new(),
        1 => format!(", and one for another account within {}", parameters.window),
        more => format!(", and such tickets for {more} other accounts within {}", parameters.window),
    };
    let finding = Finding::new(class::Credential, confidence)
        .severity(if together > 1 { Severity::High } else { Severity::Medium })
        .about(Role::Actor)
        .merely_names()
        .evidence_all(address.kept())
        .message(format!(
            "a ticket for {account} was given{} without pre-authentication, encrypted with {}{others}",
            event.src_endpoint_ip().map_or_else(String::new, |ip| format!(" to {ip}")),
            event.authentication_token_encryption_details_algorithm().unwrap_or("RC4"),
        ));
    cx.report(finding);
    address.keep(event.reference());
}
