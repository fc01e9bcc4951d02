//! Watches over sources by the host's own clock: where one falls silent, lags or tells far less than usual, and when it is
//! well again, that becomes an input of the host, on record in the judge's order.
//!
//! Time is measured by a clock that nobody sets, so that a day's step of the host's makes no source silent.

mod queue;
mod volume;
mod watched;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use countersign_inputs::Sources;
use countersign_model::{SourceId, SourceStanding};
use countersign_recorder::{HostInputKind, NewHostInput, Recorder, RecorderError, RecorderReader};

use crate::decoders::Names;
use crate::generations::{material, word};
use crate::judge::standing;
use crate::shared::Shared;
use queue::Queue;
use volume::KEPT;
use watched::{Sight, Watched};

/// How often is looked.
const EVERY: Duration = Duration::from_secs(1);

/// How long is waited after an error.
const RETRY: Duration = Duration::from_secs(10);

/// From when on a source isn't well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnwellBounds {
    /// How long its records may wait to be judged, as far as they are the cause, or its known bytes to be read. It lags no more
    /// once both take less than half of this.
    pub lag: Duration,
    /// It has fallen where less than so much of what is usual comes within an hour, percent; at most 50.
    pub fall: u8,
    /// Records an hour that have to be usual before anything is said of a fall.
    pub fall_from: u64,
}

impl Default for UnwellBounds {
    fn default() -> UnwellBounds {
        UnwellBounds { lag: Duration::from_secs(600), fall: 10, fall_from: 60 }
    }
}

/// Watches over the sources of a host.
pub(crate) struct Vigil {
    pub(crate) shared: std::sync::Arc<Shared>,
    pub(crate) recorder: Recorder,
    pub(crate) bounds: UnwellBounds,
}

/// What is known of the sources.
struct Known {
    reader: RecorderReader,
    /// Sources by their numbers in the recorder.
    names: Names,
    watched: BTreeMap<SourceId, Watched>,
    /// The last of the host's own inputs that was seen, and the sources of the generation that was applied last until then.
    applied: (u64, Sources),
    /// Which of the host's own inputs that generation is.
    generation: Option<u64>,
    /// The last batch that was counted.
    counted: u64,
    /// The last batch that was judged, and since when that is the last.
    judged: (u64, Duration),
    began: Instant,
}

impl Vigil {
    /// Watches until the host is to stop.
    pub(crate) fn run(self) {
        let is_stopping = || self.shared.is_stopping();
        while !is_stopping() {
            if let Err(error) = self.watch() {
                tracing::error!("sources can't be watched now: {error}");
                self.recorder.wait(RETRY, |_| is_stopping());
            }
        }
    }

    fn watch(&self) -> Result<(), RecorderError> {
        let mut known = self.begin()?;
        while !self.shared.is_stopping() {
            known.count(self.recorder.figures().last)?;
            known.read_sources(self.recorder.figures().last_host)?;
            for standing in self.look(&mut known)? {
                self.put(&mut known, standing);
            }
            self.recorder.wait(EVERY, |_| self.shared.is_stopping());
        }
        Ok(())
    }

    /// Reads how sources stand by the record, and what came of them within the last days.
    fn begin(&self) -> Result<Known, RecorderError> {
        let reader = self.recorder.reader()?;
        let (now, last) = (self.recorder.now(), self.recorder.figures().last);
        let first = reader.first()?;
        let from = if first > last { last + 1 } else { reader.first_since(first, last, now.plus_micros(-KEPT))? };
        let (names, watched) = (Names::read(&reader)?, BTreeMap::new());
        let (applied, generation) = ((0, Sources::default()), None);
        let mut known = Known {
            reader,
            names,
            watched,
            applied,
            generation,
            counted: from.saturating_sub(1),
            judged: (0, Duration::ZERO),
            began: Instant::now(),
        };
        for input in known.reader.last_about(HostInputKind::Source)? {
            let Some(standing) = standing(&input) else { continue };
            self.shared.stands(standing.clone());
            known.watched.entry(standing.source).or_insert_with(|| Watched::new(now)).set(standing.unwell);
        }
        known.count(last)?;
        // What came before isn't news.
        known.watched.values_mut().for_each(Watched::begin);
        Ok(known)
    }

