//! The folder of blobs beside an audit file, `FILE.bundles`: one file a blob, named by its keyed digest.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use countersign_audit::Blob;
use countersign_model::{Digest, DigestKey};

use crate::StoreError;
use crate::disk::Disk;
use crate::memory::check_blobs;

/// Ends the name of a file that takes its own name once it is whole.
pub(crate) const PART: &str = ".part";

/// Reads the blobs of an audit file.
#[derive(Clone, Debug)]
pub struct BundleReader {
    folder: PathBuf,
}

impl BundleReader {
    /// Of an audit file. The folder need not be there: then it has no blobs.
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
    /// When there is none, it can't be read, it is larger than [`Blob::MAX_BYTES`], or it isn't what its name says.
    pub fn get(&self, name: &Digest, key: &DigestKey) -> Result<Vec<u8>, StoreError> {
        let path = self.folder.join(name.to_string());
        let file = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::BlobMissing { name: *name, folder: self.folder.clone() },
            _ => StoreError::io("read", &path)(error),
        })?;
        let bytes = read_capped(&file, &path, *name)?;
        let got = key.digest(&bytes);
        if got == *name { Ok(bytes) } else { Err(StoreError::BlobChanged { name: *name, got }) }
    }

    /// A blob's length, if it is there.
    pub(crate) fn length(&self, name: &Digest) -> Option<u64> {
        fs::metadata(self.folder.join(name.to_string())).ok().filter(fs::Metadata::is_file).map(|file| file.len())
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

    /// Writes blobs that aren't there yet: each under another name first, so that a name always has its whole content.
    pub(crate) fn put(&mut self, disk: &Disk, blobs: &[Blob], sync: bool) -> Result<(), StoreError> {
        check_blobs(blobs)?;
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
            // A blob under our name may be another run's, whose last bytes a loss of power took: compare, don't trust.
            if let Ok(file) = File::open(&path)
                && read_capped(&file, &path, blob.name()).is_ok_and(|bytes| bytes == blob.bytes())
            {
                if sync {
                    disk.sync(&file, &path)?;
                }
                continue;
            }
            let part = beside(&path, PART);
            let mut file = File::create(&part).map_err(StoreError::io("make", &part))?;
            disk.append(&mut file, &part, blob.bytes())?;
            if sync {
                disk.sync(&file, &part)?;
            }
            disk.rename(&part, &path)?;
        }
        if sync { disk.sync_folder(folder) } else { Ok(()) }
    }
}

/// A path with something after its last name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

#[expect(clippy::disallowed_methods, reason = "capped at one byte past the most that a blob may have")]
fn read_capped(file: &File, path: &Path, name: Digest) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    file.take(Blob::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(StoreError::io("read", path))?;
    if bytes.len() > Blob::MAX_BYTES {
        return Err(StoreError::BlobTooLarge { name, limit: Blob::MAX_BYTES, got: bytes.len() as u64 });
    }
    Ok(bytes)
}

/// Removes what an interrupted run left half-written.
fn remove_parts(disk: &Disk, folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(StoreError::io("list", folder))? {
        let path = entry.map_err(StoreError::io("list", folder))?.path();
        if path.as_os_str().as_encoded_bytes().ends_with(PART.as_bytes()) {
            disk.remove(&path)?;
        }
    }
    Ok(())
}
