//! Directories as NDJSON: the same records as in TOML, faults with their lines, looks and forms of ids.
#![expect(clippy::expect_used, reason = "helpers of tests, which clippy takes for other code")]

use std::fmt::Write as _;

use countersign_model::Account;
use countersign_model::vocabulary::IdentityType;
use countersign_policy::Directory;
use expect_test::{Expect, expect};

const TOML: &str = r#"
[[identity]]
id = "alice"
type = "human"
tier = "standard"
environment = "production"

[[identity.account]]
provider = "aws"
tenant = "111122223333"
subject = "AIDAALICE"
provenance = "hr"

[[identity.account]]
provider = "okta"
tenant = "org"
subject = "00ualice"

[[identity]]
id = "deploy"
owner = "alice"
protected = true
break-glass = false
"#;

const LINES: &str = r#"{"id":"alice","type":"human","tier":"standard","environment":"production","account":[{"provider":"aws","tenant":"111122223333","subject":"AIDAALICE","provenance":"hr"},{"provider":"okta","tenant":"org","subject":"00ualice"}]}

{"id":"deploy","owner":"alice","protected":true,"break-glass":false}
"#;

fn faults(text: &str) -> String {
    let faults = Directory::parse(text).expect_err("faults");
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&faults(text));
}

#[test]
fn both_forms_have_the_same_record() {
    let directory = Directory::parse(LINES).unwrap();
    assert_eq!(directory, Directory::parse(TOML).unwrap());
    assert_eq!(directory, Directory::parse(&format!("\n  {}", LINES.replace('\n', "\r\n"))).unwrap());
    assert!(directory.warnings().is_empty());
    let alice = directory.identity_of(&Account::new("okta", "org", "00ualice")).unwrap();
    assert_eq!((alice.id.as_str(), alice.identity_type), ("alice", Some(IdentityType::Human)));
    assert_eq!(directory.identity("deploy").unwrap().owner.as_deref(), Some("alice"));
    assert_eq!(directory.identity(""), None);
}