    /// How sources stand otherwise than is on record.
    fn look(&self, known: &mut Known) -> Result<Vec<SourceStanding>, RecorderError> {
        let (now, elapsed) = (self.recorder.now(), known.began.elapsed());
        let (figures, fed) = (self.recorder.figures(), self.shared.fed());
        let judged = figures.judged;
        if judged != known.judged.0 || judged >= figures.last {
            known.judged = (judged, elapsed);
        }
        let stands = elapsed.saturating_sub(known.judged.1);
        let queue = known.queue(judged, elapsed, self.bounds.lag / 2)?;
        let sources = &known.applied.1;
        let mut changed = Vec::new();
        for source in sources.iter() {
            let fed = fed.get(source.name()).filter(|fed| fed.lag_bytes > 0);
            let watched = known.watched.entry(source.name().clone()).or_insert_with(|| Watched::since(now, elapsed));
            let sight = Sight {
                now,
                elapsed,
                expect_every: source.expect_every(),
                judged,
                unread_for: fed.and_then(|fed| fed.caught_up).map(|caught_up| caught_up.elapsed()),
                share: queue.share(source.name()),
                stands,
                bounds: self.bounds,
            };
            let unwell = watched.see(&sight);
            changed.extend(unwell.map(|unwell| SourceStanding { source: source.name().clone(), unwell }));
        }
        // Nobody expects anything any more of one that is gone.
        let gone = known.watched.iter().filter(|(name, watched)| watched.is_unwell() && sources.named(name).is_none());
        changed.extend(gone.map(|(name, _)| SourceStanding { source: name.clone(), unwell: Vec::new() }));
        Ok(changed)
    }

    /// Puts it on record. Where that fails it is tried again when it is looked next.
    fn put(&self, known: &mut Known, standing: SourceStanding) {
        let payload = serde_json::to_vec(&standing).unwrap_or_default();
        let (kind, about) = (HostInputKind::Source, Some(standing.source.to_string()));
        let input = NewHostInput { kind, payload, about, contents: Vec::new(), before: None };
        if let Err(error) = self.recorder.put(input) {
            return tracing::error!("how the source `{}` stands isn't on record: {error}", standing.source);
        }
        if let Some(watched) = known.watched.get_mut(&standing.source) {
            watched.set(standing.unwell.clone());
        }
        self.shared.stands(standing);
    }
}

impl Known {
    /// Reads the sources of the generation that was applied last, whether or not its turn has come: what the operator expects
    /// now counts, also while a backlog is judged. `last_host` is the last input of the host's own.
    fn read_sources(&mut self, last_host: u64) -> Result<(), RecorderError> {
        if last_host <= self.applied.0 {
            return Ok(());
        }
        let last = self.reader.last_host_input(HostInputKind::Generation, last_host)?;
        // One that was read before is read again no more often than another input comes, such as time.
        self.applied.0 = last_host;
        let Some(last) = last.filter(|last| Some(last.seq) != self.generation) else { return Ok(()) };
        self.generation = Some(last.seq);
        let sources =
            word(&last).map_err(|error| vec![error]).and_then(|word| material(&self.reader, &word.manifest)?.sources());
        match sources {
            Ok(sources) => self.applied.1 = sources,
            Err(faults) => {
                let number = last.number;
                tracing::error!("the sources of generation {number} can't be read: {}", faults.join("; "));
            }
        }
        Ok(())
    }

    /// What waits to be judged, where something of a source has waited for so long; else it isn't looked at.
    fn queue(&mut self, judged: u64, elapsed: Duration, long: Duration) -> Result<Queue, RecorderError> {
        let waits = self.watched.values_mut().map(|watched| watched.waits(judged, elapsed)).max();
        let mut queue = Queue::default();
        if waits.is_some_and(|waits| waits >= long) {
            for (number, records) in self.reader.waiting(judged)? {
                queue.0.insert(self.names.of(&self.reader, number)?, records);
            }
        }
        Ok(queue)
    }

    /// Counts what came up to a batch.
    fn count(&mut self, last: u64) -> Result<(), RecorderError> {
        if last <= self.counted {
            return Ok(());
        }
        for arrivals in self.reader.arrivals(self.counted + 1..=last)? {
            let name = self.names.of(&self.reader, arrivals.source)?;
            let watched = self.watched.entry(name).or_insert_with(|| Watched::new(arrivals.arrived));
            watched.hear(&arrivals, self.began.elapsed());
        }
        self.counted = last;
        Ok(())
    }
}
