//! Format 3 of a finding's evidence: the two forms that are stored.

use std::borrow::Cow;
use std::collections::BTreeSet;

use countersign_model::call::{DetectionAnswer, DetectionCall};
use countersign_model::format::Format;
use countersign_model::incident::Subject;
use countersign_model::{Finding, RuleIdentity, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{FINDING, FindingBundle};

/// What a finding has for itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnPart<'b> {
    format: Format<FINDING>,
    place: u32,
    finding: Cow<'b, Finding>,
    subject: Cow<'b, Subject>,
    rule_suspect: bool,
    clock: Timestamp,
    /// None of a bundle that was read in an older format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<SourceId>,
    /// The same.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    rests_on: Cow<'b, BTreeSet<SourceId>>,
}

/// What the findings of one call share.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallPart<'b> {
    format: Format<FINDING>,
    rule: Cow<'b, RuleIdentity>,
    engine: Cow<'b, str>,
    call: Cow<'b, DetectionCall>,
    answer: Cow<'b, DetectionAnswer>,
}

impl<'b> OwnPart<'b> {
    pub(super) fn of(bundle: &'b FindingBundle) -> OwnPart<'b> {
        OwnPart {
            format: Format,
            place: bundle.place,
            finding: Cow::Borrowed(&bundle.finding),
            subject: Cow::Borrowed(&bundle.subject),
            rule_suspect: bundle.rule_suspect,
            clock: bundle.clock,
            source: bundle.source.clone(),
            rests_on: Cow::Borrowed(&bundle.rests_on),
        }
    }
}

impl<'b> CallPart<'b> {
    pub(super) fn of(bundle: &'b FindingBundle) -> CallPart<'b> {
        CallPart {
            format: Format,
            rule: Cow::Borrowed(&bundle.rule),
            engine: Cow::Borrowed(&bundle.engine),
            call: Cow::Borrowed(&bundle.call),
            answer: Cow::Borrowed(&bundle.answer),
        }
    }
}

/// The evidence that two parts make.
pub(super) fn join(own: OwnPart<'_>, shared: CallPart<'_>) -> FindingBundle {
    let OwnPart { format, place, finding, subject, rule_suspect, clock, source, rests_on } = own;
    let CallPart { format: _, rule, engine, call, answer } = shared;
    FindingBundle {
        format,
        rule: rule.into_owned(),
        engine: engine.into_owned(),
        call: call.into_owned(),
        answer: answer.into_owned(),
        place,
        finding: finding.into_owned(),
        subject: subject.into_owned(),
        rule_suspect,
        clock,
        source,
        rests_on: rests_on.into_owned(),
    }
}
