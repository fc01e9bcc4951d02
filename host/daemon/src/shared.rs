//! What the threads of a host know of each other: whether it is to stop, and how it is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use countersign_inputs::{Source, Sources};
use countersign_model::{Digest, Place, SourceId, SourceStanding, Timestamp, Unwell};
use countersign_policy::Person;
use countersign_session::Figures;
use serde::Serialize;

use crate::alarms::{Alarm, AlarmKind};
use crate::keeper::Audited;
use crate::material::Built;
use crate::metrics::Counters;
use crate::watch::OnDisk;

/// How judging is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Judged {
    /// The number of the generation that serves; none before the first serves.
    pub generation: Option<u64>,
    /// The digest of what it is made of.
    pub digest: Option<Digest>,
    /// Rules that it leaves out, with every reason.
    pub left_out: Vec<String>,
    /// How far inputs are judged and committed.
    pub place: Option<Place>,
    /// How many records the audit log has.
    pub records: u64,
    /// Why nothing is judged now, if an error stopped it. It is tried again by itself.
    pub stopped: Option<String>,
    /// Whether another process has taken over: this one judges nothing more.
    pub superseded: bool,
}

/// How the input of a source is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Fed {
    /// Records recorded since the host started.
    pub records: u64,
    /// Bytes that are known and not recorded yet.
    pub lag_bytes: u64,
    /// How much older the last record was than the time at which it came, where more are known to follow; microseconds.
    /// Of inputs that say when their records were made.
    pub lag: Option<i64>,
    /// What is wrong with it now, a line each.
    pub problems: Vec<String>,
    /// Whether it has ended: standard input that was closed.
    pub ended: bool,
    /// When everything known was recorded last.
    #[serde(skip)]
    pub(crate) caught_up: Option<Instant>,
}

#[derive(Default)]
struct State {
    judged: Judged,
    fed: BTreeMap<SourceId, Fed>,
    /// The sources of the generation that serves.
    sources: Sources,
    /// The persons of the generation that serves.
    persons: Arc<[Person]>,
    /// Files on disk that were looked at and don't serve.
    on_disk: Option<OnDisk>,
    pause: Pause,
    /// Sources that aren't well, with all that is wrong with each, as it is on record.
    unwell: BTreeMap<SourceId, Vec<Unwell>>,
    serving: Option<Serving>,
    /// What the session has done, as it said last.
    figures: Arc<Figures>,
    /// Records that were judged, and of these the dead letters, since the host began.
    tallies: BTreeMap<SourceId, (u64, u64)>,
    /// The alarms there are.
    alarms: Vec<Alarm>,
    /// How the audit log is kept.
    audited: Audited,
    /// Under which epoch the store is open.
    epoch: Option<i64>,
}

/// The generation that serves.
#[derive(Clone)]
pub(crate) struct Serving {
    /// Its number.
    pub(crate) number: u64,
    pub(crate) built: Arc<Built>,
    /// When it was applied, once that was read.
    pub(crate) applied: Option<Timestamp>,
}

/// Whether judging stands still for somebody.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Pause {
    #[default]
    None,
    /// It is to, between two batches.
    Wanted,
    /// It does, before what lies here.
    At(Place),
}

/// Is told how far inputs are judged and committed, and how many records the audit log has then. It is called on the thread
/// that judges, which waits for it.
pub type Listener = Box<dyn Fn(Place, u64) + Send + Sync>;

/// What the threads share.
#[derive(Default)]
pub(crate) struct Shared {
    stopping: AtomicBool,
    state: Mutex<State>,
    listeners: Mutex<Vec<Listener>>,
    pub(crate) counters: Counters,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Plain values: a thread that panicked leaves none half written that matters.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(crate) fn serves(&self, number: u64, built: &Arc<Built>) {
        let mut state = self.lock();
        let judged = &mut state.judged;
        judged.generation = Some(number);
        judged.digest = Some(built.manifest.digest());
        judged.left_out.clone_from(&built.left_out);
        state.sources = built.sources.clone();
        state.serving = Some(Serving { number, built: Arc::clone(built), applied: None });
        state.persons = built.generation.directory.persons().into();
    }

    /// The generation that serves.
    pub(crate) fn serving(&self) -> Option<Serving> {
        self.lock().serving.clone()
    }

    /// When a generation was applied, if it is the one that serves.
    pub(crate) fn set_applied(&self, number: u64, applied: Timestamp) {
        if let Some(serving) = self.lock().serving.as_mut().filter(|serving| serving.number == number) {
            serving.applied = Some(applied);
        }
    }

    pub(crate) fn set_figures(&self, figures: Figures) {
        self.lock().figures = Arc::new(figures);
    }

    /// What the session has done, as it said last.
    pub(crate) fn figures(&self) -> Arc<Figures> {
        Arc::clone(&self.lock().figures)
    }

