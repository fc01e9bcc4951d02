//! What a person has to look at: one place that says which alarms there are now, since when, why, and what to do.
//!
//! An alarm begins and ends by what is seen of the host every few seconds; both are logged once. Nothing here affects what is
//! decided: where that depends on how a source stands, it is an input on record ([`crate::vigil`]).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use countersign_model::time::format_duration;
use countersign_model::vocabulary::text_ids;
use countersign_model::{RuleId, SourceId, Timestamp, Unwell};
use countersign_session::Figures;
use countersign_text::quoted;
use serde::Serialize;

text_ids! {
    /// What an alarm is about.
    pub enum AlarmKind {
        /// Nothing is judged: an error stopped it, and it is tried again.
        JudgingStopped = "judging-stopped",
        /// What comes in can't be recorded.
        RecordingFails = "recording-fails",
        /// The recorder has little room for what isn't judged.
        RecorderFull = "recorder-full",
        /// Events are judged, and none of them moves the time up to which they are complete.
        WatermarkStands = "watermark-stands",
        /// Many records of a source can't be used.
        DeadLetters = "dead-letters",
        /// A source is silent, lags, floods, or tells far less than usual.
        SourceUnwell = "source-unwell",
        /// A rule serves, and nothing reaches it.
        RuleDead = "rule-dead",
        /// A rule isn't called with rows of a source, because it failed on too many or missed its deadline.
        RuleQuarantined = "rule-quarantined",
        /// The generation that serves leaves rules out.
        RulesLeftOut = "rules-left-out",
        /// The audit log can't be signed, or isn't as it was signed.
        AuditUnsigned = "audit-unsigned",
        /// The files on disk aren't what serves.
        NotLoaded = "generation-not-loaded",
    }
}

impl AlarmKind {
    /// What a person does about it.
    #[must_use]
    pub const fn what_to_do(self) -> &'static str {
        match self {
            AlarmKind::JudgingStopped => "mend what the reason names; judging goes on by itself",
            AlarmKind::RecordingFails => "look at the disk of the state folder: space, permissions, errors",
            AlarmKind::RecorderFull => "see why judging lags, or raise `recorder.max-bytes`",
            AlarmKind::WatermarkStands => "look at the times of the sources' records: `countersign sources`",
            AlarmKind::DeadLetters => "see why: `countersign dead-letters`; the source's format may have changed",
            AlarmKind::SourceUnwell => "look at what sends the source's records: somebody may have switched it off",
            AlarmKind::RuleDead => "see whether a source has what its filters ask for, or take the rule out",
            AlarmKind::RuleQuarantined => "see on what it failed: `countersign audit list --rule`; mend the rule",
            AlarmKind::RulesLeftOut => "see why: `countersign plan`; mend the rule or take it out",
            AlarmKind::AuditUnsigned => "mend what the reason names; `countersign audit verify` says how the log is",
            AlarmKind::NotLoaded => "see what differs: `countersign plan`; then apply the files or put them back",
        }
    }
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// What it is about.
    pub alarm: AlarmKind,
    /// Which rule or source; `host` for the host as a whole.
    pub subject: String,
    /// Since when it has been seen, by the host's clock.
    pub since: Timestamp,
    /// Why.
    pub why: String,
    /// What to do.
    pub what_to_do: &'static str,
}

/// The subject of what concerns the whole host.
const HOST: &str = "host";

/// What waits takes so many parts of a hundred of the recorder's room: an alarm from the one on, until less than the other.
const FULL: (u64, u64) = (80, 70);

/// How long the watermark may stand while events are judged.
const STANDS: Duration = Duration::from_secs(30 * 60);

/// Records of a source that can't be used within [`WINDOW`]: at least so many, and so many parts of a hundred of all. It ends
/// below half of both.
const DEAD: (u64, u64) = (20, 10);

/// How far back dead letters are counted.
const WINDOW: Duration = Duration::from_secs(600);

/// How long, and over how many events, a rule may see nothing until it is dead.
const DEAD_AFTER: i64 = 86_400 * 1_000_000;
const DEAD_EVENTS: u64 = 10_000;

