//! One detection rule of a run: its rows of a chunk, and their outcomes.

use std::collections::BTreeMap;

use countersign_model::{Digest, DigestKey, Hold, SourceId};
use countersign_stream::{Adopted, Carried, Outcome, RuleStream, Sequenced};

use super::{Changes, Item, Placed, Remembered};

/// A row that a rule is given.
#[derive(Clone, Copy)]
enum Place {
    /// An event, by its place in the chunk.
    Event(usize),
    /// A row for this rule alone, by its place among those.
    Own(usize),
}

/// One detection rule of a run.
pub(super) struct Judge {
    pub(super) stream: RuleStream,
    /// Its depth in the graph of subscriptions.
    pub(super) depth: usize,
    /// Rows that it was called with.
    pub(super) delivered: u64,
    /// Rows that were held.
    pub(super) held: u64,
    /// SHA-256 of its code, where known.
    pub(super) code: Option<Digest>,
    /// The sources of rows that what it keeps may be made of.
    pub(super) sources: RowSources,
    /// Timers dropped because it had too many.
    pub(super) dropped_timers: u64,
    /// Findings that weren't delivered because it had too many about one event.
    pub(super) withheld: u64,
    /// The outcomes of this chunk.
    outcomes: Vec<Outcome>,
    /// Timers that were due at the tick before this chunk, and findings that it subscribes to.
    pub(super) own: Vec<Sequenced>,
    /// The rows that it was given of this chunk, in order.
    rows: Vec<Place>,
}

