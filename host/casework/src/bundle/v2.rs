//! Format 2 of a finding's bundle, which has the call that made it.

use std::collections::BTreeSet;

use countersign_model::call::{DetectionAnswer, DetectionCall};
use countersign_model::format::Format;
use countersign_model::incident::Subject;
use countersign_model::{Finding, RuleIdentity, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FindingBundle {
    pub(super) format: Format<2>,
    pub(super) rule: RuleIdentity,
    pub(super) engine: String,
    pub(super) call: DetectionCall,
    pub(super) answer: DetectionAnswer,
    pub(super) place: u32,
    pub(super) finding: Finding,
    pub(super) subject: Subject,
    pub(super) rule_suspect: bool,
    pub(super) clock: Timestamp,
}

impl From<FindingBundle> for super::FindingBundle {
    fn from(stored: FindingBundle) -> super::FindingBundle {
        let FindingBundle { format: _, rule, engine, call, answer, place, finding, subject, rule_suspect, clock } =
            stored;
        super::FindingBundle {
            format: Format,
            rule,
            engine,
            call,
            answer,
            place,
            finding,
            subject,
            rule_suspect,
            clock,
            source: None,
            rests_on: BTreeSet::new(),
        }
    }
}
