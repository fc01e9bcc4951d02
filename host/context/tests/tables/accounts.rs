//! Tables about accounts.

use crate::support::{ask, context, directory, event, rows, wanted};

const ROLES: &str = r#"
version = 1
as-of = 2026-11-01

[[account]]
account = "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1001"
roles = ["domain-controller", "certificate-authority"]

[[host]]
host = "dc01.corp.example"
roles = ["domain-controller"]
"#;

const CONTROLLER: &str = "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1001";
const USER: &str = "windows:S-1-5-21-1-2-3:S-1-5-21-1-2-3-1105";

#[test]
fn roles_by_row_are_those_of_the_actor() {
    let context = context(&[("domain-roles", ROLES)]);
    let asked = wanted("domain-roles", "row", "none", &["account", "roles", "host"]);
    let events =
        [event(CONTROLLER, ""), event(USER, ""), event("", ""), event("windows:DC01.corp.example:S-1-5-18", "")];
    assert_eq!(
        rows(&ask(&context, &asked, &events, &[], 30)),
        [
            format!("fresh 0d: {CONTROLLER}, [domain-controller certificate-authority], -"),
            format!("fresh 0d: {USER}, [], -"),
            "missing: -, -, -".to_owned(),
            "fresh 0d: windows:DC01.corp.example:S-1-5-18, [domain-controller], dc01.corp.example".to_owned(),
        ]
    );
}

#[test]
fn roles_by_key_and_by_batch() {
    let context = context(&[("domain-roles", ROLES)]);
    let asked = wanted("domain-roles", "key", "target", &["roles"]);
    let keys = [USER, CONTROLLER, "no account"];
    assert_eq!(
        rows(&ask(&context, &asked, &[], &keys, 31)),
        ["stale 0d: []", "stale 0d: [domain-controller certificate-authority]", "missing: -"]
    );
    let asked = wanted("domain-roles", "batch", "none", &["host", "account", "roles"]);
    let all = [
        format!("stale 0d: -, {CONTROLLER}, [domain-controller certificate-authority]"),
        "stale 0d: dc01.corp.example, -, [domain-controller]".to_owned(),
    ];
    // The same whatever the rows are, and without any.
    assert_eq!(rows(&ask(&context, &asked, &[event(USER, "")], &[], 31)), all);
    assert_eq!(rows(&ask(&context, &asked, &[], &[], 31)), all);
}

#[test]
fn facts_are_the_directorys_and_nobody_is_supposed_to_be_in_it() {
    let context = directory(
        "[[identity]]\nid = \"anna\"\ntype = \"human\"\ntier = \"standard\"\nprotected = true\n\
         [[identity.account]]\nprovider = \"windows\"\ntenant = \"S-1-5-21-1-2-3\"\nsubject = \"S-1-5-21-1-2-3-1105\"\n",
    );
    let columns = ["account", "identity", "type", "tier", "owner", "protected", "break-glass"];
    let asked = wanted("identity-facts", "row", "none", &columns);
    assert_eq!(
        rows(&ask(&context, &asked, &[event(USER, ""), event("aws:1:A", ""), event("", "")], &[], 2)),
        [
            format!("fresh 2d: {USER}, anna, human, standard, -, true, false"),
            "fresh 2d: aws:1:A, -, -, -, -, -, -".to_owned(),
            "missing: -, -, -, -, -, -, -".to_owned(),
        ]
    );
}

#[test]
fn what_nobody_stated_is_missing() {
    let nothing = context(&[]);
    for (table, by, columns) in [
        ("identity-facts", "row", "tier"),
        ("identity-facts", "key", "tier"),
        ("egress", "row", "name"),
        ("egress", "key", "name"),
        ("egress", "batch", "name"),
        ("domain-roles", "row", "roles"),
        ("domain-roles", "batch", "roles"),
        ("geo", "key", "country"),
        ("posture", "row", "findings"),
        ("baseline", "key", "mean"),
    ] {
        let key = if table == "egress" || table == "geo" { "source-ip" } else { "actor" };
        let asked = wanted(table, by, key, &[columns]);
        let table = ask(&nothing, &asked, &[event(USER, "192.0.2.1")], &["192.0.2.1"], 0);
        assert_eq!(table, countersign_model::call::ContextTable::missing(asked.keying));
    }
}
