//! One source that is watched: a small state machine over what is seen of it. Pure: every clock is given.

use std::time::Duration;

use countersign_model::time::format_duration;
use countersign_model::{Ailment, Timestamp, Unwell};
use countersign_recorder::{Arrivals, SPAN};

use super::UnwellBounds;
use super::queue::Share;
use super::volume::Volume;

/// A source has fallen no more once so much of the usual comes within an hour: half.
const RISEN: u64 = 2;

/// How long a fall lasts at most, microseconds: then what comes is what is usual.
const LONGEST_FALL: i64 = 86_400 * 1_000_000;

/// How long has to be watched without a step of the clock before a fall is believed: the hour that is looked at.
const STEADY: Duration = Duration::from_secs(3_600 + 600);

/// By how much the host's clock may go otherwise than the one that nobody sets, microseconds.
const STEP: i64 = 60 * 1_000_000;

/// What is seen of a source at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    /// The host's clock.
    pub(super) now: Timestamp,
    /// Since the host began, by a clock that nobody sets.
    pub(super) elapsed: Duration,
    /// The longest time without records that the operator expects, microseconds.
    pub(super) expect_every: Option<i64>,
    /// The last batch that was judged, of all sources.
    pub(super) judged: u64,
    /// For how long there have been bytes that are known and not recorded.
    pub(super) unread_for: Option<Duration>,
    /// What of the records that wait is its own, where that was looked at.
    pub(super) share: Share,
    /// For how long nothing was judged, while something waits.
    pub(super) stands: Duration,
    /// From when on it isn't well.
    pub(super) bounds: UnwellBounds,
}

/// A source that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    /// What is wrong with it, as it is on record.
    unwell: Vec<Unwell>,
    /// When it was heard last, or watching began: by the host's clock, and by the one that nobody sets.
    heard: (Timestamp, Duration),
    /// Whether it was heard since how it stands went on record.
    news: bool,
    /// Its last batch.
    last: u64,
    /// A batch that isn't judged, and since when it is known; and how long the one before took.
    waiting: Option<(u64, Duration)>,
    took: Duration,
    volume: Volume,
    /// The span in which the volume was looked at last.
    looked: i64,
    /// By how much the host's clock differs from the one that nobody sets, and since when.
    steady: Option<(i64, Duration)>,
}

impl Watched {
    /// One that is watched from the host's beginning on, and of which nothing is known.
    pub(super) fn new(now: Timestamp) -> Watched {
        Watched::since(now, Duration::ZERO)
    }

    /// The same, from a later moment on.
    pub(super) fn since(now: Timestamp, elapsed: Duration) -> Watched {
        Watched {
            unwell: Vec::new(),
            heard: (now, elapsed),
            news: false,
            last: 0,
            waiting: None,
            took: Duration::ZERO,
            volume: Volume::default(),
            looked: 0,
            steady: None,
        }
    }

    /// Watching begins after what was heard so far: nobody knows what came of it since, so it has its time anew.
    pub(super) fn begin(&mut self) {
        self.heard.1 = Duration::ZERO;
        self.news = false;
    }

    /// How it stands is on record.
    pub(super) fn set(&mut self, unwell: Vec<Unwell>) {
        self.unwell = unwell;
        self.news = false;
    }

    /// Whether something is wrong with it, as it is on record.
    pub(super) fn is_unwell(&self) -> bool {
        !self.unwell.is_empty()
    }

    /// Records came.
    pub(super) fn hear(&mut self, arrivals: &Arrivals, elapsed: Duration) {
        self.volume.add(arrivals.span, arrivals.records);
        self.heard = (arrivals.arrived, elapsed);
        self.news = true;
        self.last = self.last.max(arrivals.last);
    }

    /// How it stands now; none if that is what is on record.
    pub(super) fn see(&mut self, sight: &Sight) -> Option<Vec<Unwell>> {
        let now: Vec<Unwell> =
            [self.silent(sight), self.lagging(sight), self.fallen(sight)].into_iter().flatten().collect();
        let same = now.len() == self.unwell.len() && now.iter().zip(&self.unwell).all(|(a, b)| a.what == b.what);
        (!same).then_some(now)
    }

    fn known(&self, what: Ailment) -> Option<Unwell> {
        self.unwell.iter().find(|unwell| unwell.what == what).cloned()
    }

