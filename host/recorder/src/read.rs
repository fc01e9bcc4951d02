//! Reading a recorder, also beside the thread that writes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use countersign_database::rusqlite::{self, OptionalExtension, Params, Row};
use countersign_database::{Database, DatabaseError};
use countersign_formats::reader::Position;
use countersign_inputs::Batch;
use countersign_model::{Digest, Place, SourceId, Timestamp};

use crate::append::HostInputKind;
use crate::error::RecorderError;
use crate::{RECORDER, integer};

/// The most that a batch or a content comes to, bytes: more can't have been recorded.
const MAX_LENGTH: usize = 1 << 30;

/// A recorder that is open for reading.
#[derive(Debug)]
pub struct RecorderReader(Database);

/// A source that has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedSource {
    /// Its number, which its events have as that of their input.
    pub number: u32,
    /// Its name.
    pub name: SourceId,
    /// How many records were recorded of it.
    pub records: u64,
}

/// What a recorder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first batch on record.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// The first input of the host's own from which on all are on record.
    pub first_host: u64,
    /// The last input of the host's own.
    pub last_host: u64,
    /// The greatest time of arrival.
    pub arrived: Option<Timestamp>,
    /// Bytes of all batches, host inputs and what these name, compressed.
    pub bytes: u64,
}

impl Extent {
    /// Whether it has all that is to be judged from a place on.
    #[must_use]
    pub fn has(&self, place: Place) -> bool {
        place.batch >= self.first
            && place.batch <= self.last + 1
            && place.host + 1 >= self.first_host
            && place.host <= self.last_host
    }
}

/// How a source stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStanding {
    /// Its name.
    pub name: SourceId,
    /// How many records were recorded of it.
    pub records: u64,
    /// When its last batch arrived; none where that was dropped, or none came.
    pub arrived: Option<Timestamp>,
    /// Of its records those that aren't judged yet.
    pub waiting: u64,
}

/// What came of a source within ten minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrivals {
    /// The number of the source.
    pub source: u32,
    /// Which ten minutes, counted from 1970 on by the host's clock.
    pub span: i64,
    /// How many records.
    pub records: u64,
    /// The last batch of them.
    pub last: u64,
    /// When that arrived.
    pub arrived: Timestamp,
}

/// The length of the spans in which arrivals are counted, microseconds: ten minutes.
pub const SPAN: i64 = 600 * 1_000_000;

/// A batch on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedBatch {
    /// Its number, from 1.
    pub seq: u64,
    /// The number of its source.
    pub source: u32,
    /// When it arrived.
    pub arrived: Timestamp,
    /// The batch. Its ordinals and offsets count all records and bytes of its source.
    pub batch: Batch,
}

/// An input of the host's own on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedHostInput {
    /// Its number, from 1.
    pub seq: u64,
    /// The batch before which it is taken; none while it waits for its turn.
    pub before: Option<u64>,
    /// When it arrived.
    pub arrived: Timestamp,
    /// What it is.
    pub kind: HostInputKind,
    /// What it says.
    pub payload: Vec<u8>,
    /// Which of its kind it is, counted from 1. It stays that whatever is dropped before it, as long as one of its kind is on
    /// record: of generations one always is.
    pub number: u64,
}

impl RecordedHostInput {
    /// What an input of the kind `time` says; of one that can't be read, when it arrived.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        let said = std::str::from_utf8(&self.payload).ok().and_then(|text| text.parse().ok());
        said.unwrap_or(self.arrived)
    }
}

impl RecorderReader {
    /// Opens a recorder for reading.
    ///
    /// # Errors
    /// When it can't be opened, or isn't a recorder.
    pub fn open(path: &Path) -> Result<RecorderReader, RecorderError> {
        Ok(RecorderReader(Database::read(&RECORDER, path)?))
    }

