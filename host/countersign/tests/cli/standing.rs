//! `rules status` and `sources`: of a host that runs, and of the files of one that doesn't.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Folder;

#[test]
fn rules_and_sources_are_shown_with_and_without_a_host() {
    let folder = Folder::new();
    folder.shipped(&["burst-of-denied-calls"]);
    folder.write(
        "sources.toml",
        "version = 1\n[[source]]\nname = \"trail\"\nformat = \"cloudtrail\"\ntenants = [\"aws:*\"]\nkind = \"http\"\n",
    );
    folder.write(
        "host.toml",
        "version = 1\nstate = \"state\"\n[files]\nrules = [\"rules\"]\nshipped-rules = false\nsources = \"sources.toml\"\n",
    );
    folder.cli("rules status --config host.toml").exits(2);
    folder.cli("sources --config host.toml").exits(2);
    let mut host = folder.command(&["run", "--config", "host.toml"]).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while folder.cli("status --config host.toml").code != 0 {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(100));
    }
    let one = |command: &str| -> Value { folder.cli(command).exits(0).json().remove(0) };
    let rule = one("rules status --config host.toml --json");
    assert_eq!((&rule["serves"]["kind"], &rule["serves"]["proof"]), (&"detection".into(), &"shipped".into()));
    assert_eq!(rule["serves"]["on_disk"], rule["serves"]["component"]);
    folder.write("rules/burst-of-denied-calls.wasm", "changed");
    let shown = folder.cli("rules status --config host.toml").exits(0).stdout;
    assert!(shown.contains("burst-of-denied-calls") && shown.contains("its file has other content now"), "{shown}");
    let source = one("sources --config host.toml --json");
    assert_eq!((&source["source"], &source["declared"]["kind"]), (&"trail".into(), &"http".into()));
    host.kill().unwrap();
    host.wait().unwrap();
    let output = folder.cli("sources --config host.toml --json").exits(0);
    assert_eq!(output.json()[0]["declared"], source["declared"]);
    assert!(output.stderr.contains("no host serves"), "{}", output.stderr);
    let rules = folder.cli("rules status --config host.toml --json").exits(0).json();
    assert!(rules.iter().all(|rule| rule["serves"].is_null()), "{rules:?}");
}
