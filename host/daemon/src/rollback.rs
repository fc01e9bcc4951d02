//! Rolling back: an earlier generation serves again. Rules that other ones have replaced since go on from what they had then,
//! caught up with what came since, as if they had never been replaced; all that was decided stays.
//!
//! They catch up beside the host, which waits only for the last batches. What they have then goes on record with the generation,
//! so that a recorder judged again gives the same.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use countersign_document::read_capped;
use countersign_generation::Generation;
use countersign_model::{Digest, Place, RuleId};
use countersign_recorder::{RecordedHostInput, RecorderReader};
use countersign_session::{KeptRules, copy_rules, copy_session};
use countersign_store::SqliteStore;

use crate::aside::{Aside, AsideError};
use crate::generations::{self, NewGeneration, word};
use crate::host::{ApplyError, Host};
use crate::material::Built;
use crate::past::remove;
use crate::walk::{Step, Walk};

/// What rules that go on from what they had may have together, bytes of a store's file.
const MAX_KEPT_BYTES: u64 = 256 << 20;

/// The host waits for so many batches at most.
const LAST_BATCHES: u64 = 4;

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
    /// When it isn't on record, can't be built any more, serves already, or judging has stopped.
    pub fn roll_back(
        &self,
        number: u64,
        by: String,
        reason: Option<String>,
        at_once: bool,
    ) -> Result<RolledBack, ApplyError> {
        let material = self.material(number).map_err(ApplyError::Faults)?.ok_or(ApplyError::Unknown(number))?;
        let _one = self.open.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = material.manifest().digest();
        let (serving, built) = self.checked(&material)?;
        let rules = match &serving {
            Some(serving) => replaced(&serving.generation, &built.generation),
            None => built.generation.detections.iter().map(|rule| rule.identity.id.clone()).collect(),
        };
        let new = |kept: Option<Kept>, reason| {
            let (before, kept) = kept.map_or((None, None), |kept| (Some(kept.before), Some(kept.bytes)));
            NewGeneration { material: &material, by: by.clone(), reason, before, kept }
        };
        let reason =
            |state: &str| Some(reason.as_deref().map_or_else(|| state.to_owned(), |why| format!("{why}; {state}")));
        let put = |new| generations::put(&self.open.recorder, new);
        let (generation, state) = if rules.is_empty() {
            let state = "rules go on from what they keep: none of them was replaced since".to_owned();
            (put(new(None, reason(&state)))?, state)
        } else if at_once {
            let state = "rules go on at once from what there is".to_owned();
            (put(new(None, reason(&state)))?, state)
        } else {
            match self.ends_of(digest).into_iter().find_map(|end| Some((end, self.open.past.read(end)?))) {
                None => {
                    let state = "rules go on from what there is: what they had isn't kept any more".to_owned();
                    (put(new(None, reason(&state)))?, state)
                }
                Some((_, past)) => {
                    let paused = Pause { host: self };
                    let kept = self.catch_up(&past, &built, &rules, &paused).map_err(|error| match error {
                        AsideError::Interrupted => ApplyError::Stopped,
                        error => ApplyError::Faults(vec![format!("rules can't go on from what they had: {error}")]),
                    })?;
                    let state = format!(
                        "{} rules go on from what they had, caught up with {} records since",
                        rules.len(),
                        kept.records
                    );
                    let generation = put(new(Some(kept), reason(&state)))?;
                    drop(paused);
                    (generation, state)
                }
            }
        };
        Ok(RolledBack { generation, digest, state })
    }

    /// The numbers of generations with this digest that another one has followed, the last one first.
    fn ends_of(&self, digest: Digest) -> Vec<u64> {
        let generations = self.generations().unwrap_or_default();
        let of_digest = generations.iter().filter(|generation| generation.word.manifest.digest() == digest);
        of_digest.rev().map(|generation| generation.seq).collect()
    }

    /// Has a session go on from the end of a generation, muted, until it has judged what the host has, which is paused then.
    fn catch_up(
        &self,
        past: &countersign_store::SqliteReader,
        built: &Built,
        rules: &BTreeSet<RuleId>,
        pause: &Pause<'_>,
    ) -> Result<Kept, AsideError> {
        let files = &self.open.past;
        let (path, also) = (files.temporary("catching-up"), files.temporary("caught-up"));
        let key = &self.open.session.key;
        let mut store = SqliteStore::open(&path)?;
        copy_session(past, &mut store, key)?;
        let mut nobody = ();
        let aside = Aside::resume(built, &self.open.session, &mut store, &mut nobody)?;
        let place = aside.session.place().unwrap_or(Place { host: 1, ..Place::START });
        let walk = Walk::new(self.open.recorder.reader()?, place)?;
        let mut catching = CatchingUp { host: self, walk, aside, records: 0 };
        loop {
            let reached = self.open.shared.judged().place.unwrap_or(place);
            catching.to(reached)?;
            let last = self.open.shared.judged().place.unwrap_or(place);
            if last.batch.saturating_sub(catching.walk.place.batch) <= LAST_BATCHES {
                break;
            }
        }
        let at = pause.begin().ok_or(AsideError::Interrupted)?;
        catching.to(at)?;
        let records = catching.finish()?;
        let mut kept = SqliteStore::open(&also)?;
        copy_rules(&store, &mut kept, key, rules)?;
        kept.close()?;
        store.close()?;
        let bytes =
            read_capped(&also, MAX_KEPT_BYTES).ok().flatten().ok_or(AsideError::TooLarge(MAX_KEPT_BYTES >> 20))?;
        remove(&path);
        remove(&also);
        Ok(Kept { before: at.batch, bytes, records })
    }
}

/// What rules have kept, caught up.
struct Kept {
    /// The batch that comes next.
    before: u64,
    /// A store's file.
    bytes: Vec<u8>,
    /// Records that were judged to catch up.
    records: u64,
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
    let code = |id: &RuleId| by.detections.iter().find(|rule| rule.identity.id == *id).map(|rule| rule.identity.code);
    let detections = generation.detections.iter().map(|rule| &rule.identity);
    detections.filter(|rule| code(&rule.id) != Some(rule.code)).map(|rule| rule.id.clone()).collect()
}

/// What rules of a recorded generation go on from: nothing where they go on from what they keep.
pub(crate) fn kept(reader: &RecorderReader, input: &RecordedHostInput) -> KeptRules {
    let Ok(Some(digest)) = word(input).map(|word| word.kept) else { return KeptRules::default() };
    let read = || -> Result<KeptRules, String> {
        let bytes = reader.content(&digest).map_err(|error| error.to_string())?.ok_or("it isn't on record")?;
        let mut file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        file.write_all(&bytes).map_err(|error| error.to_string())?;
        let store = SqliteStore::read(file.path()).map_err(|error| error.to_string())?;
        KeptRules::read(&store).map_err(|error| error.to_string())
    };
    read().unwrap_or_else(|error| {
        tracing::error!(%digest, error, "what rules had can't be read: they go on from what they keep");
        KeptRules::default()
    })
}
