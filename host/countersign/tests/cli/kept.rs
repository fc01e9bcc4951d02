//! What a host keeps: its log is signed, backed up while it runs, restored and gone on with; and the doctor finds what is
//! wrong.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::Value;

use crate::served::{Served, configure, is_whole, prepared, send_as};
use crate::support::Folder;

fn started(folder: &Folder, state: &str) -> Served {
    let served = Served::start(folder, &configure(folder, state));
    served.wait("serves", |status| status["judged"]["generation"].is_number());
    served
}

/// The findings of the doctor that aren't good, each as `what: state`.
fn found(folder: &Folder, state: &str, code: i32) -> Vec<String> {
    let lines = folder.cli(&format!("doctor --config {state}.toml --json")).exits(code).json();
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let found: Vec<&Value> = lines.iter().filter(|line| line["state"] != "good").collect();
    assert!(found.iter().all(|line| line["advice"].is_string()), "{found:?}");
    found.iter().map(|line| format!("{}: {}", text(line, "what"), text(line, "state"))).collect()
}

/// What is wrong and isn't of the machine that tests run on.
fn bad(folder: &Folder, state: &str) -> Vec<String> {
    let mut found = found(folder, state, 1);
    found.retain(|found| found.ends_with(": bad"));
    found.dedup();
    found
}

#[test]
fn a_backup_of_a_host_that_runs_is_restored_and_gone_on_with() {
    let (folder, lines) = prepared();
    let (first, second) = lines.split_at(lines.len() / 2);
    let served = started(&folder, "state");
    send_as(&served.client, "first", first, Duration::ZERO);
    served.wait("has signed", |status| status["audit"]["signed"].as_u64() > Some(0));
    // While records come.
    let backed_up = std::thread::scope(|scope| {
        let sending = scope.spawn(|| send_as(&served.client, "second", second, Duration::from_millis(1)));
        let backed_up = folder.cli("backup backup --config state.toml --with-key --json").exits(0).json().remove(0);
        sending.join().unwrap();
        backed_up
    });
    let manifest = &backed_up["manifest"];
    assert_eq!((&backed_up["type"], &manifest["with_key"]), (&"backup".into(), &true.into()));
    let names = |path: &str| {
        let mut names: Vec<String> = fs::read_dir(folder.path(path))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("backup"), ["backup.json", "host.key", "host.pub", "recorder.db", "store.db"]);
    for name in names("backup") {
        let mode = fs::metadata(folder.path("backup").join(&name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{name}");
    }
    folder.cli("backup backup --config state.toml").exits(2);
    served.wait_judged();
    served.stop();
    // At its end a host signs all that it has.
    let verified = folder.cli("audit verify state/store.db --key state/host.pub --json").exits(0).json().remove(0);
    assert_eq!(verified["signed"]["records"], verified["records"]);
    folder.write("last.json", folder.cli("audit checkpoint --config state.toml").exits(0).stdout);

    // The backup is older than the checkpoint that was kept elsewhere, which shows.
    let refused = folder.cli("restore backup --state refused --key backup/host.pub --checkpoint last.json").exits(1);
    assert!(refused.stderr.contains("not-as-signed"), "{}", refused.stderr);
    assert!(!folder.path("refused").exists());
    let restored = folder.cli("restore backup --state restored --key backup/host.pub").exits(0);
    assert!(restored.stderr.contains("must not run any more"), "{}", restored.stderr);
    folder.cli("restore backup --state restored").exits(2);
    folder.cli("restore backup --state state").exits(2);

    // It goes on: what its sender sends again is recognised by its keys.
    let served = started(&folder, "restored");
    send_as(&served.client, "first", first, Duration::ZERO);
    send_as(&served.client, "second", second, Duration::ZERO);
    served.wait_judged();
    served.kill();
    let served = started(&folder, "restored");
    served.wait_judged();
    served.stop();
    is_whole(&folder, "restored", &[("sent", &lines)]);
    let (whole, again) =
        (folder.read("last.json"), folder.cli("audit checkpoint --config restored.toml").exits(0).stdout);
    assert_ne!(whole, again);

    // A backup that was changed, or put together of two, isn't restored.
    let mut bytes = fs::read(folder.path("backup/recorder.db")).unwrap();
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 4_096].fill(0xa5);
    fs::write(folder.path("backup/recorder.db"), bytes).unwrap();
    folder.cli("restore backup --state damaged").exits(1);
    assert!(!folder.path("damaged").exists() && !folder.path("damaged.part").exists());
    folder.cli("backup other --config restored.toml").exits(0);
    fs::copy(folder.path("other/recorder.db"), folder.path("backup/recorder.db")).unwrap();
    fs::copy(folder.path("other/store.db"), folder.path("backup/store.db")).unwrap();
    folder.cli("restore backup --state mixed").exits(1);
}

#[test]
fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let (folder, lines) = prepared();
    configure(&folder, "state");
    assert_eq!(found(&folder, "state", 0).iter().filter(|found| found.starts_with("state folder")).count(), 1);
    let served = started(&folder, "state");
    send_as(&served.client, "first", &lines[..200], Duration::ZERO);
    served.wait_judged();
    let healthy = found(&folder, "state", 0);
    assert!(healthy.iter().all(|found| !found.starts_with("host")), "{healthy:?}");
    folder.write("policy.toml", "version = 1\n");
    assert!(found(&folder, "state", 0).contains(&"files on disk: care".to_owned()));
    served.stop();
    assert!(found(&folder, "state", 0).contains(&"host: care".to_owned()));
    let shown = folder.cli("doctor --config state.toml").exits(0).stdout;
    let secret = folder.read("state/host.key");
    assert!(shown.contains("ed25519:") && !shown.contains(secret.trim()), "{shown}");

    let mode = |name: &str, mode| fs::set_permissions(folder.path(name), Permissions::from_mode(mode)).unwrap();
    mode("state/host.key", 0o644);
    assert_eq!(bad(&folder, "state"), ["file modes: bad", "host's key: bad"]);
    folder.cli("run --config state.toml").exits(2);
    mode("state/host.key", 0o600);

    // A key that is gone: it serves, and signs nothing until that is settled.
    fs::rename(folder.path("state/host.key"), folder.path("kept.key")).unwrap();
    assert_eq!(bad(&folder, "state"), ["host's key: bad"]);
    let served = started(&folder, "state");
    assert!(served.wait("serves", |_| true)["audit"]["problem"].as_str().unwrap().contains("rekey"));
    assert_eq!(bad(&folder, "state"), ["host's key: bad", "signing: bad"]);
    folder.cli("audit rekey --config state.toml").exits(2);
    served.stop();
    folder.cli("audit rekey --config state.toml --old kept.key").exits(0);
    let old = folder.cli("audit verify state/store.db --json").exits(0).json().remove(0);
    assert_eq!(old["signed"]["key"], folder.read("state/host.pub").trim());
    assert!(found(&folder, "state", 0).iter().all(|found| !found.starts_with("host's key")));

    folder.write("policy.toml", "nonsense");
    assert_eq!(bad(&folder, "state"), ["configuration: bad"]);
    folder.write("policy.toml", "version = 1\n");
    // Of two hosts.
    let served = started(&folder, "other");
    served.stop();
    fs::copy(folder.path("state/recorder.db"), folder.path("kept.db")).unwrap();
    fs::copy(folder.path("other/recorder.db"), folder.path("state/recorder.db")).unwrap();
    assert_eq!(bad(&folder, "state"), ["store and recorder: bad"]);
    fs::copy(folder.path("kept.db"), folder.path("state/recorder.db")).unwrap();
    let mut bytes = fs::read(folder.path("state/store.db")).unwrap();
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 4_096].fill(0xa5);
    fs::write(folder.path("state/store.db"), bytes).unwrap();
    assert!(bad(&folder, "state").contains(&"store: bad".to_owned()));
}

