//! Wrong usage and input that can't be used: exit code 2, and a message that says what to do.

use crate::support::Folder;

#[test]
fn wrong_usage_exits_with_two_and_says_what_was_expected() {
    let folder = Folder::new();
    folder.write("events.ndjson", "");
    for (words, told) in [
        ("", "Usage: countersign <COMMAND>"),
        ("reply", "'replay'"),
        ("replay events.ndjson", "--source <NAME>"),
        ("replay --source cloudtrial events.ndjson", "the nearest is `cloudtrail`"),
        ("replay --source cloudtrail", "<FILE>..."),
        ("replay --source cloudtrail --batch 0 events.ndjson", "0 is not in 1..=65536"),
        ("replay --source cloudtrail --workers 0 events.ndjson", "0 is not in 1..=64"),
        ("replay --source cloudtrail --max-gap 24 events.ndjson", "expected a duration such as `10m`"),
        ("rule check", "<FILE>..."),
        ("rule build", "<PATH>..."),
        ("rule test nowhere", "nowhere"),
        ("audit verify x --head 12", "expected 64 lower-case hexadecimal digits, got `12`"),
        ("audit replay x", "--all"),
        ("generate --preset quite-day", "quiet-day"),
        ("generate --late 1001", "1001 is not in 0..=1000"),
    ] {
        let ran = folder.say(words).exits(2);
        assert!(ran.stderr.contains(told), "`{words}`: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "`{words}`");
    }
}

#[test]
fn input_that_cannot_be_read_exits_with_two_and_all_of_it_is_told() {
    let folder = Folder::new();
    folder.write("folder/file", "");
    folder.write("empty", "");
    folder.write("rules/readme.txt", "");
    folder.write("hidden/.file", "");
    for (words, told) in [
        ("replay --source cloudtrail one hidden two", ["`one`", "`hidden`", "`two`"]),
        ("replay --source cloudtrail - - empty", ["standard input", "once", "twice"]),
        ("replay --source cloudtrail --rules rules empty", ["`rules`", "`.wasm`", "rule build"]),
        ("replay --source cloudtrail --audit-key empty empty", ["`empty`", "32 bytes", "openssl rand"]),
        ("audit verify missing", ["can't read", "`missing`", ""]),
        ("audit verify folder", ["can't read", "`folder`", ""]),
        ("audit replay --all missing", ["missing", "", ""]),
        ("rule inspect missing", ["can't read", "`missing`", ""]),
        ("rule build folder", ["folder", "rule.toml", ""]),
    ] {
        let ran = folder.say(words).exits(2);
        assert!(told.iter().all(|told| ran.stderr.contains(told)), "`{words}`: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "`{words}`");
    }
}

#[test]
fn faults_of_the_operators_files_are_told_together() {
    let folder = Folder::new();
    folder.write("events.ndjson", "");
    folder.write("policy.toml", "version = 1\n[publisher.countersign]\ncap = 101\n[limits]\nfule = 1\n");
    folder.write("identities.toml", "[[identity]]\nid = \"a\"\ntype = \"robot\"\n");
    let replay = "replay --source cloudtrail --policy policy.toml --identities identities.toml events.ndjson";
    let ran = folder.say(replay).exits(2);
    for told in ["policy.toml: line 3", "got 101", "did you mean `fuel`?", "identities.toml: line 3", "`robot`"] {
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
    folder.write("policy.toml", [b'#', 0xff]);
    let ran = folder.say(replay).exits(2);
    assert!(ran.stderr.contains("expected UTF-8 text, got something else from byte 1 on"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`robot`"), "{}", ran.stderr);
}

#[test]
fn help_teaches_by_example_and_names_the_exit_codes() {
    let folder = Folder::new();
    let ran = folder.say("--help").exits(0);
    for line in ["Examples:", "Exit codes:", "  0  ", "  1  ", "  2  "] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    for command in ["rule build", "rule check", "rule inspect", "rule test", "audit verify", "audit replay", "replay"] {
        let ran = folder.say(&format!("{command} --help")).exits(0);
        assert!(ran.stdout.contains("Examples:\n  countersign"), "{}", ran.stdout);
        assert!(ran.stdout.contains(&format!("countersign {command} ")), "{}", ran.stdout);
        assert!(ran.stdout.contains("exit code is 1"), "{}", ran.stdout);
    }
}
