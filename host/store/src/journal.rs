//! The journal: what a commit changed beside the log and its blobs, written last. A commit is valid when its lines are
//! complete and everything that they list is present; so the end of the file may be lost or torn at any byte.
//!
//! A line is a part of a commit as JSON, a space, the SHA-256 of those bytes as 64 digits, and a newline. A commit is one
//! part, or several where one line would be too long; only the last part has the `end` that makes it a commit. When the
//! lines outgrow what they add up to, they are folded into one commit.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use countersign_model::digest::{hex, unhex};
use countersign_model::{Digest, Finding, Intent, StateChange, TimerChange};
use serde::{Deserialize, Serialize};

use crate::fold::{Changes, Fold};
use crate::{Commit, StoreError};

/// A part whose line would be longer is split: 64 MiB. One with at most one member of each kind isn't.
pub(crate) const MAX_PART: usize = 64 << 20;

/// Maximum bytes of a line: 512 MiB, more than one member of each kind can have.
const MAX_LINE: usize = 512 << 20;

/// The digest, the space before it and the newline after it.
const TAIL: usize = 1 + 64 + 1;

/// Members of a page of a fold.
const PAGE: usize = 1_024;

/// Where a commit leaves the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    /// Audit records so far.
    pub(crate) records: u64,
    /// Bytes of the audit file so far.
    pub(crate) length: u64,
    /// The audit's next link.
    pub(crate) link: Digest,
}

/// A change of memory: space, key and value, the latter two as hexadecimal digits.
type Remembered<'a> = (Cow<'a, str>, String, Option<String>);

/// A commit, or a part of one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<End>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    tick: bool,
    /// The commit's blobs with their lengths.
    #[serde(default, skip_serializing_if = "nothing")]
    blobs: Cow<'a, [(Digest, u64)]>,
    #[serde(default, skip_serializing_if = "nothing")]
    findings: Cow<'a, [Finding]>,
    #[serde(default, skip_serializing_if = "nothing")]
    intents: Cow<'a, [Intent]>,
    #[serde(default, skip_serializing_if = "nothing")]
    baselines: Cow<'a, [StateChange]>,
    #[serde(default, skip_serializing_if = "nothing")]
    state: Cow<'a, [StateChange]>,
    #[serde(default, skip_serializing_if = "nothing")]
    timers: Cow<'a, [TimerChange]>,
    #[serde(default, skip_serializing_if = "nothing")]
    memory: Cow<'a, [Remembered<'a>]>,
}

fn nothing<T: Clone>(list: &[T]) -> bool {
    list.is_empty()
}

impl<'a> Part<'a> {
    /// A whole commit that leaves the log at `end`.
    pub(crate) fn new(commit: &'a Commit<'a>, end: End) -> Part<'a> {
        let blobs = commit.blobs.iter().map(|blob| (blob.name(), blob.bytes().len() as u64)).collect();
        let memory = commit
            .memory
            .iter()
            .map(|change| (Cow::Borrowed(change.space), hex(&change.key), change.value.as_deref().map(hex)));
        Part {
            end: Some(end),
            tick: commit.tick,
            blobs: Cow::Owned(blobs),
            findings: Cow::Borrowed(commit.findings),
            intents: Cow::Borrowed(commit.intents),
            baselines: Cow::Borrowed(commit.baselines),
            state: Cow::Borrowed(commit.state),
            timers: Cow::Borrowed(commit.timers),
            memory: memory.collect(),
        }
    }

    /// Gives `sink` the lines, one after another; a line of more than `limit` bytes is split if it can be. With an end they
    /// make it a commit.
    pub(crate) fn write(self, limit: usize, sink: &mut Sink<'_>) -> Result<(), StoreError> {
        let mut line = serde_json::to_vec(&self).map_err(StoreError::Unwritable)?;
        if line.len() > limit
            && let Some((first, second)) = self.halves()
        {
            drop(line);
            first.write(limit, sink)?;
            return second.write(limit, sink);
        }
        let digest = Digest::of(&line);
        line.extend_from_slice(format!(" {digest}\n").as_bytes());
        sink(&line)
    }

    /// Two parts that are one after another what this is; none if no list has two members.
    fn halves(&self) -> Option<(Part<'_>, Part<'_>)> {
        fn split<T: Clone>(list: &[T]) -> (Cow<'_, [T]>, Cow<'_, [T]>) {
            let (first, second) = list.split_at(list.len().div_ceil(2));
            (Cow::Borrowed(first), Cow::Borrowed(second))
        }
        let (blobs, findings, intents) = (split(&self.blobs), split(&self.findings), split(&self.intents));
        let (baselines, state) = (split(&self.baselines), split(&self.state));
        let (timers, memory) = (split(&self.timers), split(&self.memory));
        let first = Part {
            end: None,
            tick: self.tick,
            blobs: blobs.0,
            findings: findings.0,
            intents: intents.0,
            baselines: baselines.0,
            state: state.0,
            timers: timers.0,
            memory: memory.0,
        };
        let second = Part {
            end: self.end,
            tick: false,
            blobs: blobs.1,
            findings: findings.1,
            intents: intents.1,
            baselines: baselines.1,
            state: state.1,
            timers: timers.1,
            memory: memory.1,
        };
        (second.members() > 0).then_some((first, second))
    }

    fn members(&self) -> usize {
        let (state, rest) = (self.baselines.len() + self.state.len(), self.timers.len() + self.memory.len());
        self.blobs.len() + self.findings.len() + self.intents.len() + state + rest
    }
}

