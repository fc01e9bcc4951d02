//! Records what happens in a run: each item of the stream becomes audit records, blobs and calls of the observer.

mod finding;
mod hold;
mod item;
mod note;
mod page;
mod response;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_audit::record::{
    Component, ContextFile, Generation as GenerationRecord, GenerationRule, Header, Input,
};
use countersign_audit::{Blob, Record};
use countersign_engine::{ENGINE_VERSION, INTERFACE};
use countersign_model::vocabulary::RuleKind;
use countersign_model::{DecisionKind, Digest, DigestKey, Event, Hold, Occasion, RuleId, SourceId, Timestamp, Unwell};
use countersign_stream::{QuarantineThreshold, Sequenced, is_held};

use crate::chunk::{Item, Judges, Placed};
use crate::error::SessionError;
use crate::input::Taken;
use crate::report::Summary;
use crate::session::SessionOptions;
use countersign_generation::{Generation, Rule};

pub(crate) use self::page::{Page, PageIntent};
pub(crate) use self::response::HeldResponse;

/// The records of a session.
pub(crate) struct Ledger {
    generation: Arc<Generation>,
    /// The generation's number.
    number: u64,
    key: DigestKey,
    threshold: QuarantineThreshold,
    /// Rules that aren't deterministic, by the code that showed it: what depends on them needs approval.
    pub(crate) suspect: BTreeMap<RuleId, Digest>,
    /// The holds of detections that last: what depends on a rule and rows that are held from it needs approval.
    holds: BTreeMap<RuleId, Vec<Hold>>,
    /// Rules whose bytes are on record for this generation.
    pub(crate) recorded: BTreeSet<RuleId>,
    /// Response rules that are stopped for some sources.
    pub(crate) held_responses: BTreeMap<RuleId, HeldResponse>,
    /// The sources that aren't well, with all that is wrong with each: what rests on them needs approval.
    pub(crate) unwell: BTreeMap<SourceId, Vec<Unwell>>,
    /// The sources of rows that what rules keep may be made of, each with the position of its first one.
    kept_of: BTreeMap<RuleId, BTreeMap<SourceId, u64>>,
    /// The counts and digest of each input. Its `content` isn't keyed until the input is recorded.
    pub(crate) inputs: BTreeMap<u32, Input>,
    pub(crate) summary: Summary,
    pub(crate) page: Page,
    /// The gate's clock at each rule's last finding.
    pub(crate) last_findings: BTreeMap<RuleId, Timestamp>,
    /// Rules of which something was counted since this was taken last.
    pub(crate) counted: BTreeSet<RuleId>,
}

impl Ledger {
    /// Without any record yet.
    pub(crate) fn new(
        generation: Arc<Generation>,
        number: u64,
        key: DigestKey,
        threshold: QuarantineThreshold,
    ) -> Ledger {
        Ledger {
            generation,
            number,
            threshold,
            suspect: BTreeMap::new(),
            holds: BTreeMap::new(),
            recorded: BTreeSet::new(),
            held_responses: BTreeMap::new(),
            unwell: BTreeMap::new(),
            kept_of: BTreeMap::new(),
            inputs: BTreeMap::new(),
            summary: Summary {
                decisions: DecisionKind::ALL.iter().map(|kind| (kind.id(), 0)).collect(),
                ..Summary::default()
            },
            page: Page::default(),
            last_findings: BTreeMap::new(),
            counted: BTreeSet::new(),
            key,
        }
    }

    /// The generation that serves.
    pub(crate) fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    /// Its number.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Goes on with the holds of detections that last.
    pub(crate) fn set_holds(&mut self, judges: &Judges) {
        self.holds.clear();
        for (rule, hold) in judges.holds() {
            self.holds.entry(rule.clone()).or_default().push(hold.clone());
        }
    }

    /// Whether what a rule finds about an event needs approval, because of the rule or of one that feeds it.
    fn is_suspect(&self, rule: &Rule, event: &Event) -> bool {
        rule.authority
            .lineage
            .iter()
            .chain([&rule.identity.id])
            .any(|id| self.suspect.contains_key(id) || self.holds.get(id).is_some_and(|holds| is_held(holds, event)))
    }

    /// Begins with the header.
    pub(crate) fn record_header(&mut self) {
        self.page.records.push(Record::Header(Header::new(env!("CARGO_PKG_VERSION"), &self.key)));
    }

    /// From a position on, rules whose code is another than that which was found wanting aren't suspect any more, and
    /// response rules whose code is another than that which was stopped are called again.
    pub(crate) fn renew(&mut self, position: u64) {
        let Ledger { generation, suspect, .. } = self;
        suspect.retain(|id, code| generation.rule(id).is_none_or(|rule| rule.identity.code == *code));
        self.renew_responses(position);
    }

    /// Another generation serves from a position on: what is recorded of it names its own rules' bytes.
    pub(crate) fn record_generation(
        &mut self,
        generation: Arc<Generation>,
        number: u64,
        position: u64,
    ) -> Result<(), SessionError> {
        (self.generation, self.number) = (generation, number);
        self.recorded.clear();
        let record = self.generation_record(position);
        self.page.records.push(Record::Generation(record));
        let generation = Arc::clone(&self.generation);
        generation.responses.iter().try_for_each(|rule| self.record_component(position, rule))
    }

