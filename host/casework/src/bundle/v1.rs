//! Format 1 of the bundles: as format 2, but it isn't named. A finding's has the call that made it.

use std::collections::BTreeSet;

use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall};
use countersign_model::format::Format;
use countersign_model::incident::Subject;
use countersign_model::response::{ResponseAnswer, ResponseCall};
use countersign_model::{Finding, RuleIdentity, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FindingBundle {
    rule: RuleIdentity,
    engine: String,
    call: DetectionCall,
    answer: DetectionAnswer,
    place: u32,
    finding: Finding,
    subject: Subject,
    rule_suspect: bool,
    clock: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResponseBundle {
    rule: RuleIdentity,
    engine: String,
    call: ResponseCall,
    answer: Result<ResponseAnswer, CallFailure>,
}

impl From<FindingBundle> for super::FindingBundle {
    fn from(stored: FindingBundle) -> super::FindingBundle {
        let FindingBundle { rule, engine, call, answer, place, finding, subject, rule_suspect, clock } = stored;
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

impl From<ResponseBundle> for super::ResponseBundle {
    fn from(stored: ResponseBundle) -> super::ResponseBundle {
        let ResponseBundle { rule, engine, call, answer } = stored;
        super::ResponseBundle { format: Format, rule, engine, call, answer }
    }
}
