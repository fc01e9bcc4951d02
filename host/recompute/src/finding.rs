//! Makes a finding again.

use countersign_audit::record::{FindingRecord, FindingReference};
use countersign_casework::bundle::FindingBundle;
use countersign_model::Occasion;
use countersign_model::call::{DetectionCall, Detector as _};
use countersign_model::vocabulary::Severity;

use crate::compare::{finding_matches_answer, json};
use crate::recomputer::{OpenIncident, Recomputer};

impl Recomputer<'_> {
    /// Makes a finding again, by calling the rule with the recorded input, and begins its incident.
    pub(crate) fn recompute_finding(&mut self, line: u64, record: &FindingRecord) {
        self.result.findings += 1;
        let reference = FindingReference { position: record.position, rule: record.rule.clone(), index: record.index };
        if record.position < self.position {
            self.tampered(line, "position of a finding", format!("{} or later", self.position), record.position);
        }
        if record.position != self.position {
            self.position = record.position;
            self.findings_at_position.clear();
        }
        if let Occasion::Finding { rule, index } = &record.occasion {
            let fed = FindingReference { position: record.position, rule: rule.clone(), index: *index };
            if !self.findings_at_position.contains(&fed) {
                self.tampered(line, "what fed the rule", format!("{} before it", record.occasion), "no such finding");
            }
        }
        if !self.findings_at_position.insert(reference.clone()) {
            self.tampered(line, "finding", "each finding once", "one that is on record before it");
        }
        let bundle = self.read_evidence(line, record);
        if let Some(bundle) = &bundle {
            self.compare_finding(line, record, bundle);
        }
        self.incident = Some(OpenIncident { line, reference, bundle, decisions: Vec::new() });
    }

    /// Reads the evidence of a finding; none, and reported, if it isn't there as it was written.
    fn read_evidence(&mut self, line: u64, record: &FindingRecord) -> Option<FindingBundle> {
        match FindingBundle::read(record, |name| self.log.blob(name, self.key)) {
            Ok(bundle) => Some(bundle),
            Err(error) => {
                let (part, name) = error.blob();
                self.tampered(line, part.to_string(), format!("a {part} named {name}"), error);
                None
            }
        }
    }

    fn compare_finding(&mut self, line: u64, record: &FindingRecord, bundle: &FindingBundle) {
        let Some(serving) = self.serving.clone() else {
            return self.tampered(line, "generation", "one before the first finding", "none");
        };
        let account = bundle.subject.account.clone();
        let again =
            FindingRecord::new(serving.record.number, &bundle.finding, account, (record.bundle, record.call), self.key);
        self.compare(line, "finding record", record, &again);
        // A rule that isn't there is reported below.
        let greatest = serving.generation.rule(&record.rule).map_or(Severity::Fatal, |rule| rule.greatest_severity);
        self.compare(line, "what the host made of the answer", &true, &finding_matches_answer(bundle, greatest));
        self.compare(line, "engine of the finding bundle", &serving.record.engine, &bundle.engine);
        let Some(rule) = serving.generation.rule(&record.rule) else {
            return self.tampered(line, "rule", &record.rule, "no such rule in the generation");
        };
        self.compare(line, "rule identity", &bundle.rule, &rule.identity);
        self.compare(line, "parameters", &bundle.call.parameters, &rule.parameters);
        let call = DetectionCall { data: rule.data.clone(), ..bundle.call.clone() };
        match rule.loaded.detect(&call) {
            // Compared as text: numbers that aren't any differ from themselves.
            Ok(answer) => {
                self.compare_by(serving.answers, line, "answer", &json(&bundle.answer), &json(&answer));
            }
            Err(failure) => {
                let got = format!("{}: {}", failure.kind, failure.message);
                self.differs(serving.answers, line, "answer", "an answer", got);
            }
        }
    }
}
