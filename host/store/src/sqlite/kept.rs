//! Reading what is kept of a log: where it begins, its checkpoints, its segments.

use std::path::Path;

use countersign_audit::{ChainWriter, StandingLines, parse};
use countersign_database::rusqlite::{OptionalExtension, Row, params};
use countersign_model::Digest;

use super::SqliteReader;
use super::row::integer;
use crate::{Beginning, LogPart, StoreError, Stored};

/// Lines that are read at once.
const PAGE: usize = 256;

/// A checkpoint as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// Its segment's number.
    pub segment: u64,
    /// How many records the log had.
    pub records: u64,
    /// Of one that ends its segment: the numbers of the lines that stand there.
    pub standing: Option<Vec<u64>>,
    /// What was signed, with its signature.
    pub envelope: Vec<u8>,
}

const CHECKPOINT: &str = "SELECT segment, records, standing, envelope FROM checkpoint";

fn checkpoint(row: &Row<'_>) -> countersign_database::rusqlite::Result<StoredCheckpoint> {
    let standing: Option<String> = row.get(2)?;
    let unreadable = |error| {
        countersign_database::rusqlite::Error::FromSqlConversionFailure(
            2,
            countersign_database::rusqlite::types::Type::Text,
            Box::new(error),
        )
    };
    Ok(StoredCheckpoint {
        segment: row.get::<_, i64>(0)?.unsigned_abs(),
        records: row.get::<_, i64>(1)?.unsigned_abs(),
        standing: standing.map(|text| serde_json::from_str(&text).map_err(unreadable)).transpose()?,
        envelope: row.get(3)?,
    })
}

