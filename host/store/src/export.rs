//! Writing a store's log as an audit file with its blobs, as a run that went through without a stop leaves it.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use countersign_audit::{ChainWriter, Head, ReadError, read};
use countersign_database::beside;
use countersign_model::Digest;

use crate::bundles::{BundleReader, Contents, PART};
use crate::disk::Disk;
use crate::existing::{Existing, Found, check_beginning, check_regular};
use crate::file::lock;
use crate::log::Lines;
use crate::{Beginning, LogPart, StoreError, Stored};

/// Lines are written when there are so many bytes of them.
const BUFFER: usize = 1 << 20;

/// How to export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportOptions {
    /// What to do about a run that is there already.
    pub existing: Existing,
    /// Whether to seal the file. A file that isn't sealed is one of a run that was interrupted.
    pub seal: bool,
    /// Which part of the log; none for all that is kept.
    pub part: Option<LogPart>,
}

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The end of the log.
    pub end: ChainWriter,
    /// The head of the file, if it is sealed.
    pub head: Option<Head>,
    /// How many blobs.
    pub blobs: u64,
}

/// Writes `out` and the folder of its blobs from a store, as of now. Both are written under temporary names first: a
/// failure leaves nothing under the final ones, and what may be replaced stays until then. The log is verified on the
/// way; the blobs are those that its records name. `progress` gets the number of records written and of all records.
///
/// # Errors
/// When the log is empty or doesn't verify, a blob is missing, there is something at `out` that may not be replaced or
/// that another process writes, or something can't be read or written.
pub fn export(
    store: &dyn Stored,
    out: &Path,
    options: &ExportOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Exported, StoreError> {
    export_on(&Disk::default(), store, out, options, progress)
}

pub(crate) fn export_on(
    disk: &Disk,
    store: &dyn Stored,
    out: &Path,
    options: &ExportOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Exported, StoreError> {
    let (beginning, end) = match options.part.clone() {
        Some(LogPart { beginning, end }) => (Some(beginning), end),
        None => (store.beginning()?, store.head()?),
    };
    let head = end.head()?;
    check_regular(out)?;
    // What is there may not change until it is replaced.
    let _locked = lock_existing(out)?;
    let found = Found::at(out)?.allow(options.existing)?;
    let parts = Parts::begin(disk, out)?;
    let written = parts.write(store, (beginning.as_ref(), end), options.seal, progress);
    let result = written.and_then(|blobs| {
        // The file is removed before its blobs, and comes after them: there is never one without them.
        found.remove(disk, out, || disk.remove(out))?;
        if blobs > 0 {
            disk.rename(&parts.bundles, BundleReader::open(out).folder())?;
        }
        disk.rename(&parts.audit, out)?;
        disk.sync_folder(out.parent().unwrap_or(out))?;
        Ok(Exported { end, head: options.seal.then_some(head), blobs })
    });
    if result.is_err() {
        // The error that counts is the first. What can't be removed now is removed by the next export.
        let _ = parts.remove();
    }
    result
}

fn lock_existing(path: &Path) -> Result<Option<File>, StoreError> {
    match countersign_private::append_as_it_is(path) {
        Ok(file) => {
            lock(&file, path)?;
            Ok(Some(file))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("open", path)(error)),
    }
}

/// The files of an export under their temporary names.
struct Parts<'d> {
    disk: &'d Disk,
    audit: PathBuf,
    /// Holds a lock on it.
    file: File,
    bundles: PathBuf,
}

impl<'d> Parts<'d> {
    /// Makes an empty file. What an export that was interrupted left is removed, and nothing else.
    fn begin(disk: &'d Disk, out: &Path) -> Result<Parts<'d>, StoreError> {
        let audit = beside(out, PART);
        let mut file = countersign_private::append_or_create(&audit).map_err(StoreError::io("make", &audit))?;
        lock(&file, &audit)?;
        check_beginning(&mut file, &audit)?;
        let parts = Parts { disk, audit, file, bundles: beside(BundleReader::open(out).folder(), PART) };
        parts.remove_bundles()?;
        disk.truncate(&parts.file, &parts.audit, 0)?;
        Ok(parts)
    }

    fn remove(&self) -> Result<(), StoreError> {
        self.remove_bundles()?;
        self.disk.remove(&self.audit)
    }

    fn remove_bundles(&self) -> Result<(), StoreError> {
        let contents = Contents::of(&self.bundles)?;
        if let Some(got) = contents.foreign {
            return Err(StoreError::NotOnlyBlobs { folder: self.bundles.clone(), got });
        }
        contents.remove(self.disk)?;
        self.disk.remove_folder(&self.bundles)
    }

    /// Writes and syncs the log up to its end. Returns the number of blobs.
    fn write(
        &self,
        store: &dyn Stored,
        (beginning, end): (Option<&Beginning>, ChainWriter),
        seal: bool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<u64, StoreError> {
        let (mut lines, mut blobs) = (Vec::new(), 0);
        if let Some(beginning) = beginning {
            // Its own line isn't a record; those that stand are.
            lines.extend(beginning.to_lines()?.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default());
        }
        let mut records = read(BufReader::new(Lines::of(store, beginning, end)?));
        while let Some(entry) = records.next() {
            let entry = entry.map_err(unreadable)?;
            lines.extend_from_slice(records.line());
            if lines.len() >= BUFFER {
                self.append(&mut lines)?;
            }
            for name in entry.record.blobs() {
                blobs += u64::from(self.blob(store, &name, entry.line)?);
            }
            progress(entry.line, end.records());
        }
        if records.writer() != end {
            return Err(StoreError::LogChanged(format!("the log ends after {} records", records.writer().records())));
        }
        if seal {
            let mut end = end;
            end.seal(&mut lines)?;
        }
        self.append(&mut lines)?;
        self.disk.sync(&self.file, &self.audit)?;
        Ok(blobs)
    }

    fn append(&self, lines: &mut Vec<u8>) -> Result<(), StoreError> {
        self.disk.append(&self.file, &self.audit, lines)?;
        lines.clear();
        Ok(())
    }

    /// Writes a blob. False if it was written before.
    fn blob(&self, store: &dyn Stored, name: &Digest, line: u64) -> Result<bool, StoreError> {
        self.disk.make_folder(&self.bundles)?;
        let path = self.bundles.join(name.to_string());
        let file = match countersign_private::create_new(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(StoreError::io("make", &path)(error)),
        };
        let bytes = store.blob(name)?.ok_or(StoreError::BlobNotStored { name: *name, line })?;
        self.disk.append(&file, &path, &bytes)?;
        Ok(true)
    }
}

fn unreadable(error: ReadError) -> StoreError {
    match error {
        ReadError::Fault(fault) => StoreError::LogChanged(fault.to_string()),
        ReadError::Unreadable(error) => match error.downcast() {
            Ok(error) => error,
            Err(error) => StoreError::LogChanged(error.to_string()),
        },
    }
}
