//! Sessions that end anywhere and go on: the harness of `resumed` and `swapped`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign_formats::{DeadLetter, Format, Record, format_by_name};
use countersign_generation::Generation;
use countersign_inputs::{Inputs, Merge, Processed, Reading, Received};
use countersign_model::{Place, SourceId, SourceStanding, Timestamp};
use countersign_session::{
    Arrival, DecisionLine, FindingLine, Input, KeptRules, Notice, Observer, Session, SessionOptions, Standing, Swap,
};
use countersign_store::{Durability, Existing, FileStore, MemoryStore, Recovered, SqliteStore, Store, Stored};
use tempfile::TempDir;

use crate::determinism::Snapshot;

const AUDIT: &str = "audit";
const STORE: &str = "store.db";

/// Where a session keeps what it commits.
pub(crate) enum Backend {
    Memory(Box<MemoryStore>),
    Files(TempDir),
    Sqlite(TempDir),
}

impl Backend {
    pub(crate) fn memory() -> Backend {
        Backend::Memory(Box::new(MemoryStore::new()))
    }

    /// One of each kind, with its name.
    pub(crate) fn all() -> [(&'static str, Backend); 3] {
        [
            ("memory", Backend::memory()),
            ("files", Backend::Files(tempfile::tempdir().unwrap())),
            ("sqlite", Backend::Sqlite(tempfile::tempdir().unwrap())),
        ]
    }

    /// Seals an audit file. Returns where the log is; nowhere in memory.
    pub(crate) fn finish(&mut self) -> Option<PathBuf> {
        match self {
            Backend::Memory(_) => None,
            Backend::Files(folder) => {
                let path = folder.path().join(AUDIT);
                let Recovered::Unfinished(mut store) = FileStore::recover(&path, Durability::Seal).unwrap() else {
                    panic!("{path:?} is sealed")
                };
                store.seal().unwrap();
                Some(path)
            }
            Backend::Sqlite(folder) => Some(folder.path().join(STORE)),
        }
    }

    /// Opens the store as after a restart, and closes it again.
    pub(crate) fn with<R>(&mut self, work: impl FnOnce(&mut dyn Store) -> R) -> R {
        match self {
            Backend::Memory(store) => work(&mut **store),
            Backend::Files(folder) => {
                let path = folder.path().join(AUDIT);
                let mut store = match path.exists() {
                    false => FileStore::create(&path, Existing::Refuse, Durability::Seal).unwrap(),
                    true => match FileStore::recover(&path, Durability::Seal).unwrap() {
                        Recovered::Unfinished(store) => *store,
                        Recovered::Sealed(head) => panic!("{head:?}"),
                    },
                };
                work(&mut store)
            }
            Backend::Sqlite(folder) => work(&mut SqliteStore::open(&folder.path().join(STORE)).unwrap()),
        }
    }
}

/// What comes in, in order.
#[derive(Clone)]
pub(crate) enum Step {
    /// The next record of the inputs; with when it arrived, if the host's clock counts.
    Record(Option<Timestamp>),
    /// The host's clock.
    Time(Timestamp),
    /// Another generation.
    Swap(Arc<Generation>),
    /// A source stands otherwise.
    Source(SourceStanding),
    /// The process is killed here: what isn't committed is lost.
    Kill,
}

/// Everything that must not differ.
#[derive(PartialEq)]
pub(crate) struct Outcome {
    pub(crate) log: Vec<String>,
    /// Lines for observers by the numbers of their records, each once.
    pub(crate) lines: Vec<(u64, String)>,
    pub(crate) summary: String,
    pub(crate) snapshot: Snapshot,
    /// What the session remembers, but for how the horizon is cut into entries.
    pub(crate) memory: Vec<(String, Vec<u8>, Vec<u8>)>,
}

impl Outcome {
    /// Fails with the first difference.
    pub(crate) fn assert_same(&self, other: &Outcome, which: &str) {
        let first =
            |a: &[String], b: &[String]| a.iter().zip(b).find(|(a, b)| a != b).map(|(a, b)| format!("{a}\n{b}"));
        assert_eq!(first(&self.log, &other.log), None, "{which}");
        assert_eq!(self.log.len(), other.log.len(), "{which}");
        assert_eq!(self.summary, other.summary, "{which}");
        let differing = self.lines.iter().zip(&other.lines).find(|(a, b)| a != b);
        assert_eq!((differing, self.lines.len()), (None, other.lines.len()), "{which}");
        assert!(self.snapshot == other.snapshot, "{which}: what is stored differs");
        let text = |memory: &[(String, Vec<u8>, Vec<u8>)]| -> Vec<String> {
            let lossy = String::from_utf8_lossy;
            memory.iter().map(|(space, key, value)| format!("{space} {} {}", lossy(key), lossy(value))).collect()
        };
        assert_eq!(first(&text(&self.memory), &text(&other.memory)), None, "{which}");
        assert!(self == other, "{which}");
    }
}

/// Inputs of a session: files of one format.
pub(crate) struct Files {
    folder: TempDir,
    format: &'static dyn Format,
    paths: Vec<PathBuf>,
    /// The sources of the files, by their places; where there are none, the format is the source.
    sources: Vec<SourceId>,
}

impl Files {
    pub(crate) fn new(format: &str, contents: &[&[u8]]) -> Files {
        let folder = tempfile::tempdir().unwrap();
        let path = |place: usize| folder.path().join(format!("{place}.ndjson"));
        let paths: Vec<PathBuf> = (0..contents.len()).map(path).collect();
        paths.iter().zip(contents).for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
        Files { folder, format: format_by_name(format).unwrap(), paths, sources: Vec::new() }
    }

