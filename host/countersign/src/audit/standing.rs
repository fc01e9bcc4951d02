//! What records refer to: the generation that serves, the rules' components, and the incident that is being decided.

use std::collections::BTreeMap;

use countersign_audit::Record;
use countersign_audit::record::{DecisionRecord, FindingRecord, FindingReference, Generation};
use countersign_model::{Digest, RuleId};

/// A record with its number.
#[derive(Clone, Debug)]
pub(super) struct Numbered<R> {
    /// Its number, from 0: the `seq` of its line.
    pub(super) seq: u64,
    /// The record.
    pub(super) record: R,
}

/// What the next record may refer to.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// The generation that serves.
    pub(super) generation: Option<Numbered<Generation>>,
    /// The names of the components of its rules, as far as they have done something.
    pub(super) components: BTreeMap<RuleId, Digest>,
    /// The findings at the last position.
    pub(super) findings: Vec<Numbered<FindingRecord>>,
    /// The numbers of the decisions on the last incident.
    pub(super) decisions: Vec<u64>,
    incident: Vec<FindingReference>,
}

impl Standing {
    /// Takes in a record.
    pub(super) fn follow(&mut self, seq: u64, record: &Record) {
        match record {
            Record::Generation(generation) => {
                self.generation = Some(Numbered { seq, record: generation.clone() });
                self.components.clear();
            }
            Record::Component(component) => {
                self.components.insert(component.rule.clone(), component.component);
            }
            Record::Finding(finding) => {
                self.findings.retain(|known| known.record.position == finding.position);
                self.findings.push(Numbered { seq, record: finding.clone() });
                self.incident.clear();
                self.decisions.clear();
            }
            Record::Decision(decision) => {
                if self.incident != decision.incident {
                    self.incident.clone_from(&decision.incident);
                    self.decisions.clear();
                }
                self.decisions.push(seq);
            }
            _ => {}
        }
    }

    /// A finding at the last position.
    pub(super) fn finding(&self, reference: &FindingReference) -> Option<&Numbered<FindingRecord>> {
        self.findings.iter().find(|known| {
            let FindingReference { position, rule, index } = reference;
            (known.record.position, &known.record.rule, known.record.index) == (*position, rule, *index)
        })
    }

    /// The finding that a decision is about.
    pub(super) fn anchor(&self, decision: &DecisionRecord) -> Option<&Numbered<FindingRecord>> {
        self.finding(decision.incident.get(decision.decision.anchor)?)
    }
}
