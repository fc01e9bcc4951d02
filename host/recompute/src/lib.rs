//! Recomputation: every finding and decision of an audit file is made again from bundles and rule bytes, and compared
//! byte by byte. All differences are reported.

mod compare;
mod incident;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_audit::record::{
    Component, DecisionRecord, FindingRecord, FindingReference, Generation as GenerationRecord, Header, RuleStopped,
};
use countersign_audit::{Head, Record, Verified, VerifyError, read, verify};
use countersign_context::ContextFiles;
use countersign_document::{FileDiagnostics, SourceFile};
use countersign_engine::{ENGINE_VERSION, Engine, INTERFACE};
use countersign_model::call::{DetectionCall, Detector as _};
use countersign_model::{Digest, DigestKey, Occasion, RuleId};
use countersign_policy::{Capabilities, Directory, Policy};
use countersign_store::{BundleReader, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::compare::{difference_excerpts, finding_matches_answer};
use countersign_casework::bundle::{FindingBundle, to_bytes};
use countersign_generation::{Generation, RuleFile, Settings};

/// The result of a recomputation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recomputed {
    /// The head of the file.
    #[serde(serialize_with = "head_digest")]
    pub head: Head,
    /// Findings made again.
    pub findings: u64,
    /// Decisions made again.
    pub decisions: u64,
    /// All differences; none if the file is what its bundles and rules lead to.
    pub differences: Vec<Difference>,
}

fn head_digest<S: serde::Serializer>(head: &Head, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&head.digest)
}

/// A difference between the file and its recomputation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The record's line, from 1.
    pub line: u64,
    /// What differs.
    pub what: String,
    /// What the file has.
    pub expected: String,
    /// What was recomputed.
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
        /// Whether the file was written under a private key of the operator.
        private: bool,
        /// Whether a key was given.
        given: bool,
    },
    /// A generation can't be loaded again.
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
        (true, false) => "the file was written under a private key: give it with `--audit-key`",
        (true, true) => "the file was written under another key than the one given with `--audit-key`",
        (false, _) => "the file was written under the documented key: leave out `--audit-key`",
    }
}

/// Makes every finding and decision of an audit file again. `progress` gets the number of records done and of all records.
///
/// # Errors
/// When the file doesn't verify, the key is another, or a generation can't be loaded. Differences aren't errors: they are
/// reported in [`Recomputed::differences`].
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
    // The whole file is verified before any part of it is used.
    let Verified::Sealed(head) = verify(open()?, None)? else {
        return Err(VerifyError::Faults(Vec::new()).into());
    };
    // A generation is loaded when it takes effect; the components of its rules are recorded later in the file.
    let mut components: BTreeMap<u64, Vec<(u64, Component)>> = BTreeMap::new();
    let mut generation = 0;
    for_each_record(open()?, |line, record| {
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
        number: 0,
        incident: None,
        result: Recomputed { head, findings: 0, decisions: 0, differences: Vec::new() },
        stopped: BTreeSet::new(),
        findings_at_position: BTreeSet::new(),
    };
    let mut done = 0;
    for_each_record(open()?, |line, record| {
        recomputer.process_record(line, record)?;
        done += 1;
        progress(done, head.records);
        Ok(())
    })?;
    recomputer.finish_incident();
    Ok(recomputer.result)
}

/// Calls `process` with each record of a verified file and its line.
fn for_each_record(
    file: BufReader<File>,
    mut process: impl FnMut(u64, Record) -> Result<(), RecomputeError>,
) -> Result<(), RecomputeError> {
    for entry in read(file) {
        let entry = entry.map_err(|error| match error {
            countersign_audit::ReadError::Unreadable(error) => VerifyError::Unreadable(error),
            countersign_audit::ReadError::Fault(fault) => VerifyError::Faults(vec![fault]),
        })?;
        process(entry.line, entry.record)?;
    }
    Ok(())
}

struct Recomputer<'r> {
    bundles: BundleReader,
    key: &'r DigestKey,
    engine: &'r Engine,
    /// The component records with their lines, by the line of their generation.
    components: BTreeMap<u64, Vec<(u64, Component)>>,
    generation: Option<Arc<Generation>>,
    /// Its number.
    number: u64,
    incident: Option<OpenIncident>,
    result: Recomputed,
    /// Rules that were stopped: the outcome of their last call is an input.
    stopped: BTreeSet<RuleId>,
    /// The findings of the last position: those that may have fed rules there.
    findings_at_position: BTreeSet<FindingReference>,
}

/// An incident whose decisions are being read. Incidents are single findings, decided right after them.
struct OpenIncident {
    line: u64,
    reference: FindingReference,
    /// None if its bundle can't be read.
    bundle: Option<FindingBundle>,
    decisions: Vec<(u64, DecisionRecord)>,
}

