//! The record of a finding, and the events for a case of it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use countersign_audit::Record;
use countersign_audit::record::FindingRecord;
use countersign_casework::bundle::{EvidenceError, FindingBundle};
use countersign_declaration::{Ceilings, Declaration, quoted};
use countersign_formats::Record as SourceRecord;
use countersign_model::vocabulary::{FieldId, PartitionKey, SubjectRole};
use countersign_model::{DigestKey, Event, RuleId, Value};
use countersign_stream::{matches, partition_key, value_at};

use super::record::KnownEvent;
use crate::exit::unusable;
use crate::intake;
use crate::storage::{for_each_record, open_log};
use crate::text;

/// The most events of a case: the last ones up to the finding's.
const MAX_EVENTS: usize = 10_000;

/// The most events that are held while the finding's is looked for.
const MAX_HELD: usize = 1_000_000;

/// A finding with its evidence.
pub(super) struct OnRecord {
    pub(super) record: FindingRecord,
    pub(super) bundle: FindingBundle,
    /// The declaration of its rule.
    pub(super) declaration: Declaration,
}

/// The events of a case, with notes about them.
pub(super) struct Selected {
    pub(super) events: Vec<KnownEvent>,
    pub(super) notes: Vec<String>,
}

/// Finds a finding in an audit file or a store whose records hold: by its record's number, or by the id of its event.
///
/// # Errors
/// When the records don't hold, there is no such finding or several, or the bundle can't be read.
pub(super) fn on_record(audit: &Path, key: &DigestKey, wanted: &str, rule: Option<&RuleId>) -> Result<OnRecord> {
    let log = open_log(audit)?;
    log.verify(log.lines()?, None).map_err(|error| {
        anyhow::anyhow!("`{}` isn't as it was written: {error}; see `audit verify`", text::path(&audit))
    })?;
    let number = wanted.parse::<u64>().ok();
    let (mut components, mut found) = (BTreeMap::new(), Vec::new());
    for_each_record(&log, log.lines()?, |seq, record| {
        match record {
            Record::Header(header) if header.digest_key != key.fingerprint() => {
                return Err(unusable("the file was written with another key: give it by `--audit-key`"));
            }
            Record::Generation(_) => components.clear(),
            Record::Component(component) => {
                components.insert(component.rule, component.component);
            }
            Record::Finding(finding) => {
                let by_number = number == Some(seq);
                let by_event = finding.event_id == wanted && rule.is_none_or(|rule| finding.rule == *rule);
                if by_number || by_event {
                    let component = components.get(&finding.rule).copied();
                    found.push((by_number, seq, finding, component));
                }
            }
            _ => {}
        }
        Ok(true)
    })?;
    // A record's number takes precedence: ids of events can be numbers too.
    if found.iter().any(|(by_number, ..)| *by_number) {
        found.retain(|(by_number, ..)| *by_number);
    }
    if found.len() > 1 {
        let numbers: Vec<String> = found.iter().map(|(_, seq, one, _)| format!("{seq} (`{}`)", one.rule)).collect();
        return Err(unusable(format_args!(
            "{}: expected one finding, got those of records {}; give a record's number",
            quoted(wanted),
            numbers.join(", ")
        )));
    }
    let Some((_, _, record, component)) = found.pop() else {
        return Err(unusable(format_args!(
            "{}: expected the number of a finding's record in `{}`, or the id of an event with one; see `audit list --type finding`",
            quoted(wanted),
            text::path(&audit)
        )));
    };
    let bundle = FindingBundle::read(&record, |name| log.blob(name, key)).map_err(|error| match error {
        EvidenceError::Blob { error, .. } => unusable(error),
        error @ EvidenceError::Form { .. } => anyhow::Error::new(error).context("the finding's evidence can't be read"),
    })?;
    let component =
        component.with_context(|| format!("the bytes of the rule `{}` aren't on record before it", record.rule))?;
    let component = log.blob(&component, key).map_err(unusable)?;
    let admitted = intake::standing()?
        .admit(&component, &Ceilings::default())
        .map_err(|_| anyhow::anyhow!("the rule on record isn't admitted by this version"))?;
    Ok(OnRecord { record, bundle, declaration: admitted.declaration().clone() })
}

