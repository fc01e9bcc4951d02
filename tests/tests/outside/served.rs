//! A host that runs: what it makes of its recorder is what an undisturbed one makes of the same, however it was stopped, and
//! its generation changes between two batches.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, SystemTime};

use countersign_daemon::{
    Again, AgainError, ApplyError, Host, HostOptions, IngestError, Ingested, Material, MaterialFile, Reload, Role,
    Since, UnwellBounds,
};
use countersign_formats::DeadLetter;
use countersign_model::Timestamp;
use countersign_policy::DEFAULT_POLICY;
use countersign_session::{DecisionLine, Notice, Observer, SessionError, SessionOptions};
use countersign_store::{MemoryStore, SqliteStore, Stored};
use tempfile::TempDir;

use crate::determinism::telemetry;
use crate::support::engine;

pub(crate) const SOURCES: &str =
    "version = 1\n[[source]]\nname = \"trail\"\nformat = \"cloudtrail\"\ntenants = [\"aws:*\"]\nkind = \"http\"\n";

pub(crate) const LONG: Duration = Duration::from_secs(120);

pub(crate) fn file(role: Role, text: &str) -> MaterialFile {
    MaterialFile { role, name: role.name().to_owned(), bytes: text.as_bytes().to_vec() }
}

fn material(policy: &str, identities: &str) -> Material {
    let files = vec![file(Role::Sources, SOURCES), file(Role::Policy, policy), file(Role::Identities, identities)];
    Material { shipped_rules: true, files }
}

pub(crate) fn start(state: &Path, first: &Material) -> Host {
    start_at(state, first, now)
}

fn start_at(state: &Path, first: &Material, clock: fn() -> Timestamp) -> Host {
    let options = HostOptions {
        state: state.to_owned(),
        folder: state.to_owned(),
        engine: engine().clone(),
        session: options(),
        max_bytes: 1 << 30,
        keep: i64::MAX / 2,
        keep_audit: None,
        unwell: UnwellBounds::default(),
        clock,
        reload: Reload::default(),
    };
    Host::start(options, || Ok(first.clone())).unwrap_or_else(|error| panic!("{error}"))
}

/// The time of day: what waits for witnesses waits by it.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Timestamp(i64::try_from(since.as_micros()).unwrap())
}

pub(crate) fn send(host: &Host, key: Option<&str>, bytes: &[u8]) -> Ingested {
    let (answer, answered) = sync_channel(1);
    let reply = Box::new(move |result| answer.send(result).unwrap());
    // Its first generation may still be read.
    assert!(host.wait_serving(LONG));
    host.ingest("trail", key.map(str::to_owned), bytes.to_vec(), reply).unwrap();
    answered.recv().unwrap().unwrap()
}

pub(crate) fn log(state: &Path) -> Vec<String> {
    let store = SqliteStore::read(&state.join("store.db")).unwrap();
    lines(&store)
}

/// How hosts judge here.
fn options() -> SessionOptions {
    SessionOptions { workers: 1, ..SessionOptions::default() }
}

/// What comes of the recorder when it is judged again undisturbed.
pub(crate) fn undisturbed(state: &Path) -> MemoryStore {
    let mut store = MemoryStore::new();
    let again = Again::open(&state.join("recorder.db"), engine().clone(), Since::First).unwrap();
    again.judge(&mut store, options(), &mut ()).unwrap();
    store
}

/// Who used which account on which day, as it is counted.
fn activity(store: &dyn Stored) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.memory("activity", None, usize::MAX >> 1).unwrap()
}

pub(crate) fn lines(store: &dyn Stored) -> Vec<String> {
    store.lines(0, usize::MAX).unwrap().into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
}

/// Fails at a commit.
struct Fails(u32);

impl Observer for Fails {
    fn decision(&mut self, _seq: u64, _line: &DecisionLine) -> std::io::Result<()> {
        Ok(())
    }

    fn dead_letter(&mut self, _seq: u64, _letter: &DeadLetter) -> std::io::Result<()> {
        Ok(())
    }

    fn notice(&mut self, _seq: u64, _notice: &Notice) -> std::io::Result<()> {
        Ok(())
    }

    fn progress(&mut self, _records: u64) -> std::io::Result<()> {
        self.0 = self.0.checked_sub(1).ok_or(std::io::ErrorKind::Interrupted)?;
        Ok(())
    }
}

