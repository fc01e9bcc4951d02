//! Follows files as they are written, rotated and compressed.
//!
//! A file is known by its device and inode together with what it holds: the digests of how it begins and of what comes before
//! the place where it is read on (see `docs/decisions/0077-tailed-files.md`). So a renamed file is read to its end, one that
//! was truncated or written anew is read from its beginning, and a copy of what was read, plain or packed, is gone on with
//! where that ended.

mod bookmark;
mod content;
mod file;
mod patterns;
mod problem;
mod stream;

pub use bookmark::BookmarkError;
pub use problem::Problem;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use glob::Pattern;

use bookmark::Bookmark;
use content::{Content, Held, MAX_PART, Part, head, is_packed};
use file::{FileId, Found, Stamp};
use patterns::{MAX_FILES, Patterns};
use stream::{Outcome, Stream};

use crate::delivered::Delivered;

/// About how much is delivered by one poll, bytes.
const MAX_POLL_BYTES: usize = 8 << 20;

/// The most files that are opened for the first time by one poll.
const MAX_OPENED: usize = 64;

/// The most files that stay open.
const MAX_HANDLES: usize = 64;

/// For so many files each the patterns are looked at a second later; with fewer, at each poll.
const MANY_FILES: usize = 1_000;

/// A packed file is looked at once nothing was appended for so long: while it is written, it tells little.
const PACKING: Duration = Duration::from_secs(2);

/// A file that can't be opened is tried again after so long.
const RETRY: Duration = Duration::from_secs(10);

/// The bookmark of a file that is gone is kept for so long.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Follows the files that patterns of paths name: each a file, a folder with all in it and below, or a pattern in which `*`
/// stands for any text within a folder and `**` for any folders. Names that begin with a dot are left out unless a
/// pattern has them.
///
/// Each file is an input with an id and a bookmark of its own. New files are read from their beginning; plain and packed
/// ones are. A document that isn't closed by a bracket or the end of its line at the end of a file waits until more of it is
/// appended, at most until nothing was appended for 10 s.
pub struct Tail {
    patterns: Patterns,
    streams: BTreeMap<String, Stream>,
    /// The streams whose files are found.
    attached: BTreeMap<FileId, String>,
    /// Files that hold what was read of a stream whose file is there too.
    copies: BTreeMap<FileId, Copy>,
    /// Since when copies are longer than what they are copies of.
    longer: BTreeMap<FileId, Instant>,
    /// Files that aren't known yet what they are: since when they didn't change.
    young: BTreeMap<FileId, (Stamp, Instant, Instant)>,
    /// When a file couldn't be opened.
    failed: BTreeMap<FileId, Instant>,
    /// Since when the files of streams are gone.
    gone: BTreeMap<String, Instant>,
    /// What is said should nothing be found that holds the rest of a stream.
    losses: BTreeMap<String, Problem>,
    /// What the patterns named when they were looked at.
    listed: Option<(Instant, Vec<Found>)>,
    /// Problems that last, and were reported.
    reported: BTreeSet<Problem>,
    listing_problems: Vec<Problem>,
}

/// A file that holds what was read of a stream.
struct Copy {
    stream: String,
    /// Another one, and it may hold something else.
    stamp: Stamp,
}

/// What a poll found.
#[derive(Debug, Default)]
pub struct Polled {
    /// The batches, in the order of each file.
    pub delivered: Vec<Delivered>,
    /// What went wrong. Problems that last are reported once.
    pub problems: Vec<Problem>,
    /// Inputs whose files are gone for over a day: their bookmarks can be removed.
    pub forgotten: Vec<String>,
    /// Whether there is more at once.
    pub more: bool,
}

/// A file of which isn't known yet what it is.
struct New {
    found: Found,
    file: Arc<File>,
    is_packed: bool,
    head: Vec<u8>,
}

impl Tail {
    /// Follows the files that patterns name, which are relative to a folder, from the bookmarks of the inputs on.
    ///
    /// # Errors
    /// With a text that is no bookmark.
    pub fn open(
        folder: &Path,
        patterns: &[Pattern],
        bookmarks: &BTreeMap<String, String>,
    ) -> Result<Tail, BookmarkError> {
        let now = Instant::now();
        let streams = bookmarks.iter().map(|(id, text)| {
            let bookmark = Bookmark::read(id, text)?;
            Ok((id.clone(), Stream::new(id.clone(), bookmark, now)))
        });
        Ok(Tail {
            patterns: Patterns::new(folder, patterns),
            streams: streams.collect::<Result<_, _>>()?,
            attached: BTreeMap::new(),
            copies: BTreeMap::new(),
            longer: BTreeMap::new(),
            young: BTreeMap::new(),
            failed: BTreeMap::new(),
            gone: BTreeMap::new(),
            losses: BTreeMap::new(),
            listed: None,
            reported: BTreeSet::new(),
            listing_problems: Vec::new(),
        })
    }

