//! Checks that an answer keeps the contract: what it names was given to this call, and what it uses was declared.

use countersign_declaration::{Declaration, quoted};
use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall, FailureKind, NO_KEY, SlotChanges};
use countersign_model::vocabulary::{EvidenceRole, SignalClass};

use crate::Sequenced;
use crate::subject::evidence_role;

/// Maximum length of a message, bytes.
pub(crate) const MAX_MESSAGE_BYTES: usize = 1024;

/// Maximum of findings on one row.
const MAX_FINDINGS_PER_ROW: usize = 16;

/// Maximum of diagnostics on one row.
pub(crate) const MAX_DIAGNOSTICS_PER_ROW: usize = 16;

/// Maximum of timers set, moved or cancelled on one row: as many as there may be ids.
const MAX_TIMERS_PER_ROW: usize = 64;

/// Checks an answer. References are checked where they are resolved to events.
pub(crate) fn validate(
    declaration: &Declaration,
    rows: &[&Sequenced],
    call: &DetectionCall,
    keys: usize,
    answer: &DetectionAnswer,
) -> Result<(), CallFailure> {
    let mut findings = vec![0usize; rows.len()];
    let kept: usize = declaration.slots.iter().map(|slot| slot.kept_references as usize).sum();
    for finding in &answer.findings {
        let row = row_of(rows, finding.row, "finding")?;
        count(&mut findings, finding.row, MAX_FINDINGS_PER_ROW, "findings")?;
        let class = SignalClass::from_id(&finding.signal_class);
        if !class.is_some_and(|class| declaration.signal_classes.contains(&class)) {
            return invalid(format!("signal class {} isn't declared", quoted(&finding.signal_class)));
        }
        if finding.confidence > 100 {
            return invalid(format!("confidence {} is above 100", finding.confidence));
        }
        if finding.techniques.len() > declaration.techniques.len() {
            let (named, declared) = (finding.techniques.len(), declaration.techniques.len());
            return invalid(format!("{named} techniques are more than the {declared} declared"));
        }
        if let Some(technique) = finding.techniques.iter().find(|technique| !declaration.techniques.contains(technique))
        {
            return invalid(format!("technique {} isn't declared", quoted(technique)));
        }
        check_message(&finding.message)?;
        let host = evidence_role(finding.subject, &row.event);
        if finding.evidence_role == Some(EvidenceRole::AuthenticatedAs) && host == EvidenceRole::MerelyNames {
            return invalid(format!("evidence role `authenticated-as` is stronger than the host's `{host}`"));
        }
        // The same bound in any batch: alone a row may cite itself and what is kept.
        if finding.evidence.len() > 1 + kept {
            return invalid(format!("{} references are more than it was shown", finding.evidence.len()));
        }
    }
    let mut seen_slots = Vec::new();
    for change in &answer.states {
        if seen_slots.contains(&change.slot) {
            return invalid(format!("slot {} is answered twice", change.slot));
        }
        seen_slots.push(change.slot);
        check_slot_changes(declaration, keys, change)?;
    }
    let mut set = vec![0usize; if answer.timers.is_empty() { 0 } else { rows.len() }];
    for timer in &answer.timers {
        let row = row_of(rows, timer.row, "timer")?;
        count(&mut set, timer.row, MAX_TIMERS_PER_ROW, "timers")?;
        let Some(timers) = declaration.timers.as_ref().filter(|timers| timers.ids.contains(&timer.id)) else {
            return invalid(format!("timer {} isn't declared", quoted(&timer.id)));
        };
        if call.batch.rows.keys.get(timer.row as usize).is_none_or(|key| *key == NO_KEY) {
            return invalid(format!("timer `{}` is set by a row without a key", timer.id));
        }
        if timer.at.is_some_and(|at| at.saturating_sub(row.time().micros()) > timers.longest) {
            return invalid(format!("timer `{}` is set further ahead than declared", timer.id));
        }
    }
    let mut diagnosed = vec![0usize; rows.len()];
    for diagnostic in &answer.diagnostics {
        row_of(rows, diagnostic.row, "diagnostic")?;
        count(&mut diagnosed, diagnostic.row, MAX_DIAGNOSTICS_PER_ROW, "diagnostics")?;
        check_message(&diagnostic.message)?;
    }
    Ok(())
}

