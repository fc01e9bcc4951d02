//! A record with everything that its story needs: what comes before it, and its evidence as far as that can be read.

use countersign_audit::Record;
use countersign_audit::record::{DecisionRecord, FindingRecord, Generation, ResponseReference};
use countersign_casework::bundle::{FindingBundle, ResponseBundle};
use countersign_declaration::Declaration;
use countersign_gate::GateInputs;
use countersign_model::Intent;
use countersign_store::{AuditLog, Stored};

use crate::audit::evidence::{Evidence, Read};
use crate::audit::standing::Numbered;
use crate::audit::words;
use crate::text;

use super::Found;

/// The rows of a section: what is said, and of what.
pub(super) type Rows = Vec<(&'static str, String)>;

/// A record with its story.
pub(super) struct Story<'f> {
    pub(super) seq: u64,
    pub(super) record: &'f Record,
    pub(super) generation: Option<&'f Numbered<Generation>>,
    /// The finding that it is, or that it is about.
    pub(super) finding: Option<&'f Numbered<FindingRecord>>,
    /// The numbers of the decisions on the incident.
    pub(super) decisions: &'f [u64],
    /// The evidence of a finding or a decision.
    pub(super) evidence: Option<FindingEvidence>,
    /// What a decision is based on.
    pub(super) based_on: Option<DecisionEvidence<'f>>,
}

/// The evidence of a finding.
pub(super) struct FindingEvidence {
    pub(super) bundle: Read<FindingBundle>,
    /// What its rule declares.
    pub(super) declaration: Read<Declaration>,
}

/// What a decision is based on.
pub(super) struct DecisionEvidence<'f> {
    pub(super) inputs: Read<GateInputs>,
    pub(super) responses: Vec<(&'f ResponseReference, Read<ResponseBundle>)>,
    /// The intent that was stored with it.
    pub(super) intent: Read<Option<Intent>>,
}

impl<'f> Story<'f> {
    /// Reads the evidence of a record.
    pub(super) fn read(log: &AuditLog, evidence: &Evidence<'_>, found: &'f Found) -> Story<'f> {
        let Found { seq, record, standing, decisions } = found;
        let finding = match record {
            Record::Finding(_) => standing.findings.last(),
            Record::Decision(decision) => standing.anchor(decision),
            _ => None,
        };
        let of_finding = finding.map(|finding| FindingEvidence {
            bundle: evidence.finding(&finding.record),
            declaration: match standing.components.get(&finding.record.rule) {
                Some(component) => evidence.declaration(component),
                None => Err("the bytes of the rule's component aren't on record before it".to_owned()),
            },
        });
        let based_on = match record {
            Record::Decision(decision) => Some(DecisionEvidence::read(log, evidence, *seq, decision)),
            _ => None,
        };
        let generation = standing.generation.as_ref();
        Story { seq: *seq, record, generation, finding, decisions, evidence: of_finding, based_on }
    }

    /// The story in a few words.
    pub(super) fn title(&self) -> String {
        match (self.record, &self.based_on) {
            (Record::Decision(record), Some(DecisionEvidence { inputs: Ok(inputs), .. })) => {
                let subject = inputs.incident.subjects.get(record.decision.subject);
                let id = subject.and_then(|subject| subject.identity.directory_id.clone());
                let who = id.unwrap_or_else(|| words::account(record.decision.account.as_ref()));
                words::decision_summary(record, &who)
            }
            (record, _) => words::summary(record),
        }
    }

    /// Why evidence can't be read, each reason once.
    pub(super) fn unreadable(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        let finding = self.evidence.iter().flat_map(|evidence| {
            [evidence.bundle.as_ref().err(), evidence.declaration.as_ref().err()].into_iter().flatten()
        });
        let decision = self.based_on.iter().flat_map(|based_on| {
            let responses = based_on.responses.iter().filter_map(|(_, bundle)| bundle.as_ref().err());
            based_on.inputs.as_ref().err().into_iter().chain(responses).chain(based_on.intent.as_ref().err())
        });
        for why in finding.chain(decision) {
            if !all.contains(&why.as_str()) {
                all.push(why);
            }
        }
        all
    }

    /// Where the record is, and under which configuration it came to be.
    pub(super) fn on_record(&self, log: &AuditLog) -> Rows {
        let path = text::path(log.path());
        let line = text::number(self.seq.saturating_add(1));
        let place = if log.is_store() { format!("`{path}`") } else { format!("line {line} of `{path}`") };
        let mut rows: Rows = vec![("record", format!("{}, {place}", self.seq))];
        let others: Vec<String> =
            self.decisions.iter().filter(|seq| **seq != self.seq).map(ToString::to_string).collect();
        if let (Record::Decision(_), Some(finding)) = (self.record, self.finding) {
            rows.push(("finding", finding.seq.to_string()));
        }
        if !others.is_empty() {
            rows.push(("decisions", format!("{}, about the same finding", others.join(", "))));
        }
        if let (Some(generation), true) = (self.generation, !matches!(self.record, Record::Generation(_))) {
            rows.extend(super::other::generation(generation, self.finding.is_some()));
        }
        let again = match self.record {
            Record::Finding(_) | Record::Decision(_) => {
                format!("`countersign audit recompute {path}` makes it again, with all others, and compares")
            }
            _ => return rows,
        };
        rows.push(("again", again));
        if let (Some(finding), false) = (self.finding, log.is_store()) {
            let line = finding.seq.saturating_add(1);
            rows.push(("as a case", format!("`countersign rule repro {path} {line}` makes one of the finding")));
        }
        rows.extend(self.unreadable().into_iter().map(|why| ("unreadable", why.to_owned())));
        rows
    }
}

impl<'f> DecisionEvidence<'f> {
    fn read(log: &AuditLog, evidence: &Evidence<'_>, seq: u64, decision: &'f DecisionRecord) -> DecisionEvidence<'f> {
        let responses = decision.responses.iter().map(|response| (response, evidence.response(response)));
        DecisionEvidence {
            inputs: evidence.inputs(&decision.inputs),
            responses: responses.collect(),
            intent: log.store().map_or(Ok(None), |store| intent(store, seq)),
        }
    }
}

/// The intent of a decision, if there is one.
fn intent(store: &dyn Stored, seq: u64) -> Read<Option<Intent>> {
    let at = |ordinal| match store.intents(ordinal, 1) {
        Ok(page) => Ok(page.into_iter().next()),
        Err(error) => Err(format!("the intent: {error}")),
    };
    // They are in the order of their decisions, and how many there are isn't known.
    let before = |ordinal| Ok::<bool, String>(at(ordinal)?.is_some_and(|intent| intent.record < seq));
    let (mut low, mut high) = (0u64, 1u64);
    while before(high)? {
        (low, high) = (high, high.saturating_mul(2));
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(at(low)?.filter(|intent| intent.record == seq))
}