    /// Bytes that are known to be there and weren't delivered; of packed files as stored.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.streams.values().map(Stream::unread).sum()
    }

    /// Looks at the files, and reads on. Cheap where nothing changed.
    pub fn poll(&mut self) -> Polled {
        self.poll_at(Instant::now())
    }

    /// The same at a time that is no earlier than that of the poll before.
    pub fn poll_at(&mut self, now: Instant) -> Polled {
        let mut polled = Polled::default();
        let mut lasting = Vec::new();
        let mut files = self.list(now);
        lasting.extend(self.listing_problems.iter().cloned());
        self.follow(&mut files, now, &mut polled);
        let is_settled = self.recognise(&files, now, &mut lasting, &mut polled);
        self.resolve_copies(&files, now);
        if is_settled {
            self.give_up(&mut files, now, &mut polled);
        }
        self.read(&files, now, &mut lasting, &mut polled);
        self.close(now);
        self.forget(now, &mut polled);
        let lasting: BTreeSet<Problem> = lasting.into_iter().collect();
        polled.problems.extend(lasting.difference(&self.reported).cloned());
        self.reported = lasting;
        polled
    }

    /// The files that the patterns name.
    fn list(&mut self, now: Instant) -> BTreeMap<FileId, Found> {
        let is_fresh = |(at, files): &(Instant, Vec<Found>)| {
            // Looking at many files takes long.
            let seconds = u64::try_from(files.len() / MANY_FILES).unwrap_or(u64::MAX);
            now.duration_since(*at) < Duration::from_secs(seconds)
        };
        let files: Vec<Found> = match self.listed.as_ref().filter(|listed| is_fresh(listed)) {
            Some((_, files)) => files.iter().filter_map(|found| self.looked_at(found, now)).collect(),
            None => {
                let listing = self.patterns.list();
                self.listed = Some((now, listing.files.clone()));
                self.listing_problems = listing.problems;
                listing.files
            }
        };
        let mut by_id = BTreeMap::new();
        for found in files {
            by_id.entry(found.id).or_insert(found);
        }
        by_id
    }

    /// A file of many that were listed before: it is looked at again if it is written to.
    fn looked_at(&self, found: &Found, now: Instant) -> Option<Found> {
        let stream = self.attached.get(&found.id).and_then(|id| self.streams.get(id));
        if stream.is_some_and(|stream| stream.is_active(now)) {
            return Found::at(&found.path);
        }
        Some(found.clone())
    }

    /// Adds the files of streams that no pattern names any more: they were renamed, or removed while they are open.
    fn follow(&mut self, files: &mut BTreeMap<FileId, Found>, now: Instant, polled: &mut Polled) {
        let missing: Vec<String> =
            self.attached.iter().filter(|(id, _)| !files.contains_key(id)).map(|(_, stream)| stream.clone()).collect();
        for id in missing {
            let Some(stream) = self.streams.get_mut(&id) else { continue };
            if let Some(found) = elsewhere(&stream.path, stream.file) {
                files.insert(found.id, found);
                continue;
            }
            // As long as it is open, what is still written to it is read.
            let open = stream.handle.as_ref().and_then(|file| Found::of(stream.path.clone(), &file.metadata().ok()?));
            match open {
                Some(found) if !stream.is_idle(now) || found.stamp.length != stream.length => {
                    files.insert(found.id, found);
                }
                _ => {
                    let unread = stream.unread();
                    if unread > 0 {
                        let path = stream.path.clone();
                        self.losses.insert(id.clone(), Problem::Removed { path, unread });
                    }
                    self.detach(&id, polled);
                }
            }
        }
    }

    /// Finds out what the files are that aren't known. Returns whether all of them are.
    fn recognise(
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
        now.duration_since(*since) >= PACKING || now.duration_since(*first) >= stream::PATIENCE
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

    /// Takes the file from a stream.
    fn detach(&mut self, id: &str, polled: &mut Polled) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.detach();
        self.attached.retain(|_, attached| attached != id);
        if stream.is_untouched() {
            self.streams.remove(id);
            polled.problems.extend(self.losses.remove(id));
        }
    }

    /// Goes on in a copy of a stream's file once that holds it no more, and with a copy that became another file.
    fn resolve_copies(&mut self, files: &BTreeMap<FileId, Found>, now: Instant) {
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
    fn give_up(&mut self, files: &mut BTreeMap<FileId, Found>, now: Instant, polled: &mut Polled) {
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

    /// Reads on, the files that were written to longest ago first.
    fn read(&mut self, files: &BTreeMap<FileId, Found>, now: Instant, lasting: &mut Vec<Problem>, polled: &mut Polled) {
        let mut budget = MAX_POLL_BYTES;
        let mut waiting: Vec<(&Found, String)> = Vec::new();
        for (id, name) in &self.attached {
            if let (Some(found), Some(stream)) = (files.get(id), self.streams.get_mut(name))
                && stream.look(found, now)
            {
                waiting.push((found, name.clone()));
            }
        }
        waiting.sort_by(|(a, _), (b, _)| (a.stamp.modified, &a.path).cmp(&(b.stamp.modified, &b.path)));
        for (found, id) in waiting {
            if budget == 0 {
                polled.more = true;
                break;
            }
            let Some(stream) = self.streams.get_mut(&id) else { continue };
            let error = match stream.read(found, now, &mut budget, &mut polled.delivered) {
                Ok(Outcome::Read { fault: None, more }) => {
                    stream.failed = None;
                    polled.more |= more;
                    continue;
                }
                Ok(Outcome::Read { fault: Some(fault), .. }) => fault.detail,
                Ok(Outcome::Replaced) => {
                    let (path, offset) = (stream.path.clone(), stream.content.position.offset());
                    if !stream.is_untouched() {
                        self.losses.insert(id.clone(), Problem::Truncated { path, offset });
                    }
                    self.detach(&id, polled);
                    polled.more = true;
                    continue;
                }
                // It vanished meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => error.to_string(),
            };
            stream.failed = Some(now);
            lasting.push(Problem::Unreadable { path: stream.path.clone(), error });
        }
        for stream in self.streams.values().filter(|stream| stream.failed.is_some_and(|failed| failed < now)) {
            let of_stream =
                |problem: &&Problem| matches!(problem, Problem::Unreadable { path, .. } if *path == stream.path);
            lasting.extend(self.reported.iter().find(of_stream).cloned());
        }
    }

    /// Closes files that haven't grown for a while, and those that grew longest ago of too many.
    fn close(&mut self, now: Instant) {
        let mut open: Vec<&mut Stream> = self.streams.values_mut().filter(|stream| stream.handle.is_some()).collect();
        open.sort_by_key(|stream| std::cmp::Reverse(stream.grown));
        for (place, stream) in open.into_iter().enumerate() {
            if place >= MAX_HANDLES || now.duration_since(stream.grown) > KEPT {
                stream.handle = None;
            }
        }
    }

    /// Forgets files that are gone for long.
    fn forget(&mut self, now: Instant, polled: &mut Polled) {
        let old: Vec<String> = self
            .gone
            .iter()
            .filter(|(_, since)| now.duration_since(**since) > KEPT)
            .map(|(id, _)| id.clone())
            .collect();
        let old: Vec<String> = (old.into_iter())
            // A copy of it would be read as a new file.
            .filter(|id| self.copies.values().all(|copy| copy.stream != *id))
            .collect();
        for id in old {
            self.gone.remove(&id);
            self.streams.remove(&id);
            polled.forgotten.push(id);
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
        let is_same = self.found.id == stream.file && !stream.is_attached;
        let is_long = stream.content.head.length == MAX_PART && stream.content.before.length == MAX_PART;
        let has_begun = stream.is_attached || !stream.is_untouched();
        is_same || (has_begun && (is_long || is_related(&self.found.path, &stream.path)))
    }
}

/// Where a file is now that isn't where it was: in the same folder.
fn elsewhere(path: &Path, id: FileId) -> Option<Found> {
    if let Some(found) = Found::at(path).filter(|found| found.id == id) {
        return Some(found);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    Found::in_folder(folder, MAX_FILES).find(|found| found.id == id)
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

#[cfg(test)]
#[path = "../../tests/unit/tail.rs"]
mod tests;