    /// It is silent until something comes of it, whatever else changes.
    fn silent(&self, sight: &Sight) -> Option<Unwell> {
        let expected = sight.expect_every?;
        if let Some(known) = self.known(Ailment::Silent) {
            return (!self.news).then_some(known);
        }
        let (since, heard) = self.heard;
        let quiet = micros(sight.elapsed.saturating_sub(heard));
        let (quiet_for, every) = (format_duration(whole(quiet)), format_duration(expected));
        let why = format!("no record for {quiet_for}, one is expected every {every}");
        (quiet > expected).then_some(Unwell { what: Ailment::Silent, since, usual: None, why })
    }

    /// How long its oldest record waits to be judged, or the one before did.
    pub(super) fn waits(&mut self, judged: u64, elapsed: Duration) -> Duration {
        if let Some((_, since)) = self.waiting.filter(|(batch, _)| *batch <= judged) {
            self.took = elapsed.saturating_sub(since);
            self.waiting = None;
        }
        if self.last <= judged {
            self.took = Duration::ZERO;
        } else if self.waiting.is_none() {
            self.waiting = Some((self.last, elapsed));
        }
        let waits = self.waiting.map_or(Duration::ZERO, |(_, since)| elapsed.saturating_sub(since));
        waits.max(self.took)
    }

    /// It lags by what its own share of the queue explains, so that no other source makes it lag.
    fn lagging(&mut self, sight: &Sight) -> Option<Unwell> {
        let lag = sight.bounds.lag;
        let waits = self.waits(sight.judged, sight.elapsed);
        // Where nothing is judged at all no other source is the cause.
        let unjudged = sight.share.of(waits).max(sight.stands.min(waits));
        let unread = sight.unread_for.unwrap_or_default();
        let behind = unjudged.max(unread);
        let floods = sight.share.floods() && unread < unjudged;
        let known = self.known(Ailment::Flooding).or_else(|| self.known(Ailment::Lagging).filter(|_| !floods));
        if let Some(known) = known {
            return (behind >= lag / 2).then_some(known);
        }
        let for_long = format_duration(whole(micros(behind)));
        let (what, why) = if floods {
            (Ailment::Flooding, format!("records of other sources wait for {for_long}: {}", sight.share))
        } else if unread >= unjudged {
            (Ailment::Lagging, format!("bytes that are known aren't read within {for_long}"))
        } else {
            (Ailment::Lagging, format!("records aren't judged within {for_long}"))
        };
        let since = sight.now.plus_micros(-micros(behind));
        if behind > lag {
            return Some(Unwell { what, since, usual: None, why });
        }
        self.known(Ailment::Lagging).filter(|_| behind >= lag / 2)
    }

    fn fallen(&mut self, sight: &Sight) -> Option<Unwell> {
        let known = self.known(Ailment::Fallen);
        let span = sight.now.0.div_euclid(SPAN);
        let steady = self.steady_for(sight) >= STEADY;
        if !steady || span == self.looked {
            return known;
        }
        self.looked = span;
        self.volume.forget(span);
        let hour = self.volume.hour(span);
        if let Some(known) = known {
            let usual = known.usual.unwrap_or_default();
            let lasts = hour.saturating_mul(RISEN) < usual && sight.now.micros_since(known.since) < LONGEST_FALL;
            return lasts.then_some(known);
        }
        // What is silent is known to have fallen.
        let usual = self.volume.usual(span).filter(|usual| *usual >= sight.bounds.fall_from)?;
        let percent = u64::from(sight.bounds.fall);
        if hour.saturating_mul(100) >= usual.saturating_mul(percent) || self.known(Ailment::Silent).is_some() {
            return None;
        }
        let why = format!("{hour} records within an hour, usual are {usual}");
        Some(Unwell { what: Ailment::Fallen, since: sight.now, usual: Some(usual), why })
    }

    /// For how long the host's clock has gone as the one that nobody sets.
    fn steady_for(&mut self, sight: &Sight) -> Duration {
        let difference = sight.now.plus_micros(-micros(sight.elapsed)).0;
        match self.steady {
            Some((before, since)) if difference.abs_diff(before) <= STEP.unsigned_abs() => {
                sight.elapsed.saturating_sub(since)
            }
            _ => {
                self.steady = Some((difference, sight.elapsed));
                Duration::ZERO
            }
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// In whole seconds, where there are any.
fn whole(micros: i64) -> i64 {
    const SECOND: i64 = 1_000_000;
    if micros >= SECOND { micros - micros % SECOND } else { micros }
}

#[cfg(test)]
#[path = "../../tests/unit/vigil_watched.rs"]
mod tests;
