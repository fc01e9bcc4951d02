//! What must hold of what the stream makes of a rule's answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_declaration::Declaration;
use countersign_model::vocabulary::{EvidenceRole, PartitionKey};
use countersign_model::{Evidence, StateChange, TimerChange};
use countersign_stream::{
    BundledFinding, LINE_SLOT, OrderedOccasion, Outcome, RuleStream, Sequenced, evidence_role, partition_key,
};

use super::Seen;

/// Calls that a row may cost: splitting down to it, the second chance after a deadline, and the one-row call.
const CALLS_A_ROW: usize = 6;

/// Upper bound of a message, bytes.
const MESSAGE_BYTES: usize = 1_024;

/// Watches a stream from outside.
pub(super) struct Watch {
    declaration: Declaration,
    /// By key the ids of the events that the rule was shown for it.
    shown: BTreeMap<Arc<str>, BTreeSet<String>>,
    /// Slot and key of the state that is held, by the changes.
    held: BTreeSet<(String, String)>,
    /// Key and id of the timers that are to come, by the changes.
    timers: BTreeSet<(String, String)>,
    /// Findings a position, which are counted from 0.
    numbered: BTreeMap<u64, u32>,
    seen: Seen,
}

impl Watch {
    pub(super) fn new(declaration: Declaration) -> Watch {
        Watch {
            declaration,
            shown: BTreeMap::new(),
            held: BTreeSet::new(),
            timers: BTreeSet::new(),
            numbered: BTreeMap::new(),
            seen: Seen::default(),
        }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen
    }

    /// What came of some rows, by so many calls.
    pub(super) fn outcome(&mut self, rows: &[&Sequenced], outcome: &Outcome, calls: usize) {
        assert!(calls <= CALLS_A_ROW * rows.len(), "{calls} calls for {} rows", rows.len());
        for row in rows {
            self.seen.timers += usize::from(row.is_timer());
            if let Some(key) = self.key(row) {
                self.shown.entry(key).or_default().insert(row.event.id.to_string());
            }
        }
        let given: BTreeSet<_> = rows.iter().map(|row| row.order()).collect();
        let failed: Vec<_> = outcome.failures.iter().map(|one| one.row.order()).collect();
        let found = outcome.findings.iter().map(|one| one.row.order());
        let diagnosed = outcome.diagnostics.iter().map(|one| one.row.order());
        for order in found.chain(diagnosed) {
            assert!(given.contains(&order), "a row that wasn't given");
            assert!(!failed.contains(&order), "a row that is set aside has a finding");
        }
        assert!(outcome.disagreements.iter().all(|one| given.contains(&one.row.order())));
        assert!(failed.iter().all(|order| given.contains(order)));
        assert!(failed.is_sorted_by(|one, next| one < next), "each once, in the order of the rows");
        assert!(outcome.findings.is_sorted_by_key(|one| one.row.order()));
        outcome.findings.iter().for_each(|found| self.found(found));
        assert!(outcome.diagnostics.iter().all(|one| one.message.len() <= MESSAGE_BYTES));
        self.seen.failures += failed.len();
        self.changes(&outcome.state, &outcome.timers);
    }

    fn found(&mut self, found: &BundledFinding) {
        let BundledFinding { finding, row, place, bundle } = found;
        self.seen.findings += 1;
        let number = self.numbered.entry(finding.position).or_default();
        assert_eq!((finding.position, finding.index), (row.position, *number));
        *number += 1;
        assert_eq!((bundle.call.batch.len(), finding.event_id.as_str()), (1, &*row.event.id));
        let answered = bundle.answer.findings.get(*place as usize).expect("the answer that it comes from");
        assert_eq!((answered.message.as_str(), answered.confidence), (finding.message.as_str(), finding.confidence));

        assert!(finding.confidence <= 100 && finding.message.len() <= MESSAGE_BYTES);
        assert!(self.declaration.signal_classes.contains(&finding.signal_class));
        assert!(finding.techniques.iter().all(|one| self.declaration.techniques.contains(one)));
        let host = evidence_role(finding.role, &row.event);
        assert!(host == EvidenceRole::AuthenticatedAs || finding.evidence_role == host, "stronger than the host's");

        let (own, kept) = finding.evidence.split_first().expect("the row's own event");
        assert_eq!((own.event_id.as_str(), own.raw), (&*row.event.id, row.event.raw.digest));
        assert!(kept.len() <= self.max_kept());
        self.seen.kept_cited += kept.len();
        match self.key(row) {
            Some(key) => self.were_shown(&key, kept),
            None => assert!(kept.is_empty(), "evidence of others on a row without a key"),
        }
    }

