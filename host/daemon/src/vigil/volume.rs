//! How much comes of a source: counts by ten minutes, and how much is usual.

use std::collections::BTreeMap;

use countersign_recorder::SPAN;

/// Spans of an hour, and of a day.
const HOUR: i64 = 6;
const DAY: i64 = 24 * HOUR;

/// Days and hours before that are compared with, and the fewest days that say what is usual.
const DAYS: i64 = 7;
const HOURS: i64 = 6;
const MIN_DAYS: usize = 3;

/// How long counts are kept, microseconds: the days that are compared with, and the hour before.
pub(super) const KEPT: i64 = (DAYS * DAY + 2 * HOUR) * SPAN;

/// Counts of records by spans of ten minutes ([`SPAN`]).
#[derive(Debug, Default)]
pub(super) struct Volume {
    counts: BTreeMap<i64, u64>,
}

impl Volume {
    /// Adds records that came within a span.
    pub(super) fn add(&mut self, span: i64, records: u64) {
        *self.counts.entry(span).or_default() += records;
    }

    /// Forgets what is too old to be compared with.
    pub(super) fn forget(&mut self, now: i64) {
        self.counts = self.counts.split_off(&(now - KEPT / SPAN));
    }

    /// Records within the hour before a span.
    pub(super) fn hour(&self, before: i64) -> u64 {
        self.counts.range(before - HOUR..before).map(|(_, records)| records).sum()
    }

    /// How many records an hour are usual before a span: as many as in the same hour of the days before, or as in the hours
    /// before where that is less, each by the median. None where too few days are known.
    pub(super) fn usual(&self, before: i64) -> Option<u64> {
        let first = *self.counts.keys().next()?;
        let hours: Vec<u64> = (1..=HOURS).map(|hours| self.hour(before - hours * HOUR)).collect();
        let days = (1..=DAYS).map(|days| before - days * DAY).filter(|before| before - HOUR >= first);
        let days: Vec<u64> = days.map(|before| self.hour(before)).collect();
        (days.len() >= MIN_DAYS).then(|| median(days).min(median(hours)))
    }
}

/// The middle one; of an even number the lower of both.
fn median(mut all: Vec<u64>) -> u64 {
    all.sort_unstable();
    all.get(all.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

#[cfg(test)]
#[path = "../../tests/unit/vigil_volume.rs"]
mod tests;
