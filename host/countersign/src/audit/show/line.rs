//! A story as a line of JSON: the record, and the evidence by value.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use countersign_audit::Record;
use countersign_audit::record::{FindingRecord, Generation};
use countersign_casework::bundle::{FindingBundle, ResponseBundle};
use countersign_gate::GateInputs;
use countersign_model::{Intent, Value};
use countersign_store::AuditLog;
use serde::{Serialize, Serializer};

use crate::audit::standing::Numbered;
use crate::calls;
use crate::out::Out;
use crate::values::JsonValue;

use super::story::Story;

#[derive(Serialize)]
#[serde(tag = "type", rename = "audit-show")]
struct Line<'s> {
    file: &'s Path,
    seq: u64,
    record: &'s Record,
    generation: Option<Placed<'s, Generation>>,
    finding: Option<Placed<'s, FindingRecord>>,
    decisions: &'s [u64],
    bundle: Option<&'s FindingBundle>,
    shown: Option<BTreeMap<&'static str, Field>>,
    inputs: Option<&'s GateInputs>,
    responses: Vec<Option<&'s ResponseBundle>>,
    intent: Option<&'s Intent>,
    unreadable: Vec<&'s str>,
}

/// A record with its number.
#[derive(Serialize)]
struct Placed<'s, R> {
    seq: u64,
    #[serde(flatten)]
    record: &'s R,
}

/// A field's value.
struct Field(Option<Value>);

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        JsonValue(self.0.as_ref()).serialize(serializer)
    }
}

/// Prints it.
pub(super) fn print(out: &mut Out, log: &AuditLog, story: &Story<'_>) -> io::Result<()> {
    let bundle = story.evidence.as_ref().and_then(|evidence| evidence.bundle.as_ref().ok());
    let declaration = story.evidence.as_ref().and_then(|evidence| evidence.declaration.as_ref().ok());
    let shown = bundle
        .zip(declaration)
        .map(|(bundle, rule)| calls::columns(rule, &bundle.call).map(|(path, value)| (path, Field(value))).collect());
    let based_on = story.based_on.as_ref();
    let responses = based_on.into_iter().flat_map(|based_on| &based_on.responses);
    out.json(&Line {
        file: log.path(),
        seq: story.seq,
        record: story.record,
        generation: story.generation.map(placed),
        finding: story.finding.map(placed),
        decisions: story.decisions,
        bundle,
        shown,
        inputs: based_on.and_then(|based_on| based_on.inputs.as_ref().ok()),
        responses: responses.map(|(_, bundle)| bundle.as_ref().ok()).collect(),
        intent: based_on.and_then(|based_on| based_on.intent.as_ref().ok()?.as_ref()),
        unreadable: story.unreadable(),
    })
}

fn placed<R>(numbered: &Numbered<R>) -> Placed<'_, R> {
    Placed { seq: numbered.seq, record: &numbered.record }
}
