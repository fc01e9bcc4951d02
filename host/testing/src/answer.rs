//! What a fake rule reads of a call, and answers.

use countersign_model::call::{AnswerFinding, TextArena, Values};
use countersign_model::vocabulary::{Severity, SubjectRole};

/// A finding that keeps the contract of [`declaration`](crate::declaration())'s rule.
#[must_use]
pub fn finding(row: u32, message: &str) -> AnswerFinding {
    AnswerFinding {
        row,
        signal_class: "token".to_owned(),
        confidence: 70,
        severity: Severity::Low,
        subject: SubjectRole::Actor,
        evidence: Vec::new(),
        techniques: Vec::new(),
        message: message.to_owned(),
        evidence_role: None,
    }
}

/// The texts of a column of text, one for each row.
#[must_use]
pub fn texts(values: &Values) -> Vec<String> {
    match values {
        Values::Text(arena) => arena_entries(arena),
        Values::Dictionary { entries, indices } => {
            let entries = arena_entries(entries);
            indices.iter().map(|index| entries[*index as usize].clone()).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// The texts of an arena.
#[must_use]
pub fn arena_entries(arena: &TextArena) -> Vec<String> {
    arena.offsets.windows(2).map(|ends| arena.bytes[ends[0] as usize..ends[1] as usize].to_owned()).collect()
}