impl Judge {
    pub(super) fn new(stream: RuleStream, depth: usize) -> Judge {
        Judge {
            stream,
            depth,
            delivered: 0,
            held: 0,
            code: None,
            sources: RowSources::default(),
            dropped_timers: 0,
            withheld: 0,
            outcomes: Vec::new(),
            own: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// The same with a sample of rows that are judged on their own too.
    pub(super) fn with_sample(self, key: &DigestKey) -> Judge {
        Judge { stream: self.stream.with_sample(key), ..self }
    }

    /// Judges its rows: timers, events that reach the rule, and findings that it subscribes to, in one order.
    pub(super) fn judge_rows(&mut self, events: &[Sequenced], wanted: &[usize], batch: usize) {
        self.own.sort_by(|a, b| a.order().cmp(&b.order()));
        self.rows = merge(events, wanted, &self.own);
        let keeps = self.stream.keeps();
        for rows in self.rows.chunks(batch) {
            let rows: Vec<&Sequenced> = rows.iter().filter_map(|place| row_at(*place, events, &self.own)).collect();
            if keeps {
                rows.iter().for_each(|row| self.sources.note(row));
            }
            self.outcomes.push(self.stream.judge(&rows));
        }
    }

    /// Adds the outcomes to the chunk's items and changes.
    pub(super) fn finish_chunk(&mut self, rule: usize, placed: &mut Vec<Placed>, changes: &mut Changes) {
        self.rows.clear();
        self.own.clear();
        let depth = self.depth;
        let mut place = |row: &Sequenced, item: Item| {
            placed.push(Placed { position: row.position, after_timers: !row.is_timer(), depth, rule, item });
        };
        for outcome in std::mem::take(&mut self.outcomes) {
            self.delivered += outcome.delivered;
            self.held += outcome.held;
            outcome.begun.into_iter().for_each(|begun| place(&begun.row.clone(), Item::Held(Box::new(begun))));
            outcome.failures.into_iter().for_each(|failed| place(&failed.row.clone(), Item::SetAside(failed)));
            outcome.disagreements.into_iter().for_each(|other| place(&other.row.clone(), Item::Disagreement(other)));
            outcome.diagnostics.into_iter().for_each(|one| place(&one.row.clone(), Item::Diagnostic(one)));
            outcome.findings.into_iter().for_each(|one| place(&one.row.clone(), Item::Finding(Box::new(one))));
            changes.extend((outcome.state, outcome.timers));
        }
        // What was forgotten at ticks is reported even if no row came since.
        changes.extend(self.stream.changes());
        changes.baselines.extend(self.stream.take_baselines());
        self.dropped_timers += self.stream.take_dropped_timers();
        let id = self.stream.declaration().id.clone();
        let counts = self.stream.holds_mut().take_changes().into_iter();
        changes.counts.extend(counts.map(|(key, count)| (id.clone(), key, count)));
        changes.visited.insert(rule);
    }

    /// Takes out what the rule has kept.
    pub(super) fn take_remembered(&mut self) -> Remembered {
        let forgotten = self.stream.forgotten().map(|(slot, forgotten)| (slot.to_owned(), forgotten)).collect();
        Remembered {
            code: self.code,
            carried: self.stream.take_carried(),
            holds: std::mem::take(self.stream.holds_mut()),
            delivered: self.delivered,
            held: self.held,
            judged: self.stream.judged(),
            sources: std::mem::take(&mut self.sources).all,
            dropped_timers: self.dropped_timers,
            withheld: self.withheld,
            forgotten,
            undeclared_since: None,
        }
    }

    /// Goes on with what a rule of the same id has kept. Returns also the holds that ended.
    pub(super) fn adopt(&mut self, remembered: Remembered, code: Option<Digest>) -> (Adopted, Vec<Hold>) {
        let Remembered { carried, mut holds, delivered, held, dropped_timers, withheld, forgotten, .. } = remembered;
        let same_code = remembered.code.is_none() || remembered.code == code;
        // The sample has the first rows of each code.
        if same_code {
            self.stream.set_judged(remembered.judged);
        }
        // Other code gets another chance; that it failed before still counts.
        let ended = if same_code { Vec::new() } else { holds.end_all() };
        *self.stream.holds_mut() = holds;
        (self.delivered, self.held) = (delivered, held);
        self.sources = RowSources { all: remembered.sources, ..RowSources::default() };
        (self.dropped_timers, self.withheld) = (dropped_timers, withheld);
        forgotten.into_iter().for_each(|(slot, forgotten)| self.stream.set_forgotten(&slot, forgotten));
        let adopted = self.stream.adopt(carried);
        self.dropped_timers += self.stream.take_dropped_timers();
        (adopted, ended)
    }

    /// Something that the rule doesn't declare any more, to be remembered beside it.
    pub(super) fn without(&self, carried: Carried) -> Remembered {
        Remembered { carried, code: self.code, ..Remembered::default() }
    }
}

/// The sources of the rows that a rule was given, as far as what it keeps may be made of them. What a source says about an
/// account that it isn't bound to shares no state with what others say, so it doesn't count.
#[derive(Default)]
pub(super) struct RowSources {
    /// With the position of the first row of each.
    pub(super) all: BTreeMap<SourceId, u64>,
    /// Those that came lately.
    pub(super) new: Vec<(SourceId, u64)>,
}

impl RowSources {
    fn note(&mut self, row: &Sequenced) {
        if row.event.binding.bound && !self.all.contains_key(&row.event.source) {
            self.all.insert(row.event.source.clone(), row.position);
            self.new.push((row.event.source.clone(), row.position));
        }
    }
}

/// The row at a place.
fn row_at<'a>(place: Place, events: &'a [Sequenced], own: &'a [Sequenced]) -> Option<&'a Sequenced> {
    match place {
        Place::Event(place) => events.get(place),
        Place::Own(place) => own.get(place),
    }
}

/// Merges events and a rule's own rows, each in order, into one order.
fn merge(events: &[Sequenced], wanted: &[usize], own: &[Sequenced]) -> Vec<Place> {
    let mut merged = Vec::with_capacity(wanted.len() + own.len());
    let mut wanted = wanted.iter().copied().peekable();
    for (next, place) in own.iter().zip(0..) {
        let earlier = |place: &usize| events.get(*place).is_some_and(|event| event.order() < next.order());
        while let Some(event) = wanted.next_if(earlier) {
            merged.push(Place::Event(event));
        }
        merged.push(Place::Own(place));
    }
    merged.extend(wanted.map(Place::Event));
    merged
}
