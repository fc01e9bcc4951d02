//! Tests of every key of `countersign.toml`: its value, where that comes from, and what is refused.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::Shown;

/// A variable of the environment in tests.
type Variable = (&'static str, &'static str);

fn read_with(text: &str, overrides: &Overrides, variables: &[Variable]) -> (Configuration, Vec<String>) {
    let written = Written { name: "c.toml", folder: Path::new("/conf"), text };
    let environment =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
    let (configuration, faults) = Configuration::read_all(Some(written), overrides, &environment);
    (configuration, faults.iter().map(ToString::to_string).collect())
}

/// The keys that aren't by default, with value and origin.
fn set(configuration: &Configuration) -> BTreeMap<String, (Value, String)> {
    let set = configuration.shown().into_iter().filter(|shown| shown.origin != Origin::Default);
    set.map(|Shown { key, value, origin }| (key.place(), (value, origin.to_string()))).collect()
}

#[track_caller]
fn faults(text: &str, expected: &[&str]) {
    let (_, faults) = read_with(text, &Overrides::default(), &[]);
    assert_eq!(faults, expected, "{text}");
}

#[test]
fn every_key_has_its_value_and_its_line() {
    let text = include_str!("../schemas/complete.toml");
    let (configuration, faults) = read_with(text, &Overrides::default(), &[]);
    assert_eq!(faults, [""; 0]);
    let set = set(&configuration);
    let not_shown = "(not shown: there is no such file)";
    for (place, value) in [
        ("state", json!("/var/lib/countersign")),
        ("files.rules", json!(["/conf/rules", "/srv/vendor/acme.watch.wasm"])),
        ("files.shipped-rules", json!(false)),
        ("files.trust", json!("/conf/trust.toml")),
        ("files.policy", json!("/conf/policy.toml")),
        ("files.identities", json!("/conf/identities.ndjson")),
        ("files.sources", json!("/conf/sources.toml")),
        ("files.capabilities", json!("/conf/capabilities.toml")),
        ("files.egress", json!("/conf/egress.toml")),
        ("files.domain-roles", json!("/conf/domain-roles.toml")),
        ("files.geo", json!(["/conf/city.mmdb", "/conf/asn.mmdb"])),
        ("recorder.max-bytes", json!("64GiB")),
        ("recorder.keep", json!("90d")),
        ("judge.workers", json!(4)),
        ("judge.batch", json!(512)),
        ("judge.max-gap", json!("12h")),
        ("judge.audit-key", json!(not_shown)),
        ("sources.lag", json!("5m")),
        ("sources.fall", json!(25)),
        ("sources.fall-from", json!(600)),
        ("audit.keep", json!("365d")),
        ("api.socket", json!("/run/countersign/api.sock")),
        ("api.listen", json!("[::1]:8443")),
        ("api.certificate", json!("/conf/certificate.pem")),
        ("api.key", json!(not_shown)),
        ("reload.watch", json!(false)),
        ("reload.partial", json!(true)),
        ("reload.trial", json!("2d")),
        ("reload.shadow", json!("0s")),
        ("reload.rules", json!("automatic")),
        ("reload.policy", json!("refused")),
        ("reload.identities", json!("approval")),
        ("reload.trust", json!("refused")),
        ("reload.sources", json!("automatic")),
        ("reload.lookups", json!("approval")),
        ("log.format", json!("json")),
        ("log.level", json!("debug")),
    ] {
        let name = place.rsplit('.').next().unwrap();
        let table = place.split_once('.').map(|(table, _)| table);
        // The line of the key below its table's.
        let begin = table.map_or(0, |table| text.lines().position(|line| line == format!("[{table}]")).unwrap());
        let below = text.lines().skip(begin).position(|line| line.starts_with(&format!("{name} = "))).unwrap();
        assert_eq!(set[place], (value, format!("c.toml:{}", begin + below + 1)), "{place}");
    }
    assert_eq!(set.len(), crate::keys().len());
    assert!(!configuration.files.shipped_rules.value);
    assert_eq!(configuration.recorder.max_bytes.value, 64 << 30);
    assert_eq!(configuration.reload.trial.value, 2 * DAY);
}

