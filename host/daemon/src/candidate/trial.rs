//! A trial: the generation that serves and a candidate judge the same recorded past, each from empty state, and what they
//! make of it is compared. Nothing of it is stored, and the one that serves goes on undisturbed.

use std::time::{Duration, Instant};

use countersign_model::SourceId;
use countersign_recorder::RecorderReader;
use countersign_store::HeadStore;

use super::behaviour::{Behaviour, shown};
use super::pair::{Both, MORE_DIFFERS, Pair};
use super::rules::differing;
use crate::aside::AsideError;
use crate::decoders::names;

/// Batches that are judged at most.
const MAX_BATCHES: u64 = 100_000;

/// How long a trial takes at most.
const LONGEST: Duration = Duration::from_secs(300);

/// A trial, before it begins.
pub(crate) struct Trial<'t> {
    pub(crate) reader: &'t RecorderReader,
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
    pub(crate) fn run(&self) -> Result<Behaviour, AsideError> {
        let Window { first, counts, mut behaviour } = self.window()?;
        let names = names(self.reader)?;
        let started = Instant::now();
        let made = self.pair.judge([HeadStore::new(), HeadStore::new()], |both| {
            for seq in first..=self.last {
                if seq == counts {
                    both.count()?;
                }
                let enough = if started.elapsed() > LONGEST {
                    Some(format!("it took longer than {} s", LONGEST.as_secs()))
                } else {
                    both.is_full().then(|| MORE_DIFFERS.to_owned())
                };
                if enough.is_some() {
                    behaviour.to = self.reader.arrived(seq - 1)?;
                    behaviour.cut_short = enough;
                    break;
                }
                self.pass(seq, both)?;
                let Some(batch) = self.reader.batch(seq)? else { break };
                let name = names.get(&batch.source).cloned().unwrap_or_else(|| SourceId::from("unknown"));
                both.take(&batch, &name, 0)?;
                behaviour.records = both.records;
            }
            if behaviour.cut_short.is_none() {
                self.pass(self.last + 1, both)?;
            }
            Ok(())
        })?;
        Ok(behaviour.with(made))
    }

    /// What is taken before a batch beside records.
    fn pass(&self, batch: u64, both: &mut Both<'_>) -> Result<(), AsideError> {
        self.reader.host_inputs_at(batch)?.iter().try_for_each(|input| both.pass(input))
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
