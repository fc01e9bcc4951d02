//! Goes through the records in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use countersign_audit::record::{
    Component, DecisionRecord, FindingReference, Generation as GenerationRecord, Header, SourceStood,
};
use countersign_audit::{Head, Record, VerifyError, read};
use countersign_casework::bundle::FindingBundle;
use countersign_engine::Engine;
use countersign_generation::Generation;
use countersign_model::format::FormatError;
use countersign_model::{Digest, DigestKey, SourceId, Unwell};
use countersign_policy::OperatorLimits;

use crate::compare::difference_excerpts;
use crate::copy::Copy;
use crate::difference::{Cause, Difference};
use crate::log::Log;
use crate::stops::Stops;
use crate::{RecomputeError, Recomputed, explain};

pub(crate) struct Recomputer<'r> {
    pub(crate) log: &'r dyn Log,
    pub(crate) key: &'r DigestKey,
    pub(crate) engine: &'r Engine,
    /// The most that any rule may use.
    pub(crate) limits: &'r OperatorLimits,
    /// The component records with their lines, by the line of their generation.
    pub(crate) components: BTreeMap<u64, Vec<(u64, Component)>>,
    pub(crate) serving: Option<Rc<Serving>>,
    pub(crate) incident: Option<OpenIncident>,
    pub(crate) result: Recomputed,
    /// Rules that are stopped: the outcome of their last call is an input.
    pub(crate) stops: Stops,
    /// The sources that aren't well.
    pub(crate) unwell: BTreeMap<SourceId, Vec<Unwell>>,
    /// The position of the last finding, and the findings there: those that may have fed rules.
    pub(crate) position: u64,
    pub(crate) findings_at_position: BTreeSet<FindingReference>,
}

/// The generation that serves, as it is on record and loaded again.
pub(crate) struct Serving {
    pub(crate) record: GenerationRecord,
    pub(crate) generation: Arc<Generation>,
    /// The cause of an answer that differs.
    pub(crate) answers: Cause,
    /// The cause of what the gate made that differs.
    pub(crate) decisions: Cause,
}

/// An incident whose decisions are being read. Incidents are single findings, decided right after them.
pub(crate) struct OpenIncident {
    pub(crate) line: u64,
    pub(crate) reference: FindingReference,
    /// None if its bundle can't be read.
    pub(crate) bundle: Option<FindingBundle>,
    pub(crate) decisions: Vec<(u64, DecisionRecord)>,
}

/// Makes every finding and decision of verified lines again. The head and the limits are theirs and the caller's.
pub(crate) fn recompute(
    log: &dyn Log,
    lines: &Copy,
    key: &DigestKey,
    engine: &Engine,
    (head, limits): (Head, &OperatorLimits),
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Recomputed, RecomputeError> {
    // A generation is loaded when it takes effect; the components of its rules are recorded later.
    let mut components: BTreeMap<u64, Vec<(u64, Component)>> = BTreeMap::new();
    let mut generation = 0;
    for_each_record(lines, |line, record| {
        match record {
            Record::Generation(_) => generation = line,
            Record::Component(component) => components.entry(generation).or_default().push((line, component)),
            _ => {}
        }
        Ok(())
    })?;
    let result = Recomputed { head, findings: 0, decisions: 0, versions: Vec::new(), differences: Vec::new() };
    let mut recomputer = Recomputer {
        log,
        key,
        engine,
        limits,
        components,
        serving: None,
        incident: None,
        result,
        stops: Stops::default(),
        unwell: BTreeMap::new(),
        position: 0,
        findings_at_position: BTreeSet::new(),
    };
    let mut done = 0;
    for_each_record(lines, |line, record| {
        recomputer.process_record(line, record)?;
        done += 1;
        progress(done, head.records);
        Ok(())
    })?;
    recomputer.finish_incident();
    Ok(recomputer.result)
}

/// Calls `process` with each record and its line.
fn for_each_record(
    lines: &Copy,
    mut process: impl FnMut(u64, Record) -> Result<(), RecomputeError>,
) -> Result<(), RecomputeError> {
    for entry in read(lines.lines().map_err(VerifyError::Unreadable)?) {
        let entry = entry?;
        process(entry.line, entry.record)?;
    }
    Ok(())
}

impl Recomputer<'_> {
    fn process_record(&mut self, line: u64, record: Record) -> Result<(), RecomputeError> {
        match record {
            Record::Header(header) => self.check_key(&header)?,
            Record::Generation(generation) => {
                self.finish_incident();
                self.load_generation(line, generation)?;
            }
            Record::Finding(finding) => {
                self.finish_incident();
                self.recompute_finding(line, &finding);
            }
            Record::Decision(decision) => match &mut self.incident {
                Some(incident) if decision.incident == [incident.reference.clone()] => {
                    incident.decisions.push((line, *decision));
                }
                _ => self.tampered(line, "incident", "the one finding before it", "another"),
            },
            Record::RuleStopped(stopped) => {
                let serving = self.serving.as_ref().and_then(|serving| serving.generation.rule(&stopped.rule));
                if let Some(code) = serving.map(|rule| rule.identity.code) {
                    self.stops.stop(stopped, code);
                }
            }
            Record::Readmitted(readmitted) => {
                // What was decided before it was decided without the rule.
                self.finish_incident();
                self.stops.readmit(readmitted);
            }
            Record::Source(SourceStood { source, unwell, .. }) => {
                // What was decided before it was decided with the sources as they stood then.
                self.finish_incident();
                self.unwell.insert(source, unwell);
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

    /// Reports a difference that no version explains.
    pub(crate) fn tampered(&mut self, line: u64, what: impl Into<String>, expected: impl ToString, got: impl ToString) {
        self.differs(Cause::Tampering, line, what, expected, got);
    }

    /// Reports a difference with what may be its cause.
    pub(crate) fn differs(
        &mut self,
        cause: Cause,
        line: u64,
        what: impl Into<String>,
        expected: impl ToString,
        got: impl ToString,
    ) {
        let explanation = self.serving.as_ref().and_then(|serving| explain::versions(&serving.record, cause));
        self.result.differences.push(Difference {
            line,
            what: what.into(),
            expected: expected.to_string(),
            got: got.to_string(),
            cause,
            explanation,
        });
    }

    /// Compares what has to be equal under every version.
    pub(crate) fn compare<T: PartialEq + std::fmt::Debug>(&mut self, line: u64, what: &str, expected: &T, got: &T) {
        self.compare_by(Cause::Tampering, line, what, expected, got);
    }

    /// Compares what may differ for a cause. Returns whether it is equal.
    pub(crate) fn compare_by<T: PartialEq + std::fmt::Debug>(
        &mut self,
        cause: Cause,
        line: u64,
        what: &str,
        expected: &T,
        got: &T,
    ) -> bool {
        if expected == got {
            return true;
        }
        let (expected, got) = difference_excerpts(&format!("{expected:?}"), &format!("{got:?}"));
        self.differs(cause, line, what, expected, got);
        false
    }

    /// Reads a blob that a record names; none, and reported, if it isn't there as it was written.
    pub(crate) fn read_form<T>(
        &mut self,
        line: u64,
        what: &str,
        name: &Digest,
        read: impl FnOnce(&[u8]) -> Result<T, FormatError>,
    ) -> Option<T> {
        let blob = self.log.blob(name, self.key).map_err(|error| error.to_string());
        match blob.and_then(|bytes| read(&bytes).map_err(|error| error.to_string())) {
            Ok(form) => Some(form),
            Err(error) => {
                self.tampered(line, what, format!("a {what} named {name}"), error);
                None
            }
        }
    }
}
