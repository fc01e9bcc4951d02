//! Keeping a store's log beside the writer that commits: checkpoints are put, and what is old is dropped in small steps.

use std::collections::BTreeSet;
use std::path::Path;

use countersign_audit::{Record, parse};
use countersign_database::Database;
use countersign_database::rusqlite::{OptionalExtension, Params, Transaction, params};
use countersign_model::{Digest, Intent};

use super::kept::StoredCheckpoint;
use super::row::integer;
use super::{STORE, SqliteReader};
use crate::error::Overtaken;
use crate::{StoreError, Stored};

/// Lines that one step takes on: each is a transaction, for which commits wait.
const STEP: usize = 256;

/// Pages that one step gives back to the file system.
const PAGES: usize = 1_024;

/// A store's log, open for keeping it beside its writer. Each call is a transaction of its own, which stores nothing once
/// another writer has the store.
#[derive(Debug)]
pub struct LogKeeper {
    reader: SqliteReader,
    epoch: i64,
    /// Blobs that records name which no ended segment has, up to a number.
    unlisted: Option<(u64, BTreeSet<Digest>)>,
}

impl LogKeeper {
    /// Opens a store's log beside the writer that opened it under this epoch.
    ///
    /// # Errors
    /// When it can't be opened, isn't a store, or is damaged.
    pub fn open(path: &Path, epoch: i64) -> Result<LogKeeper, StoreError> {
        Ok(LogKeeper { reader: SqliteReader(Database::open_beside(&STORE, path)?), epoch, unlisted: None })
    }

    /// The store, for reading.
    #[must_use]
    pub fn reader(&self) -> &SqliteReader {
        &self.reader
    }

    /// Puts a checkpoint in the place of the last one of its segment.
    ///
    /// # Errors
    /// When it isn't stored; so for all others.
    pub fn put(&self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        put(self, &transaction, checkpoint)?;
        self.commit(transaction)
    }

    /// Notes which blobs the records of ended segments name, some of them. Whether there are more.
    ///
    /// # Errors
    /// See [`LogKeeper::put`].
    pub fn list_blobs(&self) -> Result<bool, StoreError> {
        const SEGMENT: &str = "SELECT segment, records FROM checkpoint WHERE records > ?1 AND standing IS NOT NULL \
                               ORDER BY records LIMIT 1";
        let named = self.number("SELECT named FROM head")?.max(self.reader.first()?.0);
        let segment: Option<(i64, i64)> = self
            .reader
            .0
            .connection
            .prepare_cached(SEGMENT)
            .and_then(|mut statement| {
                statement.query_one([integer(named)], |row| Ok((row.get(0)?, row.get(1)?))).optional()
            })
            .map_err(self.reader.0.failed("read"))?;
        let Some((segment, records)) = segment else { return Ok(false) };
        let left = usize::try_from(records.unsigned_abs() - named).unwrap_or(STEP);
        let lines = self.reader.lines(named, left.min(STEP))?;
        let names = self.names(&lines)?;
        let transaction = self.begin()?;
        for name in names {
            self.execute(&transaction, "REPLACE INTO named VALUES (?1, ?2)", params![name.0, segment])?;
        }
        let to = integer(named + lines.len() as u64);
        self.execute(&transaction, "UPDATE head SET named = ?1", [to])?;
        self.commit(transaction)?;
        Ok(!lines.is_empty())
    }

