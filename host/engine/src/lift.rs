//! Converts the generated answer types to plain ones, and measures an answer in canonical bytes.

use countersign_model::call as plain;
use countersign_model::response as plain_response;
use countersign_model::vocabulary::{EvidenceRole, Severity, SubjectRole};

use crate::bindings::detection::exports::countersign::rules::detect as wit;
use crate::bindings::response::exports::countersign::rules::respond as wit_response;

/// Canonical ABI sizes (Component Model, Canonical ABI, `elem_size`) of the answer's records, which the declared
/// output limit counts beside the bytes and texts that they point to.
mod size {
    pub(super) const FINDING: usize = 44;
    pub(super) const SLOT_CHANGES: usize = 44;
    pub(super) const TIMER: usize = 32;
    pub(super) const DIAGNOSTIC: usize = 16;
    pub(super) const TEXT: usize = 8;
    pub(super) const PROPOSAL: usize = 36;
    pub(super) const ACTION_PARAMETER: usize = 24;
    pub(super) const RESPONSE_DIAGNOSTIC: usize = 12;
}

pub(crate) fn detection_answer_size(answer: &wit::Answer) -> usize {
    let findings = answer.findings.iter().map(|finding| {
        size::FINDING
            + finding.signal_class.len()
            + finding.message.len()
            + finding.evidence.len() * 8
            + finding.techniques.iter().map(|text| size::TEXT + text.len()).sum::<usize>()
    });
    let states = answer.states.iter().map(|slot| {
        size::SLOT_CHANGES
            + slot.blobs.len()
            + (slot.keys.len() + slot.blob_offsets.len() + slot.kept_offsets.len()) * 4
            + slot.kept.len() * 8
    });
    let timers = answer.timers.iter().map(|timer| size::TIMER + timer.id.len());
    let diagnostics = answer.diagnostics.iter().map(|diagnostic| size::DIAGNOSTIC + diagnostic.message.len());
    findings.chain(states).chain(timers).chain(diagnostics).sum()
}

pub(crate) fn detection_answer(answer: wit::Answer) -> plain::DetectionAnswer {
    plain::DetectionAnswer {
        findings: answer.findings.into_iter().map(finding).collect(),
        states: answer
            .states
            .into_iter()
            .map(|slot| plain::SlotChanges {
                slot: slot.slot,
                keys: slot.keys,
                blobs: slot.blobs,
                blob_offsets: slot.blob_offsets,
                kept: slot.kept,
                kept_offsets: slot.kept_offsets,
            })
            .collect(),
        timers: answer
            .timers
            .into_iter()
            .map(|timer| plain::AnswerTimer { row: timer.row, id: timer.id, at: timer.at })
            .collect(),
        diagnostics: answer
            .diagnostics
            .into_iter()
            .map(|diagnostic| plain::Diagnostic {
                row: diagnostic.row,
                level: match diagnostic.level {
                    wit::Level::Information => plain::Level::Information,
                    wit::Level::Warning => plain::Level::Warning,
                    wit::Level::Error => plain::Level::Error,
                },
                message: diagnostic.message,
            })
            .collect(),
    }
}

fn finding(finding: wit::Finding) -> plain::AnswerFinding {
    plain::AnswerFinding {
        row: finding.row,
        signal_class: finding.signal_class,
        confidence: finding.confidence,
        severity: match finding.severity {
            wit::Severity::Informational => Severity::Informational,
            wit::Severity::Low => Severity::Low,
            wit::Severity::Medium => Severity::Medium,
            wit::Severity::High => Severity::High,
            wit::Severity::Critical => Severity::Critical,
            wit::Severity::Fatal => Severity::Fatal,
        },
        subject: match finding.subject {
            wit::SubjectRole::Actor => SubjectRole::Actor,
            wit::SubjectRole::Target => SubjectRole::Target,
            wit::SubjectRole::Owner => SubjectRole::Owner,
            wit::SubjectRole::Source => SubjectRole::Source,
        },
        evidence: finding.evidence,
        techniques: finding.techniques,
        message: finding.message,
        evidence_role: finding.evidence_role.map(|role| match role {
            wit::EvidenceRole::MerelyNames => EvidenceRole::MerelyNames,
            wit::EvidenceRole::AuthenticatedAs => EvidenceRole::AuthenticatedAs,
        }),
    }
}

