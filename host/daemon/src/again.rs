//! A recorder once more: its inputs in the order in which a host judges them, read beside the host, and what comes of them
//! when they are judged again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use countersign_engine::Engine;
use countersign_inputs::Sources;
use countersign_model::{Place, SourceId, Timestamp};
use countersign_policy::Directory;
use countersign_recorder::{HostInputKind, RecordedHostInput, RecorderError, RecorderReader};
use countersign_session::{Arrival, Input, Observer, Report, Session, SessionError, SessionOptions, Standing, Swap};
use countersign_store::Store;

use crate::decoders::Decoders;
use crate::generations::{Generations, Last, material, word};
use crate::judge::{patience, push_batch, standing};
use crate::material::{Built, Material, Role};
use crate::notes::note;
use crate::rollback::kept;
use crate::walk::{BEGIN, Step, Walk};

/// Why a recorder can't be judged again, or read.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// The recorder.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// What served according to the recorder can't be built or read.
    #[error("generation {number} can't be built any more: {}", reasons.join("; "))]
    Generation {
        /// Its number.
        number: u64,
        /// Why.
        reasons: Vec<String>,
    },
    /// Nothing serves.
    #[error("expected a recorder with a generation on record, got one without")]
    NoGeneration,
}

/// Where judging or reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// At the first batch on record.
    First,
    /// At the first that arrived then or later.
    Time(Timestamp),
    /// After the last one that is on record.
    Now,
}

/// The place at which a recorder begins, and whether earlier batches are left out: what came of them isn't known then.
fn begin(reader: &RecorderReader, since: Since) -> Result<(Place, bool), RecorderError> {
    let first = reader.first()?;
    let end = reader.last()?.saturating_add(1).max(first);
    let batch = match since {
        Since::First => first,
        Since::Time(time) => reader.first_since(first, end, time)?,
        Since::Now => end,
    };
    let late = batch > 1 || reader.extent()?.first_host > BEGIN.host + 1;
    let host = if late { reader.last_host_before(batch)? } else { BEGIN.host };
    Ok((Place { batch, within: 0, host }, late))
}

/// A recorder that is judged again.
pub struct Again {
    path: PathBuf,
    reader: RecorderReader,
    generations: Generations,
    /// What judges all of it; none for the generations on record, each from its place on.
    with: Option<Arc<Built>>,
    since: Since,
    /// The batch before which it ends.
    end: u64,
}

impl Again {
    /// Opens a recorder, to be judged up to what it has now. The host may go on beside.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn open(path: &Path, engine: Engine, since: Since) -> Result<Again, AgainError> {
        let reader = RecorderReader::open(path)?;
        let end = reader.last()? + 1;
        let generations = Generations::new(engine);
        Ok(Again { path: path.to_owned(), reader, generations, with: None, since, end })
    }

    /// Has it judged by one generation: the last one on record, with these files in place of those of the same roles. With
    /// `shipped_rules` all its rules are replaced too. Returns the rules that are left out, each with every reason.
    ///
    /// # Errors
    /// With every fault of every file.
    pub fn judge_with(
        &mut self,
        shipped_rules: Option<bool>,
        paths: &[(Role, PathBuf)],
    ) -> Result<Vec<String>, Vec<String>> {
        let failed = |error: RecorderError| vec![error.to_string()];
        let last = self.reader.last_host_input(HostInputKind::Generation, u64::MAX).map_err(failed)?;
        let mut all = match last {
            None => Material { shipped_rules: true, files: Vec::new() },
            Some(input) => material(&self.reader, &word(&input).map_err(|fault| vec![fault])?.manifest)?,
        };
        let given = Material::read(shipped_rules.unwrap_or(all.shipped_rules), paths)?;
        let is_replaced = |role: Role| {
            shipped_rules.is_some() && matches!(role, Role::Rule)
                || given.files.iter().any(|given| given.role.name() == role.name())
        };
        all.files.retain(|file| !is_replaced(file.role));
        all.shipped_rules = given.shipped_rules;
        all.files.extend(given.files);
        let built = self.generations.build(&all)?;
        let left_out = built.left_out.clone();
        self.with = Some(built);
        Ok(left_out)
    }

    /// The names of the sources, by the numbers that their events have as that of their input.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn names(&self) -> Result<Vec<String>, AgainError> {
        Ok(self.reader.sources()?.into_iter().map(|source| source.name.to_string()).collect())
    }

    /// Whether judging begins without what came of earlier batches.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn begins_late(&self) -> Result<bool, AgainError> {
        Ok(begin(&self.reader, self.since)?.1)
    }

    /// Judges what the store hasn't from its last session. By the generations on record the log becomes what the host's is;
    /// what waits for witnesses there waits here too. By one generation the inputs end where the recorder does.
    ///
    /// # Errors
    /// When it can't be read, what served can't be built, something can't be committed, or the observer fails.
    pub fn judge(
        &self,
        store: &mut dyn Store,
        mut options: SessionOptions,
        observer: &mut dyn Observer,
    ) -> Result<Report, AgainError> {
        let started = Instant::now();
        let stored = if store.keeps() { Standing::read(&*store)?.and_then(|standing| standing.place) } else { None };
        let place = stored.map_or_else(|| begin(&self.reader, self.since).map(|(place, _)| place), Ok)?;
        let (built, number) = match &self.with {
            Some(built) => (Arc::clone(built), None),
            None => {
                let last = self.generations.last(&self.reader, place.host)?.ok_or(AgainError::NoGeneration)?;
                let Last { number, built, .. } = last;
                (built.map_err(|reasons| AgainError::Generation { number, reasons })?, Some(number))
            }
        };
        options.patience = patience(&built.sources);
        let numbered = (Arc::clone(&built.generation), number);
        let mut session = Session::resume_numbered(store, numbered, options, observer)?;
        let mut decoders = Decoders::new(built.sources.clone(), session.processed());
        let mut walk = Walk::new(RecorderReader::open(&self.path)?, place)?;
        while let Some(step) = walk.next(self.end)? {
            match step {
                Step::Host(input) => self.take_host_input(&input, walk.place, &mut session, &mut decoders)?,
                Step::Batch(batch, name, taken) => {
                    push_batch((&mut session, &mut decoders), &batch, (&name, taken), walk.place)?;
                }
            }
        }
        let mut report = match self.with {
            Some(_) => session.finish(u32::try_from(walk.names.all().len()).unwrap_or(u32::MAX))?,
            None => session.report()?,
        };
        report.summary.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }

    fn take_host_input(
        &self,
        input: &RecordedHostInput,
        place: Place,
        session: &mut Session<'_>,
        decoders: &mut Decoders,
    ) -> Result<(), AgainError> {
        match input.kind {
            HostInputKind::Time => session.push_from(Input::Time(input.time()), place)?,
            HostInputKind::Generation if self.with.is_none() => {
                let number = input.number;
                let fails = |reasons| AgainError::Generation { number, reasons };
                let built = self.generations.recorded(&self.reader, input).map_err(fails)?;
                let (generation, patience) = (Arc::clone(&built.generation), patience(&built.sources));
                let restored = kept(&self.reader, None, input).map_err(|why| fails(vec![why]))?;
                let swap = Swap { generation, number: Some(number), patience, restored };
                session.push_from(Input::Generation(swap), place)?;
                decoders.swap(built.sources.clone());
            }
            HostInputKind::Source => {
                standing(input).map_or(Ok(()), |standing| session.push_from(Input::Source(standing), place))?;
            }
            HostInputKind::Note => {
                note(input).map_or(Ok(()), |note| session.push_from(Input::Note(note), place))?;
            }
            HostInputKind::Generation | HostInputKind::Word | HostInputKind::Outcome => {}
        }
        Ok(())
    }
}