    /// What makes the generation another than one before: its record but for number and position, and the options that
    /// affect what is decided.
    pub(crate) fn configuration(&mut self, options: &SessionOptions) -> Result<Digest, SessionError> {
        let blobs = std::mem::take(&mut self.page.blobs);
        let record = GenerationRecord { number: 0, ..self.generation_record(0) };
        self.page.blobs = blobs;
        let QuarantineThreshold { min_accounts, percent } = options.quarantine;
        Ok(Digest::of(&serde_json::to_vec(&(record, options.max_gap, min_accounts, percent))?))
    }

    fn blob(&mut self, bytes: Vec<u8>) -> Digest {
        let blob = Blob::new(&self.key, bytes);
        let name = blob.name();
        self.page.blobs.add(blob);
        name
    }

    /// Records a rule's bytes, and those of the rules that feed it, unless they are on record.
    fn record_component(&mut self, position: u64, rule: &Rule) -> Result<(), SessionError> {
        if self.recorded.contains(&rule.identity.id) {
            return Ok(());
        }
        let generation = Arc::clone(&self.generation);
        let feeders = rule.authority.lineage.iter().filter_map(|id| generation.rule(id));
        for rule in feeders.chain([rule]) {
            let id = &rule.identity.id;
            if self.recorded.insert(id.clone()) {
                self.counted.insert(id.clone());
                let bytes = rule.bytes().map_err(|source| SessionError::Rule { rule: id.clone(), source })?;
                let component = self.blob(bytes);
                self.page.records.push(Record::Component(Component { position, rule: id.clone(), component }));
            }
        }
        Ok(())
    }

    fn generation_record(&mut self, position: u64) -> GenerationRecord {
        let generation = Arc::clone(&self.generation);
        let mut rules: Vec<GenerationRule> = rules_with_kinds(&generation)
            .map(|(rule, kind)| GenerationRule { identity: rule.identity.clone(), kind, proof: Some(rule.proof) })
            .collect();
        rules.sort_by(|a, b| a.identity.id.cmp(&b.identity.id));
        let files = generation.context.files().files();
        let context = files.map(|file| {
            let content = if file.kept { self.blob(file.bytes.to_vec()) } else { self.key.digest(file.bytes) };
            ContextFile { table: file.table.to_owned(), content, kept: file.kept }
        });
        let context = context.collect();
        GenerationRecord {
            number: self.number,
            position,
            rules,
            trust: Some(self.blob(generation.trust_text.clone().into_bytes())),
            policy: self.blob(generation.policy_text.clone().into_bytes()),
            sources: generation.sources_text.clone().map(|text| self.blob(text.into_bytes())),
            identities: generation.directory_text.clone().map(|text| self.blob(text.into_bytes())),
            capabilities: self.blob(generation.capabilities_text.clone().into_bytes()),
            context,
            gate: countersign_gate::VERSION,
            engine: ENGINE_VERSION.to_owned(),
            interface: INTERFACE.to_owned(),
        }
    }

    /// Counts a record of an input; `is_event` says that it became an event.
    pub(crate) fn count_record(&mut self, taken: &Taken, is_event: bool) {
        let entry = self.inputs.entry(taken.input).or_insert(empty_input(taken.input));
        entry.records += 1;
        entry.bytes += taken.length;
        entry.turned = taken.turned;
        if is_event {
            let mut both = [0; 64];
            both[..32].copy_from_slice(&entry.content.0);
            both[32..].copy_from_slice(&taken.digest.0);
            entry.content = Digest::of(&both);
        }
    }

    /// Counts a redelivery among the records of an input.
    pub(crate) fn count_duplicate(&mut self, input: u32) {
        self.inputs.entry(input).or_insert(empty_input(input)).duplicates += 1;
        self.summary.duplicates += 1;
    }

    /// Records the inputs once they are processed.
    pub(crate) fn record_inputs(&mut self, inputs: u32) {
        for input in 0..inputs {
            let read = self.inputs.get(&input).cloned().unwrap_or(empty_input(input));
            let content = self.key.digest(&read.content.0);
            self.page.records.push(Record::Input(Input { content, ..read }));
        }
    }

    /// Records the items of a chunk.
    pub(crate) fn record_chunk(&mut self, placed: Vec<Placed>) -> Result<(), SessionError> {
        let generation = Arc::clone(&self.generation);
        // A rule that contradicts itself is suspect for the whole chunk: where it began depends on batches.
        for placed in placed.iter().filter(|placed| matches!(placed.item, Item::Disagreement(_))) {
            let rule = generation.detections.get(placed.rule);
            self.suspect.extend(rule.map(|rule| (rule.identity.id.clone(), rule.identity.code)));
        }
        for Placed { position, rule, item, .. } in placed {
            if let Item::DeadLetter(letter) = item {
                self.record_dead_letter(letter);
                continue;
            }
            let Some(rule) = generation.detections.get(rule) else { continue };
            self.record_item(position, rule, item)?;
        }
        Ok(())
    }
}

/// What identifies a row besides its position.
fn row_name(row: &Sequenced) -> (Occasion, String) {
    (row.occasion.recorded(), row.event.id.to_string())
}

/// An input without records yet.
fn empty_input(input: u32) -> Input {
    Input { input, records: 0, duplicates: 0, bytes: 0, turned: false, content: Digest([0; 32]) }
}

fn rules_with_kinds(generation: &Generation) -> impl Iterator<Item = (&Rule, RuleKind)> {
    let detections = generation.detections.iter().map(|rule| (rule, RuleKind::Detection));
    detections.chain(generation.responses.iter().map(|rule| (rule, RuleKind::Response)))
}
