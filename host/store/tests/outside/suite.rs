//! What every backend does alike: one suite over all of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::common::{SPACES, Step, blob, content, fast_folder, finding, header, intent, memory, record, state, timer};
use countersign_audit::{AppendError, Blob, ChainWriter, Record};
use countersign_model::{DigestKey, Finding, Intent, StateChange, TimerChange};
use countersign_store::{
    Commit, Durability, Existing, FileStore, HeadStore, MemoryStore, Overtaken, Recovered, SqliteStore, Store,
    StoreError, Stored,
};
use proptest::prelude::*;
use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Memory,
    Files,
    Sqlite,
}

/// A backend with a place to store in.
struct Backend {
    kind: Kind,
    folder: TempDir,
}

impl Backend {
    fn all() -> [Backend; 3] {
        [Kind::Memory, Kind::Files, Kind::Sqlite].map(|kind| Backend { kind, folder: fast_folder() })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn create(&self) -> Box<dyn Store> {
        match self.kind {
            Kind::Memory => Box::new(MemoryStore::new()),
            Kind::Files => Box::new(FileStore::create(&self.path(), Existing::Refuse, Durability::Seal).unwrap()),
            Kind::Sqlite => Box::new(SqliteStore::open(&self.path()).unwrap()),
        }
    }

    /// The same as another process would open it.
    fn reopen(&self, store: Box<dyn Store>) -> Box<dyn Store> {
        if self.kind == Kind::Memory {
            return store;
        }
        drop(store);
        match self.kind {
            Kind::Files => match FileStore::recover(&self.path(), Durability::Commit).unwrap() {
                Recovered::Unfinished(store) => store,
                Recovered::Sealed(head) => panic!("{head:?}"),
            },
            _ => self.create(),
        }
    }
}

fn commit(store: &mut dyn Store, step: &Step) -> ChainWriter {
    let commit = step.after(store);
    store.commit(commit).unwrap()
}

/// A commit that has something of everything.
fn full() -> Step {
    Step {
        records: vec![header(), record(1), record(2)],
        blobs: vec![blob(1), blob(2)],
        findings: vec![finding(1), finding(2), finding(3)],
        intents: vec![intent(1), intent(2), intent(3)],
        tick: false,
        baselines: vec![state("a/b", "s", "k", None), state("a/b", "s", "l", Some(1))],
        state: vec![
            state("a/b", "s", "k", Some(2)),
            state("a/b", "s", "l", Some(3)),
            state("a/b", "r", "z", Some(4)),
            state("a-b/c", "s", "k", Some(5)),
            state("a/b", "s", "", Some(6)),
            state("a/b", "s", "nul\0 and \u{fc}\n", Some(7)),
        ],
        timers: vec![
            timer("a/b", "k", "silence", Some(1)),
            timer("a/b", "k", "other", Some(2)),
            timer("a-b/c", "k", "silence", Some(3)),
        ],
        memory: vec![
            memory("session", b"", Some(b"")),
            memory("horizon", &[0xff, 0], Some(&[0, 1])),
            memory("horizon", &[0xff], Some(b"x")),
            memory("horizon", &[], Some(b"y")),
            memory("horizon", b"\0", Some(b"z")),
        ],
    }
}

#[test]
fn what_is_committed_is_read_back_in_order_in_pages_of_any_size() {
    let mut contents = Vec::new();
    for backend in Backend::all() {
        let mut store = backend.create();
        assert_eq!(content(&*store, 1).len(), 1, "an empty store has an end only");
        let end = commit(&mut *store, &full());
        assert_eq!((end.records(), store.head().unwrap()), (3, end));
        for limit in [1, 2, 3, 1_000] {
            contents.push((backend.kind, limit, content(&*store, limit)));
        }
        store = backend.reopen(store);
        contents.push((backend.kind, 0, content(&*store, 2)));
        // From anywhere, in any order, and past the end.
        let line = |seq| store.lines(seq, 1).unwrap().concat();
        let all = store.lines(0, 9).unwrap();
        assert_eq!([line(2), line(0), line(1), line(0)], [&*all[2], &all[0], &all[1], &all[0]]);
        assert_eq!(store.lines(1, 9).unwrap(), all[1..]);
        for from in [3, 4, u64::MAX] {
            assert!(store.lines(from, 9).unwrap().is_empty());
            assert!(store.findings(from, 9).unwrap().is_empty());
            assert!(store.intents(from, 9).unwrap().is_empty());
        }
        assert_eq!(store.findings(1, 1).unwrap(), [finding(2)]);
        assert_eq!(store.intents(1, 1).unwrap(), [intent(2)]);
        assert!(store.lines(0, 0).unwrap().is_empty() && store.state(None, 0).unwrap().is_empty());
        let keys: Vec<Vec<u8>> = store.memory("horizon", None, 9).unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [&[][..], b"\0", &[0xff], &[0xff, 0]]);
        assert!(store.memory("horizon", Some(&[0xff, 0]), 9).unwrap().is_empty());
        let rules: Vec<String> = store.state(None, 9).unwrap().iter().map(|change| change.rule.to_string()).collect();
        assert_eq!(rules, ["a-b/c", "a/b", "a/b", "a/b", "a/b", "a/b"]);
    }
    for (kind, limit, content) in &contents {
        assert_eq!(content, &contents[0].2, "{kind:?} in pages of {limit}");
    }
}

