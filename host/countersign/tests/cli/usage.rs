//! Wrong usage and input that can't be used: exit code 2, and a message that says what to do.

use crate::support::Folder;

#[test]
fn wrong_usage_exits_with_two_and_says_what_was_expected() {
    let folder = Folder::new();
    folder.write("events.ndjson", "");
    for (words, part) in [
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
        ("audit recompute", "<PATH>"),
        ("audit show run.audit", "<NUMBER>"),
        ("audit show run.audit first", "invalid digit found in string"),
        ("audit list run.audit --decision maybe", "`await-approval`"),
        ("audit list run.audit --since yesterday", "expected an RFC 3339 time"),
        ("audit list run.audit --limit 0", "0 is not in 1.."),
        ("audit export --store run.db", "--out <FILE>"),
        ("state show burst-of-denied-calls x", "--store <FILE>"),
        ("init", "<DIR>"),
        ("config", "check"),
        ("config show --listen localhost", "invalid socket address"),
        ("config show --log-format xml", "expected `text` or `json`, got `xml`"),
        ("generate --preset quite-day", "quiet-day"),
        ("generate --late 1001", "1001 is not in 0..=1000"),
    ] {
        let ran = folder.cli(words).exits(2);
        assert!(ran.stderr.contains(part), "`{words}`: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "`{words}`");
    }
}

#[test]
fn unreadable_input_exits_with_two_and_all_of_it_is_reported() {
    let folder = Folder::new();
    folder.write("folder/file", "");
    folder.write("empty", "");
    folder.write("rules/readme.txt", "");
    folder.write("hidden/.file", "");
    for (words, parts) in [
        ("replay --source cloudtrail one hidden two", ["`one`", "`hidden`", "`two`"]),
        ("replay --source cloudtrail - - empty", ["standard input", "once", "twice"]),
        ("replay --source cloudtrail --only-rules rules empty", ["`rules`", "`.wasm`", "rule build"]),
        ("replay --source cloudtrail --audit-key empty empty", ["`empty`", "32 bytes", "openssl rand"]),
        ("audit verify missing", ["can't read", "`missing`", ""]),
        ("audit verify folder", ["can't use", "`folder`", "got a folder"]),
        ("audit recompute missing", ["can't read", "`missing`", ""]),
        ("audit list missing", ["can't read", "`missing`", ""]),
        ("audit show folder 1", ["can't use", "`folder`", "got a folder"]),
        ("audit export --store missing --out x", ["can't read", "`missing`", ""]),
        ("state list x --store missing", ["can't read", "`missing`", ""]),
        ("rule inspect missing", ["can't read", "`missing`", ""]),
        ("rule build folder", ["folder", "rule.toml", ""]),
    ] {
        let ran = folder.cli(words).exits(2);
        assert!(parts.iter().all(|part| ran.stderr.contains(part)), "`{words}`: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "`{words}`");
    }
}

#[test]
fn faults_of_the_operators_files_are_reported_together() {
    let folder = Folder::new();
    folder.write("events.ndjson", "");
    folder.write("policy.toml", "version = 1\n[publisher.countersign]\ncap = 101\n[limits]\nfule = 1\n");
    folder.write("identities.toml", "[[identity]]\nid = \"a\"\ntype = \"robot\"\n");
    let replay = "replay --source cloudtrail --policy policy.toml --identities identities.toml events.ndjson";
    let ran = folder.cli(replay).exits(2);
    for part in ["policy.toml: line 3", "got 101", "did you mean `fuel`?", "identities.toml: line 3", "`robot`"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    // With parameters that don't fit a rule, which only the rule's declaration shows.
    folder.write(
        "policy.toml",
        "version = 1\n[rule.\"countersign/burst-of-denied-calls\"]\nparameters = { threshold = \"many\", thershold = 3 }\n",
    );
    let ran = folder.cli(replay).exits(2);
    for part in
        ["policy.toml: line 3", "`thershold`", "did you mean `threshold`?", "identities.toml: line 3", "`robot`"]
    {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    folder.write("policy.toml", [b'#', 0xff]);
    let ran = folder.cli(replay).exits(2);
    assert!(ran.stderr.contains("expected UTF-8 text, got something else from byte 1 on"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`robot`"), "{}", ran.stderr);
}

#[test]
fn help_teaches_by_example_and_names_the_exit_codes() {
    let folder = Folder::new();
    let ran = folder.cli("--help").exits(0);
    for line in ["Examples:", "Exit codes:", "  0  ", "  1  ", "  2  ", "  3  "] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    for command in [
        "rule build",
        "rule check",
        "rule inspect",
        "rule test",
        "audit verify",
        "audit recompute",
        "audit list",
        "audit show",
        "audit export",
        "state show",
        "state list",
        "replay",
        "init",
        "config check",
        "config show",
    ] {
        let ran = folder.cli(&format!("{command} --help")).exits(0);
        assert!(ran.stdout.contains("Examples:\n  countersign"), "{}", ran.stdout);
        assert!(ran.stdout.contains(&format!("countersign {command} ")), "{}", ran.stdout);
        assert!(ran.stdout.contains("exit code is "), "{}", ran.stdout);
    }
}

#[test]
fn version_names_commit_engine_and_interface() {
    let folder = Folder::new();
    let output = folder.cli("--version").exits(0).stdout;
    for part in
        ["countersign 0.", "commit:", "engine:    wasmtime ", "interface: countersign:rules@0.1.0", "confined:  limits"]
    {
        assert!(output.contains(part), "{part}: {output}");
    }
    assert_eq!(folder.cli("-V").exits(0).stdout.lines().count(), 1);
}

#[test]
fn completions_know_commands_and_options() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.cli(&format!("completions {shell}")).exits(0).stdout;
        assert!(script.contains("replay") && script.contains("only-rules"), "{shell}: {script}");
    }
    let output = folder.cli("completions tcsh").exits(2);
    assert!(output.stderr.contains("zsh"), "{}", output.stderr);
}
