//! `init`, `config check` and `config show`: what is written can be used as it stands, all faults come at once, nothing is
//! overwritten, and no secret is printed.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use rcgen::{CertifiedKey, generate_simple_self_signed};

use crate::support::{Folder, keys};

const FILES: [&str; 6] =
    ["countersign.toml", "policy.toml", "identities.toml", "trust.toml", "sources.toml", "countersign.service"];

const CHECK: &str = "config check --config conf/countersign.toml";
const SHOW: &str = "config show --config conf/countersign.toml";

/// A folder with a new configuration in `conf`.
fn initialised() -> Folder {
    let folder = Folder::new();
    folder.cli("init conf").exits(0);
    folder
}

fn mode(folder: &Folder, name: &str) -> u32 {
    fs::symlink_metadata(folder.path(name)).unwrap().mode() & 0o7777
}

#[test]
fn what_init_writes_is_private_and_can_be_used_as_it_stands() {
    let folder = Folder::new();
    let ran = folder.cli("init deep/conf").exits(0);
    for part in ["config check --config deep/conf/countersign.toml", "run --config deep/conf/countersign.toml"] {
        assert!(ran.stdout.contains(part), "{}", ran.stdout);
    }
    for name in FILES {
        assert!(ran.stdout.contains(name), "{}", ran.stdout);
        assert_eq!(mode(&folder, &format!("deep/conf/{name}")), 0o600, "{name}");
    }
    assert_eq!([mode(&folder, "deep/conf"), mode(&folder, "deep/conf/rules")], [0o700, 0o700]);

    let ran = folder.cli("config check --config deep/conf/countersign.toml").exits(0);
    assert!(ran.stderr.starts_with("note: no source is declared in `deep/conf/sources.toml`"), "{}", ran.stderr);
    for part in ["deep/conf/trust.toml", "10 cells", "identities: 0", "0 sources", "0 components", "will be made"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(ran.stdout.ends_with("all of it can be used\n"), "{}", ran.stdout);
    // From within the folder, too.
    let output = folder
        .command(&["config", "check", "--config", "countersign.toml"])
        .current_dir(folder.path("deep/conf"))
        .output()
        .unwrap();
    assert!(output.status.success());

    // Other commands take the operator's files, too.
    folder.prepare("");
    let replay = "replay --source cloudtrail --only-rules rules --policy deep/conf/policy.toml --trust \
                  deep/conf/trust.toml --identities deep/conf/identities.toml events.ndjson";
    folder.cli(replay).exits(0);
}

#[test]
fn init_overwrites_nothing() {
    let folder = Folder::new();
    folder.write("conf/policy.toml", "mine");
    folder.write("conf/rules", "no folder");
    symlink("nowhere", folder.path("conf/trust.toml")).unwrap();
    let ran = folder.cli("init conf").exits(2);
    for part in ["`conf/policy.toml`", "`conf/trust.toml`", "`conf/rules`", "nothing was written"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("sources.toml"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(folder.path("conf")).unwrap().count(), 3);
    assert_eq!(folder.read("conf/policy.toml"), "mine");

    let folder = initialised();
    let ran = folder.cli("init conf").exits(2);
    assert!(FILES.iter().all(|name| ran.stderr.contains(&format!("`conf/{name}`"))), "{}", ran.stderr);
    // A folder of rules that is there stays as it is.
    folder.write("other/rules/mine.wasm", "");
    folder.cli("init other").exits(0);
    assert!(folder.path("other/rules/mine.wasm").exists());
    folder.write("file", "");
    let ran = folder.cli("init file").exits(2);
    assert!(ran.stderr.contains("can't make the folder `file`"), "{}", ran.stderr);
}

#[test]
fn an_init_that_fails_leaves_nothing_half_written() {
    let folder = Folder::new();
    // A file of more than so many blocks can't be written: the configuration is the first, after others.
    let binary = env!("CARGO_BIN_EXE_countersign");
    let output = Command::new("sh")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f 7; exec '{binary}' init conf")])
        .current_dir(folder.path("."))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("can't write `conf/countersign.toml`"), "{stderr}");
    let left: Vec<_> = fs::read_dir(folder.path("conf")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["rules"]);
}

#[test]
fn check_reports_all_faults_of_all_files_at_once() {
    let folder = initialised();
    let text = folder.read("conf/countersign.toml").replace("# keep = \"30d\"", "keep = \"30m\"\nkep = 1");
    let text = text.replace("rules = [\"rules\"]", "rules = [\"rules\", \"missing\"]\ngeo = [\"geo.toml\"]");
    folder.write("conf/countersign.toml", text);
    folder.write("conf/policy.toml", "version = 1\n[limits]\nfule = 1\n");
    folder.write("conf/trust.toml", "[publisher.acme]\nkeys = []\n");
    folder.write("conf/identities.toml", "[[identity]]\nid = \"a\"\ntype = \"robot\"\n");
    folder.write("conf/sources.toml", "version = 1\n[[source]]\nname = \"A\"\n");
    folder.write("conf/geo.toml", "version = 1\n");
    folder.write("conf/state", "a file");
    let ran = folder.cli(CHECK).exits(2);
    for part in [
        "countersign.toml: line",
        "1h to 400d, got 30m",
        "did you mean `keep`?",
        "can't read `conf/missing`",
        "conf/policy.toml: line 3",
        "did you mean `fuel`?",
        "conf/trust.toml: line 2",
        "conf/identities.toml: line 3",
        "conf/sources.toml: line 3",
        "conf/geo.toml: line 1",
        "can't use `conf/state`: expected a folder, got a file",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(ran.stdout.contains("2 faults") && !ran.stdout.contains("all of it"), "{}", ran.stdout);
    // Standard error has one message.
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.lines().skip(1).all(|line| line.starts_with("  ")));

    let ran = folder.cli("config check --config nowhere.toml").exits(2);
    assert!(ran.stderr.contains("can't read `nowhere.toml`"), "{}", ran.stderr);
    let ran = folder.cli("config check").exits(0);
    assert!(ran.stdout.contains("the defaults") && ran.stderr.contains("no sources are named"), "{}", ran.stderr);
}

#[test]
fn show_says_where_each_value_comes_from() {
    let folder = initialised();
    let line = folder.read("conf/countersign.toml").lines().position(|line| line.starts_with("rules = ")).unwrap() + 1;
    let ran = folder.cli(&format!("{SHOW} --state elsewhere")).exits(0);
    let row = |key: &str| {
        let row = ran
            .stdout
            .lines()
            .find(|line| line.split_whitespace().next() == Some(key))
            .unwrap_or_else(|| panic!("{key}"));
        row.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("state"), "state elsewhere --state");
    assert_eq!(row("files.rules"), format!("files.rules conf/rules conf/countersign.toml:{line}"));
    assert_eq!(row("recorder.max-bytes"), "recorder.max-bytes 10GiB default");
    assert_eq!(row("api.socket"), "api.socket elsewhere/api.sock default");
    assert_eq!(row("judge.workers"), "judge.workers the processors, up to 8 default");

    let lines = folder.cli(&format!("{SHOW} --json --log-level debug")).exits(0).json();
    assert_eq!(lines.len(), countersign_configuration::keys().len());
    for line in &lines {
        assert_eq!(keys(line), ["key", "origin", "place", "type", "value"].into());
        assert_eq!(line["type"], "setting");
    }
    let of = |key: &str| lines.iter().find(|line| line["key"] == key).unwrap();
    assert_eq!((&of("log.level")["origin"], &of("log.level")["place"]), (&"flag".into(), &"--log-level".into()));
    assert_eq!(of("files.trust")["value"], "conf/trust.toml");
    assert!(of("files.geo")["value"].is_null() && of("files.geo")["place"].is_null());
    assert_eq!(of("judge.batch")["value"], 256);

    folder.write("conf/countersign.toml", "version = 1\nstat = 1\n");
    let ran = folder.cli(SHOW).exits(2);
    assert!(ran.stderr.contains("conf/countersign.toml: line 2") && ran.stderr.contains("`state`?"), "{}", ran.stderr);
    folder.cli("config show --log-level loud").exits(2);
    folder.cli("config show --listen localhost").exits(2);
}

#[test]
fn secrets_are_checked_and_never_printed() {
    const SECRET: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";
    let folder = initialised();
    folder.write("conf/audit.key", SECRET);
    fs::set_permissions(folder.path("conf/audit.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let with = |value: &str| {
        folder.write("conf/countersign.toml", format!("version = 1\n[judge]\naudit-key = \"{value}\"\n"));
    };
    with("audit.key");
    let ran = folder.cli(CHECK).exits(0);
    let rows: Vec<Vec<&str>> = ran.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.contains(&vec!["judge.audit-key", "conf/audit.key", "can", "be", "used"]), "{}", ran.stdout);
    assert!(folder.cli(SHOW).exits(0).stdout.contains("conf/audit.key"));
    fs::set_permissions(folder.path("conf/audit.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = folder.cli(CHECK).exits(2);
    assert!(
        ran.stderr.contains("conf/countersign.toml:3: judge.audit-key: expected a file that not everybody"),
        "{}",
        ran.stderr
    );
    // In the place of its file.
    with(SECRET);
    for words in [CHECK, SHOW] {
        let ran = folder.cli(words);
        assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"), "{}{}", ran.stdout, ran.stderr);
    }
    let ran = folder.cli(CHECK).exits(2);
    assert!(ran.stderr.contains("judge.audit-key: expected the path of a file with the secret"), "{}", ran.stderr);
    // Out of the environment.
    for (words, expected) in [(CHECK, "COUNTERSIGN_AUDIT_KEY"), (SHOW, "(not shown)")] {
        let words: Vec<&str> = words.split_whitespace().collect();
        let output = folder.command(&words).env("COUNTERSIGN_AUDIT_KEY", SECRET).output().unwrap();
        let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success() && printed.contains(expected) && !printed.contains("hunter2"), "{printed}");
    }
    let output = folder.command(&["config", "check"]).env("COUNTERSIGN_AUDIT_KEY", "hunter2").output().unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(printed.contains("at least 32 bytes, got 7") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn what_others_are_served_with_is_looked_at() {
    let folder = initialised();
    let api = "version = 1\n[api]\nlisten = \"127.0.0.1:8443\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n";
    folder.write("conf/countersign.toml", api);
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    folder.write("conf/c.pem", cert.pem());
    folder.write("conf/k.pem", signing_key.serialize_pem());
    fs::set_permissions(folder.path("conf/k.pem"), fs::Permissions::from_mode(0o400)).unwrap();
    folder.cli(CHECK).exits(0);
    folder.write("conf/c.pem", "no certificate");
    let ran = folder.cli(CHECK).exits(2);
    assert!(ran.stderr.contains("`conf/c.pem`: expected a certificate and those above it as PEM"), "{}", ran.stderr);
    let ran = folder.cli("config check --listen 0.0.0.0:8443").exits(2);
    assert!(
        ran.stderr.contains("api.certificate: expected a value") && ran.stderr.contains("api.key"),
        "{}",
        ran.stderr
    );
}

#[test]
fn systemd_takes_the_unit() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("skipped: this machine has no systemd-analyze");
        return;
    }
    let folder = initialised();
    // The program has to be there.
    let unit = folder
        .read("conf/countersign.service")
        .replace("/usr/local/bin/countersign", env!("CARGO_BIN_EXE_countersign"));
    let path = folder.write("countersign.service", unit);
    let output = verify(&path);
    assert_eq!(output, (true, String::new()), "systemd-analyze verify");
    // It would say what is wrong.
    folder.write(
        "countersign.service",
        folder.read("countersign.service").replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"),
    );
    assert!(verify(&path).1.contains("NoNewPrivilege"), "{:?}", verify(&path));
}

/// Whether systemd takes a unit, and what it says of it.
fn verify(unit: &Path) -> (bool, String) {
    let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(unit).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Of other units of the machine nothing is asked.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("countersign.service")).collect();
    (output.status.success(), ours.join("\n"))
}