/// Takes the lines of a commit.
pub(crate) type Sink<'s> = dyn FnMut(&[u8]) -> Result<(), StoreError> + 's;

/// Gives `sink` the lines of one commit that is equivalent to all that were folded.
pub(crate) fn write_fold(fold: &Fold, end: End, limit: usize, sink: &mut Sink<'_>) -> Result<(), StoreError> {
    let ordinal = |place: usize| place as u64;
    let mut done = 0;
    while let page @ [_, ..] = &*fold.findings(ordinal(done), PAGE) {
        Part { findings: Cow::Borrowed(page), ..Part::default() }.write(limit, sink)?;
        done += page.len();
    }
    done = 0;
    while let page @ [_, ..] = &*fold.intents(ordinal(done), PAGE) {
        Part { intents: Cow::Borrowed(page), ..Part::default() }.write(limit, sink)?;
        done += page.len();
    }
    let mut after = None;
    while let page @ [.., last] = &*fold.baselines(after.as_ref(), PAGE) {
        Part { baselines: Cow::Borrowed(page), ..Part::default() }.write(limit, sink)?;
        after = Some(last.into());
    }
    after = None;
    while let page @ [.., last] = &*fold.state(after.as_ref(), PAGE) {
        Part { state: Cow::Borrowed(page), ..Part::default() }.write(limit, sink)?;
        after = Some(last.into());
    }
    let mut after = None;
    while let page @ [.., last] = &*fold.timers(after.as_ref(), PAGE) {
        Part { timers: Cow::Borrowed(page), ..Part::default() }.write(limit, sink)?;
        after = Some(last.into());
    }
    for space in fold.spaces() {
        let mut after: Option<Vec<u8>> = None;
        while let page @ [.., (last, _)] = &*fold.memory(space, after.as_deref(), PAGE) {
            let memory = page.iter().map(|(key, value)| (Cow::Borrowed(space), hex(key), Some(hex(value))));
            Part { memory: memory.collect(), ..Part::default() }.write(limit, sink)?;
            after = Some(last.clone());
        }
    }
    Part { end: Some(end), ..Part::default() }.write(limit, sink)
}

/// A complete commit of a journal.
pub(crate) struct Entry {
    pub(crate) end: End,
    /// The commit's blobs with their lengths.
    pub(crate) blobs: Vec<(Digest, u64)>,
    pub(crate) changes: Changes,
    /// Bytes of its lines.
    pub(crate) bytes: u64,
}

/// The commits of a journal up to the first incomplete one.
pub(crate) struct Entries<'p, R> {
    reader: R,
    path: &'p Path,
    line: Vec<u8>,
}

impl<'p> Entries<'p, BufReader<File>> {
    /// Of a file from an offset on, if the file exists.
    pub(crate) fn open(path: &'p Path, offset: u64) -> Result<Option<Self>, StoreError> {
        let mut file = match countersign_private::read(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", path)(error)),
        };
        file.seek(SeekFrom::Start(offset)).map_err(StoreError::io("read", path))?;
        Ok(Some(Entries { reader: BufReader::new(file), path, line: Vec::new() }))
    }
}

impl<R: BufRead> Entries<'_, R> {
    /// The next commit.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, StoreError> {
        let (mut blobs, mut changes, mut bytes) = (Vec::new(), Changes::default(), 0);
        loop {
            self.line.clear();
            let read = (&mut self.reader).take(MAX_LINE as u64).read_until(b'\n', &mut self.line);
            bytes += read.map_err(StoreError::io("read", self.path))? as u64;
            let Some(part) = self.part()? else { return Ok(None) };
            changes.tick |= part.tick;
            blobs.extend(part.blobs.into_owned());
            changes.findings.extend(part.findings.into_owned());
            changes.intents.extend(part.intents.into_owned());
            changes.baselines.extend(part.baselines.into_owned());
            changes.state.extend(part.state.into_owned());
            changes.timers.extend(part.timers.into_owned());
            for (space, key, value) in part.memory.into_owned() {
                let (Some(key), Some(value)) = (unhex(&key), value.map_or(Some(None), |value| unhex(&value).map(Some)))
                else {
                    return Ok(None);
                };
                changes.memory.push((space.into_owned(), key, value));
            }
            if let Some(end) = part.end {
                return Ok(Some(Entry { end, blobs, changes, bytes }));
            }
        }
    }

    /// The part in the line that was read; none if the line isn't complete.
    fn part(&self) -> Result<Option<Part<'static>>, StoreError> {
        let split = self.line.len().checked_sub(TAIL).and_then(|length| self.line.split_at_checked(length));
        match split {
            Some((json, tail)) if tail == format!(" {}\n", Digest::of(json)).as_bytes() => serde_json::from_slice(json)
                .map(Some)
                .map_err(|source| StoreError::Journal { path: self.path.to_owned(), source }),
            _ => Ok(None),
        }
    }
}