#[test]
fn without_a_file_and_without_keys_the_defaults_hold() {
    let (configuration, faults) = Configuration::read_all(None, &Overrides::default(), &|_| None);
    assert!(faults.is_empty() && set(&configuration).is_empty());
    assert_eq!(configuration.api.socket.value, Path::new("state/api.sock"));
    let values: BTreeMap<String, Value> =
        configuration.shown().into_iter().map(|shown| (shown.key.place(), shown.value)).collect();
    for (place, value) in [
        ("files.rules", json!([])),
        ("files.shipped-rules", json!(true)),
        ("recorder.max-bytes", json!("10GiB")),
        ("recorder.keep", json!("30d")),
        ("judge.batch", json!(256)),
        ("judge.max-gap", json!("1d")),
        ("reload.trial", json!("1d")),
        ("reload.shadow", json!("15m")),
        ("reload.rules", json!("approval")),
        ("reload.trust", json!("approval")),
        ("reload.identities", json!("automatic")),
        ("log.level", json!("info")),
    ] {
        assert_eq!(values[place], value, "{place}");
    }
    let (empty, faults) = read_with("version = 1", &Overrides::default(), &[]);
    assert!(faults.is_empty() && set(&empty).is_empty());
    assert_eq!(empty.state.value, Path::new("/conf/state"));
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let text = "version = 1\nstate = \"a\"\n[judge]\naudit-key = \"k\"\n[log]\nlevel = \"warn\"\nformat = \"json\"\n";
    let variables =
        [("COUNTERSIGN_AUDIT_KEY", "a secret of the environment"), ("COUNTERSIGN_LOG", "countersign=trace")];
    let (configuration, faults) = read_with(text, &Overrides::default(), &variables);
    assert_eq!(faults, [""; 0]);
    let found = set(&configuration);
    assert_eq!(found["judge.audit-key"], (json!("(not shown)"), "COUNTERSIGN_AUDIT_KEY".to_owned()));
    assert_eq!(found["log.level"], (json!("countersign=trace"), "COUNTERSIGN_LOG".to_owned()));
    assert_eq!(found["log.format"], (json!("json"), "c.toml:7".to_owned()));
    assert!(!format!("{configuration:?}").contains("a secret of"));

    let overrides = Overrides {
        state: Some("b".into()),
        socket: None,
        listen: None,
        log_format: Some(LogFormat::Text),
        log_level: Some(LogLevel::Error),
    };
    let (configuration, _) = read_with(text, &overrides, &variables);
    let found = set(&configuration);
    // As every path of a command line it is relative to the current folder.
    assert_eq!(found["state"], (json!("b"), "--state".to_owned()));
    assert_eq!(configuration.api.socket.value, Path::new("b/api.sock"));
    assert_eq!(found["log.level"], (json!("error"), "--log-level".to_owned()));
    assert_eq!(found["log.format"], (json!("text"), "--log-format".to_owned()));
    let overrides = Overrides { socket: Some("s".into()), listen: "127.0.0.1:1".parse().ok(), ..Overrides::default() };
    let (configuration, faults) = read_with(
        "version = 1\n[api]\ncertificate = \"c\"\n",
        &overrides,
        &[("COUNTERSIGN_TLS_KEY", "pem"), ("COUNTERSIGN_LOG", "")],
    );
    assert_eq!(faults, [""; 0]);
    let found = set(&configuration);
    assert_eq!(found["api.socket"].1, "--socket");
    assert_eq!(found["api.listen"], (json!("127.0.0.1:1"), "--listen".to_owned()));
    assert_eq!(found["api.key"], (json!("(not shown)"), "COUNTERSIGN_TLS_KEY".to_owned()));
    assert!(!found.contains_key("log.level"), "an empty variable is none");
}

