//! The folder of blobs beside an audit file, `FILE.bundles`: one file a blob, named by its keyed digest.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use countersign_audit::Blob;
use countersign_database::beside;
use countersign_model::{Digest, DigestKey};

use crate::StoreError;
use crate::disk::Disk;

/// The ending of a temporary name, until the file is complete.
pub(crate) const PART: &str = ".part";

/// Reads the blobs of an audit file.
#[derive(Clone, Debug)]
pub struct BundleReader {
    folder: PathBuf,
}

impl BundleReader {
    /// Of an audit file. Without a folder there are no blobs.
    #[must_use]
    pub fn open(audit: &Path) -> BundleReader {
        BundleReader { folder: beside(audit, ".bundles") }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A blob's bytes, checked against its name under the audit file's key.
    ///
    /// # Errors
    /// When it is missing, unreadable, larger than [`Blob::MAX_BYTES`], or doesn't have the digest that is its name.
    pub fn get(&self, name: &Digest, key: &DigestKey) -> Result<Vec<u8>, StoreError> {
        let bytes = self.bytes(name)?;
        checked(bytes, name, key, &self.folder)
    }

    /// A blob's bytes, unchecked; none if there is none of this name.
    pub(crate) fn bytes(&self, name: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.folder.join(name.to_string());
        match countersign_private::read(&path) {
            Ok(file) => read_capped(&file, &path, *name).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        }
    }

    /// A blob's length, if it is there.
    pub(crate) fn length(&self, name: &Digest) -> Option<u64> {
        fs::symlink_metadata(self.folder.join(name.to_string()))
            .ok()
            .filter(fs::Metadata::is_file)
            .map(|file| file.len())
    }
}

/// Writes the blobs of an audit file.
#[derive(Debug)]
pub(crate) struct BundleWriter {
    reader: BundleReader,
    made: bool,
}

impl BundleWriter {
    pub(crate) fn new(audit: &Path) -> BundleWriter {
        BundleWriter { reader: BundleReader::open(audit), made: false }
    }

    pub(crate) fn reader(&self) -> &BundleReader {
        &self.reader
    }

    /// Writes blobs that are missing: under a temporary name first, so that a name always has its complete content.
    pub(crate) fn put(&mut self, disk: &Disk, blobs: &[Blob], sync: bool) -> Result<(), StoreError> {
        if blobs.is_empty() {
            return Ok(());
        }
        let folder = self.reader.folder();
        if !self.made {
            disk.make_folder(folder)?;
            remove_parts(disk, folder)?;
            if sync && let Some(parent) = folder.parent() {
                disk.sync_folder(parent)?;
            }
            self.made = true;
        }
        for blob in blobs {
            let path = folder.join(blob.name().to_string());
            // A blob of this name may be an earlier run's, cut short by a loss of power: compare its bytes.
            if let Ok(file) = countersign_private::append(&path)
                && read_capped(&file, &path, blob.name()).is_ok_and(|bytes| bytes == blob.bytes())
            {
                if sync {
                    disk.sync(&file, &path)?;
                }
                continue;
            }
            let part = beside(&path, PART);
            let file = countersign_private::create(&part).map_err(StoreError::io("make", &part))?;
            disk.append(&file, &part, blob.bytes())?;
            if sync {
                disk.sync(&file, &part)?;
            }
            disk.rename(&part, &path)?;
        }
        if sync { disk.sync_folder(folder) } else { Ok(()) }
    }
}

/// A blob that was read from `place`, checked against its name.
pub(crate) fn checked(
    bytes: Option<Vec<u8>>,
    name: &Digest,
    key: &DigestKey,
    place: &Path,
) -> Result<Vec<u8>, StoreError> {
    let Some(bytes) = bytes else { return Err(StoreError::BlobMissing { name: *name, place: place.to_owned() }) };
    let got = key.digest(&bytes);
    if got == *name { Ok(bytes) } else { Err(StoreError::BlobChanged { name: *name, got }) }
}

#[expect(clippy::disallowed_methods, reason = "capped at one byte past a blob's maximum")]
fn read_capped(file: &File, path: &Path, name: Digest) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    file.take(Blob::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(StoreError::io("read", path))?;
    if bytes.len() > Blob::MAX_BYTES {
        return Err(StoreError::BlobTooLarge { name, limit: Blob::MAX_BYTES, got: bytes.len() as u64 });
    }
    Ok(bytes)
}

/// The files of a folder of blobs.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Blobs, complete ones.
    pub(crate) blobs: Vec<PathBuf>,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Temporary files of an interrupted run.
    pub(crate) parts: Vec<PathBuf>,
    /// Something that no run put there.
    pub(crate) foreign: Option<PathBuf>,
}

impl Contents {
    /// Of a folder, if it exists.
    pub(crate) fn of(folder: &Path) -> Result<Contents, StoreError> {
        let mut contents = Contents::default();
        countersign_private::check_folder(folder).map_err(StoreError::io("list", folder))?;
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(contents),
            Err(error) => return Err(StoreError::io("list", folder)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(StoreError::io("list", folder))?;
            let path = entry.path();
            let metadata = entry.metadata().map_err(StoreError::io("list", &path))?;
            let name = entry.file_name();
            let (name, part) = match name.as_encoded_bytes().strip_suffix(PART.as_bytes()) {
                Some(name) => (name, true),
                None => (name.as_encoded_bytes(), false),
            };
            let blob = metadata.is_file() && std::str::from_utf8(name).is_ok_and(|name| name.parse::<Digest>().is_ok());
            match (blob, part) {
                (true, false) => {
                    contents.blobs.push(path);
                    contents.bytes += metadata.len();
                }
                (true, true) => contents.parts.push(path),
                (false, _) => contents.foreign = Some(path),
            }
        }
        Ok(contents)
    }

    /// Removes the blobs and the temporary files.
    pub(crate) fn remove(&self, disk: &Disk) -> Result<(), StoreError> {
        self.parts.iter().chain(&self.blobs).try_for_each(|path| disk.remove(path))
    }
}

/// Removes the temporary files of an interrupted run.
fn remove_parts(disk: &Disk, folder: &Path) -> Result<(), StoreError> {
    Contents::of(folder)?.parts.iter().try_for_each(|path| disk.remove(path))
}
