//! Reading pages.

use std::collections::BTreeMap;

use countersign_audit::ChainWriter;
use countersign_database::rusqlite::{self, OptionalExtension, Params, Row, params};
use countersign_model::{Digest, Finding, Intent, RuleId, StateChange, TimerChange};

use super::row::{end, integer, json, limit as rows, state_change, text};
use super::{Kept, SqliteReader};
use crate::{Beginning, KeyValue, StateKey, StoreError, Stored, TimerKey};

const HEAD: &str = "SELECT records, link FROM head";
const LINES: &str =
    "SELECT bytes FROM line WHERE seq >= max(?1, (SELECT first_record FROM head)) ORDER BY seq LIMIT ?2";
const BLOB: &str = "SELECT bytes FROM blob WHERE name = ?1";
const FINDINGS: &str = "SELECT entry FROM finding WHERE number > ?1 ORDER BY number LIMIT ?2";
const INTENTS: &str = "SELECT entry FROM intent WHERE number > ?1 ORDER BY number LIMIT ?2";
const STATE: [&str; 2] = [
    "SELECT rule, slot, key, version, changed, kept, bytes FROM state ORDER BY rule, slot, key LIMIT ?1",
    "SELECT rule, slot, key, version, changed, kept, bytes FROM state WHERE (rule, slot, key) > (?2, ?3, ?4) \
     ORDER BY rule, slot, key LIMIT ?1",
];
const BASELINES: [&str; 2] = [
    "SELECT rule, slot, key, version, changed, kept, bytes FROM baseline ORDER BY rule, slot, key LIMIT ?1",
    "SELECT rule, slot, key, version, changed, kept, bytes FROM baseline WHERE (rule, slot, key) > (?2, ?3, ?4) \
     ORDER BY rule, slot, key LIMIT ?1",
];
const TIMERS: [&str; 2] = [
    "SELECT rule, key, id, entry FROM timer ORDER BY rule, key, id LIMIT ?1",
    "SELECT rule, key, id, entry FROM timer WHERE (rule, key, id) > (?2, ?3, ?4) ORDER BY rule, key, id LIMIT ?1",
];
const MEMORY: [&str; 2] = [
    "SELECT key, value FROM memory WHERE space = ?1 ORDER BY key LIMIT ?2",
    "SELECT key, value FROM memory WHERE space = ?1 AND key > ?3 ORDER BY key LIMIT ?2",
];

/// Reads all of a table: for people.
const KEPT: &str = "SELECT rule, count(DISTINCT key), sum(length(bytes)) FROM state \
                    WHERE substr(slot, 1, length(?1)) <> ?1 GROUP BY rule";

/// All of them but those of the one row of `head`, and of sums.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 12] = [
    LINES,
    BLOB,
    FINDINGS,
    INTENTS,
    STATE[0],
    STATE[1],
    BASELINES[0],
    BASELINES[1],
    TIMERS[0],
    TIMERS[1],
    MEMORY[0],
    MEMORY[1],
];

impl SqliteReader {
    /// How much state each rule has; that of slots whose names begin with `own` isn't a rule's.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn kept(&self, own: &str) -> Result<BTreeMap<RuleId, Kept>, StoreError> {
        let rows = self.page(KEPT, [own], |row| {
            let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            Ok((row.get::<_, String>(0)?, Kept { keys: number(1)?, bytes: number(2)? }))
        })?;
        Ok(rows.into_iter().filter_map(|(id, kept)| Some((id.parse().ok()?, kept))).collect())
    }

    pub(super) fn page<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        item: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.0
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(parameters, item)?.collect())
            .map_err(|error| self.0.failed("read")(error).into())
    }

    /// State or baselines, of these two statements the first without a place to begin after.
    fn states(
        &self,
        [all, rest]: [&str; 2],
        after: Option<&StateKey>,
        limit: usize,
    ) -> Result<Vec<StateChange>, StoreError> {
        match after {
            None => self.page(all, params![rows(limit)], state_change),
            Some(StateKey { rule, slot, key }) => {
                self.page(rest, params![rows(limit), rule.as_str(), slot, key], state_change)
            }
        }
    }
}

impl Stored for SqliteReader {
    fn head(&self) -> Result<ChainWriter, StoreError> {
        self.0
            .connection
            .prepare_cached(HEAD)
            .and_then(|mut statement| statement.query_one([], |row| end(row, 0)))
            .map_err(|error| self.0.failed("read")(error).into())
    }

    fn beginning(&self) -> Result<Option<Beginning>, StoreError> {
        self.read_beginning()
    }

    fn lines(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.page(LINES, params![integer(from), rows(limit)], |row| row.get(0))
    }

    fn blob(&self, name: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.0
            .connection
            .prepare_cached(BLOB)
            .and_then(|mut statement| statement.query_one([name.0], |row| row.get(0)).optional())
            .map_err(|error| self.0.failed("read")(error).into())
    }

    fn findings(&self, from: u64, limit: usize) -> Result<Vec<Finding>, StoreError> {
        self.page(FINDINGS, params![integer(from), rows(limit)], |row| json(row, 0))
    }

    fn intents(&self, from: u64, limit: usize) -> Result<Vec<Intent>, StoreError> {
        self.page(INTENTS, params![integer(from), rows(limit)], |row| json(row, 0))
    }

    fn state(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        self.states(STATE, after, limit)
    }

    fn baselines(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        self.states(BASELINES, after, limit)
    }

    fn timers(&self, after: Option<&TimerKey>, limit: usize) -> Result<Vec<TimerChange>, StoreError> {
        let timer = |row: &Row<'_>| {
            Ok(TimerChange { rule: text(row, 0)?, key: row.get(1)?, id: row.get(2)?, entry: Some(json(row, 3)?) })
        };
        let [all, rest] = TIMERS;
        match after {
            None => self.page(all, params![rows(limit)], timer),
            Some(TimerKey { rule, key, id }) => self.page(rest, params![rows(limit), rule.as_str(), key, id], timer),
        }
    }

    fn memory(&self, space: &str, after: Option<&[u8]>, limit: usize) -> Result<Vec<KeyValue>, StoreError> {
        let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let [all, rest] = MEMORY;
        match after {
            None => self.page(all, params![space, rows(limit)], pair),
            Some(after) => self.page(rest, params![space, rows(limit), after], pair),
        }
    }
}
