//! `rule new`, `explain`, `bench` and `repro`: what rule authors work with.

use std::path::Path;

use crate::support::Folder;

/// The SDK of this project.
fn sdk() -> String {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk/sdk");
    sdk.to_str().unwrap().to_owned()
}

#[test]
fn new_rules_of_both_kinds_pass_their_cases_at_once() {
    let folder = Folder::new();
    let sdk = sdk();
    let made = folder.run(&["rule", "new", "first-sign-in", "--kind", "detection", "--sdk", &sdk]).exits(0);
    assert!(made.stdout.contains("countersign rule test first-sign-in"), "{}", made.stdout);
    // With a folder `rules` it lands there; with a publisher, under their name.
    std::fs::create_dir(folder.path("rules")).unwrap();
    folder.run(&["rule", "new", "acme/quiet-hours", "--kind", "response", "--sdk", &sdk]).exits(0);
    let ran = folder.say("rule test first-sign-in rules/quiet-hours").exits(0);
    for told in [
        "passed  example/first-sign-in  a-user-stays-quiet",
        "passed  example/first-sign-in  root-signs-in",
        "passed  acme/quiet-hours  a-stolen-session",
        "passed  acme/quiet-hours  merely-named",
        "4 cases: 4 passed, 0 failed",
    ] {
        assert!(ran.stdout.contains(told), "{told}: {}", ran.stdout);
    }
}

#[test]
fn new_refuses_what_it_cannot_make_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let sdk = sdk();
    for name in ["Upper", "with blank", "9first", "a/b/c", "../up", "", "x\u{1b}[2J", "a\" # "] {
        let ran = folder.run(&["rule", "new", name, "--kind", "detection", "--sdk", &sdk]).exits(2);
        assert!(ran.stderr.contains("can't be a rule's name"), "{name}: {}", ran.stderr);
    }
    let ran = folder.run(&["rule", "new", "mine", "--kind", "detection", "--sdk", "nowhere"]).exits(2);
    assert!(ran.stderr.contains("nowhere") && ran.stderr.contains("countersign-sdk"), "{}", ran.stderr);
    let ran = folder.say("rule new mine --kind detection").exits(2);
    assert!(ran.stderr.contains("--sdk"), "{}", ran.stderr);
    folder.say("rule new mine --kind alert").exits(2);
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 0);

    folder.write("mine/notes.txt", "kept");
    let ran = folder.run(&["rule", "new", "mine", "--kind", "response", "--sdk", &sdk]).exits(2);
    assert!(ran.stderr.contains("is there already"), "{}", ran.stderr);
    assert_eq!(folder.read("mine/notes.txt"), "kept");
    assert_eq!(std::fs::read_dir(folder.path("mine")).unwrap().count(), 1);
}