/// The records of a recorder with the time that passed between them, read as their sources were when they were recorded. More
/// may come later.
pub struct RecordedInputs {
    walk: Walk,
    decoders: Decoders,
    /// Records of other sources are passed over.
    only: Option<SourceId>,
}

/// What comes next of a recorder.
pub enum RecordedStep {
    /// Records of a batch, or time that passed.
    Inputs(Vec<Input>),
    /// Another generation has these sources and this directory from here on.
    Sources(Sources, Directory),
}

impl RecordedInputs {
    /// Opens a recorder. The result begins with the sources and the directory that served there.
    ///
    /// # Errors
    /// When it can't be read, or what served can't be.
    pub fn open(path: &Path, since: Since) -> Result<(RecordedInputs, Sources, Directory), AgainError> {
        let reader = RecorderReader::open(path)?;
        let (place, _) = begin(&reader, since)?;
        let last = reader.last_host_input(HostInputKind::Generation, place.host)?;
        let (sources, directory) = match &last {
            Some(input) => as_of(&reader, input)?,
            None => (Sources::default(), Directory::default()),
        };
        let decoders = Decoders::new(sources.clone(), Vec::new());
        Ok((RecordedInputs { walk: Walk::new(reader, place)?, decoders, only: None }, sources, directory))
    }

    /// Passes over the records of all sources but this one.
    pub fn only(&mut self, source: SourceId) {
        self.only = Some(source);
    }

    /// The names of the sources, by the numbers that their events have as that of their input.
    #[must_use]
    pub fn names(&self) -> &BTreeMap<u32, SourceId> {
        self.walk.names.all()
    }

    /// Where reading goes on.
    #[must_use]
    pub fn place(&self) -> Place {
        self.walk.place
    }

    /// What comes next; none if nothing does yet.
    ///
    /// # Errors
    /// When the recorder can't be read.
    pub fn next_step(&mut self) -> Result<Option<RecordedStep>, AgainError> {
        while let Some(step) = self.walk.next(u64::MAX)? {
            match step {
                Step::Host(input) => match input.kind {
                    HostInputKind::Time => return Ok(Some(RecordedStep::Inputs(vec![Input::Time(input.time())]))),
                    HostInputKind::Generation => {
                        let (sources, directory) = as_of(&self.walk.reader, &input)?;
                        self.decoders.swap(sources.clone());
                        return Ok(Some(RecordedStep::Sources(sources, directory)));
                    }
                    HostInputKind::Source | HostInputKind::Note | HostInputKind::Word | HostInputKind::Outcome => {}
                },
                Step::Batch(batch, name, taken) => {
                    if self.only.as_ref().is_some_and(|only| *only != name) {
                        continue;
                    }
                    let mut inputs = Vec::new();
                    let added = self.decoders.for_each(&batch, &name, taken, |_, arrival: Arrival| {
                        inputs.push(Input::Record(arrival));
                        Ok::<(), AgainError>(())
                    });
                    return added.map(|()| Some(RecordedStep::Inputs(inputs)));
                }
            }
        }
        Ok(None)
    }
}

/// The sources and the directory of a generation on record.
fn as_of(reader: &RecorderReader, input: &RecordedHostInput) -> Result<(Sources, Directory), AgainError> {
    let read = || {
        let word = word(input).map_err(|fault| vec![fault])?;
        let material = material(reader, &word.manifest)?;
        Ok((material.sources()?, material.directory()?))
    };
    let number = input.number;
    read().map_err(|reasons| AgainError::Generation { number, reasons })
}
