//! A host that runs: its threads, and what others ask of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use countersign_engine::Engine;
use countersign_inputs::{Source, Transport};
use countersign_model::{Digest, Place, SourceId, Timestamp};
use countersign_policy::Person;
use countersign_recorder::{
    Append, AppendError, Appended, Figures, HostInputKind, Idempotency, Recorder, RecorderError, RecorderOptions, Reply,
};
use countersign_session::{SessionOptions, Standing};
use countersign_store::SqliteStore;
use serde::Serialize;

use crate::alarms::Alarm;
use crate::candidate::Difference;
use crate::error::{ApplyError, HostError, IngestError};
use crate::feeds::Feeds;
use crate::generations::{self, Generations, NewGeneration, RecordedGeneration, word};
use crate::host_key::HostKey;
use crate::intake::Intake;
use crate::judge::Judge;
use crate::keeper::{Audited, Keeper};
use crate::material::{Built, Manifest, Material};
use crate::metrics::process;
use crate::notes;
use crate::past::Past;
use crate::reload::Reload;
use crate::sentinel::Sentinel;
use crate::shared::{Fed, Judged, Listener, Shared};
use crate::vigil::{UnwellBounds, Vigil};
use crate::watch::{self, Ask, Asked, Files, LastRead, OnDisk, Watch};

/// The recorder's file in the state folder.
const RECORDER: &str = "recorder.db";

/// The store's.
const STORE: &str = "store.db";

/// How a host runs.
pub struct HostOptions {
    /// The folder of its files; it exists.
    pub state: PathBuf,
    /// The folder that paths of sources are relative to.
    pub folder: PathBuf,
    /// The sandbox of its rules.
    pub engine: Engine,
    /// How inputs are judged. `patience` is the generation's.
    pub session: SessionOptions,
    /// Maximum bytes of the recorder.
    pub max_bytes: u64,
    /// How long judged records are kept, microseconds.
    pub keep: i64,
    /// How long the audit log is kept, microseconds; none for ever.
    pub keep_audit: Option<i64>,
    /// What becomes of files that change.
    pub reload: Reload,
    /// From when on a source isn't well.
    pub unwell: UnwellBounds,
    /// The system's clock.
    pub clock: fn() -> Timestamp,
}

/// What became of records that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Ingested {
    /// Records that are on record, dead letters included.
    pub recorded: u64,
    /// Of these, those that can't be used.
    pub dead_letters: u64,
}

/// How a host is.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// How judging is.
    pub judged: Judged,
    /// The recorder's figures.
    pub recorder: Figures,
    /// The sources' inputs.
    pub sources: std::collections::BTreeMap<SourceId, Fed>,
    /// What a person has to look at.
    pub alarms: Vec<Alarm>,
    /// How the audit log is kept.
    pub audit: Audited,
}

/// A host that runs. A clone is the same.
#[derive(Clone)]
pub struct Host {
    pub(crate) open: Arc<Open>,
}

pub(crate) struct Open {
    state: PathBuf,
    pub(crate) recorder: Recorder,
    /// The most bytes that are on record.
    pub(crate) max_bytes: u64,
    pub(crate) shared: Arc<Shared>,
    pub(crate) generations: Arc<Generations>,
    /// How inputs are judged.
    pub(crate) session: SessionOptions,
    /// What becomes of files that change.
    pub(crate) reload: Reload,
    /// Whether somebody asked for files to be looked at.
    pub(crate) asked: Asked,
    last_read: LastRead,
    /// One plan at a time.
    pub(crate) planning: Mutex<()>,
    intake: Intake,
    /// The ends of generations.
    pub(crate) past: Arc<Past>,
    /// One change of the generation at a time.
    pub(crate) applying: Mutex<()>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    keeper: Arc<Keeper>,
}

