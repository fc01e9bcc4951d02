//! What is dropped to make room: judged batches, the host's own inputs before them, and what only these name.
//!
//! What can be judged again stays whole: from the first batch on record on, with all host inputs since. Of earlier host inputs
//! those stay that something needs without judging: the last generations, and the last input about each thing.

use countersign_database::rusqlite::{self, Params};
use countersign_model::Timestamp;

use crate::append::HostInputKind;
use crate::error::AppendError;
use crate::recorder::RecorderOptions;
use crate::tables::Tables;
use crate::{KEPT_GENERATIONS, integer};

/// How long an idempotency key is remembered, microseconds: a day.
const KEYS_KEPT: i64 = 86_400 * 1_000_000;

/// Of one transaction at most so many rows are dropped, so that none takes long.
const MAX_DROPPED: i64 = 1_024;

/// Generations before the recorded past go, the oldest first, while contents take more than this part of the room.
const CONTENTS: u64 = 4;

impl Tables {
    /// Drops what is too old or leaves no room, the oldest first, and keys that are too old.
    ///
    /// INVARIANT: what isn't judged is never dropped, and neither is the generation that serves where the recorded past begins.
    pub(crate) fn make_room(&mut self, options: &RecorderOptions) -> Result<(), AppendError> {
        let oldest = self.arrived.plus_micros(-options.keep);
        self.drop_batches(options.max_bytes, oldest)?;
        self.drop_inputs(oldest)?;
        if self.first_host > 1 {
            self.drop_generations(options.max_bytes / CONTENTS)?;
        }
        self.execute("DELETE FROM idempotency WHERE arrived < ?1", [self.arrived.plus_micros(-KEYS_KEPT).0])?;
        self.limit_room(options);
        Ok(())
    }

    /// What isn't judged has the room that contents and host inputs leave, and at least half of all.
    pub(crate) fn limit_room(&mut self, options: &RecorderOptions) {
        let left = options.max_bytes.saturating_sub(self.contents + self.inputs);
        self.room.set_limit(left.max(options.max_bytes / 2));
    }

    fn drop_batches(&mut self, max_bytes: u64, oldest: Timestamp) -> Result<(), AppendError> {
        const OLDEST: &str = "SELECT seq, length(bytes), arrived FROM batch WHERE seq < ?1 ORDER BY seq LIMIT ?2";
        let first = self.batches.start;
        let most = max_bytes.saturating_sub(self.contents + self.inputs);
        let (mut kept_from, mut kept_bytes) = (first, self.bytes);
        let mut drop_oldest = || {
            let mut statement = self.database.connection.prepare_cached(OLDEST)?;
            let mut rows = statement.query([integer(self.judged.batch), MAX_DROPPED])?;
            while let Some(row) = rows.next()? {
                let (seq, bytes, arrived): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                if kept_bytes <= most && Timestamp(arrived) >= oldest {
                    break;
                }
                kept_bytes = kept_bytes.saturating_sub(bytes.unsigned_abs());
                kept_from = seq.unsigned_abs() + 1;
            }
            Ok(())
        };
        Result::<(), rusqlite::Error>::map_err(drop_oldest(), self.database.failed("read"))?;
        (self.batches.start, self.bytes) = (kept_from, kept_bytes);
        if kept_from > first {
            self.execute("DELETE FROM batch WHERE seq < ?1", [integer(kept_from)])?;
        }
        Ok(())
    }

