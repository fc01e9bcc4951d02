//! What a host has recorded and made of it, from outside: judged again, shown, and followed through a restart.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use countersign_store::{SqliteStore, Stored as _};
use serde_json::Value;

use crate::served::{Served, configure};
use crate::support::{Folder, of_type};

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(60);

const SOURCES: &str = r#"
version = 1

[[source]]
name = "sent"
kind = "http"
format = "cloudtrail"
tenants = ["aws:*"]

[[source]]
name = "other"
kind = "http"
format = "cloudtrail"
tenants = ["aws:*"]
"#;

/// A command that follows, and the lines that it prints.
struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    fn start(folder: &Folder, words: &str) -> Following {
        let words: Vec<&str> = words.split_whitespace().collect();
        let errors = std::fs::File::create(folder.path("followed.log")).unwrap();
        let mut child = folder.command(&words).stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let (line, lines) = sync_channel(1 << 16);
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        Following { child, lines }
    }

    fn next(&self) -> Value {
        serde_json::from_str(&self.lines.recv_timeout(LONG).unwrap()).unwrap()
    }

    /// How it ends when a terminal sends Ctrl-C.
    fn interrupt(mut self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt as _;
        std::process::Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().signal()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn send(served: &Served, source: &str, body: &str) {
    served.client.send::<Value>(&format!("/v1/sources/{source}/events"), None, body.into()).unwrap();
}

#[test]
fn a_recorder_is_judged_again_shown_and_followed() {
    let folder = Folder::new();
    folder.prepare("--bad 30");
    folder.write("sources.toml", SOURCES);
    folder.write("policy.toml", countersign_policy::DEFAULT_POLICY);
    let configuration = configure(&folder, "state");
    for command in ["findings", "decisions", "events --follow", "events --recorded", "replay --recorded"] {
        let ran = folder.cli(&format!("{command} --config state.toml")).exits(2);
        let looks = ["findings", "decisions"].contains(&command);
        assert!(ran.stderr.contains(if looks { "no host serves" } else { ".db" }), "{command}: {}", ran.stderr);
    }
    let served = Served::start(&folder, &configuration);
    served.wait("serves", |status| status["judged"]["generation"] == 1);
    served.wait("has committed", |status| !status["judged"]["place"].is_null());
    let follow = |command: &str| Following::start(&folder, &format!("{command} --config state.toml --follow --json"));
    let (events, decisions) = (follow("events"), follow("decisions --after 0"));
    // The one that follows from now on has to have begun.
    std::thread::sleep(Duration::from_millis(700));
    let telemetry = folder.read("events.ndjson");
    let lines: Vec<&str> = telemetry.split_inclusive('\n').collect();
    let (before, after) = lines.split_at(lines.len() / 2);
    send(&served, "sent", &before.concat());
    served.wait_judged();
    let first = events.next();
    assert_eq!((&first["type"], &first["source"]), (&"event".into(), &"sent".into()));
    served.stop();
    // Nobody serves for a while.
    let served = Served::start(&folder, &configuration);
    served.wait("serves", |status| status["judged"]["generation"] == 1);
    send(&served, "other", &after.concat());
    served.wait_judged();

    let listed = folder.cli("decisions --config state.toml --json").exits(0);
    let listed = listed.json();
    assert!(!listed.is_empty());
    let followed: Vec<Value> = listed.iter().map(|_| decisions.next()).collect();
    assert!(followed == listed, "what is followed is what is listed, each once");
    let account = listed[0]["decision"]["account"].as_str().unwrap();
    let rule = listed[0]["rule"]["id"].as_str().unwrap();
    let some = folder.cli(&format!("decisions --config state.toml --json --account {account} --rule {rule}")).exits(0);
    assert!(some.json().contains(&listed[0]) && some.json().iter().all(|one| one["rule"]["id"] == rule));
    assert_eq!(folder.cli("decisions --config state.toml --json --limit 2").exits(0).json(), listed[..2]);
    assert!(folder.cli("findings --config state.toml").exits(0).stdout.contains("countersign/"));
    // Whoever found something used an account.
    let used = folder.cli(&format!("activity {account} --config state.toml --json")).exits(0).json().remove(0);
    let uses = |activity: &Value| activity["callers"].as_array().unwrap().iter().map(|one| one["count"].as_u64()).sum();
    let count: Option<u64> = uses(&used);
    assert!(count > Some(0) && used["account"] == account, "{used}");
    assert!(folder.cli(&format!("activity {account} --config state.toml")).exits(0).stdout.contains("uses"));
    folder.cli("activity nobody --config state.toml").exits(2);
    let nobody = folder.cli("activity aws:1:nobody --config state.toml").exits(0);
    assert!(nobody.stdout.contains("nothing was seen"), "{}", nobody.stdout);
    assert_eq!(events.interrupt(), Some(2));
    assert_eq!(decisions.interrupt(), Some(2));
    assert!(folder.read("followed.log").contains("the host answers again"));

    // Beside the host, then without it.
    let replay = "replay --recorded --config state.toml --audit";
    folder.cli(&format!("{replay} run.audit --json")).exits(0);
    served.stop();
    let store = SqliteStore::read(&folder.path("state/store.db")).unwrap();
    let log = store.lines(0, usize::MAX).unwrap().concat();
    let audit = folder.read("run.audit");
    let (replayed, seal) = audit.trim_end().rsplit_once('\n').unwrap();
    assert!(seal.contains("\"type\":\"seal\""), "{seal}");
    assert!(format!("{replayed}\n").as_bytes() == log, "the result isn't the host's");
    folder.cli("audit verify run.audit").exits(0);
    let without = folder.cli("decisions --config state.toml --json").exits(0);
    assert!(without.stderr.contains("no host serves"), "{}", without.stderr);
    assert_eq!(without.json(), listed);
    let left = folder.cli(&format!("activity {account} --config state.toml --json")).exits(0).json().remove(0);
    assert_eq!(left, used);

    // Another policy, and an end of the record.
    folder.write("strict.toml", "version = 1\n");
    let strict = folder.cli("replay --recorded --state state --policy strict.toml --json").exits(0).json();
    let of_policy = of_type(&strict, "decision");
    assert!(!of_policy.is_empty());
    assert!(of_policy.iter().all(|one| one["decision"] != "await-approval"), "an empty policy allows nothing");
    let late = folder.cli("replay --recorded --state state --since 2100-01-01T00:00:00Z --json").exits(0);
    assert!(late.stderr.contains("begins from empty state"), "{}", late.stderr);
    folder.cli("replay --recorded --state state x.ndjson").exits(2);
    folder.cli("replay --recorded --state state --source cloudtrail").exits(2);
    folder.cli("replay --since 24h --source cloudtrail x.ndjson").exits(2);
    folder.cli("events --recorded --state state --since yesterday").exits(2);

    let shown = folder.cli("events --recorded --state state --json").exits(0).json();
    let (all, dead) = (of_type(&shown, "event"), of_type(&shown, "dead-letter"));
    let ran = folder.cli("replay --source cloudtrail --json events.ndjson").exits(0).json();
    assert_eq!(all.len() as u64, ran.last().unwrap()["events"].as_u64().unwrap());
    assert!(!dead.is_empty());
    let one = folder.cli("events --recorded --state state --source other --json").exits(0).json();
    assert!(of_type(&one, "event").iter().all(|event| event["source"] == "other" && event["format"] == "cloudtrail"));
    let unknown = folder.cli("events --recorded --state state --source nobody").exits(2);
    assert!(
        unknown.stderr.contains("`other`, `sent`") || unknown.stderr.contains("`sent`, `other`"),
        "{}",
        unknown.stderr
    );
}
