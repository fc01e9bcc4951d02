//! The way back: every finding and decision of an audit file is made again from bundles and rule bytes, and compared
//! byte by byte. Each difference is told; nothing stops at the first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use countersign_audit::record::{
    Component, DecisionRecord, FindingRecord, FindingReference, Generation as GenerationRecord, Header, RuleStopped,
};
use countersign_audit::{Head, Record, VerifyError, read, verify};
use countersign_context::ContextFiles;
use countersign_document::{FileDiagnostics, SourceFile};
use countersign_engine::{ENGINE_VERSION, Engine, INTERFACE};
use countersign_gate::GateInputs;
use countersign_model::call::{DetectionCall, Detector as _, FailureKind, RowKind};
use countersign_model::{ContextState, Digest, DigestKey, Occasion, RuleId};
use countersign_policy::{Capabilities, Directory, Policy};
use countersign_store::{BundleReader, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bundle::{FindingBundle, ResponseBundle, to_bytes};
use crate::deliberate::{decision_records, deliberate, gather};
use crate::generation::{Generation, RuleFile, Settings};
use crate::respond::{Response, ask};

/// What recomputing came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recomputed {
    /// The head of the file.
    #[serde(serialize_with = "head_digest")]
    pub head: Head,
    /// Findings made again.
    pub findings: u64,
    /// Decisions made again.
    pub decisions: u64,
    /// What came out otherwise; nothing if the file is what its bundles and rules lead to.
    pub differences: Vec<Difference>,
}

fn head_digest<S: serde::Serializer>(head: &Head, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&head.digest)
}

/// Something that came out otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The record's line, from 1.
    pub line: u64,
    /// What it is about.
    pub what: String,
    /// What the file says.
    pub expected: String,
    /// What came out.
    pub got: String,
}

/// Why nothing could be recomputed.
#[derive(Debug, thiserror::Error)]
pub enum RecomputeError {
    /// The file can't be opened.
    #[error("expected a readable audit file at `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file isn't as it was written.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The file was written under another key.
    #[error("{}", wrong_key(*.private, *.given))]
    WrongKey {
        /// Whether the file was written under a key of the operator's.
        private: bool,
        /// Whether a key was given.
        given: bool,
    },
    /// What a generation is made of can't be had.
    #[error("line {line}: generation {number} can't be loaded: {reason}")]
    Generation {
        /// The record's line.
        line: u64,
        /// The generation's number.
        number: u64,
        /// Why.
        reason: String,
    },
}

fn wrong_key(private: bool, given: bool) -> &'static str {
    match (private, given) {
        (true, false) => "the file was written under a key of the operator's: give it by `--audit-key`",
        (true, true) => "the file was written under another key than the one given by `--audit-key`",
        (false, _) => "the file was written under the documented key: leave out `--audit-key`",
    }
}

/// Makes every finding and decision of an audit file again. `progress` is told how many records of how many are done.
///
/// # Errors
/// When the file doesn't verify, the key is another, or a generation can't be loaded. What merely came out otherwise is
/// told in [`Recomputed::differences`].
pub fn recompute(
    audit: &Path,
    key: &DigestKey,
    engine: &Engine,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Recomputed, RecomputeError> {
    let open = || {
        File::open(audit)
            .map(BufReader::new)
            .map_err(|source| RecomputeError::Unreadable { path: audit.to_owned(), source })
    };
    // The whole file before any part of it.
    let head = verify(open()?, None)?;
    // A generation is loaded when it takes effect; which of its rules did something is told later.
    let mut components: BTreeMap<u64, Vec<(u64, Component)>> = BTreeMap::new();
    let mut generation = 0;
    each(open()?, |line, record| {
        match record {
            Record::Generation(_) => generation = line,
            Record::Component(component) => components.entry(generation).or_default().push((line, component)),
            _ => {}
        }
        Ok(())
    })?;
    let mut recomputer = Recomputer {
        bundles: BundleReader::open(audit),
        key,
        engine,
        components,
        generation: None,
        incident: None,
        result: Recomputed { head, findings: 0, decisions: 0, differences: Vec::new() },
        stopped: BTreeSet::new(),
        found: BTreeSet::new(),
    };
    let mut done = 0;
    each(open()?, |line, record| {
        recomputer.record(line, record)?;
        done += 1;
        progress(done, head.records);
        Ok(())
    })?;
    recomputer.end_of_incident();
    Ok(recomputer.result)
}

/// Does something with each record of a file that verified, and its line.
fn each(
    file: BufReader<File>,
    mut with: impl FnMut(u64, Record) -> Result<(), RecomputeError>,
) -> Result<(), RecomputeError> {
    for entry in read(file) {
        let entry = entry.map_err(|error| match error {
            countersign_audit::ReadError::Unreadable(error) => VerifyError::Unreadable(error),
            countersign_audit::ReadError::Fault(fault) => VerifyError::Faults(vec![fault]),
        })?;
        with(entry.line, entry.record)?;
    }
    Ok(())
}

struct Recomputer<'r> {
    bundles: BundleReader,
    key: &'r DigestKey,
    engine: &'r Engine,
    /// What rules' bytes are called, with the line that says so, by the line of their generation.
    components: BTreeMap<u64, Vec<(u64, Component)>>,
    generation: Option<Generation>,
    incident: Option<Read>,
    result: Recomputed,
    /// Rules that were stopped: what their last call came to is an input.
    stopped: BTreeSet<RuleId>,
    /// The findings of the last position: those that rules may have been fed there.
    found: BTreeSet<FindingReference>,
}

