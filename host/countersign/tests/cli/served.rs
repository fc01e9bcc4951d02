//! `countersign run`, killed anywhere while records are sent and files written, and while its generation changes: what was
//! acknowledged is judged, once, and all is as an undisturbed host makes it of the same recorder.
//!
//! `COUNTERSIGN_SERVED_KILLS` says how many kills; more of them in `.ci/nightly`.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign_api::{Client, ClientError};
use countersign_formats::reader::Content;
use countersign_recorder::RecorderReader;
use countersign_store::{SqliteStore, Stored as _};
use serde_json::{Value, json};

use crate::killed::{Numbers, faults};
use crate::support::Folder;

/// The default number of kills.
const KILLS: u64 = 150;

/// Lines that are sent at once.
const SENT: usize = 7;

/// A record that is sent while the disk fails.
const REFUSED: &[u8] = b"{}";

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(120);

const SOURCES: &str = r#"
version = 1

[[source]]
name = "sent"
kind = "http"
format = "cloudtrail"
tenants = ["aws:*"]

[[source]]
name = "followed"
kind = "file"
format = "cloudtrail"
tenants = ["aws:*"]
path = ["logs/**"]
"#;

/// A host of a folder's configuration.
pub(crate) struct Served {
    child: Child,
    pub(crate) client: Client,
}

pub(crate) fn configure(folder: &Folder, state: &str) -> String {
    let name = format!("{state}.toml");
    folder.write(
        &name,
        format!(
            "version = 1\nstate = \"{state}\"\n[files]\nrules = [\"rules\"]\nshipped-rules = false\n\
             policy = \"policy.toml\"\nidentities = \"identities.toml\"\nsources = \"sources.toml\"\n"
        ),
    );
    name
}

impl Served {
    pub(crate) fn start(folder: &Folder, configuration: &str) -> Served {
        Served::start_with(folder, configuration, &[])
    }

    /// The same with variables of the environment.
    pub(crate) fn start_with(folder: &Folder, configuration: &str, environment: &[(&str, &Path)]) -> Served {
        Served::start_as(folder, configuration, |mut command| {
            command.envs(environment.iter().copied());
            command
        })
    }

    /// The same by another command, made of the usual one.
    fn start_as(folder: &Folder, configuration: &str, change: impl FnOnce(Command) -> Command) -> Served {
        Served::start_in(folder, (configuration, configuration.trim_end_matches(".toml")), change)
    }

    /// A host whose state folder isn't named as its configuration.
    pub(crate) fn start_at(folder: &Folder, configuration: &str, state: &str) -> Served {
        Served::start_in(folder, (configuration, state), |command| command)
    }

