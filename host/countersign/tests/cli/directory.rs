//! `countersign directory`: a process of its own, killed anywhere, and a host that reads its event log.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::served::{Served, configure};
use crate::support::Folder;

#[path = "../../../directory/tests/common/mod.rs"]
mod common;

use common::{ALICE, Client, SEED};

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(60);

/// How often a directory is killed.
const KILLS: u64 = 4;

/// A directory as a process.
struct Directory {
    child: Child,
    client: Client,
}

impl Directory {
    fn start(folder: &Folder) -> Directory {
        let arguments = "directory serve --db d.db --listen 127.0.0.1:0 --seed seed.toml --admin-credential admin.token --faults \
             --rate 100000";
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let mut child = folder.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        let token = Some(folder.read("admin.token").trim().to_owned());
        Directory { child, client: Client { address, token } }
    }

    fn new(folder: &Folder) -> Directory {
        folder.write("seed.toml", SEED);
        Directory::start(folder)
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn wait<T>(what: &str, mut is: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = is() {
            return found;
        }
        assert!(started.elapsed() < LONG, "expected {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_person_signs_in_goes_on_and_is_suspended() {
    let folder = Folder::new();
    let directory = Directory::new(&folder);
    let client = &directory.client;
    assert_eq!(fs::metadata(folder.path("admin.token")).unwrap().permissions().mode() & 0o777, 0o600);
    let granted = client.sign_in("alice", "correct horse", "192.0.2.1").is(201).json();
    let granted = client.refresh(&granted).is(200).json();
    client.patch(&format!("/v1/accounts/{ALICE}"), json!({ "suspended": true })).is(200);
    assert_eq!(client.refresh(&granted).is(401).code(), "account-suspended");
    // Commands work beside the process that serves.
    let added = folder.cli("directory principal add reader --db d.db --scope read").exits(0);
    let reader = client.with(added.stdout.trim());
    assert_eq!(reader.get("/v1/accounts?username=alice").is(200).json()["items"][0]["suspended"], true);
    reader.get("/v1/events").is(403);
    let id = added.stderr.trim().rsplit(' ').next().unwrap();
    folder.cli(&format!("directory principal revoke {id} --db d.db")).exits(0);
    reader.get("/v1/accounts").is(401);
    folder.write("carol.password", "tr0ub4dor");
    fs::set_permissions(folder.path("carol.password"), fs::Permissions::from_mode(0o600)).unwrap();
    let added = folder
        .cli("directory account add carol --db d.db --password-file carol.password --totp --group payroll")
        .exits(0);
    assert_eq!(added.stdout.lines().count(), 2);
    client.sign_in("carol", "tr0ub4dor", "192.0.2.2").is(201);
    let again = folder.cli("directory account add Carol --db d.db").exits(2);
    assert!(again.stderr.contains("taken"), "{}", again.stderr);
    directory.kill();
    // It goes on with what it had, and makes no second credential.
    let directory = Directory::start(&folder);
    assert_eq!(directory.client.refresh(&granted).is(401).code(), "account-suspended");
    directory.client.patch(&format!("/v1/accounts/{ALICE}"), json!({ "suspended": false })).is(200);
    directory.client.refresh(&granted).is(200);
    directory.kill();
}

#[test]
fn a_directory_serves_this_machine_alone_and_says_what_is_wrong() {
    let folder = Folder::new();
    let refused = folder.cli("directory serve --db d.db --listen 0.0.0.0:0").exits(2);
    assert!(refused.stderr.contains("expected an address of this machine"), "{}", refused.stderr);
    folder.write(
        "seed.toml",
        "version = 1\n[[account]]\nusernam = \"x\"\n[[account]]\nusername = \"y\"\ngroups = [\"g\"]\n",
    );
    let refused = folder.cli("directory serve --db d.db --listen 127.0.0.1:0 --seed seed.toml").exits(2);
    for part in ["did you mean `username`?", "a group of this file"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    let missing = folder.cli("directory account add x --db none.db").exits(2);
    assert!(missing.stderr.contains("countersign directory serve"), "{}", missing.stderr);
    assert!(!folder.path("none.db").exists());
    folder.write("other", "text");
    folder.cli("directory account add x --db other").exits(2);
}

/// A change that a thread asked for.
struct Asked {
    key: String,
    /// The numbers of its events, if it was answered.
    events: Option<Value>,
    enabled: bool,
}

#[test]
fn killed_under_load_what_was_answered_is_there_and_nothing_is_done_twice() {
    let folder = Folder::new();
    folder.write("seed.toml", SEED);
    let asked_in_all = AtomicU64::new(0);
    let mut asked: Vec<Asked> = Vec::new();
    for round in 0..KILLS {
        let directory = Directory::start(&folder);
        let ended = Arc::new(AtomicBool::new(false));
        let workers: Vec<_> = (0..3)
            .map(|worker| {
                let (client, ended) = (directory.client.clone(), Arc::clone(&ended));
                std::thread::spawn(move || {
                    let mut asked = Vec::new();
                    for number in 0_u64.. {
                        let (key, enabled) = (format!("{round}-{worker}-{number}"), number % 2 == 1);
                        let (body, headers) = (json!({ "enabled": enabled }), [("idempotency-key", key.as_str())]);
                        let path = format!("/v1/accounts/{ALICE}");
                        let reply = client.send(("PATCH", &path), Some(&body), &headers);
                        let events = reply.ok().map(|reply| reply.is(200).json()["events"].clone());
                        let is_over = events.is_none() && ended.load(Ordering::SeqCst);
                        asked.push(Asked { key, events, enabled });
                        if is_over {
                            break;
                        }
                    }
                    asked
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(250 + 70 * round));
        ended.store(true, Ordering::SeqCst);
        directory.kill();
        for worker in workers {
            asked.extend(worker.join().unwrap());
        }
        asked_in_all.store(asked.len() as u64, Ordering::SeqCst);
    }
    let directory = Directory::start(&folder);
    let client = &directory.client;
    // What wasn't answered is asked again under its key.
    for one in asked.iter_mut().filter(|one| one.events.is_none()) {
        let (body, path) = (json!({ "enabled": one.enabled }), format!("/v1/accounts/{ALICE}"));
        let reply = client.send(("PATCH", &path), Some(&body), &[("idempotency-key", &one.key)]).unwrap().is(200);
        one.events = Some(reply.json()["events"].clone());
    }
    let events = client.events();
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["sequence"], json!(place + 1));
    }
    let by_key = |key: &str| -> Vec<u64> {
        let is = |event: &&Value| event["request"]["idempotency_key"] == key;
        events.iter().filter(is).map(|event| event["sequence"].as_u64().unwrap()).collect()
    };
    for one in &asked {
        let own = by_key(&one.key);
        assert!(own.len() <= 1, "{} was done {} times", one.key, own.len());
        assert_eq!(one.events, Some(json!(own)), "{}", one.key);
    }
    let last =
        events.iter().rev().find(|event| event["target"]["id"] == ALICE && event["changes"]["enabled"].is_array());
    let is = client.get(&format!("/v1/accounts/{ALICE}")).is(200).json()["enabled"].clone();
    assert_eq!(last.map(|event| event["changes"]["enabled"][1].clone()), Some(is));
    assert!(asked_in_all.load(Ordering::SeqCst) > 20, "too little was asked to be a test");
    directory.kill();
}

#[test]
fn a_host_reads_the_event_log_and_judges_it() {
    let folder = Folder::new();
    let directory = Directory::new(&folder);
    let client = &directory.client;
    let token = folder.cli("directory principal add source --db d.db --scope events.read").exits(0).stdout;
    folder.write("directory.token", token);
    fs::set_permissions(folder.path("directory.token"), fs::Permissions::from_mode(0o600)).unwrap();
    folder.shipped(&["password-spray", "password-spray-succeeded"]);
    folder.write("policy.toml", "version = 1\n");
    folder.write("identities.toml", "");
    folder.write(
        "sources.toml",
        format!(
            "version = 1\n[[source]]\nname = \"idp\"\nkind = \"directory\"\nformat = \"directory\"\n\
             tenants = [\"directory:local\"]\nurl = \"http://{}\"\ntoken-file = \"directory.token\"\n",
            client.address
        ),
    );
    let configuration = configure(&folder, "state");
    let host = Served::start(&folder, &configuration);
    host.wait("serves", |status| status["judged"]["generation"].is_number());
    let thief = "203.0.113.9";
    for number in 0..12 {
        client.sign_in(&format!("user{number}"), "Spring2026!", thief).is(401);
    }
    client.sign_in("alice", "Spring2026!", thief).is(401);
    // The log can't be read for a while, and its answer is lost once: it is gone on with.
    client.post("/v1/faults", json!({ "kind": "error", "path": "/v1/events", "count": 1 })).is(201);
    client.post("/v1/faults", json!({ "kind": "lost-after", "path": "/v1/events", "count": 1 })).is(201);
    client.sign_in("alice", "correct horse", thief).is(201);
    let finding = wait("a finding about Alice", || {
        let findings: Value = host.client.get("/v1/findings?limit=100").ok()?;
        let text = findings.to_string();
        (text.contains("password-spray-succeeded") && text.contains(ALICE)).then_some(text)
    });
    assert!(finding.contains(&format!("directory:local:{ALICE}")), "{finding}");
    let sources: Value = host.client.get("/v1/sources").unwrap();
    let recorded = sources.to_string();
    assert!(recorded.contains("\"kind\":\"directory\""), "{recorded}");
    host.kill();
    directory.kill();
}
