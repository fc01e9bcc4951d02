//! The tables, as the thread that writes has them open: each change of them in a transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countersign_database::rusqlite::{self, OptionalExtension, Params, params};
use countersign_database::{Database, DatabaseError};
use countersign_inputs::Batch;
use countersign_model::{Digest, Place, SourceId, Timestamp};

use crate::append::{Append, Appended, Idempotency};
use crate::error::AppendError;
use crate::packed::PackedInput;
use crate::recorder::RecorderOptions;
use crate::room::Room;
use crate::state::Figures;
use crate::{LEVEL, integer};

/// When it is worth trying again where there is no room.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The tables of a recorder, and what is known of them.
pub(crate) struct Tables {
    pub(crate) database: Database,
    epoch: i64,
    /// The first batch on record, and the one after the last.
    pub(crate) batches: std::ops::Range<u64>,
    /// All host inputs from this one on are on record.
    pub(crate) first_host: u64,
    pub(crate) last_host: u64,
    /// Bytes of batches, of contents and of host inputs.
    pub(crate) bytes: u64,
    pub(crate) contents: u64,
    pub(crate) inputs: u64,
    pub(crate) arrived: Timestamp,
    pub(crate) room: Room,
    /// Everything before this place was judged.
    pub(crate) judged: Place,
    sources: BTreeMap<SourceId, Stream>,
}

/// Where a source's own stream goes on.
#[derive(Clone, Copy)]
struct Stream {
    number: u32,
    records: u64,
    offset: u64,
}