    /// Has what is kept begin after a segment that has ended. `checkpoint` says so, and is put in the same transaction. The
    /// records before are erased by [`LogKeeper::erase`].
    ///
    /// # Errors
    /// See [`LogKeeper::put`].
    pub fn drop_up_to(&mut self, ended: &StoredCheckpoint, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        let link = self.reader.link_at(ended.records)?;
        let damaged = || self.reader.0.damaged(format_args!("record {} is missing", ended.records));
        let link = link.ok_or_else(damaged)?;
        let numbers = ended.standing.as_deref().unwrap_or_default();
        let lines = self.reader.standing_lines(numbers)?;
        // Their own lines may be erased already: what they name goes when they stand no longer.
        let before = self.reader.beginning()?.map(|beginning| beginning.standing).unwrap_or_default();
        let retired = self.names(&before)?;
        let mut unlisted = (self.number("SELECT named FROM head")?, self.names(&lines)?);
        self.read_unlisted(&mut unlisted)?;
        let transaction = self.begin()?;
        self.read_unlisted(&mut unlisted)?;
        self.forget(&transaction, retired.difference(&unlisted.1), ended.segment)?;
        self.execute(&transaction, "DELETE FROM standing", [])?;
        for (place, (seq, line)) in numbers.iter().zip(&lines).enumerate() {
            self.execute(
                &transaction,
                "INSERT INTO standing VALUES (?1, ?2, ?3)",
                params![integer(place as u64), integer(*seq), line],
            )?;
        }
        let (first, segment) = (integer(ended.records), integer(ended.segment));
        self.execute(&transaction, "UPDATE head SET first_record = ?1, first_link = ?2", params![first, link.0])?;
        self.execute(&transaction, "DELETE FROM checkpoint WHERE segment < ?1", [segment])?;
        put(self, &transaction, checkpoint)?;
        self.commit(transaction)?;
        self.unlisted = Some(unlisted);
        Ok(())
    }

