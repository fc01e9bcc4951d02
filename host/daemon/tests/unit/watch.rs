//! What `[reload]` says of differences, and that a file isn't taken for unchanged.

use std::collections::BTreeMap;
use std::fs;

use super::*;
use crate::candidate::{Aspect, Omitted};

fn item(kind: ChangeKind, widens: bool) -> Item {
    Item { kind, aspect: Aspect::Text, subject: "x".to_owned(), change: "y".to_owned(), widens }
}

fn reload(changes: &[(ChangeKind, Change)]) -> Reload {
    Reload { changes: BTreeMap::from_iter(changes.iter().copied()), ..Reload::default() }
}

#[test]
fn only_what_is_automatic_and_widens_nothing_is_applied() {
    use ChangeKind::{Identities, Policy};
    let both = reload(&[(Identities, Change::Automatic), (Policy, Change::Refused)]);
    let of = |items: &[Item]| Difference { items: items.to_vec(), omitted: Vec::new() };
    assert_eq!(verdict(&of(&[item(Identities, false)]), &both), Verdict::Apply);
    for (items, expected) in [
        (vec![item(Identities, true)], "identities: x: y (it widens)"),
        (vec![item(Identities, false), item(Policy, false)], "policy: x: y (`reload.policy = \"refused\"`)"),
        // What nobody names waits.
        (vec![item(ChangeKind::Trust, false)], "trust: x: y (a person applies it)"),
    ] {
        let Verdict::Wait(reasons) = verdict(&of(&items), &both) else { panic!("{items:?}") };
        assert_eq!(reasons, [expected]);
    }
    // What isn't listed counts.
    let omitted = vec![Omitted { kind: Identities, widens: true, count: 7 }];
    let much = Difference { items: vec![item(Identities, false)], omitted };
    assert_eq!(verdict(&much, &both), Verdict::Wait(vec!["identities: 7 more".to_owned()]));
    let many = of(&vec![item(Policy, false); 30]);
    assert_eq!(refused(&many, &both).len(), MAX_NAMED + 1);
    assert_eq!(refused(&many, &Reload::default()), [""; 0]);
}

#[test]
fn stamps_differ_whatever_changes() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).unwrap();
    let policy = folder.path().join("policy.toml");
    let paths = vec![(Role::Rule, rules.clone()), (Role::Policy, policy.clone())];
    let files = Files { shipped_rules: false, paths };
    let mut before = files.stamps();
    assert_eq!(files.stamps(), before);
    let mut changed = |what: &str, change: &dyn Fn()| {
        change();
        let after = files.stamps();
        assert_ne!(after, before, "{what}");
        before = after;
    };
    changed("made", &|| fs::write(&policy, "1").unwrap());
    changed("another length", &|| fs::write(&policy, "12").unwrap());
    changed("a rule", &|| fs::write(rules.join("a.wasm"), "a").unwrap());
    changed("a swapped link", &|| {
        fs::write(folder.path().join("other"), "a").unwrap();
        fs::remove_file(rules.join("a.wasm")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("other"), rules.join("a.wasm")).unwrap();
    });
    changed("what a link names", &|| fs::write(folder.path().join("other"), "ab").unwrap());
    changed("removed", &|| fs::remove_file(&policy).unwrap());
    fs::write(rules.join("readme.txt"), "none of ours").unwrap();
    assert_eq!(files.stamps(), before);
}