impl Tables {
    /// Reads what has to be known of them.
    pub(crate) fn read(
        database: Database,
        epoch: i64,
        options: &RecorderOptions,
        judged: Place,
    ) -> Result<Tables, DatabaseError> {
        let failed = || database.failed("read");
        let connection = &database.connection;
        let (first, first_host, arrived): (i64, i64, i64) = connection
            .query_one("SELECT first_batch, first_host, arrived FROM head", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .map_err(failed())?;
        let (last, bytes): (i64, i64) = connection
            .query_one("SELECT coalesce(max(seq), 0), coalesce(sum(length(bytes)), 0) FROM batch", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .map_err(failed())?;
        let (last_host, inputs): (i64, i64) = connection
            .query_one("SELECT coalesce(max(seq), 0), coalesce(sum(length(payload)), 0) FROM host_input", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .map_err(failed())?;
        let contents: i64 = connection
            .query_one("SELECT coalesce(sum(length(bytes)), 0) FROM content", [], |row| row.get(0))
            .map_err(failed())?;
        let first = first.unsigned_abs();
        let mut tables = Tables {
            epoch,
            batches: first..last.unsigned_abs().saturating_add(1).max(first),
            first_host: first_host.unsigned_abs(),
            last_host: last_host.unsigned_abs(),
            bytes: bytes.unsigned_abs(),
            contents: contents.unsigned_abs(),
            inputs: inputs.unsigned_abs(),
            arrived: Timestamp(arrived),
            room: Room::new(options.max_bytes, 1),
            judged,
            sources: BTreeMap::new(),
            database,
        };
        for (source, bytes) in tables.sizes(judged.batch, u64::MAX)? {
            tables.room.take(source, bytes);
        }
        tables.sources = tables.read_sources()?;
        tables.limit_room(options);
        Ok(tables)
    }

    fn read_sources(&self) -> Result<BTreeMap<SourceId, Stream>, DatabaseError> {
        let failed = || self.database.failed("read");
        let mut statement =
            self.database.connection.prepare("SELECT number, name, records, offset FROM source").map_err(failed())?;
        let sources = statement.query_map([], |row| {
            let name: String = row.get(1)?;
            let stream = Stream {
                number: row.get(0)?,
                records: row.get::<_, i64>(2)?.unsigned_abs(),
                offset: row.get::<_, i64>(3)?.unsigned_abs(),
            };
            Ok((SourceId::from(&*name), stream))
        });
        sources.and_then(Iterator::collect).map_err(failed())
    }

    /// Bytes of the batches from one up to before another, by source.
    fn sizes(&self, from: u64, to: u64) -> Result<Vec<(u32, u64)>, DatabaseError> {
        const SIZES: &str = "SELECT source, sum(length(bytes)) FROM batch WHERE seq >= ?1 AND seq < ?2 GROUP BY source";
        let size = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
        self.database
            .connection
            .prepare_cached(SIZES)
            .and_then(|mut statement| statement.query_map([integer(from), integer(to)], size)?.collect())
            .map_err(self.database.failed("read"))
    }

    /// The figures as of the last transaction.
    pub(crate) fn figures(&self) -> Figures {
        Figures {
            first: self.batches.start,
            last: self.batches.end - 1,
            last_host: self.last_host,
            judged: self.judged.batch - 1,
            bytes: self.bytes + self.contents + self.inputs,
            waiting_bytes: self.room.taken(),
            arrived: Some(self.arrived).filter(|arrived| *arrived > Timestamp::MIN),
            refused: 0,
            failing: 0,
            transactions: 0,
            transaction_micros: 0,
            commit_micros: 0,
        }
    }

    pub(crate) fn execute(&self, sql: &str, parameters: impl Params) -> Result<usize, AppendError> {
        let executed =
            self.database.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(parameters));
        Ok(executed.map_err(self.database.failed("write"))?)
    }

    /// The greatest time of a transaction.
    pub(crate) fn arrived(&self) -> Timestamp {
        self.arrived
    }

    /// Begins a transaction, at the host's time.
    pub(crate) fn begin(&mut self, now: Timestamp) -> Result<(), AppendError> {
        self.execute("BEGIN IMMEDIATE", [])?;
        let epoch: i64 = self
            .database
            .connection
            .prepare_cached("SELECT epoch FROM head")
            .and_then(|mut statement| statement.query_one([], |row| row.get(0)))
            .map_err(self.database.failed("read"))?;
        if epoch != self.epoch {
            return Err(AppendError::Superseded);
        }
        // After an error another connection may have seen more.
        self.arrived = self.arrived.max(now);
        Ok(())
    }

    /// Commits the transaction.
    pub(crate) fn commit(&mut self) -> Result<(), AppendError> {
        let (first, first_host) = (integer(self.batches.start), integer(self.first_host));
        let sql = "UPDATE head SET first_batch = ?1, first_host = ?2, arrived = ?3";
        self.execute(sql, [first, first_host, self.arrived.0])?;
        self.execute("COMMIT", [])?;
        Ok(())
    }

    /// Appends batches. The inner error refuses them alone.
    pub(crate) fn append(
        &mut self,
        append: &Append,
        sources: &BTreeSet<SourceId>,
    ) -> Result<Result<Appended, AppendError>, AppendError> {
        let mut stream = self.stream(&append.source)?;
        self.share(&append.source, sources);
        if let Some(key) = &append.idempotency
            && let Some(before) = self.before(stream.number, key)?
        {
            return Ok(before);
        }
        let mut rows = Vec::with_capacity(append.batches.len());
        for batch in &append.batches {
            match zstd::bulk::compress(&batch.bytes, LEVEL) {
                Ok(bytes) => rows.push((batch, bytes)),
                Err(error) => return Err(AppendError::Compression(error.to_string())),
            }
        }
        let bytes: u64 = rows.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        if !rows.is_empty() && !self.room.fits(stream.number, bytes) {
            return Ok(Err(AppendError::Full { name: append.source.clone(), retry_after: RETRY_AFTER }));
        }
        for (batch, bytes) in rows {
            self.batch(&mut stream, batch, &bytes)?;
        }
        self.room.take(stream.number, bytes);
        self.bytes += bytes;
        let number = stream.number;
        self.execute(
            "UPDATE source SET records = ?2, offset = ?3 WHERE number = ?1",
            params![number, integer(stream.records), integer(stream.offset)],
        )?;
        self.sources.insert(append.source.clone(), stream);
        for (input, bookmark) in &append.bookmarks {
            match bookmark {
                Some(bookmark) => {
                    self.execute("REPLACE INTO bookmark VALUES (?1, ?2, ?3)", params![number, input, bookmark])
                }
                None => self.execute("DELETE FROM bookmark WHERE source = ?1 AND input = ?2", params![number, input]),
            }?;
        }
        // Where nothing was recorded nothing can be recorded twice: keys alone would grow beyond any share.
        if let Some(Idempotency { key, content, answer }) = &append.idempotency
            && !append.batches.is_empty()
        {
            self.execute(
                "REPLACE INTO idempotency VALUES (?1, ?2, ?3, ?4, ?5)",
                params![number, key, content.0, answer, self.arrived.0],
            )?;
        }
        Ok(Ok(Appended::Recorded { last: self.batches.end - 1 }))
    }

    /// A source's stream; its first batch gives it a number.
    fn stream(&mut self, name: &SourceId) -> Result<Stream, AppendError> {
        if let Some(stream) = self.sources.get(name) {
            return Ok(*stream);
        }
        let number = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
        self.execute("INSERT INTO source VALUES (?1, ?2, 0, 0)", params![number, name.as_str()])?;
        let stream = Stream { number, records: 0, offset: 0 };
        self.sources.insert(name.clone(), stream);
        Ok(stream)
    }

    /// Shares the room among these sources, those of which something isn't judged, and the one that appends.
    fn share(&mut self, appending: &SourceId, among: &BTreeSet<SourceId>) {
        let holding: BTreeSet<u32> = self.room.holders().collect();
        let others = self.sources.iter().filter(|(name, stream)| {
            !among.contains(*name) && (holding.contains(&stream.number) || *name == appending)
        });
        let sources = among.len() + others.count();
        self.room.set_sources(sources as u64);
    }

    /// What became of an append under the same key.
    fn before(&self, source: u32, key: &Idempotency) -> Result<Option<Result<Appended, AppendError>>, AppendError> {
        let known: Option<([u8; 32], Vec<u8>)> = self
            .database
            .connection
            .prepare_cached("SELECT content, answer FROM idempotency WHERE source = ?1 AND key = ?2")
            .and_then(|mut statement| {
                statement.query_one(params![source, key.key], |row| Ok((row.get(0)?, row.get(1)?))).optional()
            })
            .map_err(self.database.failed("read"))?;
        Ok(known.map(|(content, answer)| {
            if Digest(content) == key.content {
                Ok(Appended::Before { answer })
            } else {
                Err(AppendError::KeyReused(key.key.clone()))
            }
        }))
    }

    fn batch(&mut self, stream: &mut Stream, batch: &Batch, bytes: &[u8]) -> Result<(), AppendError> {
        let seq = self.batches.end;
        let start = batch.start.moved_to(stream.records, stream.offset);
        self.execute(
            "INSERT INTO batch VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                integer(seq),
                stream.number,
                self.arrived.0,
                start.to_string(),
                integer(stream.records),
                batch.records,
                integer(batch.bytes.len() as u64),
                bytes,
            ],
        )?;
        self.batches.end = seq + 1;
        stream.records += u64::from(batch.records);
        stream.offset += batch.bytes.len() as u64;
        Ok(())
    }

    /// Puts an input of the host's own on record, and returns its number.
    pub(crate) fn put(&mut self, input: &PackedInput) -> Result<u64, AppendError> {
        let seq = self.last_host + 1;
        for content in &input.contents {
            let new = self.execute(
                "INSERT INTO content VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![content.digest.0, integer(content.length), content.bytes],
            )?;
            if new > 0 {
                self.contents += content.bytes.len() as u64;
            }
            self.execute(
                "INSERT INTO content_of VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET lasts = max(lasts, excluded.lasts)",
                params![integer(seq), content.digest.0, i64::from(content.lasts)],
            )?;
        }
        let before = input.before.map(integer);
        self.execute(
            "INSERT INTO host_input SELECT ?1, ?2, ?3, ?4, ?5, ?6, coalesce(max(number), 0) + 1 FROM host_input WHERE kind = ?4",
            params![integer(seq), before, self.arrived.0, input.kind.id(), input.payload, input.about],
        )?;
        self.inputs += input.payload.len() as u64;
        self.last_host = seq;
        Ok(seq)
    }

    /// Gives inputs of the host's own that have no place yet theirs, before a batch.
    pub(crate) fn give_turn(&self, last: u64, before: u64) -> Result<(), AppendError> {
        self.execute(
            "UPDATE host_input SET before = ?2 WHERE before IS NULL AND seq <= ?1",
            [integer(last), integer(before)],
        )?;
        Ok(())
    }

    /// Remembers a fact in the place of the one before.
    pub(crate) fn remember(&self, name: &str, value: &[u8]) -> Result<(), AppendError> {
        self.execute("REPLACE INTO fact VALUES (?1, ?2)", params![name, value]).map(|_| ())
    }

    /// Everything up to a place was judged.
    pub(crate) fn judged(&mut self, place: Place) -> Result<(), AppendError> {
        if place.batch > self.judged.batch {
            for (source, bytes) in self.sizes(self.judged.batch, place.batch)? {
                self.room.free(source, bytes);
            }
        }
        self.judged = self.judged.max(place);
        Ok(())
    }
}
