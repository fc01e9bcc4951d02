//! Accounts that records can have, and those that they can't.

use super::*;

fn part(account: &str) -> Option<&'static str> {
    let account: Account = account.parse().unwrap();
    cannot_match(&account).map(|mismatch| mismatch.part)
}

#[test]
fn accounts_that_records_have_are_taken_as_they_are() {
    for account in [
        "aws:111122223333:AIDAEXAMPLE",
        "aws:111122223333:AROAEXAMPLE",
        "aws:111122223333:111122223333",
        "aws:111122223333:111122223333%3Abob",
        "aws:aws:ec2.amazonaws.com",
        "aws:d-9067:544894e8",
        "aws:accounts.google.com:app%3A42",
        "aws:bdGO=:jdoe",
        "directory:local:acc-0123456789abcdef01234567",
        "directory:local:prn-0123456789abcdef01234567",
        "directory:local:system",
        "okta:org:00uexample",
        "okta:org:0oaexample",
        "okta:okta:system",
        "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-500",
        "windows:dc1.example.com:S-1-5-18",
        "windows:pc1:S-1-5-80-1-2",
        "windows:S-1-12-1:S-1-12-1-1-2-3-4",
        "example:t-1:u-1",
    ] {
        assert_eq!(part(account), None, "{account}");
    }
}

#[test]
fn what_no_record_can_have_says_which_part() {
    for (account, expected) in [
        ("aws:111122223333:arn%3Aaws%3Aiam%3A%3A111122223333%3Auser/alice", "subject"),
        ("aws:111122223333:alice", "subject"),
        ("aws:111122223333:aidaexample", "subject"),
        ("aws:111122223333:AIDAexample", "subject"),
        ("aws:111122223333:AKIAEXAMPLE", "subject"),
        ("aws:111122223333:AROAEXAMPLE%3Abuild", "subject"),
        ("aws:111122223333:444455556666", "subject"),
        ("aws:11112222333:AIDAEXAMPLE", "tenant"),
        ("aws:prod:AIDAEXAMPLE", "tenant"),
        ("aws:prod:alice", "tenant"),
        ("aws:d-9067:AROAEXAMPLE", "tenant"),
        ("directory:local:alice", "subject"),
        ("directory:local:acc-1", "subject"),
        ("okta:org:alice@example.com", "subject"),
        ("okta:example.okta.com:00uexample", "tenant"),
        ("windows:S-1-5-21-1-2-3:s-1-5-21-1-2-3-500", "subject"),
        ("windows:EXAMPLE:S-1-5-21-1-2-3-500", "tenant"),
        ("windows:S-1-5-21-9-9-9:S-1-5-21-1-2-3-500", "tenant"),
        ("windows:DC1.example.com:S-1-5-18", "tenant"),
        ("windows:example:alice", "subject"),
        ("windows:example:S-1-5-32-544", "subject"),
        ("AWS:111122223333:AIDAEXAMPLE", "provider"),
        ("ows:111122223333:AIDAEXAMPLE", "provider"),
        ("Okta:org:00uexample", "provider"),
    ] {
        assert_eq!(part(account), Some(expected), "{account}");
    }
}
