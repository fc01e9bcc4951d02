//! `replay --store`, killed anywhere: the same command goes on until it is done, and then everything is as if it had never
//! been killed. The same when the disk fails.
//!
//! `COUNTERSIGN_KILLS` says how many kills in all; more of them in `.ci/nightly`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use countersign_store::{SqliteStore, Stored as _};
use serde_json::Value;

use crate::support::{Folder, gzip, ndjson, of_type};

/// The default number of kills.
const KILLS: u64 = 100;

/// Numbers that look random, and are the same in every run (SplitMix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % below
    }
}

/// A replay in a folder, its uninterrupted run, and how long that took.
struct Case {
    folder: Folder,
    command: String,
    lines: Vec<Value>,
    audit: Vec<u8>,
    bundles: BTreeSet<String>,
    took: Duration,
}

impl Case {
    fn new(folder: Folder, command: &str) -> Case {
        let started = Instant::now();
        let ran = folder.cli(&format!("{command} --json --audit whole.audit"));
        assert!(ran.code < 2, "{}", ran.stderr);
        let took = started.elapsed();
        let audit = fs::read(folder.path("whole.audit")).unwrap();
        let bundles = names(&folder.path("whole.audit.bundles"));
        Case { command: command.to_owned(), lines: ran.json(), audit, bundles, took, folder }
    }

    /// The records of a store, if it has any.
    fn records(&self, store: &str) -> u64 {
        SqliteStore::read(&self.folder.path(store)).and_then(|store| store.head()).map_or(0, |head| head.records())
    }

    /// Runs the command into a store and kills it after a while, unless it is done by then. Returns whether it was killed.
    /// Every line that it printed is on record, and goes into `heard`.
    fn run_and_kill(&self, store: &str, after: Duration, heard: &mut BTreeSet<String>) -> bool {
        let words: Vec<String> =
            format!("{} --json --store {store}", self.command).split(' ').map(str::to_owned).collect();
        let mut child = self.folder.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            #[expect(clippy::disallowed_methods, reason = "the output of a command under test")]
            stdout.read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        });
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if started.elapsed() > after {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            std::thread::sleep(Duration::from_micros(500));
        };
        let printed = reader.join().unwrap();
        let records = self.records(store);
        for line in printed.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let value: Value = serde_json::from_str(line).unwrap();
            if let Some(seq) = value["seq"].as_u64() {
                assert!(seq < records, "{line} was printed, and {records} records are in the store");
                heard.insert(value.to_string());
            }
        }
        if let Some(status) = status {
            let mut errors = String::new();
            #[expect(clippy::disallowed_methods, reason = "the output of a command under test")]
            child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            assert!(status.code().is_some_and(|code| code < 2), "{status}: {errors}");
            self.is_whole(store, &ndjson(&printed), heard);
        }
        status.is_none()
    }

    /// The lines of the file of dead letters beside an audit file or a store; some may be there more than once.
    fn dead_letters(&self, beside: &str) -> BTreeSet<String> {
        let path = self.folder.path(&format!("{beside}.dead-letters.ndjson"));
        let text = if path.exists() { fs::read_to_string(path).unwrap() } else { String::new() };
        ndjson(&text).iter().map(Value::to_string).collect()
    }

    /// A finished store is as an uninterrupted run: its export, its head, its summary; and everything was heard.
    fn is_whole(&self, store: &str, last: &[Value], heard: &BTreeSet<String>) {
        let without_seconds = |value: &Value| {
            let mut value = value.clone();
            value.as_object_mut().unwrap().remove("seconds");
            value
        };
        assert_eq!(without_seconds(last.last().unwrap()), without_seconds(self.lines.last().unwrap()));
        for line in self.lines.iter().filter(|line| line["seq"].is_u64()) {
            assert!(heard.contains(&line.to_string()), "never heard of {line}");
        }
        self.folder.cli(&format!("audit export --store {store} --out out.audit --replace")).exits(0);
        assert!(fs::read(self.folder.path("out.audit")).unwrap() == self.audit, "the export differs");
        assert_eq!(names(&self.folder.path("out.audit.bundles")), self.bundles);
        assert_eq!(self.dead_letters(store), self.dead_letters("whole.audit"));
        self.folder.cli(&format!("audit verify {store}")).exits(0);
        self.folder.cli("audit verify out.audit").exits(0);
    }
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The real telemetry beside the project, where it is there.
fn data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name).canonicalize().ok()?;
    Some(path)
}

fn kill(case: &Case, kills: u64, seed: u64) {
    let mut numbers = Numbers(seed);
    let (mut killed, mut run) = (0, 0);
    while killed < kills {
        run += 1;
        let (store, mut heard) = (format!("{run}.db"), BTreeSet::new());
        // From right after the beginning on, often somewhere in the middle, sometimes after the end.
        let longest = u64::try_from(case.took.as_micros()).unwrap() * 5 / 4;
        while case.run_and_kill(&store, Duration::from_micros(numbers.next(longest)), &mut heard) {
            killed += 1;
        }
    }
    println!("{}: killed {killed} times in {run} runs, each {:?} uninterrupted", case.command, case.took);
}

