//! Sequences and fake rules, for this crate's tests.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use countersign_declaration::Declaration;
use countersign_model::call::{
    AnswerFinding, CallFailure, DetectionAnswer, DetectionCall, Detector, FailureKind, NO_KEY, SlotChanges,
};
use countersign_model::{Event, StateChange};
pub(crate) use countersign_testing::{
    SECOND, account, arena_entries as entries, call, declaration, event, finding, second, slot, text, texts, with_field,
};

use crate::{Clock, LINE_SLOT, Outcome, RuleStream, Sequenced};

/// Puts events into sequence.
pub(crate) fn sequence(events: Vec<Event>) -> Vec<Sequenced> {
    let mut clock = Clock::default();
    let placed = events.into_iter().zip(0..).map(|(event, position)| {
        let (_, placement) = clock.place(&event.source, event.time, event.time);
        Sequenced::new(position, Arc::new(event), placement)
    });
    placed.collect()
}

/// Rows with an operation and a subject each, a second apart; see [`call`].
pub(crate) fn rows(rows: &[(&str, &str)]) -> Vec<Sequenced> {
    let events = rows.iter().zip(0..).map(|((operation, subject), number)| call(number, operation, subject));
    sequence(events.collect())
}

/// Judges rows in one batch.
pub(crate) fn judge(stream: &mut RuleStream, rows: &[Sequenced]) -> Outcome {
    stream.judge(&rows.iter().collect::<Vec<_>>())
}

/// How a fake rule answers a call.
type AnswerFn = dyn Fn(&FakeCall<'_>) -> Result<FakeAnswer, CallFailure> + Send + Sync;

/// A rule that answers by a function, and counts the rows of its calls.
pub(crate) struct Fake {
    answer: Box<AnswerFn>,
    calls: Mutex<Vec<usize>>,
}

impl Fake {
    /// A fake rule with this declaration, in a stream.
    pub(crate) fn stream(
        declaration: Declaration,
        answer: impl Fn(&FakeCall<'_>) -> Result<FakeAnswer, CallFailure> + Send + Sync + 'static,
    ) -> (RuleStream, Arc<Fake>) {
        let fake = Arc::new(Fake { answer: Box::new(answer), calls: Mutex::default() });
        (RuleStream::new(declaration, fake.clone(), Vec::new(), b"the rule's data".to_vec()), fake)
    }

    /// How many rows each call had.
    pub(crate) fn calls(&self) -> Vec<usize> {
        self.calls.lock().unwrap().clone()
    }
}

impl Detector for Fake {
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        self.calls.lock().unwrap().push(call.batch.len());
        let call = FakeCall { call, operations: texts(&call.batch.columns[0].values) };
        (self.answer)(&call).map(FakeAnswer::into_answer)
    }

    fn migrate(&self, _: u32, _: u32, _: &[u8]) -> Result<Vec<u8>, CallFailure> {
        Err(CallFailure { kind: FailureKind::InvalidAnswer, message: "no older version".to_owned() })
    }
}

/// A call that failed.
pub(crate) fn failure<T>(kind: FailureKind) -> Result<T, CallFailure> {
    Err(CallFailure { kind, message: "as the test wants".to_owned() })
}

/// A call as a fake rule reads it.
pub(crate) struct FakeCall<'a> {
    pub(crate) call: &'a DetectionCall,
    /// The first column.
    pub(crate) operations: Vec<String>,
}

