//! Finds out what a file is: one that is followed already under another name, a copy of what was read, or a new one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bookmark::Bookmark;
use super::content::{Content, Held, MAX_PART, Part, head, is_packed};
use super::file::{FileId, Found};
use super::patterns::MAX_FILES;
use super::problem::Problem;
use super::stream::{PATIENCE, Stream};
use super::{Copy, Polled, Tail};

/// The most files that are opened for the first time by one poll.
pub(super) const MAX_OPENED: usize = 64;

/// A packed file is looked at once nothing was appended for so long: while it is written, it tells little.
const PACKING: Duration = Duration::from_secs(2);

/// A file that can't be opened is tried again after so long.
const RETRY: Duration = Duration::from_secs(10);
/// A file of which isn't known yet what it is.
struct New {
    found: Found,
    file: Arc<File>,
    is_packed: bool,
    head: Vec<u8>,
}

impl Tail {
    /// Finds out what the files are that aren't known. Returns whether all of them are.
    pub(super) fn recognise(
        &mut self,
        files: &BTreeMap<FileId, Found>,
        now: Instant,
        lasting: &mut Vec<Problem>,
        polled: &mut Polled,
    ) -> bool {
        self.copies.retain(|id, copy| files.get(id).is_some_and(|found| found.stamp == copy.stamp));
        self.young.retain(|id, _| files.contains_key(id));
        self.failed.retain(|id, _| files.contains_key(id));
        let is_known = |tail: &Tail, id: &FileId| tail.attached.contains_key(id) || tail.copies.contains_key(id);
        let mut new: Vec<&Found> =
            files.values().filter(|found| found.stamp.length > 0 && !is_known(self, &found.id)).collect();
        new.sort_by(|a, b| (a.stamp.modified, &a.path).cmp(&(b.stamp.modified, &b.path)));
        let mut opened = 0;
        let mut is_settled = true;
        for found in new {
            if self.streams.len() >= MAX_FILES {
                lasting.push(Problem::TooMany { most: MAX_FILES });
                break;
            }
            let unreadable =
                |error: &io::Error| Problem::Unreadable { path: found.path.clone(), error: error.to_string() };
            if let Some(failed) = self.failed.get(&found.id)
                && now.duration_since(*failed) < RETRY
            {
                let path = &found.path;
                let reported = self
                    .reported
                    .iter()
                    .find(|problem| matches!(problem, Problem::Unreadable { path: known, .. } if known == path));
                lasting.extend(reported.cloned());
                continue;
            }
            if opened == MAX_OPENED {
                (is_settled, polled.more) = (false, true);
                break;
            }
            opened += 1;
            match New::open(found) {
                Ok(new) if new.is_packed && !self.is_settled(found, now) => is_settled = false,
                Ok(new) => self.place(new, now),
                // It vanished meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    self.failed.insert(found.id, now);
                    lasting.push(unreadable(&error));
                }
            }
        }
        is_settled
    }

    /// Whether nothing was appended to a new file for a while.
    fn is_settled(&mut self, found: &Found, now: Instant) -> bool {
        let (stamp, since, first) = self.young.entry(found.id).or_insert((found.stamp, now, now));
        if *stamp != found.stamp {
            (*stamp, *since) = (found.stamp, now);
        }
        now.duration_since(*since) >= PACKING || now.duration_since(*first) >= PATIENCE
    }

    /// Has a new file go on with what was read before, if it holds that, or begins to read it.
    fn place(&mut self, new: New, now: Instant) {
        let New { found, file, is_packed, head } = &new;
        self.young.remove(&found.id);
        self.failed.remove(&found.id);
        let mut heads = BTreeMap::new();
        let mut begins_alike = |part: &Part| {
            let of_length = |length: &usize| head.get(..*length).map(Part::of);
            *heads.entry(part.length).or_insert_with_key(of_length) == Some(*part)
        };
        let alike = self.streams.values().filter(|stream| begins_alike(&stream.content.head));
        let mut candidates: Vec<&Stream> = alike.filter(|stream| new.may_hold(stream)).collect();
        // The same file first, then what has none, of which most was read.
        candidates.sort_by_key(|stream| {
            let most = u64::MAX - stream.content.position.offset();
            (stream.file != found.id, stream.is_attached, most)
        });
        for stream in candidates {
            let is_copy = match stream.content.is_held(file, *is_packed) {
                Ok(Held::Yes) if !stream.is_attached => {
                    let id = stream.id.clone();
                    return self.attach(&id, new, now);
                }
                Ok(Held::Yes) if stream.is_untouched() => !is_packed && stream.covers(file).unwrap_or(false),
                Ok(Held::Yes) => *is_packed || stream.is_alike(file).unwrap_or(true),
                // It was made before the rest was written.
                Ok(Held::Short) => is_related(&found.path, &stream.path) && (stream.is_attached || *is_packed),
                Ok(Held::No) | Err(_) => false,
            };
            if is_copy && found.id != stream.file {
                self.copies.insert(found.id, Copy { stream: stream.id.clone(), stamp: found.stamp });
                return;
            }
        }
        let bookmark = Bookmark { id: found.id, content: Content::new(head), path: found.path.clone() };
        self.begin(bookmark, new, now);
    }

    /// Begins to read a file as an input of its own.
    fn begin(&mut self, bookmark: Bookmark, new: New, now: Instant) {
        let FileId { device, inode } = bookmark.id;
        let digest = bookmark.content.head.digest.to_string();
        let name = format!("{device:x}-{inode:x}-{}", digest.get(..16).unwrap_or_default());
        let names = std::iter::once(name.clone()).chain((2_u64..).map(|number| format!("{name}-{number}")));
        let Some(id) = names.into_iter().find(|id| !self.streams.contains_key(id)) else { return };
        self.streams.insert(id.clone(), Stream::new(id.clone(), bookmark, now));
        self.attach(&id, new, now);
    }

    fn attach(&mut self, id: &str, new: New, now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.attach(&new.found, new.file, new.is_packed, now);
        self.attached.insert(new.found.id, id.to_owned());
        self.copies.remove(&new.found.id);
        self.gone.remove(id);
        self.losses.remove(id);
    }

    /// Goes on in a copy of a stream's file once that holds it no more, and with a copy that became another file.
    pub(super) fn resolve_copies(&mut self, files: &BTreeMap<FileId, Found>, now: Instant) {
        let mut resolved = Vec::new();
        let mut longer = BTreeMap::new();
        for (id, copy) in &self.copies {
            let Some(found) = files.get(id) else { continue };
            match self.streams.get(&copy.stream) {
                Some(stream) if stream.is_attached => {
                    let length = files.get(&stream.file).map_or(stream.length, |found| found.stamp.length);
                    if stream.is_packed || found.stamp.length <= length {
                        continue;
                    }
                    // Longer than what it was a copy of, which doesn't grow: it is written to itself. It may have grown
                    // between two looks, of course.
                    let since = *longer.entry(*id).or_insert(self.longer.get(id).copied().unwrap_or(now));
                    if now.duration_since(since.max(stream.grown)) >= PACKING {
                        resolved.push((found.clone(), copy.stream.clone(), true));
                    }
                }
                _ => resolved.push((found.clone(), copy.stream.clone(), false)),
            }
        }
        self.longer = longer;
        for (found, id, is_other) in resolved {
            let Ok(new) = New::open(&found) else { continue };
            let Some(stream) = self.streams.get(&id) else {
                self.copies.remove(&found.id);
                continue;
            };
            if is_other && new.is_packed {
                continue;
            }
            let content = stream.content;
            match content.is_held(&new.file, new.is_packed) {
                Ok(Held::Yes) if is_other => {
                    self.copies.remove(&found.id);
                    self.begin(Bookmark { id: found.id, content, path: found.path.clone() }, new, now);
                }
                Ok(Held::Yes) => self.attach(&id, new, now),
                // All of it was read.
                Ok(Held::Short) => {}
                Ok(Held::No) | Err(_) => {
                    self.copies.remove(&found.id);
                }
            }
        }
    }

    /// Looks for the files of streams outside of the patterns, and says what is lost of those that have none.
    pub(super) fn give_up(&mut self, files: &mut BTreeMap<FileId, Found>, now: Instant, polled: &mut Polled) {
        let searched: Vec<(String, PathBuf, FileId)> = self
            .streams
            .values()
            .filter(|stream| !stream.is_attached && !self.gone.contains_key(&stream.id))
            .map(|stream| (stream.id.clone(), stream.path.clone(), stream.file))
            .collect();
        let mut folders: BTreeMap<PathBuf, Vec<Found>> = BTreeMap::new();
        for (id, path, file) in searched {
            let folder = path.parent().unwrap_or(Path::new("."));
            let listed = match folders.entry(folder.to_owned()) {
                Entry::Occupied(listed) => listed.into_mut(),
                Entry::Vacant(place) => place.insert(Found::in_folder(folder, MAX_FILES).collect()),
            };
            let mut candidates: Vec<Found> = (listed.iter())
                .filter(|found| found.id == file || is_related(&found.path, &path))
                .filter(|found| found.stamp.length > 0 && !self.attached.contains_key(&found.id))
                .take(MAX_OPENED)
                .cloned()
                .collect();
            candidates.sort_by_key(|found| found.id != file);
            for found in candidates {
                let Some(stream) = self.streams.get(&id) else { break };
                let Ok(new) = New::open(&found) else { continue };
                if new.may_hold(stream) && matches!(stream.content.is_held(&new.file, new.is_packed), Ok(Held::Yes)) {
                    files.insert(found.id, found);
                    self.attach(&id, new, now);
                    break;
                }
            }
            if self.streams.get(&id).is_some_and(|stream| !stream.is_attached) {
                polled.problems.extend(self.losses.remove(&id));
                self.gone.insert(id, now);
            }
        }
    }
}