    /// Counts records of a source that were judged, and of these the dead letters.
    pub(crate) fn tally(&self, source: &SourceId, records: u64, dead: u64) {
        let tallies = &mut self.lock().tallies;
        match tallies.get_mut(source) {
            Some(tally) => *tally = (tally.0 + records, tally.1 + dead),
            None => drop(tallies.insert(source.clone(), (records, dead))),
        }
    }

    pub(crate) fn tallies(&self) -> BTreeMap<SourceId, (u64, u64)> {
        self.lock().tallies.clone()
    }

    pub(crate) fn set_alarms(&self, alarms: Vec<Alarm>) {
        self.lock().alarms = alarms;
    }

    /// The alarms there are. That files aren't loaded ends with their being applied, not with the next look.
    pub(crate) fn alarms(&self) -> Vec<Alarm> {
        let state = self.lock();
        let waits = state.on_disk.is_some();
        state.alarms.iter().filter(|alarm| waits || alarm.alarm != AlarmKind::NotLoaded).cloned().collect()
    }

    /// The persons of the generation that serves.
    pub(crate) fn persons(&self) -> Arc<[Person]> {
        Arc::clone(&self.lock().persons)
    }

    /// The sources of the generation that serves.
    pub(crate) fn sources(&self) -> Sources {
        self.lock().sources.clone()
    }

    /// A source of the generation that serves.
    pub(crate) fn source(&self, name: &str) -> Option<Source> {
        self.lock().sources.named(name).cloned()
    }

    /// So many records are in the audit log, and none of them came of an input.
    pub(crate) fn has_records(&self, records: u64) {
        self.lock().judged.records = records;
    }

    pub(crate) fn committed(&self, place: Place, records: u64) {
        let mut state = self.lock();
        let judged = &mut state.judged;
        let is_new = (judged.place, judged.records) != (Some(place), records);
        (judged.place, judged.records, judged.stopped) = (Some(place), records, None);
        drop(state);
        if is_new {
            let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.iter().for_each(|listener| listener(place, records));
        }
    }

    /// Has a listener told of every commit from here on, and of the last one.
    pub(crate) fn listen(&self, listener: Listener) {
        // Before it is told of the last one: it may hear of one twice, and misses none.
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let judged = self.judged();
        if let Some(place) = judged.place {
            listener(place, judged.records);
        }
        listeners.push(listener);
    }

    pub(crate) fn failed(&self, error: &dyn std::error::Error, superseded: bool) {
        let mut state = self.lock();
        (state.judged.stopped, state.judged.superseded) = (Some(error.to_string()), superseded);
    }

    pub(crate) fn feed(&self, source: &SourceId, change: impl FnOnce(&mut Fed)) {
        change(self.lock().fed.entry(source.clone()).or_default());
    }

    pub(crate) fn set_on_disk(&self, on_disk: Option<OnDisk>) {
        self.lock().on_disk = on_disk;
    }

    pub(crate) fn on_disk(&self) -> Option<OnDisk> {
        self.lock().on_disk.clone()
    }

    /// Has judging stand still between two batches, until [`Shared::end_pause`].
    pub(crate) fn want_pause(&self) {
        self.lock().pause = Pause::Wanted;
    }

    pub(crate) fn end_pause(&self) {
        self.lock().pause = Pause::None;
    }

    pub(crate) fn is_pause_wanted(&self) -> bool {
        self.lock().pause != Pause::None
    }

    /// Judging stands still here.
    pub(crate) fn pause_at(&self, place: Place) {
        let mut state = self.lock();
        if state.pause == Pause::Wanted {
            state.pause = Pause::At(place);
        }
    }

    /// Where judging stands still, if it does.
    pub(crate) fn paused_at(&self) -> Option<Place> {
        match self.lock().pause {
            Pause::At(place) => Some(place),
            _ => None,
        }
    }

    /// That a source stands otherwise, as it is on record now.
    pub(crate) fn stands(&self, standing: SourceStanding) {
        let SourceStanding { source, unwell } = standing;
        let all = &mut self.lock().unwell;
        if unwell.is_empty() { drop(all.remove(&source)) } else { drop(all.insert(source, unwell)) }
    }

    /// Sources that aren't well, with all that is wrong with each.
    pub(crate) fn unwell(&self) -> BTreeMap<SourceId, Vec<Unwell>> {
        self.lock().unwell.clone()
    }

    /// The store was opened for writing.
    pub(crate) fn opened(&self, epoch: i64) {
        self.lock().epoch = Some(epoch);
    }

    pub(crate) fn epoch(&self) -> Option<i64> {
        self.lock().epoch
    }

    pub(crate) fn audit(&self, change: impl FnOnce(&mut Audited)) {
        change(&mut self.lock().audited);
    }

    pub(crate) fn audited(&self) -> Audited {
        self.lock().audited.clone()
    }

    pub(crate) fn judged(&self) -> Judged {
        self.lock().judged.clone()
    }

    pub(crate) fn fed(&self) -> BTreeMap<SourceId, Fed> {
        self.lock().fed.clone()
    }
}
