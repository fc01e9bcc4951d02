//! From the generated answer types to plain ones, and how large an answer is in canonical bytes.

use countersign_model::call as plain;
use countersign_model::response as plain_response;
use countersign_model::vocabulary::{EvidenceRole, Severity, SubjectRole};

use crate::bindings::detection::exports::countersign::rules::detect as wit;
use crate::bindings::response::exports::countersign::rules::respond as wit_response;

/// Canonical ABI sizes (Component Model, Canonical ABI, `elem_size`) of the answer's records, which the declared
/// output limit counts beside the bytes and texts that they point to.
mod size {
    pub(super) const FINDING: usize = 56;
    pub(super) const SLOT_CHANGES: usize = 44;
    pub(super) const TIMER: usize = 32;
    pub(super) const DIAGNOSTIC: usize = 16;
    pub(super) const TEXT: usize = 8;
    pub(super) const PROPOSAL: usize = 36;
    pub(super) const ACTION_PARAMETER: usize = 24;
}

pub(crate) fn detection_size(answer: &wit::Answer) -> usize {
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

pub(crate) fn detection(answer: wit::Answer) -> plain::DetectionAnswer {
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

pub(crate) fn response_size(answer: &wit_response::Answer) -> usize {
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
    let diagnostics = answer.diagnostics.iter().map(|diagnostic| size::DIAGNOSTIC + diagnostic.message.len());
    proposals.chain(diagnostics).sum()
}

pub(crate) fn response(answer: wit_response::Answer) -> plain_response::ResponseAnswer {
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
