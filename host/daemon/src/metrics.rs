//! The host's figures of itself, as Prometheus reads them: rendered from what is known anyway, and from a few counters.
//!
//! Labels are names of rules and sources of the generation that serves, and members of closed lists: nothing that a sender
//! chooses makes a series.

pub(crate) mod histogram;
pub(crate) mod process;
pub(crate) mod text;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use countersign_engine::Metered;
use countersign_model::{Ailment, DecisionKind, ReasonCode, RuleId, SourceId, Timestamp};
use countersign_recorder::SourceStanding;
use countersign_session::{DecisionLine, RuleFigures};

use crate::alarms::AlarmKind;
use crate::host::Host;
use histogram::{Histogram, RECORDS, SECONDS};
use text::{Label, Metrics};

/// What is counted as it happens.
pub(crate) struct Counters {
    /// From a record's arrival to the commit of what came of it, each record once.
    pub(crate) durable: Histogram,
    /// Records of the batches that are judged.
    pub(crate) batches: Histogram,
    decided: Mutex<Decided>,
}

/// Decisions since the host began.
#[derive(Clone, Default)]
struct Decided {
    by_rule: BTreeMap<(RuleId, DecisionKind), u64>,
    by_reason: BTreeMap<ReasonCode, u64>,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters { durable: Histogram::new(SECONDS), batches: Histogram::new(RECORDS), decided: Mutex::default() }
    }
}

impl Counters {
    /// Counts a decision with its reasons.
    pub(crate) fn decided(&self, line: &DecisionLine) {
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        *decided.by_rule.entry((line.rule.clone(), line.decision)).or_default() += 1;
        for reason in &line.reasons {
            *decided.by_reason.entry(reason.code).or_default() += 1;
        }
    }
}

/// What is known of a rule that serves.
pub(crate) struct RuleUse {
    pub(crate) rule: RuleId,
    pub(crate) used: Metered,
}

/// A label of one name.
fn by<'l>(key: &'static str, value: &'l str) -> Vec<Label<'l>> {
    vec![(key, value)]
}

fn float(number: u64) -> f64 {
    number as f64
}

/// The only member of a family, where its value is known.
fn known(value: Option<f64>) -> Option<(Vec<Label<'static>>, f64)> {
    value.map(|value| (Vec::new(), value))
}

/// Microseconds as seconds.
fn seconds(micros: i64) -> f64 {
    Duration::from_micros(micros.unsigned_abs()).as_secs_f64() * if micros < 0 { -1.0 } else { 1.0 }
}

fn at(time: Timestamp) -> f64 {
    seconds(time.0)
}