    /// Each file is of a source of its own.
    pub(crate) fn of_sources(format: &str, contents: &[(&str, &[u8])]) -> Files {
        let bytes: Vec<&[u8]> = contents.iter().map(|(_, bytes)| *bytes).collect();
        Files { sources: contents.iter().map(|(source, _)| (*source).into()).collect(), ..Files::new(format, &bytes) }
    }

    /// A record as of its file's source.
    fn of_source(&self, mut received: Received) -> Received {
        if let Record::Event { event, .. } = &mut received.record
            && let Some(source) = self.sources.get(event.raw.input as usize)
        {
            event.source = source.clone();
        }
        received
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// How many records there are.
    pub(crate) fn count(&self) -> usize {
        self.open(Vec::new()).count()
    }

    fn open(&self, processed: Vec<Processed>) -> Merge {
        Inputs::open(&self.paths, Reading::Format(self.format)).unwrap().resume(|bytes| bytes, processed).unwrap()
    }
}

/// Small batches, so that commits come often.
pub(crate) fn options() -> SessionOptions {
    SessionOptions { batch: 2, workers: 1, commit_after: Duration::ZERO, ..SessionOptions::default() }
}

/// Runs steps, going on with another session after each kill, and finishes. `begin` is the generation of the first
/// session; after a kill a session resumes with the generation that served last, and everything that was lost comes again.
pub(crate) fn play(
    backend: &mut Backend,
    files: &Files,
    steps: &[Step],
    begin: &Arc<Generation>,
    options: &SessionOptions,
) -> Outcome {
    let mut collector = Collector::default();
    let mut rest = steps.to_vec();
    let mut summary = String::new();
    loop {
        let kill = rest.iter().position(|step| matches!(step, Step::Kill));
        let until = kill.unwrap_or(rest.len());
        backend.with(|store| {
            // What had its turn isn't pushed again: so many inputs of any kind.
            let standing = Standing::read(store).unwrap();
            let taken = usize::try_from(standing.map_or(0, |standing| standing.taken)).unwrap();
            let mut served = rest.iter().take(taken).filter_map(|step| match step {
                Step::Swap(generation) => Some(generation),
                _ => None,
            });
            let generation = served.next_back().unwrap_or(begin);
            let mut session = Session::resume(store, Arc::clone(generation), options.clone(), &mut collector).unwrap();
            // Each step has a place, and the last that had its turn is the one that a recorder would go on after.
            let after = |steps: usize| Place { batch: steps as u64, ..Place::START };
            assert_eq!(session.place(), Some(after(taken)).filter(|_| taken > 0));
            let mut records = files.open(session.processed());
            for (number, step) in rest.iter().enumerate().take(until).skip(taken) {
                let after = after(number + 1);
                match step {
                    Step::Record(arrived) => {
                        let received = files.of_source(records.next().expect("as many records as steps"));
                        session.push_from(Input::Record(Arrival::new(received, *arrived)), after).unwrap();
                    }
                    Step::Time(time) => {
                        session.push_from(Input::Time(*time), after).unwrap();
                        session.commit().unwrap();
                    }
                    Step::Swap(next) => {
                        let (generation, patience) = (Arc::clone(next), Arc::clone(&options.patience));
                        session
                            .push_from(
                                Input::Generation(Swap {
                                    generation,
                                    number: None,
                                    patience,
                                    restored: KeptRules::default(),
                                }),
                                after,
                            )
                            .unwrap();
                    }
                    Step::Source(standing) => session.push_from(Input::Source(standing.clone()), after).unwrap(),
                    Step::Kill => unreachable!("the rest is cut there"),
                }
            }
            if kill.is_none() {
                let mut report = session.finish(u32::try_from(files.paths.len()).unwrap()).unwrap();
                report.summary.seconds = 0.0;
                summary = serde_json::to_string(&report.summary).unwrap();
            }
        });
        match kill {
            Some(place) => drop(rest.remove(place)),
            None => break,
        }
    }
    backend.with(|store| Outcome {
        log: log(store),
        lines: collector.lines(),
        summary,
        snapshot: Snapshot::of(store),
        memory: memory(store),
    })
}

pub(crate) fn log(store: &dyn Stored) -> Vec<String> {
    store.lines(0, usize::MAX).unwrap().into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
}

fn memory(store: &dyn Stored) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let mut memory = Vec::new();
    for space in ["session", "input", "rule", "count", "occurrence", "line"] {
        let entries = store.memory(space, None, usize::MAX).unwrap();
        memory.extend(entries.into_iter().map(|(key, value)| (space.to_owned(), key, value)));
    }
    let horizon = store.memory("horizon", None, usize::MAX).unwrap();
    memory.push(("horizon".to_owned(), Vec::new(), horizon.into_iter().flat_map(|(_, value)| value).collect()));
    memory
}

/// Collects lines with the numbers of their records; the same line may come again.
#[derive(Default)]
pub(crate) struct Collector {
    lines: std::collections::BTreeMap<u64, String>,
}

impl Collector {
    pub(crate) fn lines(self) -> Vec<(u64, String)> {
        self.lines.into_iter().collect()
    }

    fn add(&mut self, seq: u64, line: String) -> io::Result<()> {
        let known = self.lines.entry(seq).or_insert_with(|| line.clone());
        assert_eq!(*known, line, "another line came under the same number");
        Ok(())
    }
}

impl Observer for Collector {
    fn finding(&mut self, seq: u64, line: &FindingLine) -> io::Result<()> {
        self.add(seq, serde_json::to_string(line)?)
    }

    fn decision(&mut self, seq: u64, line: &DecisionLine) -> io::Result<()> {
        self.add(seq, serde_json::to_string(line)?)
    }

    fn dead_letter(&mut self, seq: u64, letter: &DeadLetter) -> io::Result<()> {
        self.add(seq, serde_json::to_string(letter)?)
    }

    fn notice(&mut self, seq: u64, notice: &Notice) -> io::Result<()> {
        self.add(seq, serde_json::to_string(notice)?)
    }
}
