//! A trial: the generation that serves and a candidate judge the same recorded past, each from empty state, and what they
//! make of it is compared. Nothing of it is stored, and the one that serves goes on undisturbed.

use std::time::{Duration, Instant};

use countersign_model::Place;
use countersign_recorder::RecorderReader;
use countersign_store::HeadStore;

use super::behaviour::{Behaviour, shown};
use super::pair::{MORE_DIFFERS, Pair};
use super::rules::differing;
use crate::aside::AsideError;
use crate::walk::{Step, Walk};

/// Batches that are judged at most.
const MAX_BATCHES: u64 = 100_000;

/// How long a trial takes at most.
const LONGEST: Duration = Duration::from_secs(300);

/// A trial, before it begins.
pub(crate) struct Trial<'t> {
    pub(crate) reader: RecorderReader,
    /// The last batch of it.
    pub(crate) last: u64,
    pub(crate) pair: Pair<'t>,
    /// How much of the recorded past, microseconds of arrival.
    pub(crate) length: i64,
}

/// Which batches are judged.
struct Window {
    /// The first, which warms up.
    first: u64,
    /// The first that counts.
    counts: u64,
    behaviour: Behaviour,
}

impl Trial<'_> {
    /// Judges the past with both.
    pub(crate) fn run(self) -> Result<Behaviour, AsideError> {
        let Window { first, counts, mut behaviour } = self.window()?;
        let Trial { reader, last, pair, .. } = self;
        // Of the host's own inputs it begins with those that come right before the first batch.
        let host = reader.last_host_before(first.saturating_sub(1))?;
        let mut walk = Walk::new(reader, Place { batch: first, within: 0, host })?;
        let started = Instant::now();
        let made = pair.judge([HeadStore::new(), HeadStore::new()], |both| {
            loop {
                let seq = walk.place.batch;
                if seq == counts && seq <= last {
                    both.count()?;
                }
                let enough = if started.elapsed() > LONGEST {
                    Some(format!("it took longer than {} s", LONGEST.as_secs()))
                } else {
                    both.is_full().then(|| MORE_DIFFERS.to_owned())
                };
                if enough.is_some() && seq <= last {
                    behaviour.to = walk.reader.arrived(seq - 1)?;
                    behaviour.cut_short = enough;
                    return Ok(());
                }
                match walk.next(last + 1)? {
                    None => return Ok(()),
                    Some(Step::Host(input)) => both.pass(&input)?,
                    Some(Step::Batch(batch, name, _)) => both.take(&batch, &name, 0)?,
                }
                behaviour.records = both.records;
            }
        })?;
        Ok(behaviour.with(made))
    }

    fn window(&self) -> Result<Window, AsideError> {
        let mut behaviour = Behaviour::asked(self.length);
        let mut first = self.reader.first()?;
        let (oldest, newest) = (self.reader.arrived(first)?, self.reader.arrived(self.last)?);
        let (Some(oldest), Some(newest)) = (oldest, newest) else {
            return Ok(Window { first: self.last + 1, counts: self.last + 1, behaviour });
        };
        behaviour.recorded = shown(newest.micros_since(oldest));
        let from = newest.plus_micros(self.length.saturating_neg());
        behaviour.enough = oldest <= from;
        if let Some(capped) = (self.last + 1).checked_sub(MAX_BATCHES).filter(|capped| *capped > first) {
            first = capped;
            let wanted = from.plus_micros(self.warm_up().saturating_neg());
            if self.reader.arrived(first)?.is_some_and(|arrived| arrived > wanted) {
                behaviour.cut_short = Some(format!("only the last {MAX_BATCHES} batches were judged"));
            }
        }
        let counts = self.reader.first_since(first, self.last, from)?;
        let warm = self.reader.first_since(first, self.last, from.plus_micros(self.warm_up().saturating_neg()))?;
        let (counted, warmed) = (self.reader.arrived(counts)?, self.reader.arrived(warm)?);
        if let (Some(counted), Some(warmed)) = (counted, warmed) {
            behaviour.warm_up = shown(counted.micros_since(warmed));
        }
        (behaviour.from, behaviour.to) = (counted, Some(newest));
        Ok(Window { first: warm, counts, behaviour })
    }

    /// As long as state of the rules that differ lives, but at most as long as the trial, microseconds.
    fn warm_up(&self) -> i64 {
        let differing = differing(&self.pair.serving.generation, &self.pair.candidate.generation);
        let lives = differing.into_iter().flat_map(|rule| {
            let declaration = rule.declaration();
            let slots = declaration.slots.iter().map(|slot| slot.ttl);
            slots.chain(declaration.timers.iter().map(|timers| timers.longest)).collect::<Vec<_>>()
        });
        lives.max().unwrap_or_default().min(self.length)
    }
}
