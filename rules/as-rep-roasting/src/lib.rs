//! RC4 tickets for accounts that need no pre-authentication.

use countersign_sdk::prelude::*;
use countersign_sdk::sign_in::account_name;

countersign_sdk::rule!();

/// Most accounts of an address that are told apart.
const ACCOUNTS: usize = 16;

/// What is kept of an address. Kept references are the tickets that were reported last.
#[derive(State)]
#[state(slot = "address")]
struct Address {
    /// By when they were reported.
    accounts: SlidingDistinct<ACCOUNTS>,
}

/// `where` has left tickets with RC4 that were given without pre-authentication.
#[detection]
fn detect(event: &Event, address: &mut Slot<Address>, cx: &mut Context) {
    let (at, parameters) = (event.time(), cx.parameters());
    let Some(account) = account_name(event) else { return };
    if address.accounts.last_seen(&account).is_some_and(|last| at - last < parameters.repeat_after) {
        return;
    }
    address.accounts.add(&account, at, parameters.repeat_after);
    // With those that come after a late one.
    let together = address.accounts.after(at - parameters.window).max(1);
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
    cx.find(finding);
    address.keep(event.reference());
}

#[cfg(test)]
mod tests {
    use countersign_sdk::testing::{Bench, Found, Row, row, time};

    use super::*;

    const KEY: &str = "192.0.2.17";

    fn ticket(account: &str, seconds: i64) -> Row {
        let at = time("2026-03-04T08:00:00Z") + Duration::from_secs(seconds);
        let row = row().key(KEY).at_time(at).src_endpoint_ip(KEY).actor_user_name(account);
        row.authentication_token_encryption_details_algorithm("rc4-hmac")
    }

    /// The same findings, and the same state after them, whatever the batch size.
    fn found(rows: &[Row]) -> Vec<Found> {
        let mut whole = Bench::<Rule>::new();
        let found = whole.feed(rows);
        for size in [1, 2, 3] {
            let mut split = Bench::<Rule>::new().batch_size(size);
            assert_eq!(split.feed(rows), found, "batches of {size}");
            assert_eq!(split.blob(0, KEY), whole.blob(0, KEY), "batches of {size}");
        }
        found
    }

    /// The rows found, each with its confidence.
    fn check(rows: &[Row], expected: &[(usize, u8)]) {
        let found = found(rows);
        assert_eq!(found.iter().map(|one| (one.row, one.confidence)).collect::<Vec<_>>(), expected, "{found:#?}");
    }

    #[test]
    fn every_account_is_found_and_the_more_the_surer() {
        let rows: Vec<Row> = ["svc-old", "kiosk", "scanner", "fax"].map(|account| ticket(account, 1)).to_vec();
        let found = found(&rows);
        let told: Vec<(usize, u8)> = found.iter().map(|one| (one.row, one.confidence)).collect();
        assert_eq!(told, [(0, 60), (1, 75), (2, 90), (3, 90)]);
        assert_eq!((found[0].class, found[0].about), (SignalClass::Credential, Role::Actor));
        assert_eq!(
            (found[0].evidence_role, found[3].evidence.as_slice()),
            (Some(EvidenceRole::MerelyNames), &[0, 1, 2][..])
        );
        assert_eq!(
            found[0].message,
            "a ticket for svc-old was given to 192.0.2.17 without pre-authentication, encrypted with rc4-hmac"
        );
        assert!(found[1].message.ends_with(", and one for another account within 10m"), "{}", found[1].message);
        assert!(
            found[3].message.ends_with(", and such tickets for 3 other accounts within 10m"),
            "{}",
            found[3].message
        );
    }

    #[test]
    fn an_old_machine_is_found_once_a_week() {
        let rows: Vec<Row> =
            (0..24 * 15).map(|hour| ticket(["Kiosk", "kiosk"][hour as usize % 2], hour * 3_600)).collect();
        check(&rows, &[(0, 60), (168, 60), (336, 60)]);
    }

    #[test]
    fn the_window_ends_where_it_ends() {
        check(&[ticket("svc-old", 0), ticket("kiosk", 599)], &[(0, 60), (1, 75)]);
        check(&[ticket("svc-old", 0), ticket("kiosk", 600)], &[(0, 60), (1, 60)]);
    }

    #[test]
    fn late_rows_are_found_too() {
        check(&[ticket("svc-old", 0), ticket("kiosk", -30).late(), ticket("kiosk", -60).late()], &[(0, 60), (1, 75)]);
    }

    #[test]
    fn addresses_are_kept_apart_and_rows_without_one_found_each_time() {
        check(&[ticket("svc-old", 0), ticket("kiosk", 1).key("192.0.2.18")], &[(0, 60), (1, 60)]);
        check(&[row().actor_user_name("svc-old"), row().actor_user_name("kiosk")], &[(0, 60), (1, 60)]);
        check(&[row()], &[]);
    }

    #[test]
    fn a_flood_of_accounts_is_found_one_by_one() {
        let rows: Vec<Row> = (0..100).map(|number| ticket(&format!("user{number}"), number)).collect();
        let found = found(&rows);
        assert_eq!((found.len(), found[99].confidence, found[99].evidence.len()), (100, 90, 8));
    }

    #[test]
    fn the_layout_of_state_is_that_of_its_version() {
        // State outlives the rule: another size or order of its parts needs another version of the slot, and a migration.
        let mut bench = Bench::<Rule>::new();
        bench.feed(&[ticket("svc-old", 0)]);
        assert_eq!(bench.blob(0, KEY).map(<[u8]>::len), Some(256));
    }
}