/// What is seen of the host at a moment.
pub(crate) struct Seen {
    /// The host's clock.
    pub(crate) now: Timestamp,
    /// Since the host began, by a clock that nobody sets.
    pub(crate) elapsed: Duration,
    /// Why nothing is judged.
    pub(crate) stopped: Option<String>,
    /// Transactions of the recorder that failed one after another.
    pub(crate) failing: u64,
    /// Bytes that aren't judged, and the most that fit.
    pub(crate) waiting: (u64, u64),
    /// What the session has done.
    pub(crate) figures: Arc<Figures>,
    /// Records that were judged, and of these the dead letters, since the host began.
    pub(crate) judged: BTreeMap<SourceId, (u64, u64)>,
    /// Sources that aren't well.
    pub(crate) unwell: BTreeMap<SourceId, Vec<Unwell>>,
    /// When the generation that serves was applied.
    pub(crate) applied: Option<Timestamp>,
    /// The operator's own detections. Of those that ship many see nothing where their sources aren't there.
    pub(crate) own_rules: BTreeSet<RuleId>,
    /// Rules that the generation leaves out.
    pub(crate) left_out: Vec<String>,
    /// Why the audit log isn't signed.
    pub(crate) unsigned: Option<String>,
    /// Why the files on disk don't serve.
    pub(crate) not_loaded: Option<Vec<String>>,
}

/// A sample of [`Seen::judged`], and when it was taken.
type Sample = (Duration, BTreeMap<SourceId, (u64, u64)>);

/// The alarms there are, and what has to be known of before.
#[derive(Default)]
pub(crate) struct Alarms {
    active: BTreeMap<(AlarmKind, String), Alarm>,
    /// The watermark, and since when and how many events it has stood.
    watermark: Option<(Option<Timestamp>, Duration, u64)>,
    /// Oldest first; about one a minute.
    samples: VecDeque<Sample>,
}

impl Alarms {
    /// The alarms there are now.
    pub(crate) fn see(&mut self, seen: &Seen) -> Vec<Alarm> {
        let mut now: BTreeMap<(AlarmKind, String), String> = BTreeMap::new();
        let mut add = |kind, subject: &str, why: String| drop(now.insert((kind, subject.to_owned()), why));
        if let Some(why) = &seen.stopped {
            add(AlarmKind::JudgingStopped, HOST, why.clone());
        }
        if seen.failing > 0 {
            add(AlarmKind::RecordingFails, HOST, format!("{} transactions failed one after another", seen.failing));
        }
        if let Some(why) = self.recorder_full(seen) {
            add(AlarmKind::RecorderFull, HOST, why);
        }
        if let Some(why) = self.watermark_stands(seen) {
            add(AlarmKind::WatermarkStands, HOST, why);
        }
        for (source, why) in self.dead_letters(seen) {
            add(AlarmKind::DeadLetters, source.as_str(), why);
        }
        for (source, unwell) in &seen.unwell {
            let why: Vec<String> = unwell.iter().map(|one| format!("{}: {}", one.what, one.why)).collect();
            add(AlarmKind::SourceUnwell, source.as_str(), why.join("; "));
        }
        for (rule, figures) in &seen.figures.rules {
            if figures.quarantined > 0 {
                let why = format!("it judges no rows of {} of the sources for a while", figures.quarantined);
                add(AlarmKind::RuleQuarantined, rule.as_str(), why);
            }
            let served = seen.applied.map_or(0, |applied| seen.now.micros_since(applied));
            let saw_nothing = figures.delivered == 0 && figures.held == 0;
            if saw_nothing && seen.own_rules.contains(rule) && served > DEAD_AFTER && seen.figures.events >= DEAD_EVENTS
            {
                let why = format!("of {} events none has passed its filters", seen.figures.events);
                add(AlarmKind::RuleDead, rule.as_str(), why);
            }
        }
        if !seen.left_out.is_empty() {
            add(AlarmKind::RulesLeftOut, HOST, seen.left_out.join("; "));
        }
        if let Some(why) = &seen.unsigned {
            add(AlarmKind::AuditUnsigned, HOST, why.clone());
        }
        if let Some(reasons) = &seen.not_loaded {
            add(AlarmKind::NotLoaded, HOST, reasons.join("; "));
        }
        self.become_these(now, seen.now)
    }