pub(crate) fn response_answer_size(answer: &wit_response::Answer) -> usize {
    let proposals = answer.proposals.iter().map(|proposal| {
        let parameters = proposal.parameters.iter().map(|parameter| {
            let value = match &parameter.value {
                wit_response::ActionValue::Integer(_) => 0,
                wit_response::ActionValue::Text(text) => text.len(),
            };
            size::ACTION_PARAMETER + parameter.name.len() + value
        });
        size::PROPOSAL + proposal.action.len() + proposal.reason.len() + parameters.sum::<usize>()
    });
    let diagnostics = answer.diagnostics.iter().map(|diagnostic| size::RESPONSE_DIAGNOSTIC + diagnostic.message.len());
    proposals.chain(diagnostics).sum()
}

pub(crate) fn response_answer(answer: wit_response::Answer) -> plain_response::ResponseAnswer {
    plain_response::ResponseAnswer {
        proposals: answer
            .proposals
            .into_iter()
            .map(|proposal| plain_response::AnswerProposal {
                action: proposal.action,
                parameters: proposal
                    .parameters
                    .into_iter()
                    .map(|parameter| {
                        let value = match parameter.value {
                            wit_response::ActionValue::Integer(value) => plain_response::ActionValue::Integer(value),
                            wit_response::ActionValue::Text(text) => plain_response::ActionValue::Text(text),
                        };
                        (parameter.name, value)
                    })
                    .collect(),
                subject: proposal.subject,
                lease: proposal.lease,
                reason: proposal.reason,
            })
            .collect(),
        diagnostics: answer
            .diagnostics
            .into_iter()
            .map(|diagnostic| plain_response::ResponseDiagnostic {
                level: match diagnostic.level {
                    wit_response::Level::Information => plain::Level::Information,
                    wit_response::Level::Warning => plain::Level::Warning,
                    wit_response::Level::Error => plain::Level::Error,
                },
                message: diagnostic.message,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::component::ComponentType;

    use super::*;

    #[test]
    fn sizes_are_those_of_the_canonical_abi() {
        assert_eq!(size::FINDING, wit::Finding::SIZE32);
        assert_eq!(size::SLOT_CHANGES, wit::SlotChanges::SIZE32);
        assert_eq!(size::TIMER, wit::Timer::SIZE32);
        assert_eq!(size::DIAGNOSTIC, wit::Diagnostic::SIZE32);
        assert_eq!(size::TEXT, <String as ComponentType>::SIZE32);
        assert_eq!(size::PROPOSAL, wit_response::Proposal::SIZE32);
        assert_eq!(size::ACTION_PARAMETER, wit_response::ActionParameter::SIZE32);
        assert_eq!(size::RESPONSE_DIAGNOSTIC, wit_response::Diagnostic::SIZE32);
    }

    #[test]
    fn an_answer_counts_its_records_and_what_they_point_to() {
        let finding = wit::Finding {
            row: 0,
            signal_class: "token".to_owned(),
            confidence: 50,
            severity: wit::Severity::Low,
            subject: wit::SubjectRole::Actor,
            evidence: vec![1, 2],
            techniques: vec!["T1078".to_owned()],
            message: "abc".to_owned(),
            evidence_role: None,
        };
        let slot = wit::SlotChanges {
            slot: 0,
            keys: vec![0],
            blobs: vec![0; 10],
            blob_offsets: vec![0, 10],
            kept: vec![7],
            kept_offsets: vec![0, 1],
        };
        let mut answer = wit::Answer {
            findings: vec![finding],
            states: vec![slot],
            timers: vec![wit::Timer { row: 0, id: "quiet".to_owned(), at: None }],
            diagnostics: vec![wit::Diagnostic { row: 0, level: wit::Level::Error, message: "x".to_owned() }],
        };
        let (finding, slot) = (44 + 5 + 16 + (8 + 5) + 3, 44 + 10 + 5 * 4 + 8);
        assert_eq!(detection_answer_size(&answer), finding + slot + (32 + 5) + (16 + 1));
        answer.findings.clear();
        assert_eq!(detection_answer_size(&answer), slot + (32 + 5) + (16 + 1));
    }
}
