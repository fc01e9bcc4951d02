//! Records what happens in a run: each item of the stream becomes audit records, blobs and calls of the observer.

mod finding;
mod item;

use std::collections::{BTreeMap, BTreeSet};

use countersign_audit::record::{
    Component, ContextFile, Generation as GenerationRecord, GenerationRule, Header, Input,
};
use countersign_audit::{Blob, Record};
use countersign_engine::{ENGINE_VERSION, INTERFACE};
use countersign_model::vocabulary::RuleKind;
use countersign_model::{DecisionKind, Digest, DigestKey, Finding, Occasion, RawAddress, RuleId};
use countersign_stream::{QuarantineThreshold, Sequenced};

use crate::chunk::{Item, Placed};
use crate::report::{Observer, Summary};
use crate::run::RunError;
use countersign_generation::{Generation, Rule};

/// The records of a run.
pub(crate) struct Ledger<'g> {
    generation: &'g Generation,
    key: DigestKey,
    threshold: QuarantineThreshold,
    /// Rules in quarantine, stopped, or not deterministic: what depends on them needs approval.
    suspect: BTreeSet<RuleId>,
    /// Rules whose bytes are on record.
    recorded: BTreeSet<RuleId>,
    /// Response rules that were stopped.
    stopped_responses: BTreeSet<RuleId>,
    /// The counts and digest of each input. Its `content` isn't keyed until the input is recorded.
    inputs: BTreeMap<u32, Input>,
    pub(crate) summary: Summary,
    pub(crate) page: Page,
}

/// What the next commit contains.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) records: Vec<Record>,
    pub(crate) blobs: Vec<Blob>,
    pub(crate) findings: Vec<Finding>,
}

impl<'g> Ledger<'g> {
    /// Begins with the header and the generation.
    pub(crate) fn new(
        generation: &'g Generation,
        key: DigestKey,
        threshold: QuarantineThreshold,
    ) -> Result<Ledger<'g>, RunError> {
        let mut ledger = Ledger {
            generation,
            threshold,
            suspect: BTreeSet::new(),
            recorded: BTreeSet::new(),
            stopped_responses: BTreeSet::new(),
            inputs: BTreeMap::new(),
            summary: Summary {
                decisions: DecisionKind::ALL.iter().map(|kind| (kind.id(), 0)).collect(),
                ..Summary::default()
            },
            page: Page::default(),
            key,
        };
        ledger.page.records.push(Record::Header(Header::new(env!("CARGO_PKG_VERSION"), &ledger.key)));
        let record = ledger.generation_record();
        ledger.page.records.push(Record::Generation(record));
        generation.responses.iter().try_for_each(|rule| ledger.record_component(0, rule))?;
        Ok(ledger)
    }

    fn blob(&mut self, bytes: Vec<u8>) -> Digest {
        let blob = Blob::new(&self.key, bytes);
        let name = blob.name();
        self.page.blobs.push(blob);
        name
    }

    /// Records a rule's bytes, and those of the rules that feed it, unless they are on record.
    fn record_component(&mut self, position: u64, rule: &Rule) -> Result<(), RunError> {
        if self.recorded.contains(&rule.identity.id) {
            return Ok(());
        }
        let generation = self.generation;
        let feeders = rule.authority.lineage.iter().filter_map(|id| generation.rule(id));
        for rule in feeders.chain([rule]) {
            let id = &rule.identity.id;
            if self.recorded.insert(id.clone()) {
                let bytes = rule.bytes().map_err(|source| RunError::Rule { rule: id.clone(), source })?;
                let component = self.blob(bytes);
                self.page.records.push(Record::Component(Component { position, rule: id.clone(), component }));
            }
        }
        Ok(())
    }

    fn generation_record(&mut self) -> GenerationRecord {
        let generation = self.generation;
        let mut rules: Vec<GenerationRule> = rules_with_kinds(generation)
            .map(|(rule, kind)| GenerationRule { identity: rule.identity.clone(), kind })
            .collect();
        rules.sort_by(|a, b| a.identity.id.cmp(&b.identity.id));
        let files = generation.context.files().files();
        let context = files.map(|file| {
            let content = if file.kept { self.blob(file.bytes.to_vec()) } else { self.key.digest(file.bytes) };
            ContextFile { table: file.table.to_owned(), content, kept: file.kept }
        });
        let context = context.collect();
        GenerationRecord {
            number: generation.number,
            position: 0,
            rules,
            policy: self.blob(generation.policy_text.clone().into_bytes()),
            identities: generation.directory_text.clone().map(|text| self.blob(text.into_bytes())),
            capabilities: self.blob(generation.capabilities_text.clone().into_bytes()),
            context,
            engine: ENGINE_VERSION.to_owned(),
            interface: INTERFACE.to_owned(),
        }
    }

    /// Counts a record of an input; `digest` is that of the raw record of an event.
    pub(crate) fn count_record(&mut self, input: u32, length: u64, digest: Option<Digest>) {
        let entry = self.inputs.entry(input).or_insert(empty_input(input));
        entry.records += 1;
        entry.bytes += length;
        if let Some(digest) = digest {
            let mut both = [0; 64];
            both[..32].copy_from_slice(&entry.content.0);
            both[32..].copy_from_slice(&digest.0);
            entry.content = Digest::of(&both);
        }
    }

    /// Counts a redelivered record of an input.
    pub(crate) fn count_duplicate(&mut self, raw: &RawAddress) {
        self.count_record(raw.input, raw.length, Some(raw.digest));
        if let Some(input) = self.inputs.get_mut(&raw.input) {
            input.duplicates += 1;
        }
        self.summary.duplicates += 1;
    }

    /// How many records of each input were read, by input.
    pub(crate) fn records_per_input(&self) -> Vec<u64> {
        let inputs = self.inputs.keys().next_back().map_or(0, |last| last + 1);
        (0..inputs).map(|input| self.inputs.get(&input).map_or(0, |input| input.records)).collect()
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
    pub(crate) fn record_chunk(&mut self, placed: Vec<Placed>, observer: &mut dyn Observer) -> Result<(), RunError> {
        let generation = self.generation;
        // A rule that contradicts itself is suspect for the whole chunk: where it began depends on batches.
        for placed in placed.iter().filter(|placed| matches!(placed.item, Item::Disagreement(_))) {
            self.suspect.extend(generation.detections.get(placed.rule).map(|rule| rule.identity.id.clone()));
        }
        for Placed { position, rule, item, .. } in placed {
            if let Item::DeadLetter(letter) = item {
                self.record_dead_letter(&letter, observer)?;
                continue;
            }
            let Some(rule) = generation.detections.get(rule) else { continue };
            self.record_item(position, rule, item, observer)?;
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
    Input { input, records: 0, duplicates: 0, bytes: 0, content: Digest([0; 32]) }
}

fn rules_with_kinds(generation: &Generation) -> impl Iterator<Item = (&Rule, RuleKind)> {
    let detections = generation.detections.iter().map(|rule| (rule, RuleKind::Detection));
    detections.chain(generation.responses.iter().map(|rule| (rule, RuleKind::Response)))
}