    /// Begins and ends alarms.
    fn become_these(&mut self, now: BTreeMap<(AlarmKind, String), String>, clock: Timestamp) -> Vec<Alarm> {
        for ((kind, subject), alarm) in self.active.extract_if(.., |key, _| !now.contains_key(key)) {
            let lasted = format_duration(clock.micros_since(alarm.since).max(0) / 1_000_000 * 1_000_000);
            tracing::info!(alarm = kind.id(), subject = %quoted(&subject), %lasted, "an alarm ended");
        }
        for ((kind, subject), why) in now {
            let alarm = self.active.entry((kind, subject)).or_insert_with_key(|(_, subject)| {
                tracing::warn!(alarm = kind.id(), subject = %quoted(subject), why = %quoted(&why), "an alarm began");
                let (subject, why) = (subject.clone(), String::new());
                Alarm { alarm: kind, subject, since: clock, why, what_to_do: kind.what_to_do() }
            });
            alarm.why = why;
        }
        self.active.values().cloned().collect()
    }

    fn is_active(&self, kind: AlarmKind, subject: &str) -> bool {
        self.active.contains_key(&(kind, subject.to_owned()))
    }

    fn recorder_full(&self, seen: &Seen) -> Option<String> {
        let (waiting, room) = seen.waiting;
        let bound = if self.is_active(AlarmKind::RecorderFull, HOST) { FULL.1 } else { FULL.0 };
        let percent = waiting.saturating_mul(100).checked_div(room)?;
        (percent >= bound).then(|| format!("what isn't judged takes {percent} % of {room} bytes"))
    }

    /// The watermark moves with the events, or no events come.
    fn watermark_stands(&mut self, seen: &Seen) -> Option<String> {
        let (watermark, events) = (seen.figures.watermark, seen.figures.events);
        let (_, since, before) = match self.watermark {
            Some(known) if known.0 == watermark => known,
            _ => *self.watermark.insert((watermark, seen.elapsed, events)),
        };
        let (stood, judged) = (seen.elapsed.saturating_sub(since), events.saturating_sub(before));
        let why = format!("it has stood for {} min while {judged} events were judged", stood.as_secs() / 60);
        (stood >= STANDS && judged > 0).then_some(why)
    }

    fn dead_letters(&mut self, seen: &Seen) -> Vec<(SourceId, String)> {
        const EVERY: Duration = Duration::from_secs(60);
        if self.samples.back().is_none_or(|(at, _)| seen.elapsed.saturating_sub(*at) >= EVERY) {
            self.samples.push_back((seen.elapsed, seen.judged.clone()));
        }
        // One that is older than the window stays, to be compared with.
        while self.samples.get(1).is_some_and(|(at, _)| seen.elapsed.saturating_sub(*at) >= WINDOW) {
            self.samples.pop_front();
        }
        let Some((_, before)) = self.samples.front() else { return Vec::new() };
        let rising = seen.judged.iter().filter_map(|(source, (records, dead))| {
            let (records_before, dead_before) = before.get(source).copied().unwrap_or_default();
            let (records, dead) = (records.saturating_sub(records_before), dead.saturating_sub(dead_before));
            let half = if self.is_active(AlarmKind::DeadLetters, source.as_str()) { 2 } else { 1 };
            let many = dead.saturating_mul(half) >= DEAD.0;
            let share = dead.saturating_mul(100 * half) >= records.saturating_mul(DEAD.1);
            let why = format!("{dead} of {records} records within ten minutes");
            (many && share).then(|| (source.clone(), why))
        });
        rising.collect()
    }
}

#[cfg(test)]
#[path = "../tests/unit/alarms.rs"]
mod tests;
