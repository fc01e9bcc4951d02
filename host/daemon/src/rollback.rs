//! Rolling back: an earlier generation serves again. Rules that other ones have replaced since go on from what they had then,
//! caught up with what came since, as if they had never been replaced; all that was decided stays.
//!
//! They catch up beside the host, which waits only for the last batches. What they have then goes on record with the generation,
//! so that a recorder judged again gives the same.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use countersign_document::read_capped;
use countersign_generation::Generation;
use countersign_model::{Digest, Place, RuleId};
use countersign_recorder::{HostInputKind, RecordedHostInput, RecorderReader};
use countersign_session::{KeptRules, copy_rules, copy_session};
use countersign_store::{SqliteReader, SqliteStore};

use crate::aside::{Aside, AsideError};
use crate::error::ApplyError;
use crate::generations::{self, NewGeneration, RecordedGeneration, word};
use crate::host::Host;
use crate::material::{Built, Material};
use crate::walk::{BEGIN, Step, Walk};

/// What rules that go on from what they had may have together, bytes of a store's file.
const MAX_KEPT_BYTES: u64 = 256 << 20;

/// The host waits for so many batches at most.
const LAST_BATCHES: u64 = 4;

/// How long rules may take to catch up.
const LONGEST_CHASE: Duration = Duration::from_secs(600);

/// How long judging is waited for to reach the end of a batch.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What a rollback did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolledBack {
    /// The number of the generation.
    pub generation: u64,
    /// The digest of what it is made of.
    pub digest: Digest,
    /// What its rules go on from, in words.
    pub state: String,
}

impl Host {
    /// Has a generation serve again that did before, whatever kinds of changes lie between. With `at_once` rules go on from
    /// what they, or those that replaced them, keep now; else from what they had, caught up, which takes as long as judging
    /// what came since. Where that isn't kept any more, they go on from what there is.
    ///
    /// # Errors
    /// When it isn't on record, can't be built any more or serves already, with those that can serve again; or judging has
    /// stopped.
    pub fn roll_back(
        &self,
        number: u64,
        by: String,
        reason: Option<String>,
        at_once: bool,
    ) -> Result<RolledBack, ApplyError> {
        let again = || self.can_serve_again(number);
        let unbuildable = |faults| ApplyError::Unbuildable { number, again: again(), faults };
        let material = self.material(number).map_err(unbuildable)?;
        let material = material.ok_or_else(|| ApplyError::Unknown { number, again: again() })?;
        let (serving, built) = self.checked(&material).map_err(|error| match error {
            ApplyError::Same => ApplyError::Serves { number, again: again() },
            ApplyError::Faults(faults) => unbuildable(faults),
            error => error,
        })?;
        let rules = match &serving {
            Some(serving) => replaced(&serving.generation, &built.generation),
            None => built.generation.codes().into_keys().collect(),
        };
        let rolling =
            Rolling { host: self, material: &material, over: serving.map(|it| it.manifest.digest()), by, reason };
        let digest = material.manifest().digest();
        let why = if rules.is_empty() {
            "rules go on from what they keep: none of them was replaced since"
        } else if at_once {
            "rules go on at once from what there is"
        } else {
            match self.end_with(&built, &rules) {
                Some(past) => match self.catch_up(&past, &built, &rules, &rolling) {
                    Ok((generation, state)) => {
                        self.look();
                        return Ok(RolledBack { generation, digest, state });
                    }
                    // INVARIANT: nobody is kept from rolling back by what was dropped or grew too large.
                    Err(RollbackError::Aside(AsideError::TooLarge(_))) => GONE,
                    Err(RollbackError::Aside(AsideError::Recorder(error))) if error.is_dropped() => GONE,
                    Err(RollbackError::Apply(error)) => return Err(error),
                    Err(RollbackError::Aside(AsideError::Interrupted)) => return Err(ApplyError::Stopped),
                    Err(RollbackError::Aside(error)) => {
                        let fault =
                            format!("rules can't go on from what they had, but `at_once` from what there is: {error}");
                        return Err(ApplyError::Faults(vec![fault]));
                    }
                },
                None => GONE,
            }
        };
        let state = why.to_owned();
        let _one = self.open.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = rolling.put(&state, None)?;
        // The files on disk aren't what serves now.
        self.look();
        Ok(RolledBack { generation, digest, state })
    }