#[test]
fn the_last_change_counts_and_the_first_baseline_since_a_tick() {
    for backend in Backend::all() {
        let mut store = backend.create();
        commit(&mut *store, &full());
        let one = Step {
            baselines: vec![
                state("a/b", "s", "k", Some(9)),
                state("a/b", "t", "new", Some(9)),
                state("a/b", "t", "new", None),
            ],
            state: vec![state("a/b", "s", "k", None), state("a/b", "s", "l", None), state("a/b", "s", "l", Some(8))],
            timers: vec![
                timer("a/b", "k", "silence", None),
                timer("a/b", "k", "other", None),
                timer("a/b", "k", "other", Some(7)),
                timer("a/b", "none", "silence", None),
            ],
            memory: vec![
                memory("horizon", b"\0", None),
                memory("session", b"", Some(b"one")),
                memory("session", b"", Some(b"two")),
                memory("session", b"none", None),
            ],
            ..Step::default()
        };
        let end = store.head().unwrap();
        assert_eq!(commit(&mut *store, &one), end, "the log stays");
        store = backend.reopen(store);
        let values = |changes: Vec<StateChange>| -> Vec<(String, Option<u8>)> {
            changes.into_iter().map(|change| (change.key, change.entry.map(|entry| entry.blob[0]))).collect()
        };
        let key = |key: &str, value| (key.to_owned(), value);
        let expected = [key("k", None), key("l", Some(1)), key("new", Some(9))];
        assert_eq!(values(store.baselines(None, 9).unwrap()), expected, "{:?}", backend.kind);
        let expected = [
            key("k", Some(5)),
            key("z", Some(4)),
            key("", Some(6)),
            key("l", Some(8)),
            key("nul\0 and \u{fc}\n", Some(7)),
        ];
        assert_eq!(values(store.state(None, 9).unwrap()), expected, "{:?}", backend.kind);
        let timers: Vec<_> = store
            .timers(None, 9)
            .unwrap()
            .into_iter()
            .map(|t| (t.rule.to_string(), t.id, t.entry.unwrap().at.0))
            .collect();
        assert_eq!(timers, [("a-b/c".to_owned(), "silence".to_owned(), 3), ("a/b".to_owned(), "other".to_owned(), 7)]);
        assert_eq!(store.memory("session", None, 9).unwrap(), [(Vec::new(), b"two".to_vec())]);
        assert_eq!(store.memory("horizon", None, 9).unwrap().len(), 3);

        // A tick removes what was there before it, not what comes with it.
        let tick = Step { tick: true, baselines: vec![state("a/b", "s", "l", Some(8))], ..Step::default() };
        commit(&mut *store, &tick);
        assert_eq!(values(store.baselines(None, 9).unwrap()), [key("l", Some(8))]);
        commit(&mut *store, &Step { tick: true, ..Step::default() });
        store = backend.reopen(store);
        assert!(store.baselines(None, 9).unwrap().is_empty());
        assert_eq!(store.state(None, 9).unwrap().len(), 5);
    }
}

#[test]
fn a_commit_that_expects_another_end_stores_nothing() {
    for backend in Backend::all() {
        let mut store = backend.create();
        commit(&mut *store, &full());
        let (end, before) = (store.head().unwrap(), content(&*store, 9));
        let more = Step { findings: vec![finding(9)], blobs: vec![blob(9)], ..full() };
        let others = [ChainWriter::new(), ChainWriter::resume(3, blob(0).name()), ChainWriter::resume(4, end.link())];
        for expected in others {
            let result = store.commit(Commit { expected, records: &[record(9)], ..more.after(&*store) });
            let Err(error @ StoreError::Superseded(found)) = result else { panic!("{:?}", backend.kind) };
            assert_eq!(found, Overtaken::Head { expected, got: end });
            let text = error.to_string();
            assert!(text.contains("stop the other process") && text.contains(&end.link().to_string()), "{text}");
        }
        assert_eq!(content(&*store, 9), before);
        assert_eq!(store.blob(&blob(9).name()).unwrap(), None);
        // It isn't broken by that.
        store.commit(Commit { records: &[record(9)], ..Commit::empty(end) }).unwrap();
    }
}

