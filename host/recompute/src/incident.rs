//! Makes the decisions of an incident again.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use countersign_audit::Blob;
use countersign_audit::record::{DecisionRecord, FindingReference, ResponseReference};
use countersign_casework::bundle::{FindingBundle, ResponseBundle};
use countersign_casework::respond::{Response, call_response_rule};
use countersign_casework::{Case, Casework};
use countersign_gate::{Circumstances, GateInputs, Sources};
use countersign_model::call::FailureKind;
use countersign_model::response::{Responder as _, ResponseCall};
use countersign_model::{Digest, RuleId};

use crate::compare::json;
use crate::difference::{Cause, Difference};
use crate::explain;
use crate::recomputer::{OpenIncident, Recomputer, Serving};

/// What the decisions of an incident name, as it is on record.
struct Named {
    /// The bundles of response rules with their names, by rule.
    responses: BTreeMap<RuleId, (Digest, ResponseBundle)>,
    /// The gate's inputs with their names; more than one only if the record was changed.
    inputs: BTreeMap<Digest, GateInputs>,
}

impl Recomputer<'_> {
    /// Makes the decisions of an incident again, and compares them one by one.
    pub(crate) fn finish_incident(&mut self) {
        let Some(OpenIncident { line, bundle, decisions, .. }) = self.incident.take() else { return };
        self.result.decisions += decisions.len() as u64;
        let (Some(bundle), Some(serving)) = (bundle, self.serving.clone()) else { return };
        let named = self.read_named(line, &decisions);
        let Some(case) = self.decide_again(line, &serving, bundle, &named) else { return };
        let other_answer = self.compare_responses(line, &serving, &named, &case);
        // Another answer is another proposal: what follows from it is of the same cause.
        let cause = match serving.decisions {
            Cause::Tampering if other_answer => serving.answers,
            cause => cause,
        };
        for inputs in named.inputs.values() {
            self.compare_inputs(cause, line, &serving, inputs, &case.inputs);
        }
        let again: Vec<&DecisionRecord> = case.decisions.iter().map(|decision| &decision.record).collect();
        // Every version decides something about every finding.
        let counted = if decisions.is_empty() { Cause::Tampering } else { cause };
        self.compare_by(counted, line, "how many decisions on a finding", &decisions.len(), &again.len());
        for ((line, record), again) in decisions.iter().zip(again) {
            self.compare_decision(cause, *line, record, again);
            self.compare_record(*line, &serving, &named, &case, record);
        }
    }

    /// Reads what the decisions name, each once.
    fn read_named(&mut self, line: u64, decisions: &[(u64, DecisionRecord)]) -> Named {
        let mut named = Named { responses: BTreeMap::new(), inputs: BTreeMap::new() };
        let references: BTreeMap<&RuleId, &Digest> = decisions
            .iter()
            .flat_map(|(_, record)| &record.responses)
            .map(|response| (&response.rule.id, &response.bundle))
            .collect();
        for (rule, name) in references {
            if let Some(bundle) = self.read_form(line, "response bundle", name, ResponseBundle::read) {
                named.responses.insert(rule.clone(), (*name, bundle));
            }
        }
        for name in decisions.iter().map(|(_, record)| record.inputs).collect::<BTreeSet<Digest>>() {
            if let Some(inputs) = self.read_form(line, "gate inputs", &name, GateInputs::read) {
                named.inputs.insert(name, inputs);
            }
        }
        if named.inputs.len() > 1 {
            self.tampered(line, "gate inputs", "one for all decisions on a finding", named.inputs.len());
        }
        named
    }

    /// Compares the calls and answers of response rules. Returns whether an answer differs. One that missed the deadline is
    /// an input.
    fn compare_responses(&mut self, line: u64, serving: &Rc<Serving>, named: &Named, case: &Case) -> bool {
        let mut differs = false;
        for (id, (_, bundle)) in &named.responses {
            self.compare(line, "engine of a response bundle", &serving.record.engine, &bundle.engine);
            let Some(rule) = serving.generation.responses.iter().find(|rule| rule.identity.id == *id) else {
                self.tampered(line, "response rule", id, "no such rule in the generation");
                continue;
            };
            self.compare(line, "identity of a response rule", &bundle.rule, &rule.identity);
            let now = case.responses.iter().map(|called| &called.response.bundle).find(|now| now.rule.id == *id);
            let Some(now) = now else {
                let expected = format!("a call of `{id}`");
                self.differs(serving.decisions, line, "response rule", expected, "no call: it doesn't answer this");
                continue;
            };
            // A version of the gate may show an incident otherwise.
            let what = "call of a response rule";
            let same_call = self.compare_by(serving.decisions, line, what, &json(&bundle.call), &json(&now.call));
            if missed_deadline(bundle) {
                continue;
            }
            let again = if same_call {
                now.answer.clone()
            } else {
                rule.loaded.respond(&ResponseCall { data: rule.data.clone(), ..bundle.call.clone() })
            };
            differs |= !self.compare_by(serving.answers, line, "answer of a response rule", &bundle.answer, &again);
        }
        differs
    }

    /// Decides on the evidence again, by the code that a session uses.
    fn decide_again(&mut self, line: u64, serving: &Rc<Serving>, bundle: FindingBundle, named: &Named) -> Option<Case> {
        let generation = &serving.generation;
        let (stops, source) = (&self.stops, bundle.source.clone());
        let respond = |id: &RuleId, inputs: &GateInputs| {
            let rule = generation.responses.iter().find(|rule| rule.identity.id == *id)?;
            match named.responses.get(id) {
                Some((_, bundle)) if missed_deadline(bundle) => {
                    Some(Response::check(rule.declaration(), &inputs.incident, bundle.clone()))
                }
                None if stops.has(id, source.as_ref()) => None,
                _ => Some(call_response_rule(rule, inputs)),
            }
        };
        let now = Circumstances { sources: Sources::of(&self.unwell), ..Circumstances::unconfigured() };
        let casework = Casework::new(generation, serving.record.number, self.key);
        match casework.decide_again(vec![bundle], &now, respond) {
            Ok(case) => Some(case),
            Err(error) => {
                self.tampered(line, "decisions on a finding", "one at least", error);
                None
            }
        }
    }

    /// Compares the gate's inputs: those that casework gives it, and those that the gate gathers.
    fn compare_inputs(
        &mut self,
        cause: Cause,
        line: u64,
        serving: &Serving,
        recorded: &GateInputs,
        again: &GateInputs,
    ) {
        self.compare(line, "gate version of the gate inputs", &recorded.gate, &serving.record.gate);
        self.compare(line, "clock of the gate inputs", &recorded.clock, &again.clock);
        self.compare(line, "incident of the gate inputs", &recorded.incident, &again.incident);
        self.compare(line, "circumstances of the gate inputs", &recorded.circumstances, &again.circumstances);
        self.compare_by(cause, line, "proposals", &recorded.proposals, &again.proposals);
        // A version may gather more or less of them.
        self.compare_by(serving.decisions, line, "authority of rules", &recorded.rules, &again.rules);
        self.compare_by(serving.decisions, line, "policy of the incident", &recorded.policy, &again.policy);
        let what = "capabilities of the incident";
        self.compare_by(serving.decisions, line, what, &recorded.capabilities, &again.capabilities);
    }

    /// Compares what was decided.
    fn compare_decision(&mut self, cause: Cause, line: u64, record: &DecisionRecord, again: &DecisionRecord) {
        let (recorded, now) = (&record.decision, &again.decision);
        if self.compare_by(cause, line, "decision", &json(recorded), &json(now)) || !cause.is_version() {
            return;
        }
        if let Some(Difference { explanation: Some(explanation), .. }) = self.result.differences.last_mut() {
            *explanation = format!("{}; {explanation}", explain::decisions(recorded, now));
        }
    }

    /// Compares the rest of a decision's record, which follows from the decision under every version.
    fn compare_record(
        &mut self,
        line: u64,
        serving: &Rc<Serving>,
        named: &Named,
        case: &Case,
        record: &DecisionRecord,
    ) {
        let findings = &case.inputs.incident.findings;
        let Some(anchor) = findings.get(record.decision.anchor).map(|found| &found.finding) else {
            return self.tampered(
                line,
                "anchor",
                format!("one of {} findings", findings.len()),
                record.decision.anchor,
            );
        };
        let Some(rule) = serving.generation.rule(&anchor.rule) else { return };
        let wanted = record.decision.response_rule.as_ref();
        let is_wanted = |id: &RuleId| wanted.is_none_or(|wanted| wanted == id);
        let responses = if serving.decisions.is_version() {
            // Which rules answer is up to the gate, but the one that proposed did.
            let named: Vec<_> =
                record.responses.iter().filter(|response| is_wanted(&response.rule.id)).cloned().collect();
            if let (Some(rule), 0 | 2..) = (wanted, named.len()) {
                self.tampered(line, "responses of a decision", format!("that of `{rule}`"), named.len());
            }
            named
        } else {
            let called = case.responses.iter().filter(|called| is_wanted(&called.response.bundle.rule.id));
            called
                .filter_map(|called| {
                    let rule = &called.response.bundle.rule;
                    // A bundle that differs is reported as such: here it is about which are named.
                    let recorded = named.responses.get(&rule.id).map(|(name, _)| *name);
                    let bundle = recorded.or(called.blob.as_ref().map(Blob::name))?;
                    Some(ResponseReference { rule: rule.clone(), bundle })
                })
                .collect()
        };
        let again = DecisionRecord {
            generation: serving.record.number,
            incident: findings.iter().map(|found| FindingReference::from(&found.finding)).collect(),
            event_id: anchor.event_id.clone(),
            event_time: anchor.event_time,
            rule: rule.identity.clone(),
            responses,
            decision: record.decision.clone(),
            inputs: record.inputs,
        };
        self.compare(line, "decision record", record, &again);
    }
}

/// Whether a response rule's call missed the deadline, which can't be made again.
fn missed_deadline(bundle: &ResponseBundle) -> bool {
    bundle.answer.as_ref().is_err_and(|failure| failure.kind == FailureKind::Deadline)
}