impl New {
    fn open(found: &Found) -> io::Result<New> {
        let file = found.open()?;
        let is_packed = is_packed(&file)?;
        let head = match head(&file, is_packed) {
            // What can't be unpacked is a dead letter.
            Err(_) if is_packed => Vec::new(),
            head => head?,
        };
        Ok(New { found: found.clone(), file, is_packed, head })
    }

    /// Whether there is reason to think that the file holds what was read of a stream, should it hold the same: it is the same
    /// file, or its name is that of a rotated one, or the beginning is long enough to be no other's.
    fn may_hold(&self, stream: &Stream) -> bool {
        // Devices may be numbered anew when a machine starts.
        let is_there = self.found.id.inode == stream.file.inode && self.found.path == stream.path;
        let is_same = (self.found.id == stream.file || is_there) && !stream.is_attached;
        let is_long = stream.content.head.length == MAX_PART && stream.content.before.length == MAX_PART;
        let has_begun = stream.content.head.length > 0 && (stream.is_attached || !stream.is_untouched());
        is_same || (has_begun && (is_long || is_related(&self.found.path, &stream.path)))
    }
}

/// Whether a path is that of a rotated file of another: in the same folder, and its name is the other's with something after
/// it, such as `x.log.1`, `x.log-20261130.gz` for `x.log`, and `x.log.2.gz` for `x.log.1`.
fn is_related(path: &Path, other: &Path) -> bool {
    let name = |path: &Path| path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
    let (name, other_name) = (name(path), name(other));
    let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let base = match other_name.iter().rposition(|byte| *byte == b'.').map(|at| other_name.split_at(at)) {
        Some((base, number)) if is_number(number.get(1..).unwrap_or_default()) => base,
        _ => &other_name,
    };
    path.parent() == other.parent() && name != other_name && name.len() > base.len() && name.starts_with(base)
}