impl SqliteReader {
    /// Has everything read from here on be as of now.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn hold(&self) -> Result<(), StoreError> {
        Ok(self.0.hold()?)
    }

    /// Copies the store, see [`countersign_database::Database::copy_to`].
    ///
    /// # Errors
    /// When it can't be copied.
    pub fn copy_to(&self, to: &Path, each: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        Ok(self.0.copy_to(to, each)?)
    }

    /// What is wrong with the file; nothing if it is whole.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn quick_check(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.0.quick_check()?)
    }

    /// All checkpoints, by their segments.
    ///
    /// # Errors
    /// When they can't be read; so for all others.
    pub fn checkpoints(&self) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.page(&format!("{CHECKPOINT} ORDER BY segment"), [], checkpoint)
    }

    /// The last checkpoint, if there is one.
    ///
    /// # Errors
    /// See [`SqliteReader::checkpoints`].
    pub fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        let last = self.page(&format!("{CHECKPOINT} ORDER BY segment DESC LIMIT 1"), [], checkpoint)?;
        Ok(last.into_iter().next())
    }

    /// The number of the first segment whose records are kept.
    ///
    /// # Errors
    /// See [`SqliteReader::checkpoints`].
    pub fn first_segment(&self) -> Result<u64, StoreError> {
        let (first, _) = self.first()?;
        const AFTER: &str = "SELECT coalesce(min(segment), 0) + 1 FROM checkpoint WHERE records >= ?1";
        let after: Vec<i64> = self.page(AFTER, [integer(first)], |row| row.get(0))?;
        let after = after.first().map_or(1, |segment| segment.unsigned_abs());
        Ok(if first == 0 { 1 } else { after })
    }

    /// The checkpoint of a segment, if it is kept.
    ///
    /// # Errors
    /// See [`SqliteReader::checkpoints`].
    pub fn checkpoint(&self, segment: u64) -> Result<Option<StoredCheckpoint>, StoreError> {
        let found = self.page(&format!("{CHECKPOINT} WHERE segment = ?1"), [integer(segment)], checkpoint)?;
        Ok(found.into_iter().next())
    }

    /// The first record that is kept, and its link.
    pub(super) fn first(&self) -> Result<(u64, Digest), StoreError> {
        let first = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?.unsigned_abs(), Digest(row.get(1)?)));
        self.0
            .connection
            .query_one("SELECT first_record, first_link FROM head", [], first)
            .map_err(|error| self.0.failed("read")(error).into())
    }

    /// The link before the record of a number; none if that was dropped or isn't written yet.
    ///
    /// # Errors
    /// See [`SqliteReader::checkpoints`].
    pub fn link_at(&self, records: u64) -> Result<Option<Digest>, StoreError> {
        let (first, link) = self.first()?;
        if records == first {
            return Ok(Some(link));
        }
        let Some(before) = records.checked_sub(1).filter(|before| *before >= first) else { return Ok(None) };
        let line = self.lines(before, 1)?.into_iter().next();
        let line = line.filter(|line| parse(line).is_some_and(|entry| entry.line == records));
        Ok(line.map(|line| Digest::of(&line)))
    }

    /// The bytes of a line that is kept, or that stands where what is kept begins.
    fn line(&self, seq: u64) -> Result<Vec<u8>, StoreError> {
        const LINE: &str = "SELECT bytes FROM standing WHERE seq = ?1 \
                            UNION ALL SELECT bytes FROM line WHERE seq = ?1 LIMIT 1";
        let line: Option<Vec<u8>> = self
            .0
            .connection
            .prepare_cached(LINE)
            .and_then(|mut statement| statement.query_one(params![integer(seq)], |row| row.get(0)).optional())
            .map_err(self.0.failed("read"))?;
        Ok(line.ok_or_else(|| self.0.damaged(format_args!("record {seq}, which stands, is missing")))?)
    }

    /// Lines of these numbers, of those that stand somewhere.
    ///
    /// # Errors
    /// When one is missing.
    pub fn standing_lines(&self, numbers: &[u64]) -> Result<Vec<Vec<u8>>, StoreError> {
        numbers.iter().map(|seq| self.line(*seq)).collect()
    }

    /// Which lines stand before the record of a number, followed from the end of the segment `after`, or from where what
    /// is kept begins. `pause` is called after each page.
    ///
    /// # Errors
    /// See [`SqliteReader::checkpoints`].
    pub fn standing_at(
        &self,
        after: Option<&StoredCheckpoint>,
        records: u64,
        pause: &mut dyn FnMut(),
    ) -> Result<Vec<u64>, StoreError> {
        let mut standing = StandingLines::default();
        let mut follow = |line: &[u8]| {
            let entry = parse(line).ok_or_else(|| self.0.damaged("a line isn't a record"))?;
            standing.follow(entry.line.saturating_sub(1), &entry.record);
            Ok::<_, StoreError>(())
        };
        let from = match after {
            Some(after) => {
                self.standing_lines(after.standing.as_deref().unwrap_or_default())?
                    .iter()
                    .try_for_each(|line| follow(line))?;
                after.records
            }
            None => {
                self.beginning()?.iter().flat_map(|one| &one.standing).try_for_each(|line| follow(line))?;
                self.first()?.0
            }
        };
        let mut next = from;
        while next < records {
            let limit = usize::try_from(records - next).unwrap_or(PAGE).min(PAGE);
            let lines = self.lines(next, limit)?;
            if lines.is_empty() {
                return Err(self.0.damaged(format_args!("record {next} is missing")).into());
            }
            lines.iter().try_for_each(|line| follow(line))?;
            next += lines.len() as u64;
            pause();
        }
        Ok(standing.numbers().collect())
    }

    /// A segment that has ended, and is kept.
    ///
    /// # Errors
    /// See [`SqliteReader::checkpoints`].
    pub fn segment(&self, number: u64) -> Result<Option<LogPart>, StoreError> {
        let own = self.checkpoint(number)?.filter(|checkpoint| checkpoint.standing.is_some());
        let before = match number.checked_sub(1) {
            Some(before) => self.checkpoint(before)?,
            None => return Ok(None),
        };
        let (first, _) = self.first()?;
        let begin = before.as_ref().map_or(0, |before| before.records);
        let Some(own) = own.filter(|_| begin >= first && (before.is_some() || number == 1)) else { return Ok(None) };
        let links = (self.link_at(begin)?, self.link_at(own.records)?);
        let (Some(link), Some(end)) = links else { return Ok(None) };
        let standing = before.as_ref().and_then(|before| before.standing.as_deref()).unwrap_or_default();
        let beginning = Beginning {
            first: begin,
            link,
            standing: self.standing_lines(standing)?,
            checkpoints: before.into_iter().chain([own.clone()]).map(|one| one.envelope).collect(),
        };
        Ok(Some(LogPart { beginning, end: ChainWriter::resume(own.records, end) }))
    }

    pub(super) fn read_beginning(&self) -> Result<Option<Beginning>, StoreError> {
        let (first, link) = self.first()?;
        if first == 0 {
            return Ok(None);
        }
        let standing = self.page("SELECT bytes FROM standing ORDER BY place", [], |row| row.get(0))?;
        let ended = self.page(
            &format!("{CHECKPOINT} WHERE records = ?1 AND standing IS NOT NULL"),
            [integer(first)],
            checkpoint,
        )?;
        // Of those that end at one place, the last vouches for it.
        let checkpoints = ended.into_iter().next_back().map(|one| one.envelope).into_iter().collect();
        Ok(Some(Beginning { first, link, standing, checkpoints }))
    }
}
