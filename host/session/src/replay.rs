//! A replay: a session over inputs that end.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use countersign_formats::Record;
use countersign_generation::Generation;
use countersign_inputs::Received;
use countersign_model::{Patience, Timestamp};
use countersign_store::Store;
use countersign_stream::Sequenced;

use crate::error::SessionError;
use crate::input::{Arrival, Input};
use crate::report::{Observer, Report};
use crate::session::{Session, SessionOptions};

/// Records in one message from the thread that reads.
const PARCEL: usize = 256;

/// Maximum of such messages that wait.
const MAX_PARCELS: usize = 8;

/// What a replay knows of its inputs.
#[derive(Clone, Copy, Debug)]
pub struct Replay {
    /// How many inputs the records come from.
    pub inputs: u32,
    /// After the last record time passes up to here, and timers that are due by then fire. Without it, timers that aren't
    /// due when the records end stay pending.
    pub until: Option<Timestamp>,
}

impl Default for Replay {
    fn default() -> Self {
        Replay { inputs: 1, until: None }
    }
}

/// Judges records to their end. With more than one worker, another thread reads them.
///
/// # Errors
/// As for [`Session::push`].
pub fn replay<'s>(
    mut session: Session<'s>,
    records: impl Iterator<Item = Received> + Send,
    options: Replay,
) -> Result<Report, SessionError> {
    let started = Instant::now();
    let arrivals = records.map(Arrival::of);
    if session.options.workers < 2 {
        for arrival in arrivals {
            session.push(Input::Record(arrival))?;
        }
        return finish(session, options, started);
    }
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<Vec<Arrival>>(MAX_PARCELS);
        // Events are returned to be freed on the thread that allocated them: elsewhere allocators would lock.
        let (give_back, judged) = sync_channel::<Vec<Sequenced>>(MAX_PARCELS);
        session.reclaim = Some(Box::new(move |events| drop(give_back.try_send(events))));
        scope.spawn(move || {
            let mut arrivals = arrivals;
            loop {
                judged.try_iter().for_each(drop);
                let parcel: Vec<Arrival> = arrivals.by_ref().take(PARCEL).collect();
                // A failed send means that the session ended early.
                if parcel.is_empty() || send.send(parcel).is_err() {
                    return;
                }
            }
        });
        for arrival in receive.into_iter().flatten() {
            session.push(Input::Record(arrival))?;
        }
        finish(session, options, started)
    })
}

fn finish(mut session: Session<'_>, options: Replay, started: Instant) -> Result<Report, SessionError> {
    if let Some(until) = options.until.map(|until| until.plus_micros(Patience::USUAL.lateness))
        // A session that is resumed may have done so already.
        && session.sequencer.clock().arrived().is_none_or(|arrived| arrived < until)
    {
        session.poll(until)?;
    }
    let mut report = session.finish(options.inputs)?;
    report.summary.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Judges records of one input to their end, in a session of its own.
///
/// ```
/// use countersign_engine::{Engine, EngineConfig};
/// use countersign_generation::{Generation, Settings};
/// use countersign_session::{Replay, SessionOptions, run};
/// use countersign_store::MemoryStore;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::new(&EngineConfig::default())?;
/// // Rules' components, here none; faults has those that are refused, with every reason.
/// let (generation, faults) = Generation::load(&engine, Vec::new(), Settings::shipped().expect("they ship"));
/// assert!(faults.is_empty());
/// // The records of some telemetry, here none.
/// let records = std::iter::empty();
/// let mut store = MemoryStore::new();
/// // The observer gets each decision once it is on record; `()` ignores them.
/// let options = SessionOptions::default();
/// let report = run(records, &generation, &mut store, &options, Replay::default(), &mut ())?;
/// assert_eq!(report.summary.findings, 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When something can't be committed, or the observer fails. Faulty records and failing rules are no errors: they become
/// dead letters and rows set aside, and are reported.
pub fn run(
    records: impl Iterator<Item = Record> + Send,
    generation: &Arc<Generation>,
    store: &mut dyn Store,
    options: &SessionOptions,
    inputs: Replay,
    observer: &mut dyn Observer,
) -> Result<Report, SessionError> {
    let session = Session::resume(store, Arc::clone(generation), options.clone(), observer)?;
    replay(session, records.map(Received::from), inputs)
}
