//! Findings: what a detection reports.

use core::marker::PhantomData;

use countersign_vocabulary::{Severity, SubjectRole};

use crate::bindings::detect;
use crate::class::Class;
use crate::event::Reference;
use crate::rule::{Rule, Technique};

/// The largest message, in bytes, as the WIT defines it.
pub(crate) const MAX_MESSAGE_BYTES: usize = 1_024;

/// A finding of the rule `R`. By default its severity is medium, its subject the actor, and its techniques all that the
/// rule declares.
#[derive(Clone, Debug)]
#[must_use = "a finding has no effect until it is passed to `Context::report`"]
pub struct Finding<R> {
    class: &'static str,
    confidence: u8,
    severity: Severity,
    subject: SubjectRole,
    evidence: Vec<u64>,
    techniques: Vec<&'static str>,
    message: String,
    weaker: bool,
    rule: PhantomData<fn() -> R>,
}

impl<R: Rule> Finding<R> {
    /// A finding of a declared class with confidence 0–100; more counts as 100.
    pub fn new<C: Class<R>>(_class: C, confidence: u8) -> Self {
        Finding {
            class: C::ID,
            confidence: confidence.min(100),
            severity: Severity::Medium,
            subject: SubjectRole::Actor,
            evidence: Vec::new(),
            techniques: Vec::new(),
            message: String::new(),
            weaker: false,
            rule: PhantomData,
        }
    }

    /// Sets the severity; medium by default.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Sets the subject by its role in the row's event, which the host resolves; the actor by default.
    pub fn about(mut self, role: SubjectRole) -> Self {
        self.subject = role;
        self
    }

    /// Adds an event as evidence: one whose reference is kept with the row's key. The row's own event is always cited.
    pub fn evidence(mut self, reference: Reference) -> Self {
        self.evidence.push(reference.0);
        self
    }

    /// Adds events as evidence, such as [`Slot::kept`](crate::Slot::kept).
    pub fn evidence_all(mut self, references: impl IntoIterator<Item = Reference>) -> Self {
        self.evidence.extend(references.into_iter().map(|reference| reference.0));
        self
    }

    /// Adds a declared ATT&CK technique. Without any, the finding has all declared techniques.
    pub fn technique(mut self, technique: Technique<R>) -> Self {
        self.techniques.push(technique.id());
        self
    }

    /// Sets the text for people, at most 1,024 bytes; a longer text is cut.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = cut(message.into());
        self
    }

    /// Marks the evidence as merely naming the subject, even if the host finds that it authenticated.
    pub fn merely_names(mut self) -> Self {
        self.weaker = true;
        self
    }

    pub(crate) fn into_answer(self, row: u32) -> detect::Finding {
        let techniques: &[&str] = if self.techniques.is_empty() { R::TECHNIQUES } else { &self.techniques };
        detect::Finding {
            row,
            signal_class: self.class.to_owned(),
            confidence: self.confidence,
            severity: severity_out(self.severity),
            subject: match self.subject {
                SubjectRole::Actor => detect::SubjectRole::Actor,
                SubjectRole::Target => detect::SubjectRole::Target,
                SubjectRole::Owner => detect::SubjectRole::Owner,
                SubjectRole::Source => detect::SubjectRole::Source,
            },
            evidence: self.evidence,
            techniques: techniques.iter().map(|id| (*id).to_owned()).collect(),
            message: self.message,
            evidence_role: self.weaker.then_some(detect::EvidenceRole::MerelyNames),
        }
    }
}

/// The text, cut at the last character that fits a message.
pub(crate) fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_MESSAGE_BYTES));
    text
}

fn severity_out(severity: Severity) -> detect::Severity {
    match severity {
        Severity::Informational => detect::Severity::Informational,
        Severity::Low => detect::Severity::Low,
        Severity::Medium => detect::Severity::Medium,
        Severity::High => detect::Severity::High,
        Severity::Critical => detect::Severity::Critical,
        Severity::Fatal => detect::Severity::Fatal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let text = cut(format!("a{}", "ä".repeat(600)));
        assert_eq!(text.len(), 1_023);
        assert!(text.ends_with('ä'));
        assert_eq!(cut("short".to_owned()), "short");
    }
}
