//! A case: everything that a session has to put on record about an incident, in the order in which it does.

use countersign_audit::Blob;
use countersign_audit::record::{DecisionRecord, FindingRecord};
use countersign_gate::GateInputs;

use crate::bundle::FindingBundle;
use crate::intent::IntentDraft;
use crate::respond::Response;

/// A decided incident. No part of it is too large to be stored.
#[derive(Debug)]
pub struct Case {
    /// Its findings, in the stream's order. One in this version.
    pub findings: Vec<CaseFinding>,
    /// What response rules answered, in order of their ids.
    pub responses: Vec<CaseResponse>,
    /// The gate's inputs.
    pub inputs: GateInputs,
    /// Their blob.
    pub inputs_blob: Blob,
    /// The gate's decisions, in its order.
    pub decisions: Vec<CaseDecision>,
}

/// A finding to be put on record.
#[derive(Debug)]
pub struct CaseFinding {
    /// The record.
    pub record: FindingRecord,
    /// Its evidence.
    pub bundle: FindingBundle,
    /// The blob of what is its own in the evidence.
    pub blob: Blob,
    /// The blob of the call that made it: the same for all findings of the call.
    pub call: Blob,
}

/// The answer of a response rule to be put on record.
#[derive(Debug)]
pub struct CaseResponse {
    /// The answer, with why the rule failed if it did.
    pub response: Response,
    /// The bundle's blob; none where it is too large, and then the rule failed.
    pub blob: Option<Blob>,
}

/// A decision to be put on record.
#[derive(Debug)]
pub struct CaseDecision {
    /// The record.
    pub record: DecisionRecord,
    /// The intent that goes into the same commit, if the decision may act.
    pub intent: Option<IntentDraft>,
}

impl Case {
    /// Every blob that the records name, in their order.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        let findings = self.findings.iter().flat_map(|finding| [&finding.blob, &finding.call]);
        let responses = self.responses.iter().filter_map(|response| response.blob.as_ref());
        findings.chain(responses).chain([&self.inputs_blob])
    }
}