#[test]
fn every_fault_of_every_line_is_reported_at_once() {
    check(
        r#"{"id":"alice","typ":"human","account":[{"provider":"aws","tenant":"111122223333","subject":"AIDAALICE"}]}
{"id":"bob","tier":"standart","owner":"alcie","account":[{"provider":"aws","tenant":"111122223333","subject":"AIDAALICE"}]}
not json
{"id":"bob","account":{}}
{"id":"carol","id":"dave"}
{"type":null,"account":[{"provider":"aws","subject":7}]}
["id"]
{"id":"erin","account":[]} {}
"#,
        expect![[r#"
            line 1, typ: expected a known key, got `typ` (did you mean `type`?)
            line 2, tier: expected a tier, got `standart` (did you mean `standard`?)
            line 2, account[0]: expected an account once, got `aws:111122223333:AIDAALICE` (it belongs to line 1 already)
            line 2, owner: expected the id of an identity of this file, got `alcie` (did you mean `alice`?)
            line 3: expected a JSON object on one line, got expected ident at column 2
            line 4, account: expected a list of tables, got a table (write `[[account]]`)
            line 4: expected an id once, got `bob` (it is the id of line 2 already)
            line 5: expected a JSON object on one line, got the key `id` twice at column 18
            line 6, id: expected the operator's stable id, got none
            line 6, account[0].tenant: expected the provider's tenant, got none
            line 6, account[0].subject: expected text, got the number 7
            line 6, type: expected an identity type, got `null`
            line 7: expected a table, got a list
            line 8: expected a JSON object on one line, got trailing characters at column 28
        "#]],
    );
}

#[test]
fn many_faults_are_counted() {
    let lines: String = (0..700).map(|number| format!("{{\"idd\":\"{number}\"}}\n")).collect();
    let faults = faults(&lines);
    assert_eq!(faults.lines().count(), 501);
    assert_eq!(faults.lines().last(), Some("expected at most 500 faults, got 1400: these and 900 more"));
}

#[test]
fn ids_that_are_not_what_they_look_like_are_refused() {
    let account = |part: &str, text: &str| {
        let mut parts = [("provider", "aws"), ("tenant", "111122223333"), ("subject", "AIDAALICE")];
        parts.iter_mut().filter(|(name, _)| *name == part).for_each(|(_, value)| *value = text);
        let parts: Vec<String> = parts.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
        format!("{{\"id\":\"x\",\"account\":[{{{}}}]}}\n", parts.join(","))
    };
    check(
        &[
            "{\"id\":\"cfo \"}\n".to_owned(),
            "{\"id\":\"cfo\u{200b}\"}\n".to_owned(),
            "{\"id\":\"\u{441}fo\"}\n".to_owned(),
            // All Cyrillic: refused beside the id that it looks like, and only then.
            "{\"id\":\"scope\"}\n".to_owned(),
            "{\"id\":\"\u{455}\u{441}\u{43e}\u{440}\u{435}\"}\n".to_owned(),
            "{\"id\":\"\u{412}\u{435}\u{440}\u{430}\"}\n".to_owned(),
            account("provider", "\u{430}w\u{455}"),
        ]
        .concat(),
        expect![[r#"
            line 1, id: expected an id without spaces around it, got `cfo `
            line 2, id: expected an id of letters, digits and signs that can be seen and told apart, got `cfo\u{200b}` (it has U+200B)
            line 3, id: expected an id of letters of one script, got `сfo` (it has U+0441)
            line 5: expected an id that looks like no other, got `ѕсоре` (it looks like `scope` of line 4)
            line 7, account[0].provider: expected an id of letters of one script, got `аwѕ` (it has U+0430, U+0455)
        "#]],
    );
    for (part, text) in [
        ("provider", " aws"),
        ("provider", "\u{430}\u{51d}\u{455}"),
        ("tenant", "111122223333 "),
        ("tenant", "\u{ff11}11122223333"),
        ("subject", "AIDAALICE\u{2060}"),
        ("subject", "\u{410}IDAALICE"),
        ("subject", "\u{410}\u{406}"),
    ] {
        assert!(faults(&account(part, text)).contains(&format!("account[0].{part}: expected an id")), "{text:?}");
    }
    // An author who can type both may have both.
    assert!(Directory::parse("{\"id\":\"user-1\"}\n{\"id\":\"user-l\"}\n{\"id\":\"Вера\"}").is_ok());
    // In TOML likewise.
    check(
        "[[identity]]\nid = \"scope\"\n[[identity]]\nid = \"\u{455}\u{441}\u{43e}\u{440}\u{435}\"\n",
        expect![[r#"
            line 3, identity[1]: expected an id that looks like no other, got `ѕсоре` (it looks like `scope` of `identity[0]`)
        "#]],
    );
}

#[test]
fn accounts_that_no_record_can_have_are_warned_of() {
    let directory = Directory::parse(
        r#"{"id":"alice","account":[{"provider":"aws","tenant":"111122223333","subject":"AIDAALICE"},{"provider":"aws","tenant":"111122223333","subject":"arn:aws:iam::111122223333:user/alice"}]}
{"id":"bob","account":[{"provider":"Okta","tenant":"org","subject":"00ubob"},{"provider":"Okta","tenant":"org","subject":"00ubob2"}]}
{"id":"carol","account":[{"provider":"windows","tenant":"s-1-5-21-1-2-3","subject":"s-1-5-21-1-2-3-1104"}]}"#,
    )
    .unwrap();
    let warnings: String = directory.warnings().iter().map(|warning| format!("{warning}\n")).collect();
    expect![[r#"
        line 1, account[1].subject: expected the immutable id of a user (`AIDA…`), a role (`AROA…`), the root user (the account's own) or a federated user (`account:name`), never an ARN, got `arn:aws:iam::111122223333:user/alice` (no record has this, so that the account is never matched)
        line 2, account[0].provider: expected a provider in lower case, got `Okta` (no record has this, so that the account is never matched)
        line 3, account[0].subject: expected the SID of an account in capitals, such as `S-1-5-21-…`, never a name or a group's, got `s-1-5-21-1-2-3-1104` (no record has this, so that the account is never matched)
    "#]]
    .assert_eq(&warnings);
    let lines: String = (0..150).fold(String::new(), |mut lines, number| {
        writeln!(
            lines,
            r#"{{"id":"{number}","account":[{{"provider":"okta","tenant":"org","subject":"u{number}@example.com"}}]}}"#
        )
        .unwrap();
        lines
    });
    let directory = Directory::parse(&lines).unwrap();
    assert_eq!(directory.warnings().len(), 101);
    let last = directory.warnings().last().map(ToString::to_string);
    assert_eq!(last.as_deref(), Some("expected at most 100 such accounts, got 150: these and 50 more"));
}

#[test]
fn what_is_too_long_is_not_read() {
    let long = format!("{{\"id\":\"{}\"}}\n{{\"id\":\"a\",\"typ\":1}}", "x".repeat(1 << 20));
    check(
        &long,
        expect![[r#"
            line 1: expected a line of at most 1048576 bytes, got 1048585 bytes
            line 2, typ: expected a known key, got `typ` (did you mean `type`?)
        "#]],
    );
    let large = format!("{{\"id\":\"a\"}}{}", "\n".repeat(64 << 20));
    assert_eq!(faults(&large), "expected a file of at most 67108864 bytes, got 67108874 bytes\n");
}

#[test]
fn every_identity_of_a_large_directory_is_found() {
    let mut lines = String::new();
    for number in 0..5_000 {
        writeln!(
            lines,
            r#"{{"id":"person-{number}","owner":"person-{owner}","account":[{{"provider":"okta","tenant":"org","subject":"00u{number}"}}]}}"#,
            owner = number / 7,
        )
        .unwrap();
    }
    let directory = Directory::parse(&lines).unwrap();
    for number in 0..5_000 {
        let account = Account::new("okta", "org", format!("00u{number}"));
        assert_eq!(directory.identity_of(&account).unwrap().id, format!("person-{number}"));
        assert_eq!(directory.owner_of(&account).unwrap().id, format!("person-{}", number / 7));
    }
    assert_eq!(directory.identity_of(&Account::new("okta", "org", "00u5000")), None);
    assert_eq!(directory.identity_of(&Account::new("okta", "orgs", "00u1")), None);
}