    /// The generations that are made of something else than what serves, but for one.
    fn can_serve_again(&self, except: u64) -> Vec<u64> {
        let serving = self.serving().map(|serving| serving.digest());
        let is_other = |one: &RecordedGeneration| one.number != except && Some(one.word.manifest.digest()) != serving;
        self.generations().unwrap_or_default().iter().filter(|one| is_other(one)).map(|one| one.number).collect()
    }

    /// The latest end of a generation in which these rules had the code that they have in this one.
    fn end_with(&self, built: &Built, rules: &BTreeSet<RuleId>) -> Option<SqliteReader> {
        // That of the last one may still be copied.
        self.open.past.finish();
        let reader = self.open.recorder.reader().ok()?;
        let inputs = reader.host_inputs_of(HostInputKind::Generation).ok()?;
        inputs.iter().rev().find_map(|input| {
            let past = self.open.past.read(input.seq)?;
            let ended = self.open.generations.recorded(&reader, input).ok()?;
            replaced(&ended.generation, &built.generation).is_disjoint(rules).then_some(past)
        })
    }

    /// Has a session go on from the end of a generation, muted, until it has judged what the host has, which is paused then,
    /// and puts the generation on record with what rules have kept. Its number, and what they go on from.
    fn catch_up(
        &self,
        past: &SqliteReader,
        built: &Built,
        rules: &BTreeSet<RuleId>,
        rolling: &Rolling<'_>,
    ) -> Result<(u64, String), RollbackError> {
        let files = &self.open.past;
        let (path, also) = (files.temporary("catching-up"), files.temporary("caught-up"));
        let key = &self.open.session.key;
        let mut store = SqliteStore::open(path.path())?;
        copy_session(past, &mut store, key)?;
        let mut nobody = ();
        let aside = Aside::resume(built, &self.open.session, &mut store, &mut nobody)?;
        let place = aside.session.place().unwrap_or(BEGIN);
        let walk = Walk::new(self.open.recorder.reader()?, place)?;
        let mut catching = CatchingUp { host: self, walk, aside, records: 0 };
        let began = Instant::now();
        loop {
            let judged = || self.open.shared.judged().place.unwrap_or(place);
            catching.to(judged())?;
            if judged().batch.saturating_sub(catching.walk.place.batch) <= LAST_BATCHES {
                break;
            }
            if began.elapsed() > LONGEST_CHASE {
                return Err(AsideError::TooSlow(LONGEST_CHASE.as_secs()).into());
            }
        }
        let _one = self.open.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = Pause { host: self };
        let at = pause.begin().ok_or(AsideError::Interrupted)?;
        catching.to(at)?;
        let records = catching.finish()?;
        let mut kept = SqliteStore::open(also.path())?;
        copy_rules(&store, &mut kept, key, rules)?;
        kept.close()?;
        store.close()?;
        let too_large = AsideError::TooLarge(MAX_KEPT_BYTES >> 20);
        let bytes = read_capped(also.path(), MAX_KEPT_BYTES).ok().flatten().ok_or(too_large)?;
        if self.open.shared.paused_at() != Some(at) {
            return Err(AsideError::Interrupted.into());
        }
        let state = format!("{} rules go on from what they had, caught up with {records} records since", rules.len());
        let generation = rolling.put(&state, Some(Kept { before: at.batch, bytes }))?;
        drop(pause);
        Ok((generation, state))
    }
}

/// Why rules go on from what there is where a rollback doesn't find what they had.
const GONE: &str = "rules go on from what there is: what they had isn't kept any more";

/// A rollback, before it is on record.
struct Rolling<'r> {
    host: &'r Host,
    material: &'r Material,
    /// The digest of what served when it began.
    over: Option<Digest>,
    by: String,
    reason: Option<String>,
}