/// An incident as far as it was read. Incidents are single findings, decided right after them.
struct Read {
    line: u64,
    reference: FindingReference,
    /// None if its bundle can't be had.
    bundle: Option<FindingBundle>,
    decisions: Vec<(u64, DecisionRecord)>,
}

impl Recomputer<'_> {
    fn record(&mut self, line: u64, record: Record) -> Result<(), RecomputeError> {
        match record {
            Record::Header(header) => self.header(&header)?,
            Record::Generation(generation) => self.generation(line, &generation)?,
            Record::Finding(finding) => {
                self.end_of_incident();
                self.finding(line, &finding);
            }
            Record::Decision(decision) => match &mut self.incident {
                Some(incident) if decision.incident == [incident.reference.clone()] => {
                    incident.decisions.push((line, *decision));
                }
                _ => self.differ(line, "incident", "the one finding before it", "another"),
            },
            Record::RuleStopped(RuleStopped { rule, .. }) => {
                self.stopped.insert(rule);
            }
            _ => {}
        }
        Ok(())
    }

    fn header(&self, header: &Header) -> Result<(), RecomputeError> {
        if header.digest_key == self.key.fingerprint() {
            return Ok(());
        }
        Err(RecomputeError::WrongKey { private: header.private, given: !self.key.is_public() })
    }

    fn differ(&mut self, line: u64, what: impl Into<String>, expected: impl ToString, got: impl ToString) {
        self.result.differences.push(Difference {
            line,
            what: what.into(),
            expected: expected.to_string(),
            got: got.to_string(),
        });
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, line: u64, what: &str, expected: &T, got: &T) {
        if expected != got {
            let (expected, got) = apart(&format!("{expected:?}"), &format!("{got:?}"));
            self.differ(line, what, expected, got);
        }
    }

    fn blob(&self, name: &Digest) -> Result<Vec<u8>, StoreError> {
        self.bundles.get(name, self.key)
    }

    /// A blob of a record as what it stands for; none, and told, if it can't be had or isn't that.
    fn bundle<T: DeserializeOwned + Serialize>(&mut self, line: u64, what: &str, name: &Digest) -> Option<T> {
        let read = self.blob(name).map_err(|error| error.to_string()).and_then(|bytes| {
            let value: T = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
            match to_bytes(&value) {
                Ok(again) if again == bytes => Ok(value),
                _ => Err("its bytes are not those that this product writes".to_owned()),
            }
        });
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.differ(line, what, format!("a {what} named {name}"), error);
                None
            }
        }
    }

    fn generation(&mut self, line: u64, record: &GenerationRecord) -> Result<(), RecomputeError> {
        self.end_of_incident();
        let components = self.components.remove(&line).unwrap_or_default();
        let number = record.number;
        let fail = |reason: String| RecomputeError::Generation { line, number, reason };
        let text = |name: &Digest| {
            let bytes = self.blob(name).map_err(|error| fail(error.to_string()))?;
            String::from_utf8(bytes).map_err(|error| fail(error.to_string()))
        };
        let faults = |faults: FileDiagnostics| fail(faults.lines().collect::<Vec<_>>().join("; "));
        let policy = SourceFile::parse("policy", text(&record.policy)?, Policy::parse).map_err(faults)?;
        let directory = match &record.identities {
            Some(name) => Some(SourceFile::parse("identities", text(name)?, Directory::parse).map_err(faults)?),
            None => None,
        };
        let capabilities =
            SourceFile::parse("capabilities", text(&record.capabilities)?, Capabilities::parse).map_err(faults)?;
        let mut files = Vec::with_capacity(components.len());
        for (_, component) in &components {
            let bytes = self.blob(&component.component).map_err(|error| fail(error.to_string()))?;
            files.push(RuleFile { name: component.rule.to_string(), bytes });
        }
        // Of a file that isn't kept nothing is needed: what it said about a finding stands in the finding's bundle.
        let mut context = ContextFiles::default();
        for file in record.context.iter().filter(|file| file.kept) {
            context.add(&file.table, text(&file.content)?).map_err(faults)?;
        }
        let settings = Settings { policy, directory, capabilities, context };
        let (generation, load_faults) = Generation::load(self.engine, number, files, settings);
        if !load_faults.is_empty() {
            return Err(fail(load_faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")));
        }
        self.same(line, "engine", &record.engine, &ENGINE_VERSION.to_owned());
        self.same(line, "interface", &record.interface, &INTERFACE.to_owned());
        let on_record =
            |id: &RuleId| record.rules.iter().map(|rule| &rule.identity).find(|identity| identity.id == *id);
        for (line, Component { rule, .. }) in &components {
            let got = generation.rule(rule).map(|rule| &rule.identity);
            self.same(*line, &format!("identity of `{rule}`"), &on_record(rule), &got);
        }
        self.generation = Some(generation);
        Ok(())
    }

    /// Makes a finding again: the rule is called with what it was given then.
    fn finding(&mut self, line: u64, record: &FindingRecord) {
        self.result.findings += 1;
        let reference = FindingReference { position: record.position, rule: record.rule.clone(), index: record.index };
        self.found.retain(|found| found.position == record.position);
        if let Occasion::Finding { rule, index } = &record.occasion {
            let fed = FindingReference { position: record.position, rule: rule.clone(), index: *index };
            if !self.found.contains(&fed) {
                self.differ(line, "what fed the rule", format!("{} before it", record.occasion), "no such finding");
            }
        }
        self.found.insert(reference.clone());
        let read = Read { line, reference, bundle: None, decisions: Vec::new() };
        let Some(bundle) = self.bundle::<FindingBundle>(line, "finding bundle", &record.bundle) else {
            self.incident = Some(read);
            return;
        };
        let again = FindingRecord::new(
            record.generation,
            &bundle.finding,
            bundle.subject.account.clone(),
            record.bundle,
            self.key,
        );
        self.same(line, "finding record", record, &again);
        let Some(rule) = self.generation.as_ref().and_then(|generation| generation.rule(&record.rule)) else {
            self.incident = Some(read);
            return self.differ(line, "rule", &record.rule, "no such rule in the generation");
        };
        let identity = rule.identity.clone();
        let parameters = rule.parameters.clone();
        let answer = rule.loaded.detect(&DetectionCall { data: rule.data.clone(), ..bundle.call.clone() });
        self.same(line, "rule identity", &bundle.rule, &identity);
        self.same(line, "parameters", &bundle.call.parameters, &parameters);
        match answer {
            Ok(answer) => self.same(line, "answer", &to_bytes(&bundle.answer).ok(), &to_bytes(&answer).ok()),
            Err(failure) => {
                self.differ(line, "answer", "an answer", format!("{}: {}", failure.kind.id(), failure.message));
            }
        }
        self.same(line, "what the host made of the answer", &true, &made_of(&bundle));
        self.incident = Some(Read { bundle: Some(bundle), ..read });
    }

    /// Makes the decisions of an incident again, and compares them one by one.
    fn end_of_incident(&mut self) {
        let Some(Read { line, bundle, decisions, .. }) = self.incident.take() else { return };
        self.result.decisions += decisions.len() as u64;
        let Some(bundle) = bundle else { return };
        let again = self.decide(line, &bundle, &decisions);
        self.same(line, "how many decisions on a finding", &decisions.len(), &again.len());
        for ((line, record), again) in decisions.iter().zip(&again) {
            let text = |record: &DecisionRecord| String::from_utf8(to_bytes(record).unwrap_or_default());
            self.same(*line, "decision", &text(record), &text(again));
        }
    }

    fn decide(
        &mut self,
        line: u64,
        bundle: &FindingBundle,
        decisions: &[(u64, DecisionRecord)],
    ) -> Vec<DecisionRecord> {
        // What the file names, each once: it is looked at for a readable difference, and for calls that timed out.
        let mut answers: BTreeMap<RuleId, ResponseBundle> = BTreeMap::new();
        let references: BTreeMap<&RuleId, &Digest> = decisions
            .iter()
            .flat_map(|(_, record)| &record.responses)
            .map(|response| (&response.rule.id, &response.bundle))
            .collect();
        for (rule, name) in references {
            if let Some(bundle) = self.bundle(line, "response bundle", name) {
                answers.insert(rule.clone(), bundle);
            }
        }
        let named: BTreeSet<&Digest> = decisions.iter().map(|(_, record)| &record.inputs).collect();
        let stored: Vec<GateInputs> =
            named.into_iter().filter_map(|name| self.bundle(line, "gate inputs", name)).collect();

        let Some(generation) = &self.generation else { return Vec::new() };
        let mut other_answers = Vec::new();
        let deliberation = deliberate(gather(generation, bundle.clock, bundle.incident()), |id, inputs| {
            let rule = generation.responses.iter().find(|rule| rule.identity.id == *id)?;
            let stored = answers.remove(id);
            if stored.is_none() && self.stopped.contains(id) {
                return None;
            }
            if let Some(bundle) = &stored
                && bundle.answer.as_ref().is_err_and(|failure| failure.kind == FailureKind::Deadline)
            {
                return Some(Response::of(rule.declaration(), &inputs.incident, bundle.clone()));
            }
            let response = ask(rule, inputs);
            other_answers.extend(
                stored
                    .filter(|stored| *stored != response.bundle)
                    .map(|stored| (stored.answer, response.bundle.answer.clone())),
            );
            Some(response)
        });
        let name = |bytes: Result<Vec<u8>, serde_json::Error>| self.key.digest(&bytes.unwrap_or_default());
        let bundles: Vec<Digest> =
            deliberation.responses.iter().map(|response| name(to_bytes(&response.bundle))).collect();
        let records = decision_records(generation, &deliberation, &bundles, name(to_bytes(&deliberation.inputs)));
        for (expected, got) in other_answers {
            self.same(line, "answer of a response rule", &expected, &got);
        }
        for stored in stored {
            self.same(line, "gate inputs", &stored, &deliberation.inputs);
        }
        records
    }
}

/// Whether a finding is what the host makes of the answer beside it.
fn made_of(bundle: &FindingBundle) -> bool {
    let finding = &bundle.finding;
    let own = bundle.call.batch.rows.references.first();
    let Some(said) = bundle.answer.findings.get(bundle.place as usize) else { return false };
    let mut evidence: Vec<u64> = own.copied().into_iter().collect();
    for reference in &said.evidence {
        if !evidence.contains(reference) {
            evidence.push(*reference);
        }
    }
    occasion_of(bundle)
        && finding.rule == bundle.rule.id
        && finding.signal_class.id() == said.signal_class
        && finding.confidence == said.confidence
        && finding.severity == said.severity
        && finding.role == said.subject
        && said.evidence_role.is_none_or(|role| finding.evidence_role <= role)
        && finding.evidence.iter().map(|evidence| evidence.reference).eq(evidence)
        && finding.techniques == said.techniques
        && finding.message == said.message
        && finding.context == ContextState::of(&bundle.call.context)
}

/// Whether the row was given for what the finding says brought it about.
fn occasion_of(bundle: &FindingBundle) -> bool {
    let rows = &bundle.call.batch.rows;
    let kind = rows.kinds.as_ref().and_then(|kinds| kinds.first());
    match (&bundle.finding.occasion, kind) {
        (Occasion::Event, None | Some(RowKind::Event | RowKind::Late))
        | (Occasion::Finding { .. }, Some(RowKind::Finding)) => true,
        (Occasion::Timer { id, at }, Some(RowKind::Timer(given))) => {
            id == given && rows.event_times.first() == Some(&at.micros())
        }
        _ => false,
    }
}

/// Where two long texts part.
fn apart(expected: &str, got: &str) -> (String, String) {
    const BEFORE: usize = 40;
    let common = expected.bytes().zip(got.bytes()).take_while(|(a, b)| a == b).count();
    let from = |text: &str| {
        let at = text.floor_char_boundary(common.saturating_sub(BEFORE));
        let start = if at > 0 { "…" } else { "" };
        format!("{start}{}", shortened(text.get(at..).unwrap_or_default()))
    };
    (from(expected), from(got))
}

fn shortened(text: &str) -> String {
    const MOST: usize = 160;
    let end = text.floor_char_boundary(MOST);
    match text.get(..end) {
        Some(start) if end < text.len() => format!("{start}…"),
        _ => text.to_owned(),
    }
}