impl FakeCall<'_> {
    /// Whether a row has this operation.
    pub(crate) fn has(&self, operation: &str) -> bool {
        self.operations.iter().any(|other| other == operation)
    }

    /// The rows' numbers and operations.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..).zip(self.operations.iter().map(String::as_str))
    }

    /// A row's key, if it has one.
    pub(crate) fn key(&self, row: u32) -> Option<u32> {
        Some(self.call.batch.rows.keys[row as usize]).filter(|key| *key != NO_KEY)
    }

    /// A row's reference.
    pub(crate) fn reference(&self, row: u32) -> u64 {
        self.call.batch.rows.references[row as usize]
    }

    /// A key's blob in a slot.
    pub(crate) fn blob(&self, slot: usize, key: u32) -> &[u8] {
        let state = &self.call.state[slot];
        part(&state.blobs, &state.blob_offsets, key as usize)
    }

    /// The references kept with a key in a slot.
    pub(crate) fn kept(&self, slot: usize, key: u32) -> &[u64] {
        let state = &self.call.state[slot];
        part(&state.kept, &state.kept_offsets, key as usize)
    }
}

fn part<'a, T>(all: &'a [T], offsets: &[u32], index: usize) -> &'a [T] {
    &all[offsets[index] as usize..offsets[index + 1] as usize]
}

/// The answer of a fake rule.
#[derive(Default)]
pub(crate) struct FakeAnswer {
    pub(crate) plain: DetectionAnswer,
    pub(crate) states: BTreeMap<(u32, u32), (Vec<u8>, Vec<u64>)>,
}

impl FakeAnswer {
    /// Adds a finding on a row.
    pub(crate) fn find(&mut self, row: u32, message: &str) -> &mut AnswerFinding {
        self.plain.findings.push(finding(row, message));
        self.plain.findings.last_mut().unwrap()
    }

    /// Sets the state of a key in a slot.
    pub(crate) fn set_state(&mut self, slot: u32, key: u32, blob: &[u8], kept: &[u64]) {
        self.states.insert((slot, key), (blob.to_vec(), kept.to_vec()));
    }

    fn into_answer(self) -> DetectionAnswer {
        let FakeAnswer { mut plain, states } = self;
        let mut slots: BTreeMap<u32, SlotChanges> = BTreeMap::new();
        for ((slot, key), (blob, kept)) in states {
            let changes = slots.entry(slot).or_insert_with(|| no_changes(slot));
            changes.keys.push(key);
            changes.blobs.extend(blob);
            changes.kept.extend(kept);
            changes.blob_offsets.push(u32::try_from(changes.blobs.len()).unwrap());
            changes.kept_offsets.push(u32::try_from(changes.kept.len()).unwrap());
        }
        plain.states.extend(slots.into_values());
        plain
    }
}

/// A slot without changed keys.
pub(crate) fn no_changes(slot: u32) -> SlotChanges {
    SlotChanges {
        slot,
        keys: Vec::new(),
        blobs: Vec::new(),
        blob_offsets: vec![0],
        kept: Vec::new(),
        kept_offsets: vec![0],
    }
}

/// The findings: position and message.
pub(crate) fn found(outcome: &Outcome) -> Vec<(u64, &str)> {
    outcome.findings.iter().map(|found| (found.finding.position, found.finding.message.as_str())).collect()
}

/// The rows set aside: position and kind of failure.
pub(crate) fn failed(outcome: &Outcome) -> Vec<(u64, FailureKind)> {
    outcome.failures.iter().map(|failed| (failed.row.position, failed.failure.kind)).collect()
}

/// The changes of the declared slots.
pub(crate) fn declared(changes: &[StateChange]) -> impl Iterator<Item = &StateChange> {
    changes.iter().filter(|change| !change.slot.starts_with(LINE_SLOT))
}

/// The changes of state: key, blob, and the events kept.
pub(crate) fn state(outcome: &Outcome) -> Vec<(&str, Vec<u8>, Vec<&str>)> {
    let changes = declared(&outcome.state).map(|change| {
        let (blob, kept) = change.entry.as_ref().map(|entry| (entry.blob.to_vec(), &entry.kept)).unzip();
        let kept = kept.into_iter().flatten().map(|evidence| evidence.event_id.as_str());
        (change.key.as_str(), blob.unwrap_or_default(), kept.collect())
    });
    changes.collect()
}