/// Somebody takes the checkpoints away while the host is stopped, with all that lies beside them.
#[test]
fn checkpoints_that_are_taken_away_are_missed() {
    let (folder, lines) = prepared();
    let served = started(&folder, "state");
    send_as(&served.client, "first", &lines[..200], Duration::ZERO);
    served.wait_judged();
    served.wait("has signed", |status| status["audit"]["signed"].as_u64() > Some(0));
    served.stop();
    folder.cli("audit verify state/store.db").exits(0);
    let store = countersign_database::rusqlite::Connection::open(folder.path("state/store.db")).unwrap();
    assert!(store.execute("DELETE FROM checkpoint", []).unwrap() > 0);
    drop(store);
    fs::remove_file(folder.path("state/host.checkpoint")).unwrap();

    for key in ["", " --key state/host.pub"] {
        let verified = folder.cli(&format!("audit verify state/store.db{key}")).exits(1).stdout;
        assert!(verified.contains("checkpoint-missing"), "{verified}");
    }
    assert_eq!(bad(&folder, "state"), ["audit log: bad"]);
    let served = started(&folder, "state");
    let status = served.wait("says so", |status| status["audit"]["problem"].is_string());
    assert!(status["audit"]["problem"].as_str().unwrap().contains("as the recorder remembers it"), "{status}");
    served.wait("raises the alarm", |status| status["alarms"].to_string().contains("audit-unsigned"));
    served.wait_judged();
    served.stop();
    let found = folder.cli("audit list state/store.db --type host-finding --json").exits(0).stdout;
    let found: Vec<&str> = found.lines().filter(|line| line.contains("log-not-as-signed")).collect();
    assert_eq!(found.len(), 1, "{found:?}");
}