    /// Removes blobs that no segment after the number `dropped` names. Those of records that no ended segment lists, and of
    /// lines that stand, aren't among them.
    fn forget<'n>(
        &self,
        transaction: &Transaction<'_>,
        names: impl Iterator<Item = &'n Digest>,
        dropped: u64,
    ) -> Result<(), StoreError> {
        for name in names {
            let was = "DELETE FROM named WHERE name = ?1 AND segment <= ?2";
            if self.execute(transaction, was, params![name.0, integer(dropped)])? > 0 {
                self.execute(transaction, "DELETE FROM blob WHERE name = ?1", [name.0])?;
            }
        }
        Ok(())
    }

    /// Erases some records that were dropped, with the findings, the intents and the blobs that nothing kept names, and gives
    /// space back to the file system. Whether there is more.
    ///
    /// # Errors
    /// See [`LogKeeper::put`].
    pub fn erase(&mut self) -> Result<bool, StoreError> {
        const OLD: &str =
            "SELECT seq, bytes FROM line WHERE seq < (SELECT first_record FROM head) ORDER BY seq LIMIT ?1";
        let old: Vec<(i64, Vec<u8>)> =
            self.reader.page(OLD, [integer(STEP as u64)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let Some(last) = old.last().map(|(seq, _)| *seq) else {
            self.unlisted = None;
            return self.shrink();
        };
        // Most of what isn't listed is read before commits have to wait.
        let mut unlisted = match self.unlisted.take() {
            Some(unlisted) => unlisted,
            None => {
                let standing = self.reader.beginning()?.map(|beginning| beginning.standing).unwrap_or_default();
                (self.number("SELECT named FROM head")?, self.names(&standing)?)
            }
        };
        self.read_unlisted(&mut unlisted)?;
        let lines: Vec<Vec<u8>> = old.into_iter().map(|(_, line)| line).collect();
        let (bytes, names) = (lines.concat().len() as u64, self.names(&lines)?);
        let is_finding = |line: &&Vec<u8>| parse(line).is_some_and(|entry| matches!(entry.record, Record::Finding(_)));
        let findings = lines.iter().filter(is_finding).count() as u64;
        let transaction = self.begin()?;
        self.read_unlisted(&mut unlisted)?;
        // The oldest checkpoint that is kept ended what is dropped.
        let dropped = self.number("SELECT coalesce(min(segment), 0) FROM checkpoint")?;
        self.forget(&transaction, names.difference(&unlisted.1), dropped)?;
        self.execute(
            &transaction,
            "DELETE FROM finding WHERE number IN (SELECT number FROM finding ORDER BY number LIMIT ?1)",
            [integer(findings)],
        )?;
        self.intents(&transaction, last)?;
        self.execute(&transaction, "UPDATE head SET bytes = bytes - ?1", [integer(bytes)])?;
        self.execute(&transaction, "DELETE FROM line WHERE seq <= ?1", [last])?;
        self.commit(transaction)?;
        self.unlisted = Some(unlisted);
        self.shrink()?;
        Ok(true)
    }

    /// Removes the intents of records up to a number.
    fn intents(&self, transaction: &Transaction<'_>, last: i64) -> Result<(), StoreError> {
        let page = "SELECT number, entry FROM intent ORDER BY number LIMIT ?1";
        let intents: Vec<(i64, Intent)> =
            self.reader.page(page, [integer(STEP as u64)], |row| Ok((row.get(0)?, super::row::json(row, 1)?)))?;
        let old = intents.iter().take_while(|(_, intent)| integer(intent.record) <= last).last();
        if let Some((number, _)) = old {
            self.execute(transaction, "DELETE FROM intent WHERE number <= ?1", [number])?;
        }
        Ok(())
    }

    /// Reads which blobs are named by records that no ended segment lists, as far as there are any.
    fn read_unlisted(&self, (next, names): &mut (u64, BTreeSet<Digest>)) -> Result<(), StoreError> {
        loop {
            let lines = self.reader.lines(*next, STEP)?;
            if lines.is_empty() {
                return Ok(());
            }
            names.extend(self.names(&lines)?);
            *next += lines.len() as u64;
        }
    }

    fn names(&self, lines: &[Vec<u8>]) -> Result<BTreeSet<Digest>, StoreError> {
        let mut names = BTreeSet::new();
        for line in lines {
            let entry = parse(line).ok_or_else(|| self.reader.0.damaged("a line isn't a record"))?;
            names.extend(entry.record.blobs());
        }
        Ok(names)
    }

    /// Gives some pages that hold nothing back to the file system. Whether there are more.
    fn shrink(&self) -> Result<bool, StoreError> {
        let connection = &self.reader.0.connection;
        let failed = || self.reader.0.failed("shrink");
        let free = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        // A store that was made without is as it was: its pages are used again.
        let (mode, pages) = (free("auto_vacuum").map_err(failed())?, free("freelist_count").map_err(failed())?);
        if mode == 0 || pages == 0 {
            return Ok(false);
        }
        let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})")).map_err(failed())?;
        let mut rows = statement.query([]).map_err(failed())?;
        // Each row frees a page.
        while rows.next().map_err(failed())?.is_some() {}
        Ok(pages > PAGES as i64)
    }

    fn number(&self, sql: &str) -> Result<u64, StoreError> {
        let number: i64 = self
            .reader
            .0
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_one([], |row| row.get(0)))
            .map_err(self.reader.0.failed("read"))?;
        Ok(number.unsigned_abs())
    }

    /// INVARIANT: a log is kept by the process alone whose writer has it.
    fn begin(&self) -> Result<Transaction<'_>, StoreError> {
        let transaction = self.reader.0.begin()?;
        let now = self.number("SELECT epoch FROM head")?;
        let ours = self.epoch.unsigned_abs();
        if now == ours { Ok(transaction) } else { Err(StoreError::Superseded(Overtaken::Epoch { ours, now })) }
    }

    fn commit(&self, transaction: Transaction<'_>) -> Result<(), StoreError> {
        Ok(transaction.commit().map_err(self.reader.0.failed("write"))?)
    }

    fn execute(&self, transaction: &Transaction<'_>, sql: &str, parameters: impl Params) -> Result<usize, StoreError> {
        transaction
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(parameters))
            .map_err(|error| self.reader.0.failed("write")(error).into())
    }
}

fn put(keeper: &LogKeeper, transaction: &Transaction<'_>, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
    let StoredCheckpoint { segment, records, standing, envelope } = checkpoint;
    let standing = standing.as_ref().map(serde_json::to_string).transpose().map_err(StoreError::Unwritable)?;
    keeper.execute(
        transaction,
        "REPLACE INTO checkpoint VALUES (?1, ?2, ?3, ?4)",
        params![integer(*segment), integer(*records), standing, envelope],
    )?;
    Ok(())
}
