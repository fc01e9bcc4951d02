//! Records that can't be used: written to a file with place and reason, or reported; summed up by reason at the end.

mod usable;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use countersign_formats::{DeadLetter, DeadReason, Hint};
use countersign_private::NotRegular;
use serde::Serialize;

use crate::exit::unusable;
use crate::files;
use crate::stderr;
use crate::text;

pub(crate) use usable::{MaxDead, Tally};

/// So many of a reason are reported one by one; the summary counts them all.
const MAX_REPORTED: u64 = 20;

/// So many reasons are listed in the summary.
const MAX_LISTED: usize = 20;

/// More than any line has, bytes: an excerpt and a reason are short, a name is as long as a path may be.
const MAX_LINE: u64 = 1 << 16;

/// How a file of dead letters begins.
const BEGINNING: &str = "{\"type\":\"dead-letter\",";

/// Where dead letters go, and what is known of them.
pub(crate) struct DeadLetters {
    /// The names of the inputs.
    names: Vec<String>,
    path: Option<PathBuf>,
    /// Whether the file is created even without a dead letter.
    always: bool,
    /// Whether an existing file is added to.
    append: bool,
    file: Option<BufWriter<File>>,
    /// Whether anything was written that the disk may not have yet.
    unsynced: bool,
    /// Whether each is reported on standard error.
    reported: bool,
    /// By reason and hint.
    kinds: BTreeMap<(DeadReason, Option<Hint>), Kind>,
}

/// Dead letters of one reason.
struct Kind {
    count: u64,
    /// The place of the first, and its reason in words.
    example: String,
}

/// Opens a file to add lines at its end. A last line that was torn is cut: it wasn't received, so it comes again.
#[expect(clippy::disallowed_methods, reason = "capped at a line")]
fn continued(path: &Path) -> io::Result<File> {
    let mut file = opened(path, countersign_private::append_or_create)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        let start = metadata.len().saturating_sub(MAX_LINE);
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        (&file).take(MAX_LINE).read_to_end(&mut tail)?;
        let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(start + whole as u64)?;
    }
    Ok(file)
}

/// A dead letter's line, in its file and in `--json`.
#[derive(Serialize)]
#[serde(tag = "type", rename = "dead-letter")]
pub(crate) struct Line<'a> {
    /// The input's name on the command line.
    file: Option<&'a str>,
    #[serde(flatten)]
    letter: &'a DeadLetter,
    /// The number of its audit record, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
}

impl DeadLetters {
    /// Written to this file, which is created in any case. A file of dead letters is replaced; any other is refused.
    ///
    /// # Errors
    /// When there is another file: `Unusable`.
    pub(crate) fn to_file(path: &Path, names: Vec<String>) -> Result<DeadLetters> {
        if !is_stream(path) && !is_replaceable(path)? {
            return Err(unusable(format_args!(
                "expected no file or a file of dead letters at `{}`, got something else: name another file",
                text::path(&path)
            )));
        }
        Ok(DeadLetters { path: Some(path.to_owned()), always: true, ..DeadLetters::counted(names) })
    }

    /// Written to this file, which is created when the first comes, or replaced if it is there.
    ///
    /// # Errors
    /// When there is another file: `Unusable`.
    pub(crate) fn beside(path: PathBuf, names: Vec<String>) -> Result<DeadLetters> {
        // An existing file is an earlier run's.
        if path.symlink_metadata().is_ok() {
            return DeadLetters::to_file(&path, names);
        }
        Ok(DeadLetters { path: Some(path), ..DeadLetters::counted(names) })
    }

    /// Only counted, by reason.
    pub(crate) fn counted(names: Vec<String>) -> DeadLetters {
        DeadLetters {
            names,
            path: None,
            always: false,
            append: false,
            file: None,
            unsynced: false,
            reported: false,
            kinds: BTreeMap::new(),
        }
    }

    /// Reported one by one, the first of each reason, and counted.
    pub(crate) fn reported(names: Vec<String>) -> DeadLetters {
        DeadLetters { reported: true, ..DeadLetters::counted(names) }
    }

    /// Names the inputs anew: more have come.
    pub(crate) fn rename(&mut self, names: Vec<String>) {
        self.names = names;
    }

    /// Adds to a file that an earlier run has begun, in place of replacing it.
    pub(crate) fn append(self) -> DeadLetters {
        DeadLetters { append: true, ..self }
    }

