//! What somebody meets who runs a host for the first time: what is said at its start, what isn't read and why, what only a
//! restart applies, what to do where none serves, and commands that work as they are printed.

use serde_json::Value;

use crate::served::Served;
use crate::support::{Folder, ndjson};

const CONFIG: &str = "--config conf/countersign.toml";

/// What a host says, as it is logged.
fn said(folder: &Folder) -> String {
    folder.read("host.log")
}

fn start(folder: &Folder) -> Served {
    let served = Served::start_at(folder, "conf/countersign.toml", "conf/state");
    served.wait("serves", |status| status["judged"]["generation"].is_u64());
    served
}

#[test]
fn where_no_host_serves_it_is_said_what_to_do() {
    let folder = Folder::new();
    for words in ["status", "plan", "apply", "reload", "rollback 1", "generations", "findings", "sources"] {
        let ran = folder.cli(&format!("{words} --state 'st'")).exits(2);
        let expected = "no host serves at `'st'/api.sock`: start it with `countersign run --state ''\\''st'\\'''`";
        assert!(ran.stderr.contains(expected), "`{words}`: {}", ran.stderr);
        let ran = folder.cli(words).exits(2);
        let expected = "`countersign run --state state`, or name another one with `--config FILE` or `--state DIR`";
        assert!(ran.stderr.contains(expected), "`{words}`: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "`{words}`");
    }
    // A socket that a dead host left behind.
    folder.write("state/none", "");
    drop(std::os::unix::net::UnixListener::bind(folder.path("state/api.sock")).unwrap());
    let ran = folder.cli("plan --state state").exits(2);
    assert!(ran.stderr.contains("no host serves at `state/api.sock`: start it with"), "{}", ran.stderr);
}

#[test]
fn a_token_needs_a_scope_and_all_are_named() {
    let folder = Folder::new();
    let ran = folder.cli("token create --state conf/state").exits(2);
    for part in [
        "`--source NAME`",
        "countersign token create --source trail --state conf/state",
        "`--viewer`",
        "countersign token create --viewer --state conf/state",
        "--expires 30d",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
}

#[test]
fn a_first_host_says_what_it_serves_and_what_is_missing() {
    let folder = Folder::new();
    folder.cli("init conf").exits(0);
    let configuration = folder.read("conf/countersign.toml").replace("# shipped-rules = true", "shipped-rules = false");
    folder.write("conf/countersign.toml", &configuration);
    folder.write("conf/rules/burst.wasm", crate::support::shipped("burst-of-denied-calls"));
    let served = start(&folder);
    let log = folder.wait_for("host.log", "no source is declared");
    for part in [
        "state in `conf/state`",
        "listening on `conf/state/api.sock`",
        "generation 1 serves: 1 detection rule, 1 of them your own",
        "add a `[[source]]` to `conf/sources.toml`, which has examples, then `countersign apply --config conf/countersign.toml`",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }

    // A source without a kind, and a key that only a restart applies.
    let source = |name: &str, more: &str| {
        format!("\n[[source]]\nname = \"{name}\"\nformat = \"cloudtrail\"\ntenants = [\"aws:*\"]\n{more}")
    };
    let sources = folder.read("conf/sources.toml");
    let edge = source("edge", "");
    folder.write(
        "conf/sources.toml",
        format!("{sources}{}{edge}", source("trail", "kind = \"http\"\nexpect-every = \"1s\"\n")),
    );
    folder.write("conf/countersign.toml", configuration.replace("# keep = \"30d\"", "keep = \"31d\""));
    let unread = "the source `edge` has no `kind`, so a host reads nothing of it: write `kind = ";
    let restart = "`recorder.keep` is 31d now, the host runs by 30d: only a restart applies that";
    let ran = folder.cli(&format!("config check {CONFIG}")).exits(0);
    assert!(ran.stderr.contains(&format!("conf/sources.toml: {unread}")), "{}", ran.stderr);
    let plan = folder.cli(&format!("plan --trial 0s {CONFIG}")).exits(1);
    assert!(plan.stderr.contains(unread) && plan.stderr.contains(restart), "{}", plan.stderr);
    let reload = folder.cli(&format!("reload {CONFIG}")).exits(0);
    assert!(reload.stderr.contains(restart), "{}", reload.stderr);
    served.wait("has an alarm", |status| status["alarms"].to_string().contains("generation-not-loaded"));
    let ran = folder.cli(&format!("status {CONFIG}")).exits(0);
    for part in [restart, "see what differs: `countersign plan --config conf/countersign.toml`"] {
        let shown = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(part), "{part}: {shown}");
    }

    // The last line of the plan works as it stands, and what it applies ends the alarm.
    let last = plan.stdout.lines().last().unwrap().trim().strip_prefix("countersign ").unwrap();
    let ran = folder.cli(last).exits(0);
    assert!(ran.stderr.contains(unread) && ran.stderr.contains(restart), "{}", ran.stderr);
    let status = folder.cli(&format!("status --json {CONFIG}")).exits(0).json().remove(0);
    assert!(!status["status"]["alarms"].to_string().contains("generation-not-loaded"), "{status}");
    assert_eq!(status["ready"]["on_disk"], Value::Null);
    assert_eq!(
        (&status["ready"]["generation"], &status["status"]["restart"]["changed"][0]["key"]),
        (&2.into(), &"recorder.keep".into())
    );
    let ran = folder.cli(&format!("apply {CONFIG}")).exits(1);
    assert!(ran.stderr.contains("got the same") && ran.stderr.contains(restart), "{}", ran.stderr);
    let shown = |command: &str| {
        folder.cli(&format!("{command} {CONFIG}")).stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    served
        .wait("tells of the source", |status| status["sources"]["edge"]["problems"].to_string().contains("no `kind`"));
    assert!(shown("doctor").contains("`edge` has no `kind`"), "{}", shown("doctor"));

    // Numbers that can't be rolled back to.
    for (number, expected) in [
        (9, "expected the number of a generation that can serve again (1), got 9, which none has"),
        (2, "expected the number of a generation that can serve again (1), got 2, which is what serves"),
        (0, "expected the number of a generation that can serve again (1), got 0, which none has"),
    ] {
        let ran = folder.cli(&format!("rollback {number} {CONFIG}")).exits(1);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }

    // A configuration with a fault keeps nobody from a host that runs.
    folder.write("conf/countersign.toml", configuration.replace("# keep = \"30d\"", "keep = 1"));
    let ran = folder.cli(&format!("status {CONFIG}")).exits(0);
    assert!(
        ran.stderr.contains("has 1 fault: countersign config check --config conf/countersign.toml"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("the host wouldn't start again"), "{}", ran.stdout);
    folder.write("conf/countersign.toml", configuration);

    // Killed: what is left tells what it can.
    served.client.send::<Value>("/v1/sources/trail/events", None, b"{}\n".to_vec()).unwrap();
    served.kill();
    let numbers = folder.cli(&format!("generations --json {CONFIG}")).exits(0);
    assert!(numbers.stderr.contains("no host serves"), "{}", numbers.stderr);
    let numbers: Vec<Value> = ndjson(&numbers.stdout).iter().map(|one| one["number"].clone()).collect();
    assert_eq!(numbers, [1, 2]);
    let ran = folder.cli(&format!("status {CONFIG}")).exits(2);
    assert!(
        ran.stdout.contains("batches recorded") && ran.stderr.contains("this is what `conf/state` has"),
        "{}",
        ran.stderr
    );
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let doctor = shown("doctor");
    assert!(doctor.contains("`expect-every` has it tell something every 1s"), "{doctor}");
    let served = start(&folder);
    folder.wait_for("host.log", "sources: `trail` (http), `edge` (no kind)");
    assert!(said(&folder).contains(unread));
    served.stop();
}
