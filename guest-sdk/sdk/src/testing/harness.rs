//! Judging rows in batches, with state carried from one to the next as the host would.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use countersign_vocabulary::{EvidenceRole, Severity, SignalClass, SubjectRole};

use super::columns::column;
use super::row::{Row, RowKind, Value};
use super::settings::Settings;
use super::tables::Tables;
use crate::bindings::detect::{self, Answer, Batch, Kinds, Rows, SlotState};
use crate::event::NO_KEY;
use crate::rule::Detection;
use crate::time::Timestamp;

/// The state of a slot by key: blob and kept references.
type Kept = BTreeMap<String, (Vec<u8>, Vec<u64>)>;

/// The numbers of rows that [`Harness::feed`] splits its rows into, besides one batch of all of them.
const BATCH_SIZES: [usize; 4] = [1, 2, 3, 7];

/// A detection under test. State, timers and diagnostics carry over from one call to the next.
///
/// See [the module](super) for an example.
pub struct Harness<R> {
    settings: Settings,
    data: Vec<u8>,
    tables: Tables,
    memory: Memory,
    rule: PhantomData<fn() -> R>,
}

/// What calls leave behind. None of it may depend on how the rows were split into batches.
#[derive(Clone, Debug, PartialEq)]
struct Memory {
    /// By slot.
    state: Vec<Kept>,
    fed: usize,
    timers: Vec<(usize, String, Option<Timestamp>)>,
    /// Timers that are due later: by time, key and id, with the row that set them.
    pending: BTreeMap<(Timestamp, String, String), Row>,
    diagnostics: Vec<(usize, String)>,
}

/// A finding that the rule reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The row, counted over all rows fed.
    pub row: usize,
    /// Its signal class.
    pub class: SignalClass,
    /// 0–100.
    pub confidence: u8,
    /// Its severity.
    pub severity: Severity,
    /// The subject's role in the event.
    pub about: SubjectRole,
    /// The rows it cites besides its own, counted over all rows fed.
    pub evidence: Vec<usize>,
    /// ATT&CK ids.
    pub techniques: Vec<String>,
    /// The text for people.
    pub message: String,
    /// A weaker evidence role, if the rule set one.
    pub evidence_role: Option<EvidenceRole>,
}

impl<R: Detection> Default for Harness<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Detection> Harness<R> {
    /// The rule with its default parameters, no data, no state, and every context table missing.
    #[must_use]
    pub fn new() -> Self {
        Harness {
            settings: Settings::defaults::<R>(),
            data: Vec::new(),
            tables: Tables::new(R::TABLES),
            memory: Memory {
                state: vec![BTreeMap::new(); R::SLOTS.len()],
                fed: 0,
                timers: Vec::new(),
                pending: BTreeMap::new(),
                diagnostics: Vec::new(),
            },
            rule: PhantomData,
        }
    }