    fn start_in(
        folder: &Folder,
        (configuration, state): (&str, &str),
        change: impl FnOnce(Command) -> Command,
    ) -> Served {
        let log = OpenOptions::new().create(true).append(true).open(folder.path("host.log")).unwrap();
        let child = change(folder.command(&["run", "--config", configuration]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Served { child, client: Client::new(&folder.path(state).join("api.sock")) }
    }

    fn status(&self) -> Option<Value> {
        self.client.get("/v1/status").ok()
    }

    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            match self.status() {
                Some(status) if is_so(&status) => return status,
                status => assert!(started.elapsed() < LONG, "expected a host that {what}, got {status:?}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until all that is recorded is judged.
    pub(crate) fn wait_judged(&self) -> Value {
        self.wait("has judged all", |status| {
            let place = |key: &str| status.pointer(&format!("/judged/place/{key}")).and_then(Value::as_u64);
            let last = |key: &str| status.pointer(&format!("/recorder/{key}")).and_then(Value::as_u64);
            place("batch") == last("last").map(|last| last + 1) && place("host") == last("last_host")
        })
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn stop(mut self) {
        self.signal("-TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// The raw records of each source, with how often each is on record.
fn recorded(recorder: &Path) -> BTreeMap<String, BTreeMap<Vec<u8>, usize>> {
    let reader = RecorderReader::open(recorder).unwrap();
    let names: BTreeMap<u32, String> =
        reader.sources().unwrap().into_iter().map(|source| (source.number, source.name.to_string())).collect();
    let mut records: BTreeMap<String, BTreeMap<Vec<u8>, usize>> = BTreeMap::new();
    for seq in 1.. {
        let Some(batch) = reader.batch(seq).unwrap() else { break };
        let mut pieces = batch.batch.pieces();
        while let Some((piece, _)) = pieces.next_piece() {
            let text = match piece.content {
                Content::Record(bytes) => bytes.to_vec(),
                Content::Dead { excerpt, .. } => excerpt.into_bytes(),
            };
            *records.entry(names[&batch.source].clone()).or_default().entry(text).or_default() += 1;
        }
    }
    records
}

fn log(state: &Path) -> Vec<String> {
    let store = SqliteStore::read(&state.join("store.db")).unwrap();
    store.lines(0, usize::MAX).unwrap().into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
}

/// A folder with some rules and telemetry, and its lines that are records.
pub(crate) fn prepared() -> (Folder, Vec<String>) {
    let folder = Folder::new();
    folder.prepare("--bad 30");
    folder.write("sources.toml", SOURCES);
    folder.write("policy.toml", countersign_policy::DEFAULT_POLICY);
    fs::create_dir(folder.path("logs")).unwrap();
    let events = folder.read("events.ndjson");
    let whole = events.lines().filter(|line| line.starts_with('{') && line.ends_with('}'));
    let lines = whole.map(str::to_owned).collect();
    (folder, lines)
}

/// What is recorded in a state folder is each of these lines once, and an undisturbed host makes the same of it.
pub(crate) fn is_whole(folder: &Folder, state: &str, expected: &[(&str, &[String])]) {
    let recorder = folder.path(state).join("recorder.db");
    let mut records = recorded(&recorder);
    // Of what was refused because of the disk nobody knows whether it is there.
    for records in records.values_mut() {
        records.remove(REFUSED);
    }
    for (name, lines) in expected {
        let mut counts: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        lines.iter().for_each(|line| *counts.entry(line.as_bytes().to_vec()).or_default() += 1);
        assert!(records[*name] == counts, "what is recorded of `{name}` isn't what was sent, each once");
    }
    let again = configure(folder, "again");
    countersign_private::make_folder(&folder.path("again")).unwrap();
    fs::copy(&recorder, folder.path("again/recorder.db")).unwrap();
    let undisturbed = Served::start(folder, &again);
    undisturbed.wait_judged();
    undisturbed.stop();
    let (disturbed, undisturbed) = (log(&folder.path(state)), log(&folder.path("again")));
    assert!(disturbed.iter().any(|line| line.contains("\"type\":\"finding\"")));
    assert!(disturbed == undisturbed, "the logs differ");
    let activity = |state: &str| {
        let store = SqliteStore::read(&folder.path(state).join("store.db")).unwrap();
        store.memory("activity", None, usize::MAX >> 1).unwrap()
    };
    assert!(activity(state) == activity("again"), "uses of accounts were counted twice or not");
    folder.cli(&format!("audit verify {state}/store.db")).exits(0);
}

/// Sends lines a few at a time, each under a key of its own, until each is acknowledged.
fn send(client: &Client, lines: &[String], pause: Duration) {
    send_as(client, "chunk", lines, pause);
}

/// The same, by the name of all keys.
pub(crate) fn send_as(client: &Client, name: &str, lines: &[String], pause: Duration) {
    for (number, chunk) in lines.chunks(SENT).enumerate() {
        let body = chunk.iter().map(|line| format!("{line}\n")).collect::<String>();
        let started = Instant::now();
        loop {
            let key = format!("{name}-{number}");
            match client.send::<Value>("/v1/sources/sent/events", Some(&key), body.clone().into_bytes()) {
                Ok(answer) => {
                    assert_eq!(answer["recorded"], chunk.len(), "{answer}");
                    break;
                }
                Err(ClientError::Refused { status: 400..=499, detail, code }) if code != "no-source" => {
                    panic!("{detail}")
                }
                Err(error) => assert!(started.elapsed() < LONG, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(pause);
    }
}

/// One of two versions of a rule: other code, and state of another version, which neither can read of the other.
fn own_rule(is_second: bool) -> Vec<u8> {
    let (_, bytes) = countersign_shipped::RULES.iter().find(|(id, _)| id.ends_with("/burst-of-denied-calls")).unwrap();
    let admitted = countersign_admission::admit(bytes, &countersign_declaration::Ceilings::default()).unwrap();
    let mut declaration = admitted.declaration().clone();
    declaration.id = "local/burst".parse().unwrap();
    let mut component = admitted.component().to_vec();
    if is_second {
        declaration.slots.iter_mut().for_each(|slot| slot.version += 1);
        // A custom section that means nothing: its length, that of its name, and its name.
        component.extend([0, 6, 5]);
        component.extend(b"build");
    }
    countersign_admission::sections::attach(&component, &declaration, admitted.data()).unwrap()
}

fn count(done: &AtomicU64, answer: Result<Value, ClientError>) {
    done.fetch_add(u64::from(answer.is_ok()), Ordering::Relaxed);
}

/// Writes lines to a file that is renamed now and then, as a log is.
fn append(folder: &Path, lines: &[String], pause: Duration) {
    let (path, mut rotated) = (folder.join("trail.ndjson"), 0);
    for (number, line) in lines.iter().enumerate() {
        let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        // Torn anywhere: a follower sees half a line.
        let (first, second) = line.as_bytes().split_at(line.len() / 2);
        file.write_all(first).unwrap();
        file.write_all(second).unwrap();
        file.write_all(b"\n").unwrap();
        if number % 50 == 49 {
            rotated += 1;
            fs::rename(&path, folder.join(format!("trail.ndjson.{rotated}"))).unwrap();
        }
        std::thread::sleep(pause);
    }
}

#[test]
fn what_is_acknowledged_is_judged_once_whatever_dies() {
    let kills = std::env::var("COUNTERSIGN_SERVED_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let (folder, lines) = prepared();
    let (sent, followed) = lines.split_at(lines.len() * 2 / 3);
    let configuration = configure(&folder, "state");
    let served = Served::start(&folder, &configuration);
    served.wait("serves", |status| status["judged"]["generation"] == 1);
    let client = served.client.clone();
    let mut numbers = Numbers(7);
    let done = AtomicBool::new(false);
    let (started, mut killed) = (Instant::now(), 0);
    let (applied, rolled) = (AtomicU64::new(0), AtomicU64::new(0));
    // As long as kills go on, so do the senders.
    let pause =
        |count: usize| Duration::from_millis(500) * u32::try_from(kills).unwrap() / u32::try_from(count).unwrap();
    let last = std::thread::scope(|scope| {
        let sending = scope.spawn(|| send(&client, sent, pause(sent.len() / SENT)));
        let writing = scope.spawn(|| append(&folder.path("logs"), followed, pause(followed.len())));
        let mut served = served;
        while killed < kills {
            std::thread::sleep(Duration::from_millis(numbers.next(900)));
            // Which one serves in the end doesn't matter, nor whether a kill is quicker.
            if killed % 5 == 3 {
                folder.write("policy.toml", format!("{}\n# {killed}\n", countersign_policy::DEFAULT_POLICY));
                folder.write("rules/local-burst.wasm", own_rule(killed % 10 == 3));
                let (client, applied) = (served.client.clone(), &applied);
                scope.spawn(move || count(applied, client.post("/v1/apply", &json!({ "reason": "another" }))));
                std::thread::sleep(Duration::from_millis(numbers.next(700)));
            } else if killed % 10 == 6 {
                let (client, rolled) = (served.client.clone(), &rolled);
                scope.spawn(move || {
                    let known: Vec<Value> = client.get("/v1/generations").unwrap_or_default();
                    let before = known.iter().rev().nth(1).map_or(1, |before| before["number"].as_u64().unwrap());
                    count(rolled, client.post("/v1/rollback", &json!({ "generation": before })));
                });
                std::thread::sleep(Duration::from_millis(numbers.next(700)));
            }
            served.kill();
            killed += 1;
            served = Served::start(&folder, &configuration);
        }
        sending.join().unwrap();
        writing.join().unwrap();
        done.store(true, Ordering::Relaxed);
        served
    });
    let all = lines.len() as u64;
    last.wait("has recorded all", |_| {
        let reader = RecorderReader::open(&folder.path("state/recorder.db")).unwrap();
        reader.sources().unwrap().iter().map(|source| source.records).sum::<u64>() == all
    });
    last.wait_judged();
    last.stop();
    let (applied, rolled) = (applied.into_inner(), rolled.into_inner());
    println!("killed {killed} times in {:?}, {applied} generations applied, {rolled} rolled back", started.elapsed());
    assert!(applied > 0 && rolled > 0, "{applied} {rolled}");
    is_whole(&folder, "state", &[("sent", sent), ("followed", followed)]);
}

/// A full disk, and one that fails: senders aren't acknowledged, the host says so, and it goes on by itself.
#[test]
fn a_disk_that_fails_for_a_while_loses_nothing() {
    for fault in ["FAIL_WRITE_AFTER", "FAIL_SYNC_AFTER"] {
        let (folder, lines) = prepared();
        let Some(library) = faults(&folder) else {
            println!("skipped: it needs a C compiler and Linux");
            return;
        };
        let configuration = configure(&folder, "state");
        let (failing, none) = (folder.path("failing"), Path::new("0"));
        let environment = [("LD_PRELOAD", &*library), (fault, none), ("FAIL_WHILE", &*failing)];
        let served = Served::start_with(&folder, &configuration, &environment);
        served.wait("serves", |status| status["judged"]["generation"] == 1);
        let (before, after) = lines.split_at(lines.len() / 2);
        send(&served.client, before, Duration::ZERO);
        fs::write(&failing, "").unwrap();
        let refused = served.client.send::<Value>("/v1/sources/sent/events", Some("refused"), REFUSED.to_vec());
        assert!(matches!(refused, Err(ClientError::Refused { status: 503, .. })), "{fault}: {refused:?}");
        let ready: Value = served.client.get("/readyz").unwrap();
        assert_eq!(ready["ready"], false, "{fault}: {ready}");
        fs::remove_file(&failing).unwrap();
        send_as(&served.client, "later", after, Duration::ZERO);
        served.wait_judged();
        served.wait("is ready", |_| served.client.get::<Value>("/readyz").unwrap()["ready"] == true);
        served.stop();
        is_whole(&folder, "state", &[("sent", &lines)]);
    }
}

/// Connections that nobody uses take all file descriptors: the host says so, and takes what is sent once there are some.
#[test]
fn a_host_short_of_file_descriptors_loses_nothing() {
    const FILES: usize = 90;
    let (folder, lines) = prepared();
    let configuration = configure(&folder, "state");
    // Compiled once, which takes files too.
    let served = Served::start(&folder, &configuration);
    served.wait("serves", |status| status["judged"]["generation"] == 1);
    served.stop();
    let limited = format!("ulimit -n {FILES}; exec \"$0\" \"$@\"");
    let served = Served::start_as(&folder, &configuration, |command| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &limited]).arg(command.get_program()).args(command.get_args());
        shell.current_dir(command.get_current_dir().unwrap());
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell
    });
    served.wait("serves", |status| status["judged"]["generation"] == 1);
    let idle: Vec<_> = (0..FILES + 30)
        .map_while(|_| std::os::unix::net::UnixStream::connect(folder.path("state/api.sock")).ok())
        .collect();
    assert!(idle.len() > FILES / 2, "{}", idle.len());
    let (sent, followed) = lines.split_at(lines.len() / 2);
    for (number, lines) in followed.chunks(20).enumerate() {
        folder.write(&format!("logs/{number}.ndjson"), lines.join("\n") + "\n");
    }
    let client = served.client.clone();
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| send(&client, sent, Duration::ZERO));
        std::thread::sleep(Duration::from_secs(3));
        drop(idle);
        sending.join().unwrap();
    });
    served.wait("has recorded all", |_| {
        let reader = RecorderReader::open(&folder.path("state/recorder.db")).unwrap();
        reader.sources().unwrap().iter().map(|source| source.records).sum::<u64>() == lines.len() as u64
    });
    served.wait_judged();
    served.stop();
    let log = folder.read("host.log");
    assert!(log.contains("Too many open files") || log.contains("too many open files"), "{log}");
    is_whole(&folder, "state", &[("sent", sent), ("followed", followed)]);
}

/// What was applied serves after a restart, whatever became of the files: they are only compared.
#[test]
fn files_that_are_broken_keep_no_host_from_serving() {
    let (folder, _) = prepared();
    let configuration = configure(&folder, "state");
    let served = Served::start(&folder, &configuration);
    served.wait("serves", |status| status["judged"]["generation"] == 1);
    served.stop();
    folder.write("policy.toml", "nonsense");
    fs::remove_file(folder.path("identities.toml")).unwrap();
    fs::remove_dir_all(folder.path("rules")).unwrap();
    let served = Served::start(&folder, &configuration);
    served.wait("serves", |status| status["judged"]["generation"] == 1);
    let ready: Value = served.client.get("/readyz").unwrap();
    assert_eq!(ready["ready"], true, "{ready}");
    let reasons = ready["on_disk"]["reasons"].to_string();
    assert!(reasons.contains("identities.toml") && reasons.contains("rules"), "{ready}");
    served.stop();
    // Without anything on record there is nothing to serve.
    let empty = configure(&folder, "empty");
    let ran = folder.cli(&format!("run --config {empty}")).exits(2);
    assert!(ran.stderr.contains("identities.toml") && ran.stderr.contains("rules"), "{}", ran.stderr);
}

/// Every line of the log is an object, and an event is followed from its record to its decisions by its id.
#[test]
fn an_event_is_followed_in_the_log_by_its_id() {
    let (folder, lines) = prepared();
    let configuration = configure(&folder, "state");
    let text = folder.read(&configuration) + "[log]\nformat = \"json\"\nlevel = \"debug\"\n";
    folder.write(&configuration, text);
    let host = Served::start(&folder, &configuration);
    host.wait("serves", |status| status["judged"]["generation"].is_u64());
    send(&host.client, &lines, Duration::ZERO);
    host.wait_judged();
    host.stop();
    let logged: Vec<Value> = folder
        .read("host.log")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let named = |message: &str| -> Vec<&Value> { logged.iter().filter(|line| line["message"] == message).collect() };
    let decided = named("decided");
    assert!(!decided.is_empty() && !named("found").is_empty(), "{} decided", decided.len());
    let judged = named("judging an event");
    for line in decided {
        let id = line["event_id"].as_str().unwrap().trim_matches('`');
        let from = judged.iter().find(|judged| judged["event_id"] == id);
        let from = from.unwrap_or_else(|| panic!("no event of {line}"));
        assert!(from["source"] == "sent" && from["ordinal"].is_u64() && from["batch"].is_u64(), "{from}");
        assert!(line["seq"].is_u64() && line["level"] == "INFO" && line["timestamp"].is_string(), "{line}");
    }
}