#[test]
fn a_commit_that_cannot_be_written_changes_nothing() {
    let large = vec![0; Blob::MAX_BYTES + 1];
    let too_large = Blob::new(&DigestKey::public(), large.clone());
    let mut entry = state("a/b", "s", "k", Some(1));
    entry.entry.as_mut().unwrap().blob = large.as_slice().into();
    let steps = [
        Step { blobs: vec![blob(5), too_large.clone()], ..Step::default() },
        Step { baselines: vec![entry.clone()], ..Step::default() },
        Step { state: vec![entry], ..Step::default() },
        Step { memory: vec![memory("session", &large, None)], ..Step::default() },
        Step { memory: vec![memory("session", b"", Some(&large))], ..Step::default() },
    ];
    for backend in Backend::all() {
        let mut store = backend.create();
        let refused = |store: &mut dyn Store, step: &Step| {
            let commit = step.after(store);
            store.commit(commit).unwrap_err()
        };
        let error = refused(&mut *store, &Step { records: vec![record(0)], ..Step::default() });
        assert!(matches!(error, StoreError::Append(AppendError::NoHeader("not-deterministic"))));
        commit(&mut *store, &full());
        let before = content(&*store, 9);
        let error = refused(&mut *store, &Step { records: vec![record(9), header()], ..full() });
        assert!(matches!(error, StoreError::Append(AppendError::SecondHeader(4))));
        for step in &steps {
            let error = refused(&mut *store, &Step { records: vec![record(9)], ..step.clone() });
            let too_large = matches!(error, StoreError::BlobTooLarge { .. } | StoreError::ValueTooLarge { .. });
            assert!(too_large, "{:?}: {error}", backend.kind);
        }
        assert_eq!(store.blob(&blob(5).name()).unwrap(), None);
        store = backend.reopen(store);
        assert_eq!(content(&*store, 9), before, "{:?}", backend.kind);
        commit(&mut *store, &Step { records: vec![record(9)], ..Step::default() });
    }
}

#[test]
fn blobs_are_kept_once_each() {
    for backend in Backend::all() {
        let mut store = backend.create();
        commit(&mut *store, &Step { blobs: vec![blob(1), blob(1), blob(2)], ..full() });
        commit(&mut *store, &Step { blobs: vec![blob(2), blob(3)], ..Step::default() });
        store = backend.reopen(store);
        for number in 1..4 {
            assert_eq!(store.blob(&blob(number).name()).unwrap().as_deref(), Some(blob(number).bytes()));
        }
        assert_eq!(store.blob(&blob(4).name()).unwrap(), None);
        let empty = Blob::new(&DigestKey::public(), Vec::new());
        commit(&mut *store, &Step { blobs: vec![empty.clone()], ..Step::default() });
        assert_eq!(store.blob(&empty.name()).unwrap(), Some(Vec::new()));
    }
}

#[test]
fn a_store_that_keeps_the_end_only_has_the_same_end_and_empty_pages() {
    let (mut all, mut end) = (MemoryStore::new(), HeadStore::new());
    assert_eq!(commit(&mut end, &full()), commit(&mut all, &full()));
    assert_eq!(content(&end, 9), [format!("head {:?}", all.head().unwrap())]);
    assert_eq!(end.blob(&blob(1).name()).unwrap(), None);
    let late = Commit::empty(ChainWriter::new());
    assert!(matches!(end.commit(late), Err(StoreError::Superseded(_))));
    let large = Step { blobs: vec![Blob::new(&DigestKey::public(), vec![0; Blob::MAX_BYTES + 1])], ..Step::default() };
    let refused = large.after(&end);
    assert!(matches!(end.commit(refused), Err(StoreError::BlobTooLarge { .. })));
}

/// What a store has to hold, kept in the plainest way.
#[derive(Default)]
struct Model {
    end: ChainWriter,
    lines: Vec<u8>,
    findings: Vec<Finding>,
    intents: Vec<Intent>,
    baselines: BTreeMap<(String, String, String), StateChange>,
    state: BTreeMap<(String, String, String), StateChange>,
    timers: BTreeMap<(String, String, String), TimerChange>,
    memory: BTreeMap<(&'static str, Vec<u8>), Vec<u8>>,
}

impl Model {
    fn apply(&mut self, step: &Step) {
        let place = |change: &StateChange| (change.rule.to_string(), change.slot.clone(), change.key.clone());
        for record in &step.records {
            self.end.append(record, &mut self.lines).unwrap();
        }
        self.findings.extend(step.findings.clone());
        self.intents.extend(step.intents.clone());
        if step.tick {
            self.baselines.clear();
        }
        for change in &step.baselines {
            self.baselines.entry(place(change)).or_insert_with(|| change.clone());
        }
        for change in &step.state {
            self.state.insert(place(change), change.clone());
        }
        for change in &step.timers {
            let place = (change.rule.to_string(), change.key.clone(), change.id.clone());
            self.timers.insert(place, change.clone());
        }
        for change in &step.memory {
            let place = (change.space, change.key.clone());
            match change.value.clone() {
                Some(value) => self.memory.insert(place, value),
                None => self.memory.remove(&place),
            };
        }
        self.state.retain(|_, change| change.entry.is_some());
        self.timers.retain(|_, change| change.entry.is_some());
    }

