//! What the tests of all backends share: members to store, and comparing two stores page by page.

use std::sync::Arc;

use countersign_audit::record::{Header, NotDeterministic};
use countersign_audit::{Blob, Record};
use countersign_model::vocabulary::{EventClass, EvidenceRole, Severity, SignalClass, SubjectRole, Usage};
use countersign_model::{
    Actor, Binding, ContextState, Digest, DigestKey, Event, Evidence, Fields, Finding, Intent, Line, Occasion,
    RawAddress, RuleId, SourceId, StateChange, StateEntry, TimerChange, TimerEntry, Timestamp,
};
use countersign_store::{Commit, MemoryChange, StateKey, Stored, TimerKey};

/// In memory where the system has such a folder, for tests that would wait for a disk thousands of times.
pub(crate) fn fast_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) fn rule(name: &str) -> RuleId {
    name.parse().unwrap()
}

pub(crate) fn header() -> Record {
    Record::Header(Header::new("0.1.0", &DigestKey::public()))
}

pub(crate) fn record(position: u64) -> Record {
    let message = position.to_string();
    Record::NotDeterministic(NotDeterministic { position, rule: rule("a/b"), occasion: Occasion::Event, message })
}

pub(crate) fn blob(number: u64) -> Blob {
    Blob::new(&DigestKey::public(), number.to_be_bytes().repeat(6))
}

fn evidence(reference: u64) -> Evidence {
    let raw = Digest::of(&reference.to_be_bytes());
    Evidence { reference, event_id: format!("e{reference}"), event_time: Timestamp(9), raw }
}

pub(crate) fn finding(position: u64) -> Finding {
    Finding {
        rule: rule("a/b"),
        position,
        index: 0,
        occasion: Occasion::Event,
        event_id: format!("e{position}"),
        event_time: Timestamp(9),
        signal_class: SignalClass::Token,
        confidence: 50,
        severity: Severity::Low,
        role: SubjectRole::Actor,
        evidence_role: EvidenceRole::MerelyNames,
        evidence: vec![evidence(position)],
        techniques: Vec::new(),
        message: "a message".to_owned(),
        context: ContextState::Complete,
        line: Line::STRONGEST,
    }
}

pub(crate) fn intent(record: u64) -> Intent {
    let digest = Digest::of(&record.to_be_bytes());
    Intent { record, inputs: digest, decision: 1, idempotency_key: digest }
}

/// A key's state, of which `value` tells one from another; none for none.
pub(crate) fn state(rule_id: &str, slot: &str, key: &str, value: Option<u8>) -> StateChange {
    let entry = value.map(|value| StateEntry {
        version: u32::from(value),
        blob: [value; 3].into(),
        kept: (0..u64::from(value % 3)).map(|reference| Arc::new(evidence(reference))).collect(),
        changed: Timestamp(i64::from(value) - 100),
    });
    StateChange { rule: rule(rule_id), slot: slot.to_owned(), key: key.to_owned(), entry }
}

pub(crate) fn timer(rule_id: &str, key: &str, id: &str, value: Option<u8>) -> TimerChange {
    let entry = value.map(|value| TimerEntry { at: Timestamp(i64::from(value)), event: event(value) });
    TimerChange { rule: rule(rule_id), key: key.to_owned(), id: id.to_owned(), entry }
}

fn event(value: u8) -> Event {
    Event {
        source: SourceId::from("example"),
        binding: Binding::BOUND,
        tenant: "t".into(),
        id: format!("e{value}").into(),
        class: EventClass::Authentication,
        time: Timestamp(5),
        ingest_time: Timestamp(6),
        actor: Actor {
            account: None,
            usage: Usage::Interactive,
            authenticated: true,
            session: None,
            token: None,
            temporary: false,
            person: None,
            grant: None,
        },
        chain: Vec::new(),
        target: None,
        trust: None,
        fields: Fields::default(),
        raw: RawAddress { input: 0, ordinal: 1, offset: 2, length: 3, digest: Digest::of(&[value]) },
    }
}

pub(crate) fn memory(space: &'static str, key: &[u8], value: Option<&[u8]>) -> MemoryChange {
    MemoryChange { space, key: key.to_vec(), value: value.map(<[u8]>::to_vec) }
}

/// A commit by value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) records: Vec<Record>,
    pub(crate) blobs: Vec<Blob>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) intents: Vec<Intent>,
    pub(crate) tick: bool,
    pub(crate) baselines: Vec<StateChange>,
    pub(crate) state: Vec<StateChange>,
    pub(crate) timers: Vec<TimerChange>,
    pub(crate) memory: Vec<MemoryChange>,
}

impl Step {
    /// After the store's present end.
    pub(crate) fn after<S: Stored + ?Sized>(&self, store: &S) -> Commit<'_> {
        Commit {
            expected: store.head().unwrap(),
            records: &self.records,
            blobs: &self.blobs,
            findings: &self.findings,
            intents: &self.intents,
            tick: self.tick,
            baselines: &self.baselines,
            state: &self.state,
            timers: &self.timers,
            memory: &self.memory,
        }
    }
}

/// The spaces of memory that the tests use.
pub(crate) const SPACES: [&str; 3] = ["horizon", "session", "unused"];

/// Everything that is stored but the blobs, read in pages of `limit`, as text that can be compared.
pub(crate) fn content(store: &dyn Stored, limit: usize) -> Vec<String> {
    let mut content = vec![format!("head {:?}", store.head().unwrap())];
    let mut done = 0;
    content.extend(
        pages(limit, |_: Option<&Vec<u8>>| {
            let page = store.lines(done, limit).unwrap();
            done += page.len() as u64;
            page
        })
        .iter()
        .map(|line| format!("line {}", String::from_utf8_lossy(line))),
    );
    done = 0;
    content.extend(
        pages(limit, |_| {
            let page = store.findings(done, limit).unwrap();
            done += page.len() as u64;
            page
        })
        .iter()
        .map(|finding| format!("{finding:?}")),
    );
    done = 0;
    content.extend(
        pages(limit, |_| {
            let page = store.intents(done, limit).unwrap();
            done += page.len() as u64;
            page
        })
        .iter()
        .map(|intent| format!("{intent:?}")),
    );
    let after = |last: Option<&StateChange>| last.map(StateKey::from);
    let state = pages(limit, |last| store.state(after(last).as_ref(), limit).unwrap());
    content.extend(state.iter().map(|change| format!("state {change:?}")));
    let baselines = pages(limit, |last| store.baselines(after(last).as_ref(), limit).unwrap());
    content.extend(baselines.iter().map(|change| format!("baseline {change:?}")));
    let timers =
        pages(limit, |last: Option<&TimerChange>| store.timers(last.map(TimerKey::from).as_ref(), limit).unwrap());
    content.extend(timers.iter().map(|change| serde_json::to_string(change).unwrap()));
    for space in SPACES {
        let memory = pages(limit, |last: Option<&(Vec<u8>, Vec<u8>)>| {
            store.memory(space, last.map(|(key, _)| key.as_slice()), limit).unwrap()
        });
        content.extend(memory.iter().map(|pair| format!("{space} {pair:?}")));
    }
    content
}

/// All pages, one after another; the last is shorter than the limit.
fn pages<T>(limit: usize, mut page: impl FnMut(Option<&T>) -> Vec<T>) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    loop {
        let page = page(all.last());
        assert!(page.len() <= limit);
        let last = page.len() < limit;
        all.extend(page);
        if last {
            return all;
        }
    }
}
