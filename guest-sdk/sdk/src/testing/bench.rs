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

/// A rule under test.
pub struct Bench<R> {
    batch_size: usize,
    settings: Settings,
    data: Vec<u8>,
    tables: Tables,
    // By slot.
    state: Vec<Kept>,
    fed: usize,
    timers: Vec<(usize, String, Option<Timestamp>)>,
    /// What is yet to come: by time, key and id, the row that set it.
    pending: BTreeMap<(Timestamp, String, String), Row>,
    diagnostics: Vec<(usize, String)>,
    rule: PhantomData<fn() -> R>,
}

/// What the rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The row, counted over everything fed.
    pub row: usize,
    /// Its class.
    pub class: SignalClass,
    /// 0–100.
    pub confidence: u8,
    /// How grave.
    pub severity: Severity,
    /// Whom it is about.
    pub about: SubjectRole,
    /// The rows it cites beside its own, counted over everything fed.
    pub evidence: Vec<usize>,
    /// ATT&CK ids.
    pub techniques: Vec<String>,
    /// For people.
    pub message: String,
    /// A weaker evidence role, if the rule said so.
    pub evidence_role: Option<EvidenceRole>,
}

impl<R: Detection> Default for Bench<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Detection> Bench<R> {
    /// The rule with its default parameters, no data, and every context table missing; one batch takes all rows.
    #[must_use]
    pub fn new() -> Self {
        Bench {
            batch_size: usize::MAX,
            settings: Settings::defaults::<R>(),
            data: Vec::new(),
            tables: Tables::new(R::TABLES),
            state: vec![BTreeMap::new(); R::SLOTS.len()],
            fed: 0,
            timers: Vec::new(),
            pending: BTreeMap::new(),
            diagnostics: Vec::new(),
            rule: PhantomData,
        }
    }

    /// Splits what is fed into batches of this many rows.
    #[must_use]
    pub fn batch_size(mut self, rows: usize) -> Self {
        self.batch_size = rows.max(1);
        self
    }

    /// Sets a declared parameter: integers as [`Value::Signed`], decimals as [`Value::Float`], durations as
    /// [`Value::Signed`] in microseconds.
    ///
    /// # Panics
    /// When there is no such parameter, or it is of another type.
    #[must_use]
    pub fn set(mut self, name: &str, value: Value) -> Self {
        self.settings.set::<R>(name, value);
        self
    }

    /// The rule's data.
    #[must_use]
    pub fn data(mut self, data: &[u8]) -> Self {
        data.clone_into(&mut self.data);
        self
    }

    /// Adds a row to a context table by batch, which is then fresh; without any row it is missing. What a table by row
    /// says is set at the row: [`Row::context`].
    ///
    /// # Panics
    /// When the rule declares no such table by batch, or not such a column.
    #[must_use]
    pub fn context(mut self, table: &str, values: &[(&'static str, Value)]) -> Self {
        self.tables.add(table, values);
        self
    }

    /// What a context table by key says about a key, which is then fresh; keys of which nothing is said are missing.
    ///
    /// # Panics
    /// When the rule declares no such table by key, or not such a column.
    #[must_use]
    pub fn context_of_key(mut self, table: &str, key: &str, values: &[(&'static str, Value)]) -> Self {
        self.tables.add_of_key(table, key, values);
        self
    }

    /// Judges rows in order, after those fed before.
    ///
    /// # Panics
    /// When the rule does, or answers outside the contract.
    pub fn feed(&mut self, rows: &[Row]) -> Vec<Found> {
        let mut found = Vec::new();
        let size = self.batch_size.min(rows.len().max(1));
        for rows in rows.chunks(size) {
            let rows: Vec<&Row> = rows.iter().collect();
            self.judge(&rows, &mut found);
        }
        found
    }

    /// Lets time pass: every timer that the rule set for a time up to this one comes as a row, in the order of their
    /// times, keys and ids, as at a tick of the host's. One that a timer's row sets comes too if it is due by then.
    ///
    /// # Panics
    /// As [`Bench::feed`] does.
    pub fn pass(&mut self, to: Timestamp) -> Vec<Found> {
        let mut found = Vec::new();
        while let Some(((at, _, id), row)) = self.pending.pop_first() {
            if at > to {
                let key = row.key.clone().unwrap_or_default();
                self.pending.insert((at, key, id), row);
                break;
            }
            let due = Row { at, kind: RowKind::Timer(id), ..row };
            self.judge(&[&due], &mut found);
        }
        found
    }

    /// The timers set and cancelled so far: the row, the id, and when it is due.
    #[must_use]
    pub fn timers(&self) -> &[(usize, String, Option<Timestamp>)] {
        &self.timers
    }

    /// The diagnostics so far: the row and the text.
    #[must_use]
    pub fn diagnostics(&self) -> &[(usize, String)] {
        &self.diagnostics
    }

    /// A key's blob in a slot, by the slot's place in declared order; none if it has no state.
    #[must_use]
    pub fn blob(&self, slot: usize, key: &str) -> Option<&[u8]> {
        self.state.get(slot)?.get(key).map(|(blob, _)| blob.as_slice())
    }

    fn judge(&mut self, rows: &[&Row], found: &mut Vec<Found>) {
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
        let state: Vec<SlotState> = self.state.iter().map(|slot| slot_state(slot, &keys)).collect();
        let context = self.tables.of(rows, &keys);
        let answer = crate::evaluate::<R>(&batch, &state, &self.settings.for_detection(), &self.data, &context);
        self.take(&answer, &keys, found);
        self.set_timers(&answer, rows);
        self.fed += rows.len();
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
                .zip(self.fed..)
                .map(|(row, number)| reference(row.shows.unwrap_or(number)))
                .collect(),
            ingest_times: times.clone(),
            watermarks: times.clone(),
            event_times: times,
            keys,
            kinds,
        }
    }

    fn take(&mut self, answer: &Answer, keys: &[&str], found: &mut Vec<Found>) {
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
            found.push(Found {
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
}

impl<R: Detection> Bench<R> {
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

/// References are opaque: not the row's number itself, so that nobody leans on it.
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