    /// Writes what waits, and waits until the disk has it: it doesn't come again.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        match (&self.file, &self.path) {
            (Some(file), Some(path)) if std::mem::take(&mut self.unsynced) => {
                // What is no regular file can't be synced.
                let is_file = file.get_ref().metadata().is_ok_and(|metadata| metadata.is_file());
                let synced = if is_file { file.get_ref().sync_data() } else { Ok(()) };
                synced.map_err(|error| explained(path, &error))
            }
            _ => Ok(()),
        }
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match (&mut self.file, &self.path) {
            (Some(file), Some(path)) => file.flush().map_err(|error| explained(path, &error)),
            _ => Ok(()),
        }
    }

    /// Creates the file, if it is to be created in any case. Until then nothing on disk has changed.
    ///
    /// # Errors
    /// When it can't be created.
    pub(crate) fn begin(&mut self) -> Result<()> {
        if let (Some(path), true) = (self.path.clone(), self.always) {
            self.create(&path).with_context(|| format!("can't write `{}`", text::path(&path)))?;
        }
        Ok(())
    }

    /// Whether they are written to a file.
    pub(crate) fn has_file(&self) -> bool {
        self.path.is_some()
    }

    /// A dead letter's line; `seq` is the number of its audit record.
    pub(crate) fn line<'a>(&'a self, letter: &'a DeadLetter, seq: Option<u64>) -> Line<'a> {
        Line { file: self.names.get(letter.input as usize).map(String::as_str), letter, seq }
    }

    /// Adds one; `seq` is the number of its audit record.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn add(&mut self, letter: &DeadLetter, seq: Option<u64>) -> io::Result<()> {
        let key = (letter.reason_code, letter.hint);
        let count = match self.kinds.get_mut(&key) {
            Some(kind) => {
                kind.count += 1;
                kind.count
            }
            None => {
                let example = self.describe(letter);
                self.kinds.insert(key, Kind { count: 1, example });
                1
            }
        };
        if self.reported && count <= MAX_REPORTED {
            stderr::warning(format_args!("{}: {}", letter.reason_code.code(), self.describe(letter)));
        }
        let Some(path) = self.path.clone() else { return Ok(()) };
        self.write(&path, letter, seq).map_err(|error| explained(&path, &error))
    }

    fn describe(&self, letter: &DeadLetter) -> String {
        let name = self.names.get(letter.input as usize).map_or("", String::as_str);
        text::line(&format!("{name}: record {} at byte {}: {}", letter.ordinal, letter.offset, letter.reason))
    }

    fn write(&mut self, path: &Path, letter: &DeadLetter, seq: Option<u64>) -> io::Result<()> {
        if self.file.is_none() {
            self.create(path)?;
        }
        let mut line = text::json(&serde_json::to_string(&self.line(letter, seq))?).into_bytes();
        line.push(b'\n');
        self.unsynced = true;
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(&line))
    }

    fn create(&mut self, path: &Path) -> io::Result<()> {
        let file = if self.append { continued(path) } else { opened(path, countersign_private::create) };
        self.file = Some(BufWriter::new(file?));
        Ok(())
    }

    /// Writes what is left, and sums up by reason.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.flush()?;
        let total: u64 = self.kinds.values().map(|kind| kind.count).sum();
        if total == 0 {
            return Ok(());
        }
        let place = match &self.path {
            Some(path) => format!(": see `{}`", text::path(&path)),
            None if self.reported => String::new(),
            None => "; `--dead-letters FILE` keeps them all".to_owned(),
        };
        stderr::warning(format_args!("{} couldn't be used{place}{}", text::count(total, "record"), self.summary()));
        Ok(())
    }

    /// A line for each reason, the most frequent first.
    fn summary(&self) -> String {
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.count));
        let mut summary = String::new();
        for ((reason, hint), Kind { count, example }) in kinds.iter().take(MAX_LISTED) {
            summary.push_str(&format!("\n  {} {}, such as {example}", text::number(*count), reason.code()));
            if let Some(hint) = hint {
                summary.push_str(&format!("\n    {}", advice(*hint)));
            }
        }
        if kinds.len() > MAX_LISTED {
            summary.push_str(&format!("\n  and {}", text::count((kinds.len() - MAX_LISTED) as u64, "other kind")));
        }
        summary
    }
}

/// What such records look like, and what to do about it where there is something to do.
fn advice(hint: Hint) -> String {
    match hint {
        Hint::File(_) => hint.to_string(),
        Hint::Format(name) => format!("these look like {name}: use `--source {name}` or `--source auto`"),
    }
}

/// Whether a path names one of this process's own streams, such as `/dev/stdout`, wherever it leads, or a device.
fn is_stream(path: &Path) -> bool {
    let own = ["/dev/stdout", "/dev/stderr"].iter().any(|name| path == Path::new(name));
    own || path.starts_with("/dev/fd")
        || path.starts_with("/proc/self/fd")
        || path.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_char_device())
}

/// Opens a file, or a stream for writing.
fn opened(path: &Path, open: impl FnOnce(&Path) -> io::Result<File>) -> io::Result<File> {
    if is_stream(path) { files::write_to_stream(path) } else { open(path) }
}

/// Whether there is nothing that would be lost: no file, an empty one, or dead letters.
///
/// # Errors
/// When there is something that is no regular file: `Unusable`.
fn is_replaceable(path: &Path) -> Result<bool> {
    let file = match countersign_private::read(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => match NotRegular::of(&error) {
            Some(got) => return Err(unusable(format_args!("can't use `{}`: {got}", text::path(&path)))),
            // A file that can't be read isn't known to be of dead letters.
            None => return Ok(false),
        },
    };
    let mut beginning = Vec::new();
    let read = BufReader::new(file.take(BEGINNING.len() as u64)).read_until(b'\n', &mut beginning);
    Ok(read.is_ok() && BEGINNING.as_bytes().starts_with(&beginning))
}

fn explained(path: &Path, error: &io::Error) -> io::Error {
    io::Error::other(format!("can't write `{}`: {error}", text::path(&path)))
}