#[test]
fn all_faults_come_at_once_with_the_nearest_names() {
    faults(
        "sate = \"x\"\n[file]\n[recorder]\nmax-byte = \"1GiB\"\n[judge]\nbatch = 0\nworkers = \"many\"\n[reload]\nrules = \"auto\"\n",
        &[
            "line 1, sate: expected a known key, got `sate` (did you mean `state`?)",
            "line 1, version: expected 1, got none",
            "line 2, file: expected a known key, got `file` (did you mean `files`?)",
            "line 4, recorder.max-byte: expected a known key, got `max-byte` (did you mean `max-bytes`?)",
            "line 6, judge.batch: expected 1 to 65536, got 0",
            "line 7, judge.workers: expected a whole number, 1 to 64, got the text `many`",
            "line 9, reload.rules: expected what a change needs, got `auto` (did you mean `automatic`?)",
        ],
    );
}

#[test]
fn what_has_no_fault_is_read_beside_what_has() {
    let text = "version = 2\nstate = 5\n[files]\npolicy = \"p.toml\"\ntrust = []\n";
    let (configuration, faults) = read_with(text, &Overrides::default(), &[]);
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert_eq!(configuration.files.policy.value.as_deref(), Some(Path::new("/conf/p.toml")));
    assert_eq!((configuration.files.trust.value, configuration.state.origin), (None, Origin::Default));
    let (_, faults) = read_with("version = ", &Overrides::default(), &[]);
    assert!(matches!(faults.as_slice(), [fault] if fault.starts_with("line 1: expected TOML")), "{faults:?}");
}