impl Rolling<'_> {
    /// Puts it on record, if what served when it began still does. One at a time.
    fn put(&self, state: &str, kept: Option<Kept>) -> Result<u64, ApplyError> {
        if self.over.is_some() && self.over != self.host.serving().map(|serving| serving.digest()) {
            return Err(ApplyError::Overtaken);
        }
        let reason = self.reason.as_deref().map_or_else(|| state.to_owned(), |why| format!("{why}; {state}"));
        let (before, kept) = kept.map_or((None, None), |kept| (Some(kept.before), Some(kept.bytes)));
        let (material, by) = (self.material, self.by.clone());
        let new = NewGeneration { material, by, reason: Some(reason), before, kept };
        Ok(generations::put(&self.host.open.recorder, new)?)
    }
}

/// Why rules can't catch up.
#[derive(Debug, thiserror::Error)]
enum RollbackError {
    #[error(transparent)]
    Aside(AsideError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

impl<E: Into<AsideError>> From<E> for RollbackError {
    fn from(error: E) -> RollbackError {
        RollbackError::Aside(error.into())
    }
}

/// What rules have kept, caught up.
struct Kept {
    /// The batch that comes next.
    before: u64,
    /// A store's file.
    bytes: Vec<u8>,
}

struct CatchingUp<'c> {
    host: &'c Host,
    walk: Walk,
    aside: Aside<'c>,
    records: u64,
}

impl CatchingUp<'_> {
    /// Judges what waits for witnesses to its time: it has its turn before the swap has. How many records it took.
    fn finish(mut self) -> Result<u64, AsideError> {
        self.aside.session.finish(0)?;
        Ok(self.records)
    }

    /// Judges up to a batch.
    fn to(&mut self, reached: Place) -> Result<(), AsideError> {
        while let Some(step) = self.walk.next(reached.batch)? {
            if self.host.open.shared.is_stopping() {
                return Err(AsideError::Interrupted);
            }
            match step {
                Step::Host(input) => self.aside.pass(&input)?,
                Step::Batch(batch, name, taken) => {
                    self.aside.take(&batch, &name, taken)?;
                    self.records += u64::from(batch.batch.records.saturating_sub(taken));
                }
            }
        }
        Ok(())
    }
}

/// Keeps the host from judging, until it is dropped.
struct Pause<'p> {
    host: &'p Host,
}

impl Pause<'_> {
    /// Waits until judging stands between two batches, and returns where; none if it doesn't come there.
    fn begin(&self) -> Option<Place> {
        let open = &self.host.open;
        open.shared.want_pause();
        open.recorder.wake();
        let began = Instant::now();
        loop {
            if let Some(place) = open.shared.paused_at() {
                return Some(place);
            }
            let left = LONGEST_WAIT.checked_sub(began.elapsed())?;
            if open.shared.is_stopping() {
                return None;
            }
            open.recorder.wait(left, |_| open.shared.paused_at().is_some() || open.shared.is_stopping());
        }
    }
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.host.open.shared.end_pause();
        self.host.open.recorder.wake();
    }
}

/// The detections of a generation whose code another one doesn't have.
pub(crate) fn replaced(by: &Generation, generation: &Generation) -> BTreeSet<RuleId> {
    let other = by.codes();
    let differing = generation.codes().into_iter().filter(|(id, code)| other.get(id) != Some(code));
    differing.map(|(id, _)| id).collect()
}

/// What rules of a recorded generation go on from: nothing where they go on from what they keep. `folder` is where a file may
/// lie for a moment; the system's for temporary files if none is given.
///
/// # Errors
/// Why it can't be read: another process would go on from something else.
pub(crate) fn kept(
    reader: &RecorderReader,
    folder: Option<&Path>,
    input: &RecordedHostInput,
) -> Result<KeptRules, String> {
    let Some(digest) = word(input)?.kept else { return Ok(KeptRules::default()) };
    let read = || -> Result<KeptRules, String> {
        let bytes = reader.content(&digest).map_err(|error| error.to_string())?.ok_or("it isn't on record")?;
        let file = folder.map_or_else(tempfile::NamedTempFile::new, tempfile::NamedTempFile::new_in);
        let mut file = file.map_err(|error| error.to_string())?;
        file.write_all(&bytes).map_err(|error| error.to_string())?;
        let store = SqliteStore::read(file.path()).map_err(|error| error.to_string())?;
        KeptRules::read(&store).map_err(|error| error.to_string())
    };
    read().map_err(|error| format!("what its rules had: {digest}: {error}"))
}
