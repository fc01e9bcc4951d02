//! What admission found, as text: what a child replies, and what the cache keeps.

use countersign_declaration::{Refusal, RefusalCode};
use countersign_document::Diagnostic;
use countersign_model::Digest;
use countersign_text::{is_invisible, line};
use serde::{Deserialize, Serialize};

/// Maximum bytes of a verdict as text. A declaration of the largest size can have about 10,000 faults.
pub const MAX_VERDICT: u64 = 8 << 20;

/// What admission found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It admits the rule.
    Admitted,
    /// It refuses it, for these reasons; there is one at least.
    Refused(Vec<Refusal>),
}

/// A verdict as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// `fingerprint` of the bytes that it is about.
    rule: String,
    refusals: Vec<Reason>,
}

/// A refusal as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    place: String,
    expected: String,
    got: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Verdict {
    /// As text.
    #[must_use]
    pub fn write(&self, rule: Digest) -> Vec<u8> {
        let refusals = match self {
            Verdict::Admitted => &[][..],
            Verdict::Refused(refusals) => refusals,
        };
        let written = Written { rule: rule.to_string(), refusals: refusals.iter().map(Reason::of).collect() };
        // Texts and numbers are always JSON.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// Reads a verdict on these bytes. Whoever wrote it decides whether the rule is admitted, but nothing else: codes
    /// are those that there are, and texts are shown like any that others chose.
    #[must_use]
    pub fn read(bytes: &[u8], rule: Digest) -> Option<Verdict> {
        if bytes.len() as u64 > MAX_VERDICT {
            return None;
        }
        let written: Written = serde_json::from_slice(bytes).ok()?;
        if written.rule != rule.to_string() {
            return None;
        }
        let refusals: Vec<Refusal> = written.refusals.into_iter().map(Reason::refusal).collect::<Option<_>>()?;
        Some(if refusals.is_empty() { Verdict::Admitted } else { Verdict::Refused(refusals) })
    }
}

impl Reason {
    fn of(refusal: &Refusal) -> Reason {
        let Diagnostic { line, place, expected, got, hint } = refusal.diagnostic.clone();
        Reason { code: refusal.code.id().to_owned(), line, place, expected, got, hint }
    }

    fn refusal(self) -> Option<Refusal> {
        let Reason { code, line, place, expected, got, hint } = self;
        let diagnostic =
            Diagnostic { line, place: shown(place), expected: shown(expected), got: shown(got), hint: hint.map(shown) };
        Some(Refusal { code: RefusalCode::from_id(&code)?, diagnostic })
    }
}

/// The text itself, if a reader sees all of it, as of what admission writes.
fn shown(text: String) -> String {
    if text.chars().any(|c| c != ' ' && is_invisible(c)) { line(&text) } else { text }
}

#[cfg(test)]
#[path = "../tests/unit/verdict.rs"]
mod tests;