/// The finding's event alone, made of the columns that its rule was called with.
///
/// # Errors
/// When the rule's declaration names no class.
pub(super) fn from_bundle(found: &OnRecord) -> Result<Selected> {
    let OnRecord { record, bundle, declaration } = found;
    let mut notes = Vec::new();
    let columns = declaration.fields.iter().zip(&bundle.call.batch.columns);
    let fields: Vec<(FieldId, Value)> =
        columns.filter_map(|(field, column)| Some((*field, value_at(column, 0)?))).collect();
    let stated = fields.iter().find_map(|(field, value)| match value {
        Value::Unsigned(uid) if *field == FieldId::ClassUid => Some(*uid),
        _ => None,
    });
    let named = stated.and_then(|uid| declaration.event_classes.iter().find(|class| u64::from(class.uid()) == uid));
    let Some(class) = named.or(declaration.event_classes.first()).copied() else {
        anyhow::bail!("the rule on record wants events of no class");
    };
    if named.is_none() && declaration.event_classes.len() > 1 {
        notes.push(format!("the bundle doesn't have the event's class: {class} is assumed"));
    }
    if bundle.call.state.iter().any(|slot| !slot.blobs.is_empty()) {
        notes.push(
            "the rule had state from earlier events, which the bundle has only as the rule's own bytes: this case \
             needs `--events FILE…`"
                .to_owned(),
        );
    }
    let account = bundle.subject.account.clone();
    let (actor, target) = match record.role {
        SubjectRole::Target => (None, account),
        _ => (account, None),
    };
    let mut event = KnownEvent { class, id: record.event_id.clone(), time: record.event_time, fields, actor, target };
    event.satisfy(&declaration.filter);
    notes.push("the event has only the fields that the rule declares, and values that its `where` requires".to_owned());
    Ok(Selected { events: vec![event], notes })
}

/// The finding's event in telemetry, and the earlier events of the same key that the rule, or one that feeds it, wants.
///
/// # Errors
/// When the finding's event isn't among them.
pub(super) fn from_telemetry(
    found: &OnRecord,
    records: impl Iterator<Item = SourceRecord>,
    declarations: &[&Declaration],
) -> Result<Selected> {
    let mut held: Vec<Box<Event>> = Vec::new();
    let mut last = None;
    let raw = found.bundle.finding.evidence.first().map(|evidence| evidence.raw);
    for record in records {
        let SourceRecord::Event { event, .. } = record else { continue };
        if *event.id == *found.record.event_id && raw.is_none_or(|raw| raw == event.raw.digest) {
            last = Some(event);
            break;
        }
        if declarations.iter().any(|declaration| matches(declaration, &event)) {
            anyhow::ensure!(
                held.len() < MAX_HELD,
                "expected the event {} within {MAX_HELD} that the rule wants: give less telemetry before it",
                quoted(&found.record.event_id)
            );
            held.push(event);
        }
    }
    let last = last.ok_or_else(|| {
        unusable(format_args!(
            "expected the record of the event {} in the telemetry, got none",
            quoted(&found.record.event_id)
        ))
    })?;
    let keys: Vec<(PartitionKey, Option<String>)> = declarations
        .iter()
        .map(|declaration| (declaration.partition_key, partition_key(declaration.partition_key, &last)))
        .collect();
    // A rule that feeds this one has its own key, and its earlier findings may matter.
    held.retain(|event| keys.iter().any(|(key, of_last)| of_last.is_some() && partition_key(*key, event) == *of_last));
    let mut notes = Vec::new();
    let dropped = held.len().saturating_sub(MAX_EVENTS - 1);
    if dropped > 0 {
        held.drain(..dropped);
        notes.push(format!("{dropped} events further back were left out: a case has at most {MAX_EVENTS}"));
    }
    let events = held.iter().chain([&last]).map(|event| KnownEvent::new(event)).collect();
    Ok(Selected { events, notes })
}