#[test]
fn values_have_bounds() {
    for (table, key, wrong, expected) in [
        ("recorder", "max-bytes", "\"1MiB\"", "64MiB to 16TiB, got 1MiB"),
        ("recorder", "max-bytes", "\"17TiB\"", "64MiB to 16TiB, got 17TiB"),
        ("recorder", "max-bytes", "\"10GB\"", "a size such as `512MiB` or `10GiB`, got `10GB`"),
        ("recorder", "max-bytes", "10", "a size such as `512MiB` or `10GiB`, got the number 10"),
        ("recorder", "keep", "\"1m\"", "1h to 400d, got 1m"),
        ("recorder", "keep", "\"500d\"", "a duration such as `10m`, `24h` or `7d`, at most 400d, got `500d`"),
        ("judge", "workers", "65", "1 to 64, got 65"),
        ("judge", "batch", "65537", "1 to 65536, got 65537"),
        ("judge", "max-gap", "\"1s\"", "1m to 400d, got 1s"),
        ("reload", "trial", "\"91d\"", "0s to 90d, got 91d"),
        ("reload", "shadow", "\"8d\"", "0s to 7d, got 8d"),
        ("reload", "watch", "\"yes\"", "true or false, got the text `yes`"),
        ("log", "level", "\"loud\"", "a level: `error`, `warn`, `info`, `debug`, `trace`, got `loud`"),
        ("log", "format", "\"xml\"", "a form of the log: `text`, `json`, got `xml`"),
        ("files", "policy", "\"\"", "text, got empty text"),
        ("files", "policy", "\"~/p.toml\"", "a path, got `~/p.toml` (no shell reads it: write the folder in full)"),
        ("files", "policy", "\"a\\nb\"", "a path of at most 4096 bytes, got `a\\nb`"),
        ("files", "rules", "\"rules\"", "a list, got the text `rules`"),
        ("files", "geo", "\"geo.toml\"", "a list, got the text `geo.toml`"),
        ("files", "egress", "[\"egress.toml\"]", "text, got a list"),
    ] {
        faults(
            &format!("version = 1\n[{table}]\n{key} = {wrong}\n"),
            &[&format!("line 3, {table}.{key}: expected {expected}")],
        );
    }
    let many: Vec<String> = (0..=MAX_PATHS).map(|path| format!("\"{path}\"")).collect();
    faults(
        &format!("version = 1\n[files]\nrules = [{}]\n", many.join(",")),
        &["line 3, files.rules: expected a list of 0 to 64, got a list of 65"],
    );
    faults(
        "version = 1\n[files]\nrules = [\"a\", \"a\"]\n",
        &["line 3, files.rules[1]: expected a value other than that of files.rules[0], got the text `a`"],
    );
    faults(
        "version = 1\n[api]\nlisten = \"localhost:8443\"\ncertificate = \"c\"\nkey = \"k\"\n",
        &[
            "line 3, api.listen: expected an IP address with a port, such as `127.0.0.1:8443` or `[::1]:8443`, got `localhost:8443`",
            "line 4, api.listen: expected a value, because `api.certificate` has one: others are served with TLS only, got none",
        ],
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    for wrong in ["\"\"\"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQ\n\"\"\"", "12345678", "[\"hunter2\"]", "\"\""] {
        let (configuration, faults) =
            read_with(&format!("version = 1\n[judge]\naudit-key = {wrong}\n"), &Overrides::default(), &[]);
        assert_eq!(
            faults,
            [
                "line 3, judge.audit-key: expected the path of a file with the secret, got something else (the secret itself \
              never stands here)"
            ]
        );
        assert!(configuration.judge.audit_key.value.is_none());
    }
    // One that could be a path is taken for one, which is shown only if there is such a file.
    let (configuration, _) = read_with("version = 1\n[judge]\naudit-key = \"hunter2\"\n", &Overrides::default(), &[]);
    assert!(!set(&configuration)["judge.audit-key"].0.to_string().contains("hunter2"));
    let error = configuration.judge.read_audit_key().unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn the_key_of_digests_comes_out_of_the_environment_and_has_a_length() {
    let text = "version = 1\n";
    let read = |key| read_with(text, &Overrides::default(), &[("COUNTERSIGN_AUDIT_KEY", key)]).0.judge.read_audit_key();
    assert!(!read("0123456789abcdef0123456789abcdef").unwrap().is_public());
    let error = read("0123456789abcdef").unwrap_err().to_string();
    assert!(error.starts_with("expected at least 32 bytes, got 16"), "{error}");
    assert!(!error.contains("89ab"), "{error}");
    assert!(read_with(text, &Overrides::default(), &[]).0.judge.read_audit_key().unwrap().is_public());
}

#[test]
fn values_agree_with_each_other() {
    let missing = |line: usize, place: &str, because: &str| {
        format!(
            "line {line}, api.{place}: expected a value, because `api.{because}` has one: others are served with TLS only, got none"
        )
    };
    faults(
        "version = 1\n[api]\nlisten = \"0.0.0.0:8443\"\n",
        &[&missing(3, "certificate", "listen"), &missing(3, "key", "listen")],
    );
    faults("version = 1\n[api]\nkey = \"k\"\n", &[&missing(3, "listen", "key"), &missing(3, "certificate", "key")]);
    let overrides = Overrides { listen: "0.0.0.0:8443".parse().ok(), ..Overrides::default() };
    let (_, found) = read_with("version = 1\n", &overrides, &[]);
    assert_eq!(found.len(), 2, "{found:?}");
    // A key in the environment alone asks for nothing.
    assert_eq!(read_with("version = 1\n", &Overrides::default(), &[("COUNTERSIGN_TLS_KEY", "x")]).1, [""; 0]);
    faults(
        "version = 1\n[files]\nshipped-rules = false\n",
        &[
            "line 3, files.shipped-rules: expected rules to run: paths in `files.rules`, or the shipped ones, got false, and no paths",
        ],
    );
    faults(
        &format!("version = 1\n[api]\nsocket = \"/{}\"\n", "s".repeat(107)),
        &["line 3, api.socket: expected a path of at most 107 bytes, the most that a socket can have, got 108 bytes"],
    );
}

#[test]
fn faults_are_of_the_file_or_of_the_command_line() {
    let written = Written { name: "c.toml", folder: Path::new(""), text: "version = 3" };
    let error = Configuration::read(Some(written), &Overrides::default(), &|_| None).unwrap_err();
    assert_eq!(error.to_string(), "c.toml: line 1, version: expected 1, the version of this grammar, got the number 3");
    let overrides = Overrides { listen: "0.0.0.0:8443".parse().ok(), ..Overrides::default() };
    let error = Configuration::read(None, &overrides, &|_| None).unwrap_err();
    assert!(error.to_string().starts_with("the command line: api.certificate: expected a value"), "{error}");
}
