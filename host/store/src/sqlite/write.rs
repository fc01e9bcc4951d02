//! Writing a commit within its transaction.

use countersign_audit::{Blob, ChainWriter};
use countersign_database::Database;
use countersign_database::rusqlite::{Params, Transaction, params};
use countersign_model::{Evidence, StateChange, StateEntry};
use serde::Serialize;

use super::row::{self, integer, to_json};
use crate::error::Overtaken;
use crate::prepare::prepare;
use crate::{Commit, MemoryChange, StoreError};

/// A commit being written.
pub(super) struct Writing<'t> {
    pub(super) database: &'t Database,
    pub(super) transaction: &'t Transaction<'t>,
}

impl Writing<'_> {
    /// Writes all of a commit, if nobody has written since. Returns the new end of the log.
    pub(super) fn write(&self, commit: &Commit<'_>, epoch: i64) -> Result<ChainWriter, StoreError> {
        let begin = self.begin(epoch)?;
        let (end, lines) = prepare(begin, commit)?;
        self.log(begin, end, &lines)?;
        self.blobs(commit.blobs)?;
        self.entries("INSERT INTO finding (entry) VALUES (?1)", commit.findings)?;
        self.entries("INSERT INTO intent (entry) VALUES (?1)", commit.intents)?;
        if commit.tick {
            self.execute("DELETE FROM baseline", [])?;
        }
        commit.baselines.iter().try_for_each(|change| self.baseline(change))?;
        commit.state.iter().try_for_each(|change| self.state(change))?;
        for timer in commit.timers {
            let (rule, key, id) = (timer.rule.as_str(), &timer.key, &timer.id);
            match &timer.entry {
                Some(entry) => {
                    self.execute("REPLACE INTO timer VALUES (?1, ?2, ?3, ?4)", params![rule, key, id, to_json(entry)?])
                }
                None => self.execute("DELETE FROM timer WHERE rule = ?1 AND key = ?2 AND id = ?3", [rule, key, id]),
            }?;
        }
        for MemoryChange { space, key, value } in commit.memory {
            match value {
                Some(value) => self.execute("REPLACE INTO memory VALUES (?1, ?2, ?3)", params![space, key, value]),
                None => self.execute("DELETE FROM memory WHERE space = ?1 AND key = ?2", params![space, key]),
            }?;
        }
        Ok(end)
    }

    /// The end of the log.
    ///
    /// INVARIANT: only the last writer commits. That it does so after what it knows is for [`prepare`] to check.
    fn begin(&self, ours: i64) -> Result<ChainWriter, StoreError> {
        let (now, end) = self
            .transaction
            .prepare_cached("SELECT epoch, records, link FROM head")
            .and_then(|mut statement| statement.query_one([], |row| Ok((row.get::<_, i64>(0)?, row::end(row, 1)?))))
            .map_err(self.database.failed("read"))?;
        if now != ours {
            return Err(StoreError::Superseded(Overtaken::Epoch {
                ours: ours.unsigned_abs(),
                now: now.unsigned_abs(),
            }));
        }
        Ok(end)
    }

    fn log(&self, begin: ChainWriter, end: ChainWriter, lines: &[u8]) -> Result<(), StoreError> {
        if begin == end {
            return Ok(());
        }
        for (seq, line) in (integer(begin.records())..).zip(lines.split_inclusive(|byte| *byte == b'\n')) {
            self.execute("INSERT INTO line VALUES (?1, ?2)", params![seq, line])?;
        }
        self.execute(
            "UPDATE head SET records = ?1, link = ?2, bytes = bytes + ?3",
            params![integer(end.records()), end.link().0, integer(lines.len() as u64)],
        )
    }

    fn blobs(&self, blobs: &[Blob]) -> Result<(), StoreError> {
        blobs.iter().try_for_each(|blob| {
            self.execute(
                "INSERT INTO blob VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![blob.name().0, blob.bytes()],
            )
        })
    }

    fn entries<T: Serialize>(&self, sql: &str, entries: &[T]) -> Result<(), StoreError> {
        entries.iter().try_for_each(|entry| self.execute(sql, [to_json(entry)?]))
    }

    fn state(&self, StateChange { rule, slot, key, entry }: &StateChange) -> Result<(), StoreError> {
        let rule = rule.as_str();
        let Some(entry) = entry else {
            return self.execute("DELETE FROM state WHERE rule = ?1 AND slot = ?2 AND key = ?3", [rule, slot, key]);
        };
        let kept = kept(entry)?;
        self.execute(
            "REPLACE INTO state VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![rule, slot, key, entry.version, entry.changed.0, kept, &*entry.blob],
        )
    }

    fn baseline(&self, StateChange { rule, slot, key, entry }: &StateChange) -> Result<(), StoreError> {
        let entry = entry.as_ref();
        let kept = entry.map(kept).transpose()?.flatten();
        self.execute(
            "INSERT INTO baseline VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            params![
                rule.as_str(),
                slot,
                key,
                entry.map(|entry| entry.version),
                entry.map(|entry| entry.changed.0),
                kept,
                entry.map(|entry| &*entry.blob),
            ],
        )
    }

    fn execute(&self, sql: &str, parameters: impl Params) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(parameters))
            .map(|_| ())
            .map_err(|error| self.database.failed("write")(error).into())
    }
}

/// The references that an entry keeps; none where it keeps none.
fn kept(entry: &StateEntry) -> Result<Option<Vec<u8>>, StoreError> {
    let kept: Vec<&Evidence> = entry.kept.iter().map(|evidence| &**evidence).collect();
    if kept.is_empty() { Ok(None) } else { to_json(&kept).map(Some) }
}