    /// Sets a declared parameter: an integer from `i64`, a decimal from `f64`, a duration from
    /// [`Duration`](crate::Duration), a list from an array of texts.
    ///
    /// # Panics
    /// When there is no such parameter, or it is of another type.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.settings.set::<R>(name, value.into());
        self
    }

    /// Sets the rule's data.
    #[must_use]
    pub fn data(mut self, data: &[u8]) -> Self {
        data.clone_into(&mut self.data);
        self
    }

    /// Adds a row to a context table by batch, which is then fresh; without any row it is missing. Tables by row are
    /// set at the row: [`Row::context`].
    ///
    /// # Panics
    /// When the rule declares no such table by batch, or not such a column.
    #[must_use]
    pub fn context(mut self, table: &str, values: &[(&'static str, Value)]) -> Self {
        self.tables.add(table, values);
        self
    }

    /// Sets the row of a key in a context table by key, which is then fresh; for all other keys it is missing.
    ///
    /// # Panics
    /// When the rule declares no such table by key, or not such a column.
    #[must_use]
    pub fn context_for_key(mut self, table: &str, key: &str, values: &[(&'static str, Value)]) -> Self {
        self.tables.add_for_key(table, key, values);
        self
    }

    /// Judges rows in order, after those fed before, and returns the findings.
    ///
    /// The rows are judged as one batch, and again in batches of 1, 2, 3 and 7 rows: a host may split them anywhere, so
    /// findings, state, timers and diagnostics must be the same each time.
    ///
    /// # Panics
    /// When the rule does, breaks the contract of its answers, or depends on how the rows are split.
    pub fn feed(&mut self, rows: &[Row]) -> Vec<Reported> {
        let before = self.memory.clone();
        let reported = self.judge_in_batches(rows, rows.len());
        let after = self.memory.clone();
        for size in BATCH_SIZES.into_iter().filter(|size| *size < rows.len()) {
            self.memory = before.clone();
            let split = self.judge_in_batches(rows, size);
            assert!(
                split == reported && self.memory == after,
                "the rule depends on how rows are split into batches: in batches of {size} it reports {split:#?} and \
                 leaves {:#?}, in one batch {reported:#?} and {after:#?}",
                self.memory
            );
        }
        self.memory = after;
        reported
    }

    /// Judges rows, and expects exactly these findings: the row and the confidence of each.
    ///
    /// # Panics
    /// When the findings are others, and as [`feed`](Harness::feed) does.
    #[track_caller]
    pub fn check(&mut self, rows: &[Row], expected: &[(usize, u8)]) {
        let reported = self.feed(rows);
        let short: Vec<(usize, u8)> = reported.iter().map(|one| (one.row, one.confidence)).collect();
        assert_eq!(short, expected, "{reported:#?}");
    }

    /// Lets time pass: every timer that is due up to this time comes as a row, in the order of time, key and id, as at
    /// a tick of the host's clock. A timer set by one of these rows comes too if it is due by then.
    ///
    /// # Panics
    /// As [`feed`](Harness::feed) does.
    pub fn advance_to(&mut self, to: Timestamp) -> Vec<Reported> {
        let mut reported = Vec::new();
        while let Some(((at, key, id), row)) = self.memory.pending.pop_first() {
            if at > to {
                self.memory.pending.insert((at, key, id), row);
                break;
            }
            let due = Row { at, kind: RowKind::Timer(id), ..row };
            self.judge(&[&due], &mut reported);
        }
        reported
    }

    /// The timers set and cancelled so far: the row, the id, and when it is due; none for one that was cancelled.
    #[must_use]
    pub fn timers(&self) -> &[(usize, String, Option<Timestamp>)] {
        &self.memory.timers
    }

    /// The diagnostics so far: the row and the text.
    #[must_use]
    pub fn diagnostics(&self) -> &[(usize, String)] {
        &self.memory.diagnostics
    }

    /// The bytes of a key's state in a slot, by the slot's place in declared order; none if the key has no state.
    #[must_use]
    pub fn state_bytes(&self, slot: usize, key: &str) -> Option<&[u8]> {
        self.memory.state.get(slot)?.get(key).map(|(blob, _)| blob.as_slice())
    }

    fn judge_in_batches(&mut self, rows: &[Row], size: usize) -> Vec<Reported> {
        let mut reported = Vec::new();
        for batch in rows.chunks(size.max(1)) {
            self.judge(&batch.iter().collect::<Vec<_>>(), &mut reported);
        }
        reported
    }

    fn judge(&mut self, rows: &[&Row], reported: &mut Vec<Reported>) {
        let mut keys: Vec<&str> = Vec::new();
        let mut indices = Vec::new();
        for row in rows {
            indices.push(row.key.as_deref().map_or(NO_KEY, |key| {
                let known = keys.iter().position(|known| *known == key);
                let index = known.unwrap_or_else(|| {
                    keys.push(key);
                    keys.len() - 1
                });
                u32::try_from(index).unwrap_or(NO_KEY)
            }));
        }
        let batch = Batch {
            schema_hash: R::SCHEMA_HASH,
            rows: self.rows(rows, indices),
            columns: R::FIELDS.iter().map(|field| column(*field, rows)).collect(),
        };
        let state: Vec<SlotState> = self.memory.state.iter().map(|slot| slot_state(slot, &keys)).collect();
        let context = self.tables.for_call(rows, &keys);
        let answer = crate::evaluate::<R>(&batch, &state, &self.settings.for_detection(), &self.data, &context);
        self.memory.take(&answer, &keys, reported);
        self.memory.set_timers(&answer, rows);
        self.memory.fed += rows.len();
    }

    fn rows(&self, rows: &[&Row], keys: Vec<u32>) -> Rows {
        let times: Vec<i64> = rows.iter().map(|row| row.at.micros()).collect();
        let kinds = if rows.iter().all(|row| row.kind == RowKind::Event) {
            Kinds::AllEvents
        } else {
            let kind = |row: &&Row| match &row.kind {
                RowKind::Event => detect::RowKind::Event,
                RowKind::Late => detect::RowKind::Late,
                RowKind::Timer(id) => detect::RowKind::Timer(id.clone()),
                RowKind::Finding => detect::RowKind::Finding,
            };
            Kinds::Mixed(rows.iter().map(kind).collect())
        };
        Rows {
            references: rows
                .iter()
                .zip(self.memory.fed..)
                .map(|(row, number)| reference(row.shows.unwrap_or(number)))
                .collect(),
            ingest_times: times.clone(),
            watermarks: times.clone(),
            event_times: times,
            keys,
            kinds,
        }
    }
}

impl Memory {
    /// Takes over state, findings and diagnostics of an answer.
    fn take(&mut self, answer: &Answer, keys: &[&str], reported: &mut Vec<Reported>) {
        for changes in &answer.states {
            let Some(slot) = self.state.get_mut(changes.slot as usize) else { broken("a slot that isn't declared") };
            for (place, key) in changes.keys.iter().enumerate() {
                let Some(key) = keys.get(*key as usize) else { broken("a key that wasn't in the call") };
                let blob = part(&changes.blobs, &changes.blob_offsets, place);
                let kept = part(&changes.kept, &changes.kept_offsets, place);
                if blob.is_empty() {
                    slot.remove(*key);
                } else {
                    slot.insert((*key).to_owned(), (blob.to_vec(), kept.to_vec()));
                }
            }
        }
        for finding in &answer.findings {
            reported.push(Reported {
                row: self.fed + finding.row as usize,
                class: SignalClass::from_id(&finding.signal_class).unwrap_or_else(|| broken("an unknown class")),
                confidence: finding.confidence,
                severity: severity(finding.severity),
                about: role(finding.subject),
                evidence: finding.evidence.iter().map(|reference| fed_row(*reference)).collect(),
                techniques: finding.techniques.clone(),
                message: finding.message.clone(),
                evidence_role: finding.evidence_role.map(|role| match role {
                    detect::EvidenceRole::MerelyNames => EvidenceRole::MerelyNames,
                    detect::EvidenceRole::AuthenticatedAs => EvidenceRole::AuthenticatedAs,
                }),
            });
        }
        let diagnostics = answer.diagnostics.iter();
        self.diagnostics.extend(diagnostics.map(|one| (self.fed + one.row as usize, one.message.clone())));
    }

    fn set_timers(&mut self, answer: &Answer, rows: &[&Row]) {
        for timer in &answer.timers {
            let Some((number, row)) = (self.fed..).zip(rows).nth(timer.row as usize) else {
                broken("a timer on a row that wasn't in the call")
            };
            let Some(key) = row.key.clone() else { broken("a timer of a row without a key") };
            let at = timer.at.map(Timestamp::from_micros);
            self.timers.push((number, timer.id.clone(), at));
            self.pending.retain(|(_, other, id), _| *other != key || *id != timer.id);
            if let Some(at) = at {
                let shows = Some(row.shows.unwrap_or(number));
                self.pending.insert((at, key, timer.id.clone()), Row { shows, ..(*row).clone() });
            }
        }
    }
}

const FIRST_REFERENCE: u64 = 1_000;

/// References are opaque: not the row's number itself, so that no rule relies on it.
fn reference(row: usize) -> u64 {
    FIRST_REFERENCE + row as u64
}

fn fed_row(reference: u64) -> usize {
    reference.checked_sub(FIRST_REFERENCE).and_then(|row| usize::try_from(row).ok()).unwrap_or(usize::MAX)
}

fn slot_state(slot: &Kept, keys: &[&str]) -> SlotState {
    let mut state = SlotState { blobs: vec![], blob_offsets: vec![0], kept: vec![], kept_offsets: vec![0] };
    for key in keys {
        if let Some((blob, kept)) = slot.get(*key) {
            state.blobs.extend_from_slice(blob);
            state.kept.extend_from_slice(kept);
        }
        state.blob_offsets.push(u32::try_from(state.blobs.len()).unwrap_or(u32::MAX));
        state.kept_offsets.push(u32::try_from(state.kept.len()).unwrap_or(u32::MAX));
    }
    state
}

fn part<'a, T>(values: &'a [T], offsets: &[u32], index: usize) -> &'a [T] {
    match (offsets.get(index), offsets.get(index + 1)) {
        (Some(start), Some(end)) => values.get(*start as usize..*end as usize).unwrap_or_default(),
        _ => broken("offsets that end early"),
    }
}

fn severity(severity: detect::Severity) -> Severity {
    match severity {
        detect::Severity::Informational => Severity::Informational,
        detect::Severity::Low => Severity::Low,
        detect::Severity::Medium => Severity::Medium,
        detect::Severity::High => Severity::High,
        detect::Severity::Critical => Severity::Critical,
        detect::Severity::Fatal => Severity::Fatal,
    }
}

fn role(role: detect::SubjectRole) -> SubjectRole {
    match role {
        detect::SubjectRole::Actor => SubjectRole::Actor,
        detect::SubjectRole::Target => SubjectRole::Target,
        detect::SubjectRole::Owner => SubjectRole::Owner,
        detect::SubjectRole::Source => SubjectRole::Source,
    }
}

#[cold]
#[expect(clippy::panic, reason = "for tests")]
fn broken(what: &str) -> ! {
    panic!("the answer breaks the contract: it has {what}")
}