pub(crate) fn invalid<T>(message: String) -> Result<T, CallFailure> {
    Err(CallFailure { kind: FailureKind::InvalidAnswer, message })
}

/// The part of an arena that belongs to entry `index`; [`validate`] has checked the offsets.
pub(crate) fn part<'a, T>(arena: &'a [T], offsets: &[u32], index: usize) -> &'a [T] {
    let bound = |at: usize| offsets.get(at).map_or(0, |offset| *offset as usize);
    arena.get(bound(index)..bound(index + 1)).unwrap_or_default()
}

fn check_slot_changes(declaration: &Declaration, keys: usize, change: &SlotChanges) -> Result<(), CallFailure> {
    let Some(slot) = declaration.slots.get(change.slot as usize) else {
        return invalid(format!("slot {} isn't declared", change.slot));
    };
    if !change.keys.is_sorted_by(|a, b| a < b) {
        return invalid(format!("the keys of slot `{}` don't rise", slot.name));
    }
    if let Some(key) = change.keys.last().filter(|key| **key as usize >= keys) {
        return invalid(format!("slot `{}`: key {key} wasn't given, there are {keys}", slot.name));
    }
    check_offsets(&change.blob_offsets, change.keys.len(), change.blobs.len(), &slot.name, "blob")?;
    check_offsets(&change.kept_offsets, change.keys.len(), change.kept.len(), &slot.name, "kept")?;
    for index in 0..change.keys.len() {
        let bytes = part(&change.blobs, &change.blob_offsets, index).len();
        if bytes > slot.max_bytes as usize {
            return invalid(format!("slot `{}`: state of {bytes} bytes, declared are {}", slot.name, slot.max_bytes));
        }
        let kept = part(&change.kept, &change.kept_offsets, index).len();
        if kept > slot.kept_references as usize {
            return invalid(format!(
                "slot `{}`: {kept} references kept, declared are {}",
                slot.name, slot.kept_references
            ));
        }
        if bytes == 0 && kept > 0 {
            return invalid(format!("slot `{}`: references kept with a key that is forgotten", slot.name));
        }
    }
    Ok(())
}

fn check_offsets(offsets: &[u32], entries: usize, length: usize, slot: &str, what: &str) -> Result<(), CallFailure> {
    let ends = offsets.first() == Some(&0) && offsets.last().is_some_and(|last| *last as usize == length);
    if offsets.len() != entries + 1 || !ends || !offsets.is_sorted() {
        return invalid(format!("slot `{slot}`: the {what} offsets don't divide {length} into {entries}"));
    }
    Ok(())
}

fn row_of<'a>(rows: &[&'a Sequenced], row: u32, what: &str) -> Result<&'a Sequenced, CallFailure> {
    match rows.get(row as usize) {
        Some(row) => Ok(row),
        None => invalid(format!("{what} on row {row}, there are {}", rows.len())),
    }
}

fn count(counts: &mut [usize], row: u32, max: usize, what: &str) -> Result<(), CallFailure> {
    if let Some(count) = counts.get_mut(row as usize) {
        *count += 1;
        if *count > max {
            return invalid(format!("more than {max} {what} on one row"));
        }
    }
    Ok(())
}

fn check_message(text: &str) -> Result<(), CallFailure> {
    if text.len() > MAX_MESSAGE_BYTES {
        return invalid(format!("a message of {} bytes, at most {MAX_MESSAGE_BYTES} are allowed", text.len()));
    }
    Ok(())
}

#[cfg(test)]
#[path = "../tests/unit/validate.rs"]
mod tests;