impl Host {
    /// Starts a host: the generation that was applied last serves. Without one what `first` reads becomes the first; else
    /// nothing is read, so that no fault of files on disk keeps a host from serving what it has on record.
    ///
    /// # Errors
    /// When its files can't be used, or the first generation has faults.
    pub fn start(
        options: HostOptions,
        first: impl FnOnce() -> Result<Material, Vec<String>>,
    ) -> Result<Host, HostError> {
        let HostOptions { state, folder, engine, session, max_bytes, keep, keep_audit, reload, unwell, clock } =
            options;
        process::started();
        let store = state.join(STORE);
        // Opened once before anything else: its file is made, or refused, here.
        let standing = Standing::read(&SqliteStore::open(&store)?)?;
        let judged = standing.as_ref().and_then(|standing| standing.place).unwrap_or_default();
        let options = RecorderOptions { max_bytes, keep, clock };
        let recorder = Recorder::open(&state.join(RECORDER), options, judged)?;
        let reader = recorder.reader()?;
        let figures = recorder.figures();
        if figures.last + 1 < judged.batch || figures.last_host < judged.host {
            let records = SqliteStore::read(&store).and_then(|store| {
                use countersign_store::Stored as _;
                store.head()
            })?;
            return Err(HostError::Apart { recorder: state.join(RECORDER), records: records.records() });
        }
        let generations = Arc::new(Generations::new(engine));
        if reader.last_host_input(HostInputKind::Generation, u64::MAX)?.is_none() {
            let first = first().map_err(HostError::Faults)?;
            let built = generations.build(&first).map_err(HostError::Faults)?;
            if !built.left_out.is_empty() && !reload.partial {
                return Err(HostError::Faults(built.left_out.clone()));
            }
            let (by, before) = ("start".to_owned(), Some(1));
            generations::put(&recorder, NewGeneration { material: &first, by, reason: None, before, kept: None })?;
        }
        let shared = Arc::new(Shared::default());
        let past = Arc::new(Past::of(&state));
        // A store that is made anew has nothing signed yet.
        let noted = if standing.is_some() { notes::signed(&reader)? } else { None };
        let key = HostKey::for_store(&state, &store, noted.as_ref())?;
        let noted = (noted, notes::accused(&reader)?);
        let keeper = Arc::new(Keeper::new((&shared, &recorder), store.clone(), key, noted, (keep_audit, clock)));
        let judge = Judge {
            past: Arc::clone(&past),
            shared: Arc::clone(&shared),
            recorder: recorder.clone(),
            generations: Arc::clone(&generations),
            store,
            options: session.clone(),
        };
        let feeds = Feeds { shared: Arc::clone(&shared), recorder: recorder.clone(), folder };
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let judge = named("judge").spawn(move || judge.run()).map_err(HostError::Thread)?;
        let feeds = named("feeds").spawn(move || feeds.run()).map_err(HostError::Thread)?;
        let vigil = Vigil { shared: Arc::clone(&shared), recorder: recorder.clone(), bounds: unwell };
        let vigil = named("vigil").spawn(move || vigil.run()).map_err(HostError::Thread)?;
        let sentinel = Sentinel { shared: Arc::clone(&shared), recorder: recorder.clone(), max_bytes };
        let sentinel = named("sentinel").spawn(move || sentinel.run()).map_err(HostError::Thread)?;
        let keeps = Arc::clone(&keeper);
        let keeps = named("keeper").spawn(move || keeps.run()).map_err(HostError::Thread)?;
        // The inputs end first.
        let threads = Mutex::new(vec![feeds, vigil, sentinel, judge, keeps]);
        let open = Open {
            state,
            recorder,
            max_bytes,
            shared,
            generations,
            session,
            reload,
            asked: Asked::default(),
            last_read: LastRead::default(),
            intake: Intake::default(),
            past,
            planning: Mutex::default(),
            applying: Mutex::default(),
            threads,
            keeper,
        };
        Ok(Host { open: Arc::new(open) })
    }

    /// The recorder's file.
    #[must_use]
    pub fn recorder_path(&self) -> PathBuf {
        recorder_of(&self.open.state)
    }

    /// The store's file.
    #[must_use]
    pub fn store_path(&self) -> PathBuf {
        store_of(&self.open.state)
    }

    /// How it is.
    #[must_use]
    pub fn status(&self) -> Status {
        let Open { recorder, shared, .. } = &*self.open;
        let (judged, recorder, sources) = (shared.judged(), recorder.figures(), shared.fed());
        Status { judged, recorder, sources, alarms: shared.alarms(), audit: shared.audited() }
    }

    /// What a person has to look at, as it was seen within the last seconds.
    #[must_use]
    pub fn alarms(&self) -> Vec<Alarm> {
        self.open.shared.alarms()
    }