    fn content(&self) -> Vec<String> {
        let mut content = vec![format!("head {:?}", self.end)];
        let lines = self.lines.split_inclusive(|byte| *byte == b'\n');
        content.extend(lines.map(|line| format!("line {}", String::from_utf8_lossy(line))));
        content.extend(self.findings.iter().map(|finding| format!("{finding:?}")));
        content.extend(self.intents.iter().map(|intent| format!("{intent:?}")));
        content.extend(self.state.values().map(|change| format!("state {change:?}")));
        content.extend(self.baselines.values().map(|change| format!("baseline {change:?}")));
        content.extend(self.timers.values().map(|change| serde_json::to_string(change).unwrap()));
        for space in SPACES {
            let pairs = self.memory.iter().filter(|((of, _), _)| *of == space);
            content.extend(pairs.map(|((_, key), value)| format!("{space} {:?}", (key, value))));
        }
        content
    }
}

/// Few places, so that changes meet.
fn any_state() -> impl Strategy<Value = StateChange> {
    let rules = prop::sample::select(vec!["a/b", "a-b/c", "a/bc"]);
    let slots = prop::sample::select(vec!["s", "t"]);
    let keys = prop::sample::select(vec!["", "k", "k\0", "\u{fc}"]);
    (rules, slots, keys, prop::option::of(any::<u8>()))
        .prop_map(|(rule, slot, key, value)| state(rule, slot, key, value))
}

fn any_timer() -> impl Strategy<Value = TimerChange> {
    let rules = prop::sample::select(vec!["a/b", "a-b/c"]);
    let keys = prop::sample::select(vec!["", "k"]);
    let ids = prop::sample::select(vec!["silence", "other"]);
    (rules, keys, ids, prop::option::of(any::<u8>())).prop_map(|(rule, key, id, value)| timer(rule, key, id, value))
}

fn any_step() -> impl Strategy<Value = Step> {
    let spaces = prop::sample::select(vec!["horizon", "session"]);
    let value = prop::option::of(prop::collection::vec(any::<u8>(), 0..3));
    let change = (spaces, prop::collection::vec(0u8..3, 0..3), value)
        .prop_map(|(space, key, value)| memory(space, &key, value.as_deref()));
    let log = (prop::collection::vec(0u64..9, 0..4), prop::collection::vec(0u64..9, 0..3));
    let found = (prop::collection::vec(0u64..9, 0..3), prop::collection::vec(0u64..9, 0..3));
    let states = (any::<bool>(), prop::collection::vec(any_state(), 0..4), prop::collection::vec(any_state(), 0..6));
    let rest = (prop::collection::vec(any_timer(), 0..4), prop::collection::vec(change, 0..6));
    (log, found, states, rest).prop_map(|((records, blobs), (findings, intents), (tick, baselines, state), rest)| {
        Step {
            records: records.into_iter().map(record).collect(),
            blobs: blobs.into_iter().map(blob).collect(),
            findings: findings.into_iter().map(finding).collect(),
            intents: intents.into_iter().map(intent).collect(),
            tick,
            baselines,
            state,
            timers: rest.0,
            memory: rest.1,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::cases(32), ..ProptestConfig::default() })]

    /// Any commits, with the store opened again after any of them, give what the model says, on every backend.
    #[test]
    fn every_backend_does_what_the_model_does(
        steps in prop::collection::vec((any_step(), prop::bool::weighted(0.3), 1usize..4), 1..8),
    ) {
        for backend in Backend::all() {
            let (mut model, mut store) = (Model::default(), backend.create());
            let mut first: Vec<Record> = vec![header()];
            let mut blobs = Vec::new();
            for (step, reopen, limit) in &steps {
                let mut step = step.clone();
                step.records = first.drain(..).chain(step.records).collect();
                blobs.extend(step.blobs.clone());
                model.apply(&step);
                prop_assert_eq!(commit(&mut *store, &step), model.end);
                if *reopen {
                    store = backend.reopen(store);
                }
                prop_assert_eq!(content(&*store, *limit), model.content(), "{:?}", backend.kind);
            }
            for blob in blobs {
                let found = store.blob(&blob.name()).unwrap();
                prop_assert_eq!(found.as_deref(), Some(blob.bytes()));
            }
        }
    }
}