#[test]
fn a_replay_that_is_killed_goes_on_until_it_is_done() {
    let kills = std::env::var("COUNTERSIGN_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let folder = Folder::new();
    folder.prepare("--bad 30");
    let real = data("cloudtrail-invictus.ndjson");
    let share = if real.is_some() { kills / 2 } else { kills };
    let rules = "--only-rules rules";
    let generated = "replay --source cloudtrail --identities identities.toml --max-dead 100%";
    kill(&Case::new(folder, &format!("{generated} {rules} --batch 16 events.ndjson")), share, 1);
    match real {
        Some(path) => {
            let path = path.display().to_string();
            kill(&Case::new(Folder::new(), &format!("replay --source auto --batch 8 {path}")), kills - share, 2);
        }
        None => println!("skipped: no real telemetry beside the project"),
    }
}

/// Two files, of which one is newest first and compressed, and the other has forged times and copies.
#[test]
fn a_replay_of_a_file_that_is_read_from_its_end_goes_on_too() {
    let folder = Folder::new();
    folder.prepare("");
    let events = folder.read("events.ndjson");
    let lines: Vec<&str> = events.lines().take(900).collect();
    let (older, newer) = lines.split_at(500);
    let newest_first: String = older.iter().rev().map(|line| format!("{line}\n")).collect();
    folder.write("older.json.gz", gzip(&newest_first));
    let mut forged = String::new();
    for (place, line) in older.iter().skip(400).chain(newer).enumerate() {
        if place % 7 == 0 {
            let time = line.find("\"eventTime\":\"").unwrap() + 13;
            forged.push_str(&format!("{}2099{}\n", &line[..time], &line[time + 4..]));
        }
        forged.push_str(line);
        forged.push('\n');
    }
    folder.write("newer.ndjson", &forged);
    let command = "replay --source cloudtrail --identities identities.toml --only-rules rules --max-dead 100% --batch 8 \
                   newer.ndjson older.json.gz";
    let case = Case::new(folder, &command.split_whitespace().collect::<Vec<_>>().join(" "));
    let summary = case.lines.last().unwrap();
    assert_eq!(summary["turned"], serde_json::json!([1]));
    assert!(summary["set_aside"].as_u64() > Some(60) && summary["duplicates"].as_u64() >= Some(100), "{summary}");
    kill(&case, 15, 3);
}

/// Makes system calls fail: `fsync` and `fdatasync` with `EIO`, or writes with `ENOSPC`, after so many of them; where
/// `FAIL_WHILE` names a file, only as long as there is one.
const FAULTS: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long syncs, writes;

static int fails(const char *name, long *count) {
    const char *after = getenv(name), *file = getenv("FAIL_WHILE");
    if (!after || (file && access(file, F_OK) != 0)) return 0;
    return __sync_add_and_fetch(count, 1) > atol(after);
}

/* Only regular files: pipes to the test stay whole. */
static int is_file(int fd) {
    struct stat stat;
    return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
}

#define NEXT(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

int fsync(int fd) {
    if (fails("FAIL_SYNC_AFTER", &syncs)) { errno = EIO; return -1; }
    return NEXT(fsync)(fd);
}

int fdatasync(int fd) {
    if (fails("FAIL_SYNC_AFTER", &syncs)) { errno = EIO; return -1; }
    return NEXT(fdatasync)(fd);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (is_file(fd) && fails("FAIL_WRITE_AFTER", &writes)) { errno = ENOSPC; return -1; }
    return NEXT(write)(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    if (is_file(fd) && fails("FAIL_WRITE_AFTER", &writes)) { errno = ENOSPC; return -1; }
    return NEXT(pwrite)(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    if (is_file(fd) && fails("FAIL_WRITE_AFTER", &writes)) { errno = ENOSPC; return -1; }
    return NEXT(pwrite64)(fd, bytes, count, offset);
}
"#;

/// The library that makes system calls fail; none without a C compiler or where it can't be loaded first.
pub(crate) fn faults(folder: &Folder) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let (source, library) = (folder.write("faults.c", FAULTS), folder.path("faults.so"));
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    built.is_ok_and(|status| status.success()).then_some(library)
}

/// A full disk and an `fsync` that fails end a run with a message, and what was committed before is whole: the command goes
/// on once the disk is well.
#[test]
fn a_replay_whose_disk_fails_goes_on_once_it_is_well() {
    let folder = Folder::new();
    folder.prepare("");
    let Some(library) = faults(&folder) else {
        println!("skipped: it needs a C compiler and Linux");
        return;
    };
    let command = "replay --source cloudtrail --identities identities.toml --only-rules rules --batch 8 events.ndjson";
    let case = Case::new(folder, command);
    for (fault, message, points) in
        [("FAIL_SYNC_AFTER", "disk I/O error", [0, 1, 2, 3, 4, 5]), ("FAIL_WRITE_AFTER", "full", [0, 3, 9, 17, 31, 60])]
    {
        let mut heard = BTreeSet::new();
        let store = format!("{fault}.db");
        let mut failed = 0;
        for after in points {
            let words: Vec<String> =
                format!("{command} --json --store {store}").split(' ').map(str::to_owned).collect();
            let output =
                case.folder.command(&words).env("LD_PRELOAD", &library).env(fault, after.to_string()).output().unwrap();
            let errors = String::from_utf8(output.stderr).unwrap();
            let records = case.records(&store);
            for line in ndjson(&String::from_utf8(output.stdout).unwrap()) {
                let Some(seq) = line["seq"].as_u64() else { continue };
                assert!(seq < records, "{fault} {after}: {line} isn't on record");
                heard.insert(line.to_string());
            }
            if output.status.success() {
                // It was done before.
                break;
            }
            failed += 1;
            assert_eq!(output.status.code(), Some(1), "{fault} {after}: {errors}");
            // Shared memory that can't be made is another error of the disk.
            let said = errors.contains(message) || errors.contains("disk I/O error");
            assert!(said && errors.contains(&store), "{fault} {after}: {errors}");
        }
        assert!(failed > 1, "{fault}: only {failed} runs failed");
        assert!(!case.run_and_kill(&store, Duration::from_secs(600), &mut heard), "{fault}");
    }
}

#[test]
fn a_folder_that_cant_be_written_is_refused_with_its_path() {
    let folder = Folder::new();
    folder.prepare("");
    // Nobody can make files there, root included.
    for path in ["/proc/run.db", "/proc/self/run.db"] {
        let command = format!("replay --source cloudtrail --only-rules rules events.ndjson --store {path}");
        let ran = folder.cli(&command);
        assert!(ran.code > 0 && ran.stderr.contains(path), "{}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    }
}

/// Devices, files beside a store, and `-` are refused before anything is written.
#[test]
fn what_a_run_or_an_export_would_destroy_is_refused() {
    let folder = Folder::new();
    folder.prepare("--bad 30");
    let replay = "replay --source cloudtrail --only-rules rules --max-dead 100% events.ndjson";
    folder.cli(&format!("{replay} --store run.db")).exits(0);
    for out in ["/dev/null", "run.db", "run.db-wal", "run.db-shm"] {
        let ran = folder.cli(&format!("audit export --store run.db --out {out} --replace")).exits(2);
        assert!(ran.stderr.contains("name another file"), "{out}: {}", ran.stderr);
    }
    for words in [
        "--store run.db --dead-letters run.db-shm",
        "--audit run.audit --dead-letters run.audit.journal",
        "--audit run.audit --dead-letters run.audit.bundles/letters",
        "--audit /dev/null",
        "--store -",
        "--store run.db --replace",
        "--store events.ndjson",
        "--store no-folder/run.db",
    ] {
        folder.cli(&format!("{replay} {words}")).exits(2);
    }
    folder.cli("audit verify run.db").exits(0);
    assert!(!folder.path("run.audit").exists());
}

/// Inputs that aren't as they were are named; `-` can't be read again.
#[test]
fn inputs_that_were_changed_are_named() {
    let folder = Folder::new();
    folder.prepare("");
    let events = folder.read("events.ndjson");
    let half: String = events.split_inclusive('\n').take(400).collect();
    folder.write("one.ndjson", &half);
    folder.write("two.ndjson", &events[half.len()..]);
    let command = "replay --source cloudtrail --identities identities.toml --only-rules rules --json --store run.db";
    let first = folder.cli(&format!("{command} one.ndjson two.ndjson")).exits(0).json();
    // The same again adds nothing.
    let again = folder.cli(&format!("{command} one.ndjson two.ndjson")).exits(0).json();
    assert_eq!(again.len(), 1, "only the summary: {again:?}");
    assert_eq!(again[0]["head"], first.last().unwrap()["head"]);
    folder.write("two.ndjson", events[half.len()..].replacen("\"awsRegion\":\"", "\"awsRegion\":\"x", 1));
    let refused = folder.cli(&format!("{command} one.ndjson two.ndjson")).exits(2).stderr;
    assert!(refused.contains("two.ndjson") && !refused.contains("one.ndjson"), "{refused}");
    let refused = folder.cli(&format!("{command} one.ndjson")).exits(2).stderr;
    assert!(refused.contains("2 inputs"), "{refused}");
    let refused = folder.cli(&format!("{command} -")).exits(2).stderr;
    assert!(refused.contains("standard input"), "{refused}");
    // Other rules go on under another generation.
    folder.write("two.ndjson", &events[half.len()..]);
    fs::remove_file(folder.path("rules/burst-of-denied-calls.wasm")).unwrap();
    let other = folder.cli(&format!("{command} one.ndjson two.ndjson")).exits(0).json();
    assert_ne!(other.last().unwrap()["head"], first.last().unwrap()["head"]);
    assert_eq!(of_type(&other, "finding").len(), 0, "nothing is judged again");
    folder.cli("audit verify run.db").exits(0);
    folder.cli("audit recompute run.db").exits(0);
}