    /// The host's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.open.recorder.now()
    }

    /// Has a listener told of every commit.
    pub fn listen(&self, listener: Listener) {
        self.open.shared.listen(listener);
    }

    /// The source of this name, if the generation that serves has it and its records are sent.
    ///
    /// # Errors
    /// When it has no such source.
    pub fn takes(&self, source: &str) -> Result<Source, IngestError> {
        let known = self.open.shared.source(source);
        let Some(source) = known else { return Err(IngestError::NoSource(source.to_owned())) };
        if source.transport() == Some(&Transport::Http) {
            Ok(source)
        } else {
            Err(IngestError::NotSent(source.name().clone()))
        }
    }

    /// Who works with the host, by the directory of the generation that serves.
    #[must_use]
    pub fn persons(&self) -> Arc<[Person]> {
        self.open.shared.persons()
    }

    /// Puts on record what a sender sent for a source, plain or packed. `reply` is called once it is durable, with what the
    /// sender is answered.
    ///
    /// # Errors
    /// When there is no such source, or they expand too far.
    pub fn ingest(
        &self,
        source: &str,
        key: Option<String>,
        bytes: Vec<u8>,
        reply: Reply<Ingested>,
    ) -> Result<(), IngestError> {
        let source = self.takes(source)?;
        // Only a key is compared with what came under it.
        let key = key.map(|key| (key, Digest::of(&bytes)));
        let (batches, ingested, held) = self.open.intake.cut(bytes, &source).ok_or(IngestError::TooMuch)?;
        let source = source.name().clone();
        let answer = || serde_json::to_vec(&ingested).unwrap_or_default();
        let idempotency = key.map(|(key, content)| Idempotency { key, content, answer: answer() });
        let append = Append { source, batches, bookmarks: Vec::new(), idempotency };
        let answered = move |appended: Result<Appended, AppendError>| {
            drop(held);
            reply(appended.map(|appended| match appended {
                Appended::Recorded { .. } => ingested,
                Appended::Before { answer } => serde_json::from_slice(&answer).unwrap_or(ingested),
            }));
        };
        self.open.recorder.append_then(append, Box::new(answered));
        Ok(())
    }

    /// Reads, admits and compiles a generation beside the one that serves.
    ///
    /// # Errors
    /// With every fault.
    pub fn build(&self, material: &Material) -> Result<Arc<Built>, Vec<String>> {
        self.open.generations.build(material)
    }

    /// Has another generation serve from the next batch on. It is whole, or the one that serves goes on. Returns its number.
    ///
    /// # Errors
    /// When it has faults, changes nothing or what is never applied, or isn't on record.
    pub fn apply(&self, material: &Material, by: String, reason: Option<String>) -> Result<u64, ApplyError> {
        let number = self.put(material, by, reason, None)?;
        // Nothing waits any more. Should the files be others by now, they are looked at again.
        self.open.shared.set_on_disk(None);
        self.look();
        Ok(number)
    }

    /// Applies files that were compared with what serves, if that still does.
    pub(crate) fn apply_over(
        &self,
        serving: &Digest,
        material: &Material,
        reason: Option<String>,
    ) -> Result<u64, ApplyError> {
        self.put(material, "watch".to_owned(), reason, Some(serving))
    }

    fn put(
        &self,
        material: &Material,
        by: String,
        reason: Option<String>,
        over: Option<&Digest>,
    ) -> Result<u64, ApplyError> {
        let _one = self.open.applying.lock().unwrap_or_else(PoisonError::into_inner);
        if over.is_some() && over.copied() != self.serving().map(|serving| serving.digest()) {
            return Err(ApplyError::Overtaken);
        }
        let (serving, built) = self.checked(material)?;
        // What is about to serve can't change meanwhile.
        let difference = serving.filter(|_| self.open.reload.refuses()).map(|it| Difference::between(&it, &built));
        let refused = difference.map_or_else(Vec::new, |difference| watch::refused(&difference, &self.open.reload));
        if !refused.is_empty() {
            return Err(ApplyError::Refused(refused));
        }
        Ok(generations::put(&self.open.recorder, NewGeneration { material, by, reason, before: None, kept: None })?)
    }

    /// What serves, or is about to, if it can be built, and another generation, which is whole.
    pub(crate) fn checked(&self, material: &Material) -> Result<(Option<Arc<Built>>, Arc<Built>), ApplyError> {
        if self.serving().map(|serving| serving.digest()) == Some(material.manifest().digest()) {
            return Err(ApplyError::Same);
        }
        let built = self.build(material).map_err(ApplyError::Faults)?;
        if !built.left_out.is_empty() && !self.open.reload.partial {
            return Err(ApplyError::Faults(built.left_out.clone()));
        }
        let last = self.open.recorder.reader().and_then(|reader| self.open.generations.last(&reader, u64::MAX));
        Ok((last.ok().flatten().and_then(|last| last.built.ok()), built))
    }

    /// Watches files: a change that `[reload]` lets be applied by itself is, and others wait with reasons, until the host
    /// is stopped. Without `by_itself` files are looked at only by [`Host::reload`].
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn watch(&self, files: Files, by_itself: bool) -> Result<(), HostError> {
        self.open.last_read.watch(&files);
        let watch = Watch { host: self.clone(), files, by_itself };
        let named = std::thread::Builder::new().name("watch".to_owned());
        let thread = named.spawn(move || watch.run()).map_err(HostError::Thread)?;
        self.open.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Has the files that are watched looked at now, as after a change: also what served before and was rolled back.
    pub fn reload(&self) {
        self.open.asked.ask(Ask::Reload);
        self.open.recorder.wake();
    }

    /// Has the files that are watched looked at now. What served before and was rolled back waits until it changes.
    pub fn look(&self) {
        self.open.asked.ask(Ask::Look);
        self.open.recorder.wake();
    }

    /// Files on disk that don't serve now, with why. `read` reads them, which is done only where the system says that they
    /// aren't those that were read last.
    #[must_use]
    pub fn on_disk_now(&self, read: impl FnOnce() -> Result<Material, Vec<String>>) -> Option<OnDisk> {
        let serving = self.serving().map(|serving| serving.digest());
        match self.open.last_read.digest(read) {
            Err(reasons) => Some(OnDisk::waits(None, reasons)),
            Ok(digest) => {
                let looked_at = || self.on_disk().filter(|on_disk| on_disk.digest == Some(digest));
                (serving != Some(digest)).then(|| looked_at().unwrap_or_else(|| OnDisk::others(digest)))
            }
        }
    }

    /// Files on disk that were looked at last and don't serve, with why.
    #[must_use]
    pub fn on_disk(&self) -> Option<OnDisk> {
        let serving = self.serving().map(|serving| serving.digest());
        // What a person has applied since serves.
        self.open.shared.on_disk().filter(|on_disk| on_disk.digest.is_none() || on_disk.digest != serving)
    }

    /// What the generation that was put on record last is made of: the one that serves, or is about to.
    #[must_use]
    pub fn serving(&self) -> Option<Manifest> {
        let reader = self.open.recorder.reader().ok()?;
        let last = reader.last_host_input(HostInputKind::Generation, u64::MAX).ok()??;
        Some(word(&last).ok()?.manifest)
    }

    /// All generations on record, the last one last.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn generations(&self) -> Result<Vec<RecordedGeneration>, RecorderError> {
        generations::all(&self.open.recorder.reader()?)
    }

    /// What the generation of a number was made of.
    ///
    /// # Errors
    /// When it can't be read; none if there is none of this number.
    pub fn material(&self, number: u64) -> Result<Option<Material>, Vec<String>> {
        let failed = |error: RecorderError| vec![error.to_string()];
        let reader = self.open.recorder.reader().map_err(failed)?;
        let Some(generation) = generations::of_number(&reader, number).map_err(failed)? else { return Ok(None) };
        let word = word(&generation).map_err(|error| vec![error])?;
        generations::material(&reader, &word.manifest).map(Some)
    }

    /// Waits until a generation serves, for so long at most. Whether one does.
    pub fn wait_serving(&self, longest: std::time::Duration) -> bool {
        let serves = || self.open.shared.judged().generation.is_some();
        self.open.recorder.wait(longest, |_| serves());
        serves()
    }

    /// Waits until a generation that was put on record serves, or a later one does, for so long at most. Whether it does.
    pub fn wait_generation(&self, number: u64, longest: std::time::Duration) -> bool {
        let judged = || self.open.shared.judged();
        let serves = || judged().generation.is_some_and(|serving| serving >= number);
        self.open.recorder.wait(longest, |_| serves() || judged().stopped.is_some() || self.open.shared.is_stopping());
        serves()
    }

    /// Waits until everything that is recorded now is judged and committed, for so long at most. Whether it is.
    pub fn wait_judged(&self, longest: std::time::Duration) -> bool {
        let figures = self.open.recorder.figures();
        let (last, host) = (figures.last, figures.last_host);
        let is_judged = || {
            let place = self.open.shared.judged().place.unwrap_or(Place::START);
            place.batch > last && place.host >= host
        };
        self.open.recorder.wait(longest, |_| is_judged());
        is_judged()
    }

    /// Whether its threads run: a host of which one ended by itself does its work no longer.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let threads = self.open.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.iter().all(|thread| !thread.is_finished()) && self.open.recorder.is_running()
    }

    /// Stops: no more input is taken, what was taken is judged up to the next batch and committed.
    pub fn stop(&self) {
        self.open.shared.stop();
        self.open.recorder.wake();
        let threads = std::mem::take(&mut *self.open.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread panicked");
            }
        }
        self.open.past.finish();
        self.open.keeper.finish();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.stop();
        self.recorder.wake();
    }
}

/// The recorder of a state folder.
#[must_use]
pub fn recorder_of(state: &Path) -> PathBuf {
    state.join(RECORDER)
}

/// The store of a state folder.
#[must_use]
pub fn store_of(state: &Path) -> PathBuf {
    state.join(STORE)
}

/// Whether a folder has the files of a host.
#[must_use]
pub fn has_host(state: &Path) -> bool {
    recorder_of(state).exists() || store_of(state).exists()
}