pub(crate) fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn stops_and_swaps_anywhere_show_nowhere() {
    let (telemetry, identities) = telemetry();
    let sent_lines: Vec<&[u8]> = telemetry.split_inclusive(|byte| *byte == b'\n').collect();
    let (_folder, state) = folder();
    let first = material(DEFAULT_POLICY, &identities);
    let other = material(&format!("{DEFAULT_POLICY}\n# Another.\n"), &identities);
    let mut host = start(&state, &first);
    let (mut sent, mut size, lines_sent) = (0, 1, sent_lines.len() as u64);
    let mut swaps = 0;
    while sent < sent_lines.len() {
        let batch = sent_lines[sent..].iter().take(size).copied().collect::<Vec<_>>().concat();
        let count = sent_lines[sent..].len().min(size);
        let ingested = send(&host, None, &batch);
        assert_eq!(ingested.recorded, count as u64);
        sent += count;
        size = size * 7 % 97 + 1;
        match size % 4 {
            // In the middle of judging, as like as not.
            0 => {
                host.stop();
                drop(host);
                host = start(&state, &first);
            }
            1 => {
                let next = if swaps % 2 == 0 { &other } else { &first };
                host.apply(next, "test".to_owned(), None).unwrap_or_else(|error| panic!("{error}"));
                swaps += 1;
            }
            _ => {}
        }
    }
    assert!(host.wait_judged(LONG), "{:?}", host.status());
    host.stop();
    let served = log(&state);
    assert!(swaps > 3, "{swaps}");
    let generations = served.iter().filter(|line| line.contains("\"type\":\"generation\"")).count();
    assert_eq!(generations, swaps + 1);
    assert!(served.iter().any(|line| line.contains("\"type\":\"finding\"")));
    let undisturbed = undisturbed(&state);
    assert!(served == lines(&undisturbed), "the logs differ");
    let counted = activity(&SqliteStore::read(&state.join("store.db")).unwrap());
    assert!(!counted.is_empty() && counted == activity(&undisturbed), "uses of accounts were counted twice or not");
    // Judging again may be stopped anywhere too.
    let folder = tempfile::tempdir().unwrap();
    let again = Again::open(&state.join("recorder.db"), engine().clone(), Since::First).unwrap();
    let (mut stops, options) = (0, SessionOptions { commit_after: Duration::ZERO, ..options() });
    loop {
        let mut store = SqliteStore::open(&folder.path().join("again.db")).unwrap();
        match again.judge(&mut store, options.clone(), &mut Fails(stops % 4 + 2)) {
            Ok(_) => {
                assert!(served == lines(&store), "the logs differ after {stops} stops");
                break assert!(counted == activity(&store), "uses of accounts differ after {stops} stops");
            }
            Err(AgainError::Session(SessionError::Observer(_))) => stops += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(stops > 2, "{stops}");
    // By one generation it has its end, and finds the same.
    let mut again = Again::open(&state.join("recorder.db"), engine().clone(), Since::First).unwrap();
    assert_eq!(again.judge_with(None, &[]), Ok(Vec::new()));
    let mut store = MemoryStore::new();
    again.judge(&mut store, options, &mut ()).unwrap();
    let count = |log: &[String], what: &str| log.iter().filter(|line| line.contains(what)).count();
    let one = lines(&store);
    for what in ["\"type\":\"finding\"", "\"type\":\"decision\"", "\"type\":\"time\""] {
        assert_eq!(count(&one, what), count(&served, what), "{what}");
    }
    assert_eq!((count(&one, "\"type\":\"generation\""), count(&one, "\"type\":\"input\"")), (1, 1));
    // From a time on it begins with the first batch that arrived then.
    let since = host.generations().unwrap().last().unwrap().arrived;
    let again = Again::open(&state.join("recorder.db"), engine().clone(), Since::Time(since)).unwrap();
    assert!(again.begins_late().unwrap());
    let mut store = MemoryStore::new();
    let report = again.judge(&mut store, self::options(), &mut ()).unwrap();
    assert!(report.summary.events < lines_sent, "{}", report.summary.events);
    assert_eq!(host.generations().unwrap().len(), swaps + 1);
}

#[test]
fn a_generation_is_whole_or_refused() {
    let (_folder, state) = folder();
    let first = material(DEFAULT_POLICY, "");
    let host = start(&state, &first);
    assert!(matches!(host.apply(&first, "test".to_owned(), None), Err(ApplyError::Same)));
    let mut bad = material("version = 1\n[[cell]]\nclas = \"*\"\n", "version = 1\n[[identity]]\n");
    bad.files.push(MaterialFile { role: Role::Rule, name: "junk.wasm".to_owned(), bytes: b"junk".to_vec() });
    let Err(ApplyError::Faults(faults)) = host.apply(&bad, "test".to_owned(), None) else { panic!() };
    let all = faults.join("\n");
    assert!(all.contains("clas") && all.contains("identit"), "{all}");
    let mut bad = first.clone();
    bad.files.push(MaterialFile { role: Role::Rule, name: "junk.wasm".to_owned(), bytes: b"junk".to_vec() });
    let Err(ApplyError::Faults(faults)) = host.apply(&bad, "test".to_owned(), None) else { panic!() };
    assert!(faults.join("\n").contains("junk.wasm"), "{faults:?}");
    assert_eq!(host.generations().unwrap().len(), 1);
    // Another source serves once its generation does.
    let Err(IngestError::NoSource(name)) = host.ingest("okta", None, Vec::new(), Box::new(|_| ())) else { panic!() };
    assert_eq!(name, "okta");
    // What was applied serves again after a restart, whatever the files are.
    let mut next = first.clone();
    next.files[0] = file(Role::Sources, &SOURCES.replace("name = \"trail\"", "name = \"other\""));
    let number = host.apply(&next, "test".to_owned(), Some("renamed".to_owned())).unwrap();
    assert!(host.wait_judged(LONG));
    assert_eq!(host.status().judged.generation, Some(number));
    host.stop();
    drop(host);
    let host = start(&state, &first);
    assert!(host.wait_serving(LONG));
    assert_eq!(host.status().judged.generation, Some(number));
    assert_eq!(host.material(1).unwrap().unwrap().manifest(), first.manifest());
    assert_eq!(host.generations().unwrap()[1].word.reason.as_deref(), Some("renamed"));
    host.stop();
}

#[test]
fn what_is_sent_again_under_its_key_is_recorded_once() {
    let (telemetry, identities) = telemetry();
    let lines: Vec<&[u8]> = telemetry.split_inclusive(|byte| *byte == b'\n').take(10).collect();
    let (_folder, state) = folder();
    let host = start(&state, &material(DEFAULT_POLICY, &identities));
    let sent = [lines.concat(), b"not a record\n".to_vec()].concat();
    let first = send(&host, Some("k"), &sent);
    assert_eq!((first.recorded, first.dead_letters), (11, 1));
    assert_eq!(send(&host, Some("k"), &sent), first);
    assert!(host.wait_judged(LONG));
    assert_eq!(host.status().recorder.last, 1);
    host.stop();
}

/// By how much the system's clock is wrong, microseconds.
static WRONG: AtomicI64 = AtomicI64::new(0);

#[test]
fn a_clock_that_is_set_by_a_day_loses_nothing() {
    const DAY: i64 = 86_400_000_000;
    let (telemetry, identities) = telemetry();
    let records: Vec<&[u8]> = telemetry.split_inclusive(|byte| *byte == b'\n').collect();
    let (_folder, state) = folder();
    let first = material(DEFAULT_POLICY, &identities);
    let clock = || now().plus_micros(WRONG.load(Ordering::Relaxed));
    let mut host = start_at(&state, &first, clock);
    for (records, wrong) in records.chunks(records.len() / 5 + 1).zip([0, DAY, 0, -DAY, 0]) {
        WRONG.store(wrong, Ordering::Relaxed);
        send(&host, None, &records.concat());
        // Also what waits for time to pass has its turn, with a clock that is a day behind.
        assert!(host.wait_judged(LONG), "{wrong}: {:?}", host.status());
        if wrong == -DAY {
            host.stop();
            drop(host);
            host = start_at(&state, &first, clock);
        }
    }
    host.stop();
    let served = log(&state);
    assert!(served.iter().any(|line| line.contains("\"type\":\"finding\"")));
    assert!(served == lines(&undisturbed(&state)), "the logs differ");
}
