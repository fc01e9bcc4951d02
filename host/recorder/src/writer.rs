//! The thread that writes: one transaction for everything that waits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_database::Database;
use countersign_model::{Place, SourceId};

use crate::clock::HostClock;
use crate::error::{AppendError, RecorderError};
use crate::queue::{Queue, Reply, Request, Taken};
use crate::recorder::RecorderOptions;
use crate::state::Shared;
use crate::tables::Tables;
use crate::{Appended, RECORDER};

/// Writes to a recorder.
pub(crate) struct Writer {
    path: PathBuf,
    options: RecorderOptions,
    clock: HostClock,
    shared: Arc<Shared>,
    /// None after an error: whether a transaction is stored isn't known then until the file is opened again.
    tables: Option<Tables>,
    epoch: i64,
    /// How far inputs were judged.
    judged: Place,
    /// The sources among which the room is shared.
    sources: BTreeSet<SourceId>,
    /// How many transactions failed since the last one that didn't.
    failing: u64,
    refused: u64,
    /// How many transactions there were, and how long they and their commits took.
    spent: (u64, Duration, Duration),
}

impl Writer {
    /// Opens a recorder, or makes one.
    pub(crate) fn open(
        path: &Path,
        options: RecorderOptions,
        shared: Arc<Shared>,
        judged: Place,
    ) -> Result<Writer, RecorderError> {
        let (database, epoch) = Database::open(&RECORDER, path)?;
        let tables = Tables::read(database, epoch, &options, judged)?;
        let clock = HostClock::after(tables.arrived(), options.clock);
        let mut writer = Writer {
            path: path.to_owned(),
            options,
            clock,
            shared,
            tables: None,
            epoch,
            judged,
            sources: BTreeSet::new(),
            failing: 0,
            refused: 0,
            spent: Default::default(),
        };
        writer.show(&tables);
        writer.tables = Some(tables);
        Ok(writer)
    }

    /// The host's time.
    pub(crate) fn clock(&self) -> HostClock {
        self.clock.clone()
    }

    /// Writes until the queue is closed and empty.
    pub(crate) fn run(mut self, queue: &Queue) {
        while let Some(taken) = queue.take() {
            self.write(taken);
        }
    }

    fn write(&mut self, taken: Taken) {
        let mut answers = Answers::default();
        match self.transact(taken, &mut answers) {
            Ok(()) => {
                self.failing = 0;
                answers.send(None);
            }
            Err(error) => {
                self.failing += 1;
                tracing::error!("{error}: nothing that waited is on record");
                self.shared.change(|figures| figures.failing = self.failing);
                answers.send(Some(&error));
            }
        }
    }

    fn transact(&mut self, taken: Taken, answers: &mut Answers) -> Result<(), AppendError> {
        let began = Instant::now();
        let opened = self.tables.take().map_or_else(|| self.reopen(), Ok);
        // Those that wait are answered whatever becomes of it.
        let mut judged = None;
        let mut tables = match opened {
            Ok(tables) => tables,
            Err(error) => {
                answers.refuse(taken);
                return Err(error);
            }
        };
        let mut result = tables.begin(self.clock.now());
        for request in taken.host {
            match request {
                Request::Judged(place) => judged = judged.max(Some(place)),
                Request::Share(sources) => self.sources = sources,
                Request::Remember(name, value, reply) => {
                    let kept = if result.is_ok() { tables.remember(name, &value) } else { Ok(()) };
                    take(&mut result, kept);
                    answers.turns.push(reply);
                }
                Request::Host(input, reply) => {
                    let put = if result.is_ok() { tables.put(&input) } else { Ok(0) };
                    answers.puts.push((take(&mut result, put), reply));
                }
                Request::Turn { last, before, reply } => {
                    let given = if result.is_ok() { tables.give_turn(last, before) } else { Ok(()) };
                    take(&mut result, given);
                    answers.turns.push(reply);
                }
            }
        }
        if let Some(place) = judged {
            self.judged = self.judged.max(place);
            let freed = if result.is_ok() { tables.judged(self.judged) } else { Ok(()) };
            take(&mut result, freed);
        }
        for (append, reply) in taken.records {
            let appended =
                if result.is_ok() { tables.append(&append, &self.sources) } else { Ok(Err(AppendError::Closed)) };
            let appended = take(&mut result, appended.map(Some)).flatten();
            self.refused += u64::from(matches!(appended, Some(Err(AppendError::Full { .. }))));
            answers.appends.push((appended, reply));
        }
        result?;
        tables.make_room(&self.options)?;
        let committing = Instant::now();
        tables.commit()?;
        let (count, whole, commits) = self.spent;
        self.spent = (count + 1, whole + began.elapsed(), commits + committing.elapsed());
        self.show(&tables);
        self.tables = Some(tables);
        Ok(())
    }

    fn show(&self, tables: &Tables) {
        let mut figures = tables.figures();
        (figures.failing, figures.refused) = (0, self.refused);
        let (count, whole, commits) = self.spent;
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        (figures.transactions, figures.transaction_micros) = (count, micros(whole));
        figures.commit_micros = micros(commits);
        self.shared.change(|shared| *shared = figures);
    }

    /// Opens the file again after an error.
    ///
    /// INVARIANT: a recorder that another process has opened since isn't taken back from it.
    fn reopen(&mut self) -> Result<Tables, AppendError> {
        let database = Database::read(&RECORDER, &self.path)?;
        let epoch: i64 = database
            .connection
            .query_one("SELECT epoch FROM head", [], |row| row.get(0))
            .map_err(database.failed("read"))?;
        drop(database);
        if epoch != self.epoch {
            return Err(AppendError::Superseded);
        }
        let (database, epoch) = Database::open(&RECORDER, &self.path)?;
        self.epoch = epoch;
        Ok(Tables::read(database, epoch, &self.options, self.judged)?)
    }
}

/// The value of a result; an error becomes that of the whole, unless it has one.
fn take<T>(whole: &mut Result<(), AppendError>, result: Result<T, AppendError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            if whole.is_ok() {
                *whole = Err(error);
            }
            None
        }
    }
}

/// Who waits for a transaction, and for what.
#[derive(Default)]
struct Answers {
    puts: Vec<(Option<u64>, Reply<u64>)>,
    turns: Vec<Reply<()>>,
    appends: Vec<(Option<Answer>, Reply<Appended>)>,
}

/// What became of an append, in a transaction that is committed.
type Answer = Result<Appended, AppendError>;

impl Answers {
    /// None of what was taken was written.
    fn refuse(&mut self, taken: Taken) {
        for request in taken.host {
            match request {
                Request::Host(_, reply) => self.puts.push((None, reply)),
                Request::Turn { reply, .. } | Request::Remember(_, _, reply) => self.turns.push(reply),
                Request::Judged(_) | Request::Share(_) => {}
            }
        }
        self.appends.extend(taken.records.into_iter().map(|(_, reply)| (None, reply)));
    }

    /// Answers all, after an error of the whole all with that.
    fn send(self, error: Option<&AppendError>) {
        let failed = || error.cloned().unwrap_or(AppendError::Closed);
        for (number, reply) in self.puts {
            reply(number.filter(|_| error.is_none()).ok_or_else(failed));
        }
        for reply in self.turns {
            reply(error.map_or(Ok(()), |error| Err(error.clone())));
        }
        for (appended, reply) in self.appends {
            reply(match (appended, error) {
                (Some(appended), None) => appended,
                _ => Err(failed()),
            });
        }
    }
}