    /// Has everything read from here on be as of now.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn hold(&self) -> Result<(), RecorderError> {
        Ok(self.0.hold()?)
    }

    /// Copies the recorder, see [`Database::copy_to`].
    ///
    /// # Errors
    /// When it can't be copied.
    pub fn copy_to(&self, to: &Path, each: &mut dyn FnMut(u64, u64)) -> Result<(), RecorderError> {
        Ok(self.0.copy_to(to, each)?)
    }

    /// What is wrong with the file; nothing if it is whole.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn quick_check(&self) -> Result<Vec<String>, RecorderError> {
        Ok(self.0.quick_check()?)
    }

    /// What is on record: its first and its last batch, and the last input of the host's own; the last are 0 for none.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn extent(&self) -> Result<Extent, RecorderError> {
        const EXTENT: &str = "SELECT first_batch, (SELECT coalesce(max(seq), 0) FROM batch), \
             (SELECT coalesce(max(seq), 0) FROM host_input), arrived, \
             (SELECT coalesce(sum(length(bytes)), 0) FROM batch) \
             + (SELECT coalesce(sum(length(bytes)), 0) FROM content) \
             + (SELECT coalesce(sum(length(payload)), 0) FROM host_input), first_host FROM head";
        let row = |row: &Row<'_>| {
            let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            let arrived = Timestamp(row.get(3)?);
            Ok(Extent {
                first: number(0)?,
                last: number(1)?.max(number(0)?.saturating_sub(1)),
                first_host: number(5)?,
                last_host: number(2)?,
                arrived: Some(arrived).filter(|arrived| *arrived > Timestamp::MIN),
                bytes: number(4)?,
            })
        };
        Ok(self.0.connection.query_one(EXTENT, [], row).map_err(self.0.failed("read"))?)
    }

    fn rows<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, RecorderError> {
        let rows = self
            .0
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(parameters, row)?.collect());
        Ok(rows.map_err(self.0.failed("read"))?)
    }

    /// The first batch on record; those before it were dropped.
    ///
    /// # Errors
    /// When it can't be read; so for all others.
    pub fn first(&self) -> Result<u64, RecorderError> {
        let first: i64 = self
            .0
            .connection
            .query_one("SELECT first_batch FROM head", [], |row| row.get(0))
            .map_err(self.0.failed("read"))?;
        Ok(first.unsigned_abs())
    }

    /// A batch; none if there is none of this number yet.
    ///
    /// # Errors
    /// When it was dropped, or can't be read.
    pub fn batch(&self, seq: u64) -> Result<Option<RecordedBatch>, RecorderError> {
        let row = self
            .0
            .connection
            .prepare_cached("SELECT source, arrived, start, records, length, bytes FROM batch WHERE seq = ?1")
            .and_then(|mut statement| {
                let row = |row: &Row<'_>| {
                    let bytes: Vec<u8> = row.get(5)?;
                    Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?, row.get::<_, i64>(4)?, bytes))
                };
                statement.query_one([integer(seq)], row).optional()
            })
            .map_err(self.0.failed("read"))?;
        let Some((source, arrived, start, records, length, bytes)) = row else {
            let first = self.first()?;
            return if seq < first { Err(RecorderError::Dropped { batch: seq, first }) } else { Ok(None) };
        };
        let start: Position = start.parse().map_err(|error| self.0.damaged(format_args!("batch {seq}: {error}")))?;
        let bytes = self.decompress(&bytes, length, format_args!("batch {seq}"))?;
        let batch = Batch { start, bytes, records };
        Ok(Some(RecordedBatch { seq, source, arrived: Timestamp(arrived), batch }))
    }

    /// When a batch arrived; none if there is none of this number.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn arrived(&self, seq: u64) -> Result<Option<Timestamp>, RecorderError> {
        let rows = self.rows("SELECT arrived FROM batch WHERE seq = ?1", [integer(seq)], |row| row.get(0))?;
        Ok(rows.into_iter().next().map(Timestamp))
    }

    /// The first batch of `from..end` that arrived at this time or later; `end` if there is none. Batches are in the order of
    /// their arrival.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn first_since(&self, from: u64, end: u64, time: Timestamp) -> Result<u64, RecorderError> {
        let (mut low, mut high) = (from, end);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.arrived(middle)? {
                Some(arrived) if arrived < time => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// The last batch on record; 0 for none.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn last(&self) -> Result<u64, RecorderError> {
        let rows = self.rows("SELECT coalesce(max(seq), 0) FROM batch", [], |row| row.get::<_, i64>(0))?;
        Ok(rows.into_iter().next().unwrap_or_default().unsigned_abs())
    }

    /// The last input of the host's own that is taken before this batch; 0 for none.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn last_host_before(&self, batch: u64) -> Result<u64, RecorderError> {
        // Those that were dropped lay before the first batch.
        let sql =
            "SELECT max((SELECT coalesce(max(seq), 0) FROM host_input WHERE before <= ?1), first_host - 1) FROM head";
        let rows = self.rows(sql, [integer(batch)], |row| row.get::<_, i64>(0))?;
        Ok(rows.into_iter().next().unwrap_or_default().unsigned_abs())
    }

    /// What came of sources in a range of batches.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn arrivals(&self, range: RangeInclusive<u64>) -> Result<Vec<Arrivals>, RecorderError> {
        const ARRIVALS: &str = "SELECT source, arrived / ?3, sum(records), max(seq), max(arrived) FROM batch \
             WHERE seq BETWEEN ?1 AND ?2 GROUP BY 1, 2 ORDER BY 1, 2";
        let (first, last) = range.into_inner();
        self.rows(ARRIVALS, [integer(first), integer(last), SPAN], |row| {
            Ok(Arrivals {
                source: row.get(0)?,
                span: row.get(1)?,
                records: row.get::<_, i64>(2)?.unsigned_abs(),
                last: row.get::<_, i64>(3)?.unsigned_abs(),
                arrived: Timestamp(row.get(4)?),
            })
        })
    }

    fn decompress(&self, bytes: &[u8], length: i64, what: impl std::fmt::Display) -> Result<Vec<u8>, DatabaseError> {
        let length = usize::try_from(length).ok().filter(|length| *length <= MAX_LENGTH);
        let damaged = |why: String| self.0.damaged(format_args!("{what}: {why}"));
        let length = length.ok_or_else(|| damaged("its length is too large".to_owned()))?;
        // No more room is made than the bytes themselves say that they need.
        let said = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
        if said != Some(length as u64) {
            let said = said.map_or_else(|| "no length".to_owned(), |said| format!("{said} bytes"));
            return Err(damaged(format!("expected {length} bytes, got compressed ones that say {said}")));
        }
        let bytes = zstd::bulk::decompress(bytes, length).map_err(|error| damaged(error.to_string()))?;
        if bytes.len() == length {
            Ok(bytes)
        } else {
            Err(damaged(format!("expected {length} bytes, got {}", bytes.len())))
        }
    }

    /// Inputs of the host's own after the number `after`, at most so many, by their numbers.
    ///
    /// # Errors
    /// When some of them were dropped, or can't be read.
    pub fn host_inputs(&self, after: u64, limit: usize) -> Result<Vec<RecordedHostInput>, RecorderError> {
        let limit = integer(limit as u64);
        let inputs = self.rows(
            "SELECT seq, before, arrived, kind, payload, number FROM host_input WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            [integer(after), limit],
            host_input,
        )?;
        // Their numbers have no gaps otherwise.
        let missing = (after + 1..).zip(&inputs).find(|(expected, input)| input.seq != *expected);
        match missing {
            Some((input, _)) => Err(RecorderError::DroppedInput { input }),
            None => Ok(inputs),
        }
    }

    /// The last input about each thing, of a kind, by their numbers.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn last_about(&self, kind: HostInputKind) -> Result<Vec<RecordedHostInput>, RecorderError> {
        self.rows(
            "SELECT max(seq), before, arrived, kind, payload, number FROM host_input WHERE kind = ?1 AND about IS NOT NULL \
             GROUP BY about ORDER BY 1",
            [kind.id()],
            host_input,
        )
    }

    /// The last input of the host's own of a kind up to the number `last`; none if there is none.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn last_host_input(&self, kind: HostInputKind, last: u64) -> Result<Option<RecordedHostInput>, RecorderError> {
        let rows = self.rows(
            "SELECT seq, before, arrived, kind, payload, number FROM host_input WHERE kind = ?1 AND seq <= ?2 \
             ORDER BY seq DESC LIMIT 1",
            rusqlite::params![kind.id(), integer(last)],
            host_input,
        )?;
        Ok(rows.into_iter().next())
    }

    /// The input of the host's own of a kind that has a number among those of its kind; none if none has it, or has it any
    /// more.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn numbered_host_input(
        &self,
        kind: HostInputKind,
        number: u64,
    ) -> Result<Option<RecordedHostInput>, RecorderError> {
        let rows = self.rows(
            "SELECT seq, before, arrived, kind, payload, number FROM host_input WHERE kind = ?1 AND number = ?2",
            rusqlite::params![kind.id(), integer(number)],
            host_input,
        )?;
        Ok(rows.into_iter().next())
    }

    /// All inputs of the host's own of a kind, by their numbers.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn host_inputs_of(&self, kind: HostInputKind) -> Result<Vec<RecordedHostInput>, RecorderError> {
        self.rows(
            "SELECT seq, before, arrived, kind, payload, number FROM host_input WHERE kind = ?1 ORDER BY seq",
            [kind.id()],
            host_input,
        )
    }

    /// What host inputs name by a digest; none if it isn't on record.
    ///
    /// # Errors
    /// When it can't be read, or doesn't have that digest.
    pub fn content(&self, digest: &Digest) -> Result<Option<Vec<u8>>, RecorderError> {
        let row: Option<(i64, Vec<u8>)> = self
            .0
            .connection
            .prepare_cached("SELECT length, bytes FROM content WHERE digest = ?1")
            .and_then(|mut statement| statement.query_one([digest.0], |row| Ok((row.get(0)?, row.get(1)?))).optional())
            .map_err(self.0.failed("read"))?;
        let Some((length, bytes)) = row else { return Ok(None) };
        let content = self.decompress(&bytes, length, format_args!("content {digest}"))?;
        if Digest::of(&content) != *digest {
            return Err(self.0.damaged(format_args!("content {digest}: it has another digest")).into());
        }
        Ok(Some(content))
    }

    /// A fact that the host remembers; none if there is none of this name.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn fact(&self, name: &str) -> Result<Option<Vec<u8>>, RecorderError> {
        Ok(self.rows("SELECT value FROM fact WHERE name = ?1", [name], |row| row.get(0))?.into_iter().next())
    }

    /// The sources that have a number, by it.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn sources(&self) -> Result<Vec<RecordedSource>, RecorderError> {
        self.rows("SELECT number, name, records FROM source ORDER BY number", [], |row| {
            let name: String = row.get(1)?;
            let records: i64 = row.get(2)?;
            Ok(RecordedSource { number: row.get(0)?, name: SourceId::from(&*name), records: records.unsigned_abs() })
        })
    }

    /// How the sources that have a number stand, by it; `judged` is the last batch that was judged.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn standing(&self, judged: u64) -> Result<Vec<SourceStanding>, RecorderError> {
        // The plus keeps the sum off the index: what waits is little of what there is.
        const STANDING: &str = "SELECT name, records, \
             (SELECT arrived FROM batch WHERE source = number ORDER BY first_record DESC LIMIT 1), \
             (SELECT coalesce(sum(batch.records), 0) FROM batch WHERE seq > ?1 AND +source = number) \
             FROM source ORDER BY number";
        self.rows(STANDING, [integer(judged)], |row| {
            let name: String = row.get(0)?;
            Ok(SourceStanding {
                name: SourceId::from(&*name),
                records: row.get::<_, i64>(1)?.unsigned_abs(),
                arrived: row.get::<_, Option<i64>>(2)?.map(Timestamp),
                waiting: row.get::<_, i64>(3)?.unsigned_abs(),
            })
        })
    }

    /// How many records aren't judged, by the number of their source; `judged` is the last batch that was.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn waiting(&self, judged: u64) -> Result<Vec<(u32, u64)>, RecorderError> {
        let sql = "SELECT source, sum(records) FROM batch WHERE seq > ?1 GROUP BY source";
        self.rows(sql, [integer(judged)], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))
    }

    /// Where the inputs of a source go on.
    ///
    /// # Errors
    /// See [`RecorderReader::first`].
    pub fn bookmarks(&self, source: &SourceId) -> Result<BTreeMap<String, String>, RecorderError> {
        let rows = self.rows(
            "SELECT input, bookmark FROM bookmark JOIN source ON source.number = bookmark.source WHERE name = ?1",
            [source.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(rows.into_iter().collect())
    }
}

fn host_input(row: &Row<'_>) -> rusqlite::Result<RecordedHostInput> {
    let kind = row.get_ref(3)?.as_str()?;
    let unknown = || rusqlite::Error::InvalidColumnType(3, kind.to_owned(), rusqlite::types::Type::Text);
    Ok(RecordedHostInput {
        seq: row.get::<_, i64>(0)?.unsigned_abs(),
        before: row.get::<_, Option<i64>>(1)?.map(i64::unsigned_abs),
        arrived: Timestamp(row.get(2)?),
        kind: HostInputKind::ALL.iter().copied().find(|known| known.id() == kind).ok_or_else(unknown)?,
        payload: row.get(4)?,
        number: row.get::<_, i64>(5)?.unsigned_abs(),
    })
}