    /// What changed in state and timers.
    pub(super) fn changes(&mut self, states: &[StateChange], timers: &[TimerChange]) {
        for change in states.iter().filter(|change| change.slot != LINE_SLOT) {
            let declared = self.declaration.slots.iter().find(|slot| slot.name == change.slot);
            let slot = declared.expect("a declared slot").clone();
            let key = (change.slot.clone(), change.key.clone());
            match &change.entry {
                Some(entry) => {
                    assert!(!entry.blob.is_empty() && entry.blob.len() <= slot.max_bytes as usize);
                    assert!(entry.kept.len() <= slot.kept_references as usize && entry.version == slot.version);
                    self.were_shown(&change.key, entry.kept.iter().map(|kept| &**kept));
                    self.seen.states += 1;
                    self.held.insert(key);
                }
                None => {
                    self.held.remove(&key);
                }
            }
        }
        for change in timers {
            let declared = self.declaration.timers.as_ref().expect("timers are declared");
            assert!(declared.ids.contains(&change.id) && self.shown.contains_key(change.key.as_str()));
            let timer = (change.key.clone(), change.id.clone());
            match &change.entry {
                Some(entry) => {
                    assert!(self.shown[change.key.as_str()].contains(&*entry.event.id));
                    self.timers.insert(timer);
                }
                None => {
                    self.timers.remove(&timer);
                }
            }
        }
        for (key, _) in &self.timers {
            let max = self.declaration.timers.as_ref().map_or(0, |timers| timers.most_per_key as usize);
            assert!(self.timers.iter().filter(|(other, _)| other == key).count() <= max, "too many timers of a key");
        }
    }

    /// A tick has been.
    pub(super) fn ticked(&self, pending_timers: u64) {
        assert_eq!(self.timers.len() as u64, pending_timers, "the changes lack timers");
        for slot in &self.declaration.slots {
            let keys = self.held.iter().filter(|(other, _)| *other == slot.name).count();
            assert!(keys <= slot.max_keys as usize, "{keys} keys in `{}`", slot.name);
        }
    }

    /// The stream has forgotten all.
    pub(super) fn forgotten(&self, stream: &RuleStream) {
        assert!(self.held.is_empty(), "state is held whose removal wasn't reported: {:?}", self.held);
        assert!(self.timers.is_empty() && stream.pending_timers() == 0, "timers are left");
    }

    fn were_shown<'e>(&self, key: &str, evidence: impl IntoIterator<Item = &'e Evidence>) {
        let shown = self.shown.get(key).expect("a key that was given");
        assert!(evidence.into_iter().all(|one| shown.contains(&one.event_id)), "evidence of another key");
    }

    fn max_kept(&self) -> usize {
        self.declaration.slots.iter().map(|slot| slot.kept_references as usize).sum()
    }

    fn key(&self, row: &Sequenced) -> Option<Arc<str>> {
        match &row.occasion {
            OrderedOccasion::Timer(timer) => Some(Arc::clone(&timer.key)),
            _ if self.declaration.partition_key == PartitionKey::None => None,
            _ => partition_key(self.declaration.partition_key, &row.event).map(Arc::from),
        }
    }
}
