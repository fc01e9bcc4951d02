//! The outcome of a case's records, and its comparison with what is expected and with other runs.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use countersign_audit::record::FindingRecord;
use countersign_audit::{Record, read};
use countersign_formats::{DeadLetter, Record as SourceRecord};
use countersign_model::{Account, Occasion, RuleId, Timestamp};
use countersign_store::MemoryStore;

use super::CaseError;
use super::expectation::ExpectedFinding;
use countersign_generation::Generation;
use countersign_session::report::{DecisionLine, Notice, Observer, describe_row};
use countersign_session::{Replay, SessionOptions, run};

/// The outcome of a case's records.
pub(super) struct CaseOutcome {
    pub(super) events: u64,
    /// The findings of the rule itself, without those of the rules that feed it.
    pub(super) findings: Vec<FindingRecord>,
    /// Everything that no case may have.
    pub(super) problems: Vec<String>,
}

impl CaseOutcome {
    pub(super) fn run(
        generation: &Arc<Generation>,
        rule: &RuleId,
        records: &[SourceRecord],
        batch: usize,
        until: Option<Timestamp>,
    ) -> Result<CaseOutcome, CaseError> {
        let mut store = MemoryStore::new();
        let mut observer = ProblemObserver::default();
        // Orders and batches are compared as they are: a sample would even them out.
        let options = SessionOptions { batch, workers: 1, sample: false, ..SessionOptions::default() };
        let inputs = Replay { inputs: 1, until };
        let report = run(records.iter().cloned(), generation, &mut store, &options, inputs, &mut observer)?;
        let findings = read(store.audit()).filter_map(|entry| match entry.ok()?.record {
            Record::Finding(finding) if finding.rule == *rule => Some(finding),
            _ => None,
        });
        Ok(CaseOutcome { events: report.summary.events, findings: findings.collect(), problems: observer.problems })
    }

    /// Reports the differences of another run of the same events, findings taken as a set.
    pub(super) fn report_differences(&self, other: &CaseOutcome, how: &str, differences: &mut Vec<String>) {
        let (mut missing, mut more) = (self.lines(), other.lines());
        missing.retain(|line| match more.iter().position(|other| other == line) {
            Some(place) => {
                more.remove(place);
                false
            }
            None => true,
        });
        differences.extend(missing.into_iter().map(|line| format!("{how}: missing: {line}")));
        differences.extend(more.into_iter().map(|line| format!("{how}: only there: {line}")));
    }

    /// The findings and problems, without what depends on batches or on the order of unrelated keys.
    fn lines(&self) -> Vec<String> {
        let line = |finding: &FindingRecord| {
            let by = match &finding.occasion {
                Occasion::Event => String::new(),
                Occasion::Timer { id, at } => format!(", by the timer `{id}` at {at}"),
                Occasion::Finding { rule, .. } => format!(", by a finding of `{rule}`"),
            };
            let evidence: BTreeSet<&str> = finding.evidence.iter().map(|one| one.event_id.as_str()).collect();
            let evidence = evidence.into_iter().collect::<Vec<_>>().join("`, `");
            let techniques = finding.techniques.join(", ");
            format!(
                "{}{by}, {}, shown by `{evidence}` ({techniques})",
                describe_finding(finding),
                finding.severity.id()
            )
        };
        self.findings.iter().map(line).chain(self.problems.iter().cloned()).collect()
    }
}

/// Compares expected and actual findings, each matched once.
pub(super) fn compare_findings(expected: &[ExpectedFinding], found: &[FindingRecord], differences: &mut Vec<String>) {
    let mut left: Vec<_> = found.iter().collect();
    for expected in expected {
        let [least, greatest] = expected.confidence;
        let same = |finding: &&FindingRecord| {
            finding.event_id == expected.event
                && finding.signal_class == expected.class
                && finding.role == expected.role
                && finding.account == expected.account
                && (least..=greatest).contains(&finding.confidence)
        };
        match left.iter().position(same) {
            Some(place) => {
                left.remove(place);
            }
            None => {
                let near = found
                    .iter()
                    .find(|finding| finding.event_id == expected.event)
                    .map_or_else(|| "nothing on that event".to_owned(), describe_finding);
                differences.push(format!(
                    "expected a finding on `{}`: {} about the {} {}, confidence {least} to {greatest}; got {near}",
                    expected.event,
                    expected.class,
                    expected.role,
                    account(expected.account.as_ref()),
                ));
            }
        }
    }
    differences.extend(
        left.into_iter().map(|finding| format!("expected no other finding, got {}", describe_finding(finding))),
    );
}

fn describe_finding(finding: &FindingRecord) -> String {
    format!(
        "{} about the {} {}, confidence {}, on `{}`",
        finding.signal_class,
        finding.role,
        account(finding.account.as_ref()),
        finding.confidence,
        finding.event_id,
    )
}

fn account(account: Option<&Account>) -> String {
    account.map_or_else(|| "(unresolved)".to_owned(), |account| format!("`{account}`"))
}

/// Collects what no case may have.
#[derive(Default)]
struct ProblemObserver {
    problems: Vec<String>,
}

impl Observer for ProblemObserver {
    fn decision(&mut self, _: u64, _: &DecisionLine) -> io::Result<()> {
        Ok(())
    }

    fn dead_letter(&mut self, _: u64, letter: &DeadLetter) -> io::Result<()> {
        self.problems.push(format!("record {} can't become an event: {}", letter.ordinal, letter.reason));
        Ok(())
    }

    fn notice(&mut self, _: u64, notice: &Notice) -> io::Result<()> {
        match notice {
            Notice::RowSetAside { rule, occasion, event_id, failure, message } => {
                let row = describe_row(occasion, event_id);
                self.problems.push(format!("`{rule}` failed on {row}: {}: {message}", failure.id()));
            }
            Notice::Host { message, .. } | Notice::Source { message, .. } | Notice::Log { message } => {
                self.problems.push(message.clone())
            }
            Notice::Diagnostic { .. } => {}
        }
        Ok(())
    }
}
