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
mod recognise;
mod stream;

pub use bookmark::BookmarkError;
pub use problem::Problem;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use glob::Pattern;

use bookmark::Bookmark;
use file::{FileId, Found, Stamp};
use patterns::{MAX_FILES, Patterns};
use stream::{Outcome, Stream};

use crate::delivered::Delivered;

/// About how much is delivered by one poll, bytes.
const MAX_POLL_BYTES: usize = 8 << 20;

/// The most files that stay open.
const MAX_HANDLES: usize = 64;

/// For so many files each the patterns are looked at a second later; with fewer, at each poll.
const MANY_FILES: usize = 1_000;

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

/// Where a file is now that isn't where it was: in the same folder.
fn elsewhere(path: &Path, id: FileId) -> Option<Found> {
    if let Some(found) = Found::at(path).filter(|found| found.id == id) {
        return Some(found);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    Found::in_folder(folder, MAX_FILES).find(|found| found.id == id)
}

#[cfg(test)]
#[path = "../../tests/unit/tail.rs"]
mod tests;
