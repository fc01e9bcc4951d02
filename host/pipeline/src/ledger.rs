//! Records what happens in a run: each item of the stream becomes audit records, blobs and calls of the observer.

use std::collections::{BTreeMap, BTreeSet};

use countersign_audit::record::{
    Component, ContextFile, DeadLetter as DeadRecord, DiagnosticRecord, FindingRecord, Generation as GenerationRecord,
    GenerationRule, Header, HostFinding, HostFindingKind, Input, NotDeterministic, Quarantine as QuarantineRecord,
    RuleStopped, SetAside,
};
use countersign_audit::{Blob, Record};
use countersign_engine::{ENGINE_VERSION, INTERFACE};
use countersign_formats::DeadLetter;
use countersign_model::call::{CallFailure, DetectionCall, FailureKind};
use countersign_model::response::ResponseDiagnostic;
use countersign_model::vocabulary::{RuleKind, Severity, SignalClass};
use countersign_model::{DecisionKind, Digest, DigestKey, Finding, Occasion, RawAddress, RuleId};
use countersign_stream::{BundledFinding, QuarantineThreshold, Sequenced};

use crate::bundle::{FindingBundle, to_bytes};
use crate::chunk::{Item, Placed};
use crate::deliberate::{decision_records, deliberate, gather};
use crate::generation::{Generation, Rule};
use crate::report::{DecisionLine, Notice, Observer, Summary};
use crate::respond;
use crate::run::RunError;
use crate::subject::resolve_subject;

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

    fn record_item(
        &mut self,
        position: u64,
        rule: &'g Rule,
        item: Item,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let id = &rule.identity.id;
        self.record_component(position, rule)?;
        match item {
            // Concerns no rule.
            Item::DeadLetter(_) => {}
            Item::SetAside(failed) => {
                self.record_set_aside(position, id, row_name(&failed.row), failed.failure, observer)?;
            }
            Item::Stopped(stopped) => {
                self.record_stopped(position, id, row_name(&stopped.row), stopped.failure, observer)?;
            }
            Item::Quarantined { accounts: (failing, seen) } => {
                let QuarantineThreshold { min_accounts, percent } = self.threshold;
                self.page.records.push(Record::Quarantine(QuarantineRecord {
                    position,
                    rule: id.clone(),
                    failing_accounts: failing,
                    accounts: seen,
                    share: u8::try_from(percent).unwrap_or(100),
                    least: u64::from(min_accounts),
                }));
                let message = format!(
                    "`{id}` is in quarantine: it failed on rows of {failing} of {seen} authenticated accounts; \
                     its later findings are dropped"
                );
                self.record_host_finding(position, HostFindingKind::RuleQuarantined, id, message, observer)?;
            }
            Item::Disagreement(disagreement) => {
                self.page.records.push(Record::NotDeterministic(NotDeterministic {
                    position: disagreement.row.position,
                    rule: id.clone(),
                    occasion: disagreement.row.occasion.recorded(),
                    message: format!("batch and single calls disagree on {}", disagreement.what),
                }));
                let message = format!(
                    "`{id}` isn't deterministic: asked again about the same rows, its {} differ; what depends on it \
                     needs approval",
                    disagreement.what
                );
                self.record_host_finding(position, HostFindingKind::RuleNotDeterministic, id, message, observer)?;
            }
            Item::Diagnostic(diagnostic) => {
                self.page.records.push(Record::Diagnostic(DiagnosticRecord {
                    position,
                    rule: id.clone(),
                    occasion: diagnostic.row.occasion.recorded(),
                    index: diagnostic.index,
                    level: diagnostic.level,
                    message: diagnostic.message.clone(),
                }));
                observer.notice(&Notice::Diagnostic {
                    rule: id.clone(),
                    occasion: diagnostic.row.occasion.recorded(),
                    event_id: diagnostic.row.event.id.to_string(),
                    level: diagnostic.level,
                    message: diagnostic.message,
                })?;
            }
            Item::Finding(finding) => self.record_finding(rule, *finding, observer)?,
        }
        Ok(())
    }

    fn record_dead_letter(&mut self, letter: &DeadLetter, observer: &mut dyn Observer) -> Result<(), RunError> {
        self.summary.set_aside += 1;
        self.page.records.push(Record::DeadLetter(DeadRecord {
            input: letter.input,
            ordinal: letter.ordinal,
            offset: letter.offset,
            length: letter.length,
            code: letter.reason_code.code().to_owned(),
            reason: letter.reason.clone(),
        }));
        Ok(observer.dead_letter(letter)?)
    }

    fn record_set_aside(
        &mut self,
        position: u64,
        rule: &RuleId,
        (occasion, event_id): (Occasion, String),
        failure: CallFailure,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        *self.summary.rows_set_aside.entry(rule.clone()).or_default() += 1;
        self.page.records.push(Record::SetAside(SetAside {
            position,
            rule: rule.clone(),
            occasion: occasion.clone(),
            event_id: event_id.clone(),
            failure: failure.kind,
            message: failure.message.clone(),
        }));
        Ok(observer.notice(&Notice::RowSetAside {
            rule: rule.clone(),
            occasion,
            event_id,
            failure: failure.kind,
            message: failure.message,
        })?)
    }

    fn record_stopped(
        &mut self,
        position: u64,
        rule: &RuleId,
        (occasion, event_id): (Occasion, String),
        failure: CallFailure,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        // A stalled machine must not silence a rule.
        if !self.generation.engine.is_alive() {
            return Err(RunError::Stalled(rule.clone()));
        }
        self.page.records.push(Record::RuleStopped(RuleStopped {
            position,
            rule: rule.clone(),
            occasion,
            event_id,
            message: failure.message,
        }));
        let message =
            format!("`{rule}` was stopped: it ran past the wall-clock deadline twice; it judges nothing more");
        self.record_host_finding(position, HostFindingKind::RuleStopped, rule, message, observer)
    }

    fn record_host_finding(
        &mut self,
        position: u64,
        kind: HostFindingKind,
        rule: &RuleId,
        message: String,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        self.suspect.insert(rule.clone());
        if kind != HostFindingKind::RuleNotDeterministic && !self.summary.silenced.contains(rule) {
            self.summary.silenced.push(rule.clone());
        }
        self.page.records.push(Record::HostFinding(HostFinding {
            position,
            kind,
            signal_class: SignalClass::Evasion,
            severity: Severity::High,
            rule: Some(rule.clone()),
            message: message.clone(),
        }));
        Ok(observer.notice(&Notice::Host { rule: rule.clone(), message })?)
    }

    /// Records a finding, and the decisions on it.
    fn record_finding(
        &mut self,
        rule: &'g Rule,
        finding: BundledFinding,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let generation = self.generation;
        let BundledFinding { finding, row, place, bundle } = finding;
        let bundle = FindingBundle {
            rule: rule.identity.clone(),
            engine: ENGINE_VERSION.to_owned(),
            call: DetectionCall { data: Vec::new(), ..bundle.call.clone() },
            answer: bundle.answer.clone(),
            place,
            subject: resolve_subject(finding.role, finding.evidence_role, &row.event, &generation.directory),
            rule_suspect: rule.authority.lineage.iter().chain([&rule.identity.id]).any(|id| self.suspect.contains(id)),
            clock: row.clock,
            finding,
        };
        let name = self.blob(to_bytes(&bundle)?);
        let account = bundle.subject.account.clone();
        self.page.records.push(Record::Finding(FindingRecord::new(
            generation.number,
            &bundle.finding,
            account,
            name,
            &self.key,
        )));
        self.summary.findings += 1;
        *self.summary.findings_by_rule.entry(rule.identity.id.clone()).or_default() += 1;

        let inputs = gather(generation, bundle.clock, bundle.incident());
        let stopped = &self.stopped_responses;
        let deliberation = deliberate(inputs, |id, inputs| {
            let rule = generation.responses.iter().find(|rule| rule.identity.id == *id)?;
            (!stopped.contains(id)).then(|| respond::call_response_rule(rule, inputs))
        });
        let position = bundle.finding.position;
        let row = (bundle.finding.occasion.clone(), bundle.finding.event_id.clone());
        let mut names = Vec::with_capacity(deliberation.responses.len());
        for response in &deliberation.responses {
            names.push(self.blob(to_bytes(&response.bundle)?));
            let id = response.bundle.rule.id.clone();
            if let Ok(answer) = &response.bundle.answer {
                self.record_diagnostics(position, &id, &row, &answer.diagnostics, observer)?;
            }
            match &response.failure {
                Some(failure) if failure.kind == FailureKind::Deadline => {
                    self.stopped_responses.insert(id.clone());
                    self.record_stopped(position, &id, row.clone(), failure.clone(), observer)?;
                }
                Some(failure) => self.record_set_aside(position, &id, row.clone(), failure.clone(), observer)?,
                None => {}
            }
        }
        let inputs = self.blob(to_bytes(&deliberation.inputs)?);
        for record in decision_records(generation, &deliberation, &names, inputs) {
            *self.summary.decisions.entry(record.decision.kind.id()).or_default() += 1;
            let line = DecisionLine::new(generation, &deliberation.inputs.incident, &record.decision);
            self.page.records.push(Record::Decision(Box::new(record)));
            if let Some(line) = line {
                observer.decision(&line)?;
            }
        }
        self.page.findings.push(bundle.finding);
        Ok(())
    }

    fn record_diagnostics(
        &mut self,
        position: u64,
        rule: &RuleId,
        (occasion, event_id): &(Occasion, String),
        diagnostics: &[ResponseDiagnostic],
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        for (diagnostic, index) in diagnostics.iter().zip(0..) {
            self.page.records.push(Record::Diagnostic(DiagnosticRecord {
                position,
                rule: rule.clone(),
                occasion: occasion.clone(),
                index,
                level: diagnostic.level,
                message: diagnostic.message.clone(),
            }));
            observer.notice(&Notice::Diagnostic {
                rule: rule.clone(),
                occasion: occasion.clone(),
                event_id: event_id.clone(),
                level: diagnostic.level,
                message: diagnostic.message.clone(),
            })?;
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
