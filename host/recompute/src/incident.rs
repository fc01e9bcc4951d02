//! Makes the decisions of an incident again.

use std::collections::{BTreeMap, BTreeSet};

use countersign_audit::record::DecisionRecord;
use countersign_gate::GateInputs;
use countersign_model::call::FailureKind;
use countersign_model::{Digest, RuleId};

use super::{OpenIncident, Recomputer};
use countersign_casework::bundle::{FindingBundle, ResponseBundle, to_bytes};
use countersign_casework::deliberate::{decision_records, deliberate, gather};
use countersign_casework::respond::{Response, call_response_rule};

impl Recomputer<'_> {
    /// Makes the decisions of an incident again, and compares them one by one.
    pub(super) fn finish_incident(&mut self) {
        let Some(OpenIncident { line, bundle, decisions, .. }) = self.incident.take() else { return };
        self.result.decisions += decisions.len() as u64;
        let Some(bundle) = bundle else { return };
        let again = self.decide(line, &bundle, &decisions);
        self.compare(line, "how many decisions on a finding", &decisions.len(), &again.len());
        for ((line, record), again) in decisions.iter().zip(&again) {
            let text = |record: &DecisionRecord| String::from_utf8(to_bytes(record).unwrap_or_default());
            self.compare(*line, "decision", &text(record), &text(again));
        }
    }

    fn decide(
        &mut self,
        line: u64,
        bundle: &FindingBundle,
        decisions: &[(u64, DecisionRecord)],
    ) -> Vec<DecisionRecord> {
        // The bundles that the file names, each once: for a readable difference, and for calls that missed the deadline.
        let mut answers: BTreeMap<RuleId, ResponseBundle> = BTreeMap::new();
        let references: BTreeMap<&RuleId, &Digest> = decisions
            .iter()
            .flat_map(|(_, record)| &record.responses)
            .map(|response| (&response.rule.id, &response.bundle))
            .collect();
        for (rule, name) in references {
            if let Some(bundle) = self.read_bundle(line, "response bundle", name) {
                answers.insert(rule.clone(), bundle);
            }
        }
        let named: BTreeSet<&Digest> = decisions.iter().map(|(_, record)| &record.inputs).collect();
        let stored: Vec<GateInputs> =
            named.into_iter().filter_map(|name| self.read_bundle(line, "gate inputs", name)).collect();

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
                return Some(Response::check(rule.declaration(), &inputs.incident, bundle.clone()));
            }
            let response = call_response_rule(rule, inputs);
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
        let records =
            decision_records(self.number, generation, &deliberation, &bundles, name(to_bytes(&deliberation.inputs)));
        for (expected, got) in other_answers {
            self.compare(line, "answer of a response rule", &expected, &got);
        }
        for stored in stored {
            self.compare(line, "gate inputs", &stored, &deliberation.inputs);
        }
        records
    }
}