    /// Drops judged host inputs that lie before the first batch, or directly before it and are too old. The last one stays: its
    /// number is never given again.
    fn drop_inputs(&mut self, oldest: Timestamp) -> Result<(), AppendError> {
        const NEXT: &str =
            "SELECT seq, before, arrived FROM host_input WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3";
        const DROP: &str = "DELETE FROM host_input WHERE seq < ?1 AND kind <> ?2 AND (about IS NULL OR EXISTS (SELECT 1 \
             FROM host_input AS later WHERE later.kind = host_input.kind AND later.about = host_input.about \
             AND later.seq > host_input.seq)) AND seq < ?3 RETURNING length(payload)";
        let first = self.first_host;
        let last = self.judged.host.min(self.last_host);
        let mut kept_from = first;
        let mut pass = || {
            let mut statement = self.database.connection.prepare_cached(NEXT)?;
            let mut rows = statement.query([integer(first), integer(last), MAX_DROPPED])?;
            while let Some(row) = rows.next()? {
                let (seq, before, arrived): (i64, Option<i64>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let Some(before) = before.map(i64::unsigned_abs) else { break };
                let start = self.batches.start;
                if before > start || before == start && Timestamp(arrived) >= oldest {
                    break;
                }
                kept_from = seq.unsigned_abs() + 1;
            }
            Ok(())
        };
        Result::<(), rusqlite::Error>::map_err(pass(), self.database.failed("read"))?;
        if kept_from > first {
            self.first_host = kept_from;
            let freed = self.freed(
                DROP,
                rusqlite::params![integer(kept_from), HostInputKind::Generation.id(), integer(self.last_host)],
            )?;
            self.inputs = self.inputs.saturating_sub(freed);
        }
        Ok(())
    }

    /// Of the generations before the recorded past all but the last go, one a transaction; the very last one of them serves
    /// where that begins.
    fn drop_generations(&mut self, most: u64) -> Result<(), AppendError> {
        const EARLIER: &str = "SELECT seq FROM host_input WHERE seq < ?1 AND kind = ?2 ORDER BY seq DESC LIMIT ?3";
        const PASSING: &str = "DELETE FROM content_of WHERE input < ?1 AND NOT lasts";
        let generation = HostInputKind::Generation.id();
        let limit = integer(KEPT_GENERATIONS as u64 + 2);
        let earlier: Vec<i64> = self
            .database
            .connection
            .prepare_cached(EARLIER)
            .and_then(|mut statement| {
                let parameters = rusqlite::params![integer(self.first_host), generation, limit];
                statement.query_map(parameters, |row| row.get(0))?.collect()
            })
            .map_err(self.database.failed("read"))?;
        // What nobody can judge again any more goes first: then the rest may be no longer too large.
        if self.execute(PASSING, [integer(self.first_host)])? > 0 {
            self.drop_unnamed()?;
        }
        // The first one serves where the recorded past begins.
        let too_many = earlier.len() > KEPT_GENERATIONS + 1 || earlier.len() > 1 && self.contents > most;
        if let Some(oldest) = earlier.last().filter(|_| too_many) {
            self.execute("DELETE FROM content_of WHERE input <= ?1", [*oldest])?;
            let sql = "DELETE FROM host_input WHERE seq <= ?1 AND kind = ?2 RETURNING length(payload)";
            let freed = self.freed(sql, rusqlite::params![*oldest, generation])?;
            self.inputs = self.inputs.saturating_sub(freed);
            self.drop_unnamed()?;
        }
        Ok(())
    }

    /// Drops contents that no input names.
    fn drop_unnamed(&mut self) -> Result<(), AppendError> {
        const UNNAMED: &str = "DELETE FROM content WHERE NOT EXISTS \
             (SELECT 1 FROM content_of WHERE content_of.digest = content.digest) RETURNING length(bytes)";
        let freed = self.freed(UNNAMED, [])?;
        self.contents = self.contents.saturating_sub(freed);
        Ok(())
    }

    /// Deletes, and returns the sum of what that returns.
    fn freed(&self, sql: &str, parameters: impl Params) -> Result<u64, AppendError> {
        let freed: Result<Vec<i64>, _> = self
            .database
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(parameters, |row| row.get(0))?.collect());
        Ok(freed.map_err(self.database.failed("write"))?.into_iter().map(i64::unsigned_abs).sum())
    }
}
