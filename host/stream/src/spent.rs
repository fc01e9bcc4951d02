//! What a rule has put on record since the last tick: bounded for each row, and in all so that no source uses up what
//! others need.

use std::collections::BTreeMap;
use std::io;

use countersign_declaration::Kept;
use countersign_model::SourceId;
use countersign_model::call::{CallFailure, Diagnostic, FailureKind};
use serde::{Deserialize, Serialize};

/// Between two ticks a rule may put so many times on record what one row may.
const MAX_EVIDENCE: u64 = 64;

/// So much of diagnostics, by the same measure.
const MAX_DIAGNOSTICS: u64 = 16;

/// A diagnostic beside its message, bytes.
const DIAGNOSTIC_BYTES: u64 = 192;

/// What the rows of one source have put on record since the last tick, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// The calls that made findings, with their answers, and the findings, as JSON.
    pub evidence: u64,
    /// Diagnostics.
    pub diagnostics: u64,
}

/// What a rule has put on record since the last tick, by the source of the row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spending {
    by_source: BTreeMap<SourceId, Spent>,
}

impl Spending {
    /// Whether nothing was put on record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_source.is_empty()
    }

    pub(crate) fn add_evidence(&mut self, source: &SourceId, bytes: u64) {
        self.of(source).evidence += bytes;
    }

    pub(crate) fn add_diagnostics(&mut self, source: &SourceId, bytes: u64) {
        self.of(source).diagnostics += bytes;
    }

    /// Refuses the evidence of a row where it is too much for one row, or for its source before the next tick.
    pub(crate) fn check_evidence(&self, source: &SourceId, bytes: u64, kept: &Kept) -> Result<(), CallFailure> {
        if bytes > kept.evidence {
            return too_large(format!("{bytes} bytes of evidence, at most {} of one row are kept", kept.evidence));
        }
        let max = kept.evidence.saturating_mul(MAX_EVIDENCE);
        self.check("evidence", source, bytes, max, |spent| spent.evidence)
    }

    /// Refuses the diagnostics of a row where they are too much for its source before the next tick.
    pub(crate) fn check_diagnostics(&self, source: &SourceId, bytes: u64, kept: &Kept) -> Result<(), CallFailure> {
        let max = kept.evidence.saturating_mul(MAX_DIAGNOSTICS);
        self.check("diagnostics", source, bytes, max, |spent| spent.diagnostics)
    }

    /// Whether the diagnostics of a source so far aren't too much.
    pub(crate) fn fits_diagnostics(&self, source: &SourceId, kept: &Kept) -> bool {
        let (own, most) = self.share(source, kept.evidence.saturating_mul(MAX_DIAGNOSTICS), |spent| spent.diagnostics);
        own <= most
    }

    /// What a source has used, and the most that it may use: half of what the others leave, so that there is always
    /// something left for another.
    fn share(&self, source: &SourceId, max: u64, of: impl Fn(&Spent) -> u64) -> (u64, u64) {
        let own = self.by_source.get(source).map_or(0, &of);
        let others = self.by_source.values().map(&of).sum::<u64>() - own;
        (own, max.saturating_sub(others) / 2)
    }

    fn check(
        &self,
        what: &str,
        source: &SourceId,
        bytes: u64,
        max: u64,
        of: impl Fn(&Spent) -> u64,
    ) -> Result<(), CallFailure> {
        // Most rows have none.
        if bytes == 0 {
            return Ok(());
        }
        let (own, most) = self.share(source, max, of);
        if own.saturating_add(bytes) <= most {
            return Ok(());
        }
        too_large(format!(
            "{bytes} bytes of {what} beside {own} of the same source, at most {most} are kept before the next tick"
        ))
    }

    fn of(&mut self, source: &SourceId) -> &mut Spent {
        self.by_source.entry(source.clone()).or_default()
    }
}

/// What diagnostics take, bytes.
pub(crate) fn diagnostics_bytes<'d>(diagnostics: impl IntoIterator<Item = &'d Diagnostic>) -> u64 {
    diagnostics.into_iter().map(|diagnostic| DIAGNOSTIC_BYTES + diagnostic.message.len() as u64).sum()
}

/// The most that the diagnostics of a row take, bytes, of so many with messages of at most so many bytes.
pub(crate) const fn most_diagnostics_bytes(count: usize, message: usize) -> u64 {
    count as u64 * (DIAGNOSTIC_BYTES + message as u64)
}

/// What a form takes on record, bytes.
pub(crate) fn recorded_bytes(form: &impl Serialize) -> u64 {
    let mut count = Count(0);
    // Counting doesn't fail, and these forms have a JSON form.
    let _ = serde_json::to_writer(&mut count, form);
    count.0
}

struct Count(u64);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn too_large<T>(message: String) -> Result<T, CallFailure> {
    Err(CallFailure { kind: FailureKind::TooLarge, message })
}

#[cfg(test)]
#[path = "../tests/unit/spent.rs"]
mod tests;
