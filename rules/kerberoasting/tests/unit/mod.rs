//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Row, check, check_state_size, only_finding, row};

use super::*;

const KEY: &str = "192.0.2.17";

fn ticket(account: &str, service: &str, seconds: i64) -> Row {
    let row = row()
        .key(KEY)
        .at("2026-03-04T08:00:00Z")
        .plus_secs(seconds)
        .src_endpoint_ip(KEY)
        .actor_user_name(account)
        .service_name(service);
    row.actor_user_domain("EXAMPLE.TEST").authentication_token_encryption_details_algorithm("rc4-hmac")
}

fn roast(account: &str, services: i64, step: i64) -> Vec<Row> {
    (0..services).map(|number| ticket(account, &format!("svc-{number}"), number * step)).collect()
}

#[test]
fn the_fifth_service_is_found_and_the_rest_of_the_window_quiet() {
    check::<Rule>(&roast("mallory", 4, 1), &[]);
    let finding = only_finding::<Rule>(&roast("mallory", 40, 1));
    assert_eq!((finding.row, finding.class, finding.confidence), (4, SignalClass::Credential, 75));
    assert_eq!((finding.about, finding.severity), (Role::Actor, Severity::High));
    assert_eq!(finding.evidence, [0, 1, 2, 3]);
    assert_eq!(finding.techniques, ["T1558.003"]);
    assert_eq!(
        finding.message,
        "mallory@example.test got tickets for 5 services within 10m, encrypted with rc4-hmac, from 192.0.2.17; the last \
         for svc-4"
    );
}

#[test]
fn the_window_ends_where_it_ends() {
    check::<Rule>(&roast("mallory", 5, 149), &[(4, 75)]);
    check::<Rule>(&roast("mallory", 5, 150), &[]);
    // Roasting that goes on is reported again, with what was seen since.
    check::<Rule>(&roast("mallory", 700, 1), &[(4, 75), (604, 90)]);
}

#[test]
fn one_service_again_and_again_is_no_roasting() {
    check::<Rule>(&(0..500).map(|second| ticket("mallory", "svc-1", second)).collect::<Vec<_>>(), &[]);
    let spelt = |second: i64| ticket("mallory", ["svc-1", "SVC-1", "Svc-1"][second as usize % 3], second);
    check::<Rule>(&(0..60).map(spelt).collect::<Vec<_>>(), &[]);
}

#[test]
fn accounts_behind_one_address_are_counted_apart() {
    let rows: Vec<Row> = (0..40)
        .map(|number| ticket(&format!("user{}", number % 10), &format!("svc-{}", number / 10), number))
        .collect();
    check::<Rule>(&rows, &[]);
    // However a name is written, and another domain's isn't it.
    let names = ["mallory", "MALLORY", "mallory@EXAMPLE.TEST", "Mallory@example.test", "mallory"];
    check::<Rule>(
        &(0..5).map(|number| ticket(names[number], &format!("svc-{number}"), 1)).collect::<Vec<_>>(),
        &[(4, 75)],
    );
    let domains = |number: i64| {
        ticket("mallory", &format!("svc-{number}"), number).actor_user_domain(["A", "B"][number as usize % 2])
    };
    check::<Rule>(&(0..8).map(domains).collect::<Vec<_>>(), &[]);
}

#[test]
fn addresses_are_counted_apart_and_rows_without_one_not_at_all() {
    let rows: Vec<Row> =
        roast("mallory", 8, 1).into_iter().enumerate().map(|(place, row)| row.key(["a", KEY][place % 2])).collect();
    check::<Rule>(&rows, &[]);
    let unkeyed = |number: i64| row().actor_user_name("mallory").service_name(&format!("svc-{number}"));
    check::<Rule>(&(0..20).map(unkeyed).collect::<Vec<_>>(), &[]);
}

#[test]
fn late_rows_count_where_they_belong() {
    let mut rows = roast("mallory", 5, 60);
    rows.rotate_left(2);
    check::<Rule>(&rows, &[(4, 75)]);
    check::<Rule>(&[roast("mallory", 4, 1), vec![ticket("mallory", "svc-9", -601).late()]].concat(), &[]);
}

#[test]
fn more_accounts_than_are_remembered_displace_the_one_seen_longest_ago() {
    let mut rows = roast("mallory", 4, 1);
    rows.extend((0..16).map(|number| ticket(&format!("user{number}"), "svc-1", 10 + number)));
    rows.push(ticket("mallory", "svc-9", 30));
    check::<Rule>(&rows, &[]);
    // One that goes on asking isn't displaced.
    let rows: Vec<Row> = (0..20)
        .flat_map(|number| {
            [ticket(&format!("user{number}"), "svc-1", number), ticket("mallory", &format!("svc-{number}"), number)]
        })
        .collect();
    check::<Rule>(&rows, &[(9, 75)]);
    // A late ticket of a new account displaces none.
    let mut rows: Vec<Row> = (0..16).map(|number| ticket(&format!("user{number}"), "svc-1", 10 + number)).collect();
    rows.extend((0..5).map(|number| ticket("newcomer", &format!("svc-{number}"), number).late()));
    check::<Rule>(&rows, &[]);
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    check_state_size::<Rule>(&roast("mallory", 2, 1), KEY, 2_304);
}