impl Host {
    /// The figures, to be added to and shown. What can't be read now is left out.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::default();
        self.add_generation(&mut metrics);
        self.add_recorder(&mut metrics);
        self.add_sources(&mut metrics);
        self.add_judging(&mut metrics);
        self.add_rules(&mut metrics);
        let alarms = self.alarms();
        let help = "What a person has to look at: 1 as long as it is so.";
        let members = alarms.iter().map(|alarm| {
            let labels: Vec<Label<'_>> = vec![("alarm", alarm.alarm.id()), ("subject", &alarm.subject)];
            (labels, 1.0)
        });
        metrics.gauges("alarm", help, members);
        let count = |kind: &AlarmKind| alarms.iter().filter(|alarm| alarm.alarm == *kind).count() as u64;
        let members = AlarmKind::ALL.iter().map(|kind| (by("alarm", kind.id()), float(count(kind))));
        metrics.gauges("alarms", "How many alarms of each kind there are.", members);
        process::add(&mut metrics);
        metrics
    }

    fn add_generation(&self, metrics: &mut Metrics) {
        let (judged, serving) = (self.open.shared.judged(), self.open.shared.serving());
        let gate = countersign_session::GATE_VERSION.to_string();
        let labels: Vec<Label<'_>> = vec![
            ("version", env!("CARGO_PKG_VERSION")),
            ("engine", countersign_engine::ENGINE_VERSION),
            ("gate", &gate),
        ];
        metrics.gauges("build_info", "The versions of the host: always 1.", [(labels, 1.0)]);
        let number = judged.generation.map(float);
        metrics.gauges("generation", "The number of the generation that serves.", known(number));
        let applied = serving.and_then(|serving| serving.applied).map(at);
        let help = "When the generation that serves was applied, seconds since 1970.";
        metrics.gauges("generation_applied_timestamp_seconds", help, known(applied));
        let left_out = judged.left_out.len() as u64;
        metrics.gauge("rules_left_out", "Rules that the generation leaves out.", float(left_out));
        let differ = f64::from(u8::from(self.on_disk().is_some()));
        metrics.gauge(
            "files_differ",
            "1 where the files on disk aren't what serves, as they were looked at last.",
            differ,
        );
    }

    fn add_recorder(&self, metrics: &mut Metrics) {
        let figures = self.open.recorder.figures();
        let gauges = [
            ("recorder_bytes", "Bytes on record, compressed.", figures.bytes),
            ("recorder_max_bytes", "The most bytes that are on record.", self.open.max_bytes),
            ("recorder_waiting_bytes", "Bytes on record that aren't judged.", figures.waiting_bytes),
            ("recorder_queue_appends", "Appends that wait to be recorded.", self.open.recorder.queued()),
            (
                "recorder_failing_transactions",
                "Transactions that failed since the last one that didn't.",
                figures.failing,
            ),
        ];
        for (name, help, value) in gauges {
            metrics.gauge(name, help, float(value));
        }
        let refused = float(figures.refused);
        metrics.counter("recorder_refused_total", "Appends that were refused for want of room.", refused);
        let durations = [
            ("recorder_transaction_seconds", "The recorder's transactions as a whole.", figures.transaction_micros),
            ("recorder_commit_seconds", "Of these their commits, which wait for the disk.", figures.commit_micros),
        ];
        for (name, help, micros) in durations {
            metrics.summary(name, help, figures.transactions, Duration::from_micros(micros).as_secs_f64());
        }
    }

    fn add_sources(&self, metrics: &mut Metrics) {
        let shared = &self.open.shared;
        let (sources, fed, unwell, tallies) = (shared.sources(), shared.fed(), shared.unwell(), shared.tallies());
        let names: Vec<&SourceId> = sources.iter().map(|source| source.name()).collect();
        let each = |value: &dyn Fn(&SourceId) -> Option<f64>| -> Vec<(Vec<Label<'_>>, f64)> {
            names.iter().filter_map(|name| Some((by("source", name.as_str()), value(name)?))).collect()
        };
        let judged = self.open.recorder.figures().judged;
        let standing = self.open.recorder.reader().and_then(|reader| reader.standing(judged)).unwrap_or_default();
        let standing: BTreeMap<SourceId, SourceStanding> =
            standing.into_iter().map(|standing| (standing.name.clone(), standing)).collect();
        let recorded = each(&|name| Some(standing.get(name).map_or(0.0, |standing| float(standing.records))));
        metrics.counters("recorded_records_total", "Records on record, ever.", recorded);
        let waiting = each(&|name| Some(standing.get(name).map_or(0.0, |standing| float(standing.waiting))));
        metrics.gauges("waiting_records", "Records on record that aren't judged.", waiting);
        let arrived = each(&|name| standing.get(name)?.arrived.map(at));
        metrics.gauges("last_arrival_timestamp_seconds", "When the last record arrived, seconds since 1970.", arrived);
        let unread = each(&|name| fed.get(name).map(|fed| float(fed.lag_bytes)));
        metrics.gauges("unread_bytes", "Bytes that are known and not recorded.", unread);
        let problems = each(&|name| fed.get(name).map(|fed| float(fed.problems.len() as u64)));
        metrics.gauges("source_problems", "What is wrong with reading a source.", problems);
        let tallies = &tallies;
        let tally = |of: fn((u64, u64)) -> u64| {
            each(&move |name: &SourceId| Some(tallies.get(name).map_or(0.0, |tally| float(of(*tally)))))
        };
        let judged = tally(|(records, _)| records);
        metrics.counters("judged_records_total", "Records that were judged since the host began.", judged);
        let dead = tally(|(_, dead)| dead);
        metrics.counters("dead_letters_total", "Of these, records that can't be used.", dead);
        let members = names.iter().flat_map(|name| {
            let unwell = unwell.get(*name);
            Ailment::ALL.iter().map(move |ailment| {
                let is = unwell.is_some_and(|unwell| unwell.iter().any(|one| one.what == *ailment));
                let labels: Vec<Label<'_>> = vec![("source", name.as_str()), ("ailment", ailment.id())];
                (labels, f64::from(u8::from(is)))
            })
        });
        metrics.gauges("source_unwell", "1 as long as a source is so: what rests on it needs approval.", members);
    }

    fn add_judging(&self, metrics: &mut Metrics) {
        let shared = &self.open.shared;
        let (judged, figures, counters) = (shared.judged(), shared.figures(), &shared.counters);
        let now = self.now();
        let stopped = f64::from(u8::from(judged.stopped.is_some()));
        metrics.gauge("judging_stopped", "1 where an error stopped judging; it is tried again.", stopped);
        let next = judged.place.map_or(1, |place| place.batch);
        let waiting = (self.open.recorder.figures().last + 1).saturating_sub(next);
        metrics.gauge("judge_waiting_batches", "Batches on record that aren't judged.", float(waiting));
        let oldest = self.open.recorder.reader().ok().and_then(|reader| reader.arrived(next).ok()?);
        let lag = oldest.map_or(0.0, |arrived| seconds(now.micros_since(arrived).max(0)));
        metrics.gauge("judge_lag_seconds", "How long the oldest of these has waited.", lag);
        let help = "From a record's arrival to the commit of what came of it.";
        metrics.histograms("durable_seconds", help, [(Vec::new(), counters.durable.counted())]);
        metrics.histograms(
            "batch_records",
            "Records of the batches judged.",
            [(Vec::new(), counters.batches.counted())],
        );
        let (commits, took) = figures.commits;
        let help = "Commits of the store since judging began last.";
        metrics.summary("store_commit_seconds", help, commits, took.as_secs_f64());
        let help = "Up to which time events are complete, seconds since 1970.";
        metrics.gauges("watermark_timestamp_seconds", help, known(figures.watermark.map(at)));
        let age = figures.watermark.map(|watermark| seconds(now.micros_since(watermark)));
        metrics.gauges("watermark_age_seconds", "How far the watermark lies behind the host's clock.", known(age));
        metrics.counter("audit_records_total", "Records of the audit log.", float(judged.records));
        metrics.counter("events_total", "Events judged, ever.", float(figures.events));
        metrics.counter("duplicates_total", "Events that came before, ever.", float(figures.duplicates));
        metrics.counter("findings_total", "Findings, ever.", float(figures.findings));
        let decided = counters.decided.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let members = decided.by_rule.iter().map(|((rule, kind), count)| {
            let labels: Vec<Label<'_>> = vec![("rule", rule.as_str()), ("decision", kind.id())];
            (labels, float(*count))
        });
        metrics.counters("decisions_total", "Decisions since the host began.", members);
        let members = decided.by_reason.iter().map(|(code, count)| (by("code", code.id()), float(*count)));
        metrics.counters("decision_reasons_total", "Their reasons.", members);
    }

    fn add_rules(&self, metrics: &mut Metrics) {
        let figures = self.open.shared.figures();
        type Of = fn(&RuleFigures) -> f64;
        let each = |of: Of| -> Vec<(Vec<Label<'_>>, f64)> {
            figures.rules.iter().map(|(rule, figures)| (by("rule", rule.as_str()), of(figures))).collect()
        };
        let counters: [(&str, &str, Of); 4] = [
            ("rule_rows_total", "Rows that were delivered to a rule, ever.", |figures| float(figures.delivered)),
            ("rule_held_rows_total", "Rows that were held back from it, ever.", |figures| float(figures.held)),
            ("rule_failed_rows_total", "Rows that it failed on, ever.", |figures| float(figures.set_aside)),
            ("rule_findings_total", "Its findings, ever.", |figures| float(figures.findings)),
        ];
        for (name, help, of) in counters {
            metrics.counters(name, help, each(of));
        }
        let gauges: [(&str, &str, Of); 4] = [
            ("rule_state_bytes", "What it keeps.", |figures| float(figures.state_bytes)),
            ("rule_timers", "Its timers that are pending.", |figures| float(figures.timers)),
            ("rule_parked", "Parts of sources whose rows it isn't called with.", |figures| float(figures.parked)),
            ("rule_quarantined", "Sources for which it is in quarantine or stopped.", |figures| {
                float(figures.quarantined)
            }),
        ];
        for (name, help, of) in gauges {
            metrics.gauges(name, help, each(of));
        }
        let found = figures.rules.iter();
        let found = found.filter_map(|(rule, figures)| Some((by("rule", rule.as_str()), at(figures.last_finding?))));
        let help = "The gate's clock at its last finding, seconds since 1970.";
        metrics.gauges("rule_last_finding_timestamp_seconds", help, found);
        let uses = self.rule_uses();
        let used = |of: fn(&Metered) -> f64| -> Vec<(Vec<Label<'_>>, f64)> {
            uses.iter().map(|one| (by("rule", one.rule.as_str()), of(&one.used))).collect()
        };
        let help = "Calls of it since it was loaded, those of trials included.";
        metrics.counters("rule_calls_total", help, used(|used| float(used.calls)));
        metrics.counters(
            "rule_failed_calls_total",
            "Of these, calls without an answer.",
            used(|used| float(used.failures)),
        );
        metrics.counters("rule_fuel_total", "Fuel that they used.", used(|used| float(used.fuel)));
        metrics.counters("rule_seconds_total", "Time that they took.", used(|used| float(used.nanos) / 1e9));
    }

    /// What the rules that serve have used since they were loaded.
    pub(crate) fn rule_uses(&self) -> Vec<RuleUse> {
        let Some(serving) = self.open.shared.serving() else { return Vec::new() };
        let generation = &serving.built.generation;
        let rules = generation.detections.iter().chain(&generation.responses);
        rules.map(|rule| RuleUse { rule: rule.identity.id.clone(), used: rule.loaded.metered() }).collect()
    }
}