impl Recomputer<'_> {
    fn process_record(&mut self, line: u64, record: Record) -> Result<(), RecomputeError> {
        match record {
            Record::Header(header) => self.check_key(&header)?,
            Record::Generation(generation) => self.load_generation(line, &generation)?,
            Record::Finding(finding) => {
                self.finish_incident();
                self.recompute_finding(line, &finding);
            }
            Record::Decision(decision) => match &mut self.incident {
                Some(incident) if decision.incident == [incident.reference.clone()] => {
                    incident.decisions.push((line, *decision));
                }
                _ => self.report(line, "incident", "the one finding before it", "another"),
            },
            Record::RuleStopped(RuleStopped { rule, .. }) => {
                self.stopped.insert(rule);
            }
            _ => {}
        }
        Ok(())
    }

    fn check_key(&self, header: &Header) -> Result<(), RecomputeError> {
        if header.digest_key == self.key.fingerprint() {
            return Ok(());
        }
        Err(RecomputeError::WrongKey { private: header.private, given: !self.key.is_public() })
    }

    fn report(&mut self, line: u64, what: impl Into<String>, expected: impl ToString, got: impl ToString) {
        self.result.differences.push(Difference {
            line,
            what: what.into(),
            expected: expected.to_string(),
            got: got.to_string(),
        });
    }

    fn compare<T: PartialEq + std::fmt::Debug>(&mut self, line: u64, what: &str, expected: &T, got: &T) {
        if expected != got {
            let (expected, got) = difference_excerpts(&format!("{expected:?}"), &format!("{got:?}"));
            self.report(line, what, expected, got);
        }
    }

    fn blob(&self, name: &Digest) -> Result<Vec<u8>, StoreError> {
        self.bundles.get(name, self.key)
    }

    /// Reads a blob that a record names; none, and reported, if it can't be read.
    fn read_bundle<T: DeserializeOwned + Serialize>(&mut self, line: u64, what: &str, name: &Digest) -> Option<T> {
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
                self.report(line, what, format!("a {what} named {name}"), error);
                None
            }
        }
    }

    fn load_generation(&mut self, line: u64, record: &GenerationRecord) -> Result<(), RecomputeError> {
        self.finish_incident();
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
        // A file that isn't kept isn't needed: the values of a finding's context are in its bundle.
        let mut context = ContextFiles::default();
        for file in record.context.iter().filter(|file| file.kept) {
            context.add(&file.table, &file.table, text(&file.content)?.into_bytes()).map_err(faults)?;
        }
        let settings = Settings { policy, directory, capabilities, context };
        let (generation, load_faults) = Generation::load(self.engine, files, settings);
        if !load_faults.is_empty() {
            return Err(fail(load_faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")));
        }
        self.compare(line, "engine", &record.engine, &ENGINE_VERSION.to_owned());
        self.compare(line, "interface", &record.interface, &INTERFACE.to_owned());
        let on_record =
            |id: &RuleId| record.rules.iter().map(|rule| &rule.identity).find(|identity| identity.id == *id);
        for (line, Component { rule, .. }) in &components {
            let got = generation.rule(rule).map(|rule| &rule.identity);
            self.compare(*line, &format!("identity of `{rule}`"), &on_record(rule), &got);
        }
        self.generation = Some(generation);
        self.number = number;
        Ok(())
    }

    /// Makes a finding again, by calling the rule with the recorded input.
    fn recompute_finding(&mut self, line: u64, record: &FindingRecord) {
        self.result.findings += 1;
        let reference = FindingReference { position: record.position, rule: record.rule.clone(), index: record.index };
        self.findings_at_position.retain(|other| other.position == record.position);
        if let Occasion::Finding { rule, index } = &record.occasion {
            let fed = FindingReference { position: record.position, rule: rule.clone(), index: *index };
            if !self.findings_at_position.contains(&fed) {
                self.report(line, "what fed the rule", format!("{} before it", record.occasion), "no such finding");
            }
        }
        self.findings_at_position.insert(reference.clone());
        let incident = OpenIncident { line, reference, bundle: None, decisions: Vec::new() };
        let Some(bundle) = self.read_bundle::<FindingBundle>(line, "finding bundle", &record.bundle) else {
            self.incident = Some(incident);
            return;
        };
        let again = FindingRecord::new(
            record.generation,
            &bundle.finding,
            bundle.subject.account.clone(),
            record.bundle,
            self.key,
        );
        self.compare(line, "finding record", record, &again);
        let Some(rule) = self.generation.as_ref().and_then(|generation| generation.rule(&record.rule)) else {
            self.incident = Some(incident);
            return self.report(line, "rule", &record.rule, "no such rule in the generation");
        };
        let identity = rule.identity.clone();
        let parameters = rule.parameters.clone();
        let answer = rule.loaded.detect(&DetectionCall { data: rule.data.clone(), ..bundle.call.clone() });
        self.compare(line, "rule identity", &bundle.rule, &identity);
        self.compare(line, "parameters", &bundle.call.parameters, &parameters);
        match answer {
            Ok(answer) => self.compare(line, "answer", &to_bytes(&bundle.answer).ok(), &to_bytes(&answer).ok()),
            Err(failure) => {
                self.report(line, "answer", "an answer", format!("{}: {}", failure.kind.id(), failure.message));
            }
        }
        self.compare(line, "what the host made of the answer", &true, &finding_matches_answer(&bundle));
        self.incident = Some(OpenIncident { bundle: Some(bundle), ..incident });
    }
}
