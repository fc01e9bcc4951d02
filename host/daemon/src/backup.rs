//! Backups of a state folder, and restoring one: both end with the same check, and nothing appears under its final name
//! before it.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use countersign_audit::{AuditFault, Believed, Verified, VerifyError};
use countersign_model::{Digest, Place, Timestamp};
use countersign_private::FileError;
use countersign_recorder::{RecorderError, RecorderReader};
use countersign_session::{SessionError, Standing};
use countersign_signing::PublicKey;
use countersign_store::{AuditLog, SqliteReader, SqliteStore, StoreError, beside};
use countersign_text::path as shown;
use serde::{Deserialize, Serialize};

use crate::host::{recorder_of, store_of};
use crate::host_key::{HostKeyError, key_of, public_key_of, read};
use crate::notes;

/// What says what a backup has.
const MANIFEST: &str = "backup.json";

/// Maximum bytes of it.
const MAX_MANIFEST: u64 = 64 << 10;

/// Maximum bytes of a public key's file.
const MAX_PUBLIC: u64 = 256;

/// How often a backup is begun again where the recorder drops what the store has yet to judge, in between.
const ATTEMPTS: usize = 5;

/// What a backup has, as it is written beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupManifest {
    /// The version of this form: 1.
    pub version: u32,
    /// When it was made.
    pub made: Timestamp,
    /// The records of the audit log.
    pub records: u64,
    /// The digest of the last one's line.
    pub link: Digest,
    /// The next batch to be judged.
    pub batch: u64,
    /// The last batch on record.
    pub last_batch: u64,
    /// Up to which record the log is signed, and by which key.
    pub signed: Option<(u64, PublicKey)>,
    /// Whether the host's key is in it.
    pub with_key: bool,
}

/// Why there is no backup, or none is restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The recorder.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// What the store remembers.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The host's key.
    #[error(transparent)]
    Key(#[from] HostKeyError),
    /// Something is there.
    #[error("expected {expected} at `{}`, got {got}", shown(path))]
    Target {
        /// The folder.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
        /// What is there.
        got: &'static str,
    },
    /// There is no key to be backed up.
    #[error("expected a key at `{}`, got none: leave `--with-key` out", shown(.0))]
    NoKey(PathBuf),
    /// The manifest isn't one.
    #[error("expected a backup at `{}`, got a `{MANIFEST}` that can't be used: {why}", shown(path))]
    Manifest {
        /// The backup.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// What was copied isn't whole.
    #[error("`{}` isn't whole:\n  {}", shown(path), faults.join("\n  "))]
    Damaged {
        /// The copy.
        path: PathBuf,
        /// What is wrong with it.
        faults: Vec<String>,
    },
}

/// Which file is copied or checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The store.
    Store,
    /// The recorder.
    Recorder,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Store => "store.db",
            Part::Recorder => "recorder.db",
        })
    }
}

/// Gets how many pages of a file are copied, and of how many.
pub type Copied<'p> = &'p mut dyn FnMut(Part, u64, u64);

/// Backs a state folder up, also one on which a host runs: the store first and then the recorder, which so has every input
/// that the store has yet to judge. What was copied is checked before it gets its name.
///
/// # Errors
/// When there is something at `to`, or a file can't be read or written, or isn't whole.
pub fn back_up(
    state: &Path,
    to: &Path,
    with_key: bool,
    now: Timestamp,
    copied: Copied<'_>,
) -> Result<BackupManifest, BackupError> {
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Target { path: to.to_owned(), expected: "nothing", got: "something" });
    }
    let key = if with_key {
        let path = key_of(state);
        Some(read(&path)?.ok_or(BackupError::NoKey(path))?)
    } else {
        None
    };
    let (store, recorder) = held(state)?;
    let part = Unfinished::begin(to)?;
    store.copy_to(&store_of(&part.folder), &mut |done, all| copied(Part::Store, done, all))?;
    drop(store);
    recorder.copy_to(&recorder_of(&part.folder), &mut |done, all| copied(Part::Recorder, done, all))?;
    drop(recorder);
    copy_public(state, &part.folder)?;
    if let Some(key) = &key {
        let path = key_of(&part.folder);
        key.create(&path).map_err(|source| HostKeyError::File { path, source })?;
    }
    let manifest = check(&part.folder, &Believed::default())?;
    let manifest = BackupManifest { made: now, with_key, ..manifest };
    let path = part.folder.join(MANIFEST);
    let mut file = countersign_private::create_new(&path).map_err(FileError::of("make", &path))?;
    let json = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    file.write_all(&json).and_then(|()| file.sync_all()).map_err(FileError::of("write", &path))?;
    part.finish()?;
    Ok(manifest)
}

/// Both files as of one moment, the store's first.
fn held(state: &Path) -> Result<(SqliteReader, RecorderReader), BackupError> {
    for _ in 1..ATTEMPTS {
        let both = hold(state)?;
        let place = Standing::read(&both.0)?.and_then(|standing| standing.place).unwrap_or_default();
        let extent = both.1.extent()?;
        if extent.first <= place.batch && extent.first_host <= place.host + 1 {
            return Ok(both);
        }
    }
    hold(state)
}

fn hold(state: &Path) -> Result<(SqliteReader, RecorderReader), BackupError> {
    let store = SqliteStore::read(&store_of(state))?;
    store.hold()?;
    let recorder = RecorderReader::open(&recorder_of(state))?;
    recorder.hold()?;
    Ok((store, recorder))
}

/// Restores a backup to a folder that doesn't exist or is empty. All of it is checked first, with its signatures by
/// `believed`.
///
/// # Errors
/// When the backup isn't whole or isn't what it says, or there is something in the folder.
pub fn restore(
    from: &Path,
    state: &Path,
    believed: &Believed,
    copied: Copied<'_>,
) -> Result<BackupManifest, BackupError> {
    let expected = manifest(from)?;
    match std::fs::read_dir(state).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => {
            let (expected, got) = ("a new or an empty folder", "one with files in it, which aren't written over");
            return Err(BackupError::Target { path: state.to_owned(), expected, got });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(FileError::of("read", state)(error).into()),
    }
    let part = Unfinished::begin(state)?;
    SqliteStore::read(&store_of(from))?
        .copy_to(&store_of(&part.folder), &mut |done, all| copied(Part::Store, done, all))?;
    RecorderReader::open(&recorder_of(from))?
        .copy_to(&recorder_of(&part.folder), &mut |done, all| copied(Part::Recorder, done, all))?;
    // What was signed between the copies of both files isn't in this one's log.
    notes::forget_signed(&recorder_of(&part.folder))?;
    copy_public(from, &part.folder)?;
    if let Some(key) = read(&key_of(from))? {
        let path = key_of(&part.folder);
        key.create(&path).map_err(|source| HostKeyError::File { path, source })?;
    }
    let got = check(&part.folder, believed)?;
    let says = |manifest: &BackupManifest| (manifest.records, manifest.link, manifest.batch, manifest.last_batch);
    if says(&got) != says(&expected) {
        let faults = vec![format!(
            "expected {} records and batches up to {}, as `{MANIFEST}` says, got {} and {}: its files are of different backups",
            expected.records, expected.last_batch, got.records, got.last_batch
        )];
        return Err(BackupError::Damaged { path: from.to_owned(), faults });
    }
    part.finish()?;
    Ok(expected)
}

/// What a backup says that it has.
fn manifest(from: &Path) -> Result<BackupManifest, BackupError> {
    let path = from.join(MANIFEST);
    let bytes = countersign_document::read_capped(&path, MAX_MANIFEST).map_err(FileError::of("read", &path))?;
    let unusable = |why: String| BackupError::Manifest { path: from.to_owned(), why };
    let bytes = bytes.ok_or_else(|| unusable(format!("expected at most {MAX_MANIFEST} bytes, got more")))?;
    let manifest: BackupManifest = serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string()))?;
    match manifest.version {
        1 => Ok(manifest),
        other => Err(unusable(format!("expected version 1, got {other}"))),
    }
}

/// Checks that the files of a folder are whole, that the audit log verifies and is as it was signed, and that the recorder
/// has all that the store has yet to judge.
///
/// # Errors
/// With all that is wrong.
pub fn check(folder: &Path, believed: &Believed) -> Result<BackupManifest, BackupError> {
    let damaged = |faults: Vec<String>| BackupError::Damaged { path: folder.to_owned(), faults };
    let store = SqliteStore::read(&store_of(folder))?;
    let recorder = RecorderReader::open(&recorder_of(folder))?;
    let named = |part: Part, faults: Vec<String>| faults.into_iter().map(move |fault| format!("{part}: {fault}"));
    let faults: Vec<String> =
        named(Part::Store, store.quick_check()?).chain(named(Part::Recorder, recorder.quick_check()?)).collect();
    if !faults.is_empty() {
        return Err(damaged(faults));
    }
    let log = AuditLog::open(&store_of(folder))?;
    let verified = match log.verify_signed(log.lines()?, None, believed) {
        Ok(verified) => verified,
        Err(VerifyError::Unreadable(error)) => return Err(FileError::of("read", &store_of(folder))(error).into()),
        Err(VerifyError::Faults(faults)) => return Err(damaged(faults.iter().map(AuditFault::to_string).collect())),
    };
    let Verified::Unsealed(found) = verified.verified else {
        return Err(damaged(vec!["expected a store without a seal".to_owned()]));
    };
    let place =
        Standing::read(&store)?.and_then(|standing| standing.place).unwrap_or(Place { host: 0, ..Place::START });
    let extent = recorder.extent()?;
    if !extent.has(place) {
        return Err(damaged(vec![format!(
            "expected a recorder with what the store has yet to judge, from batch {} and host input {} on, got batches {} to \
             {} and host inputs up to {}",
            place.batch, place.host, extent.first, extent.last, extent.last_host
        )]));
    }
    Ok(BackupManifest {
        version: 1,
        made: Timestamp::MIN,
        records: found.end.records(),
        link: found.end.link(),
        batch: place.batch,
        last_batch: extent.last,
        signed: verified.signed.map(|signed| (signed.records, signed.key)),
        with_key: false,
    })
}

/// Copies the public half of the host's key, if it is there.
fn copy_public(from: &Path, to: &Path) -> Result<(), BackupError> {
    let (from, to) = (public_key_of(from), public_key_of(to));
    let bytes = match countersign_document::read_capped(&from, MAX_PUBLIC) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(FileError::of("read", &from)(error).into()),
    };
    let mut file = countersign_private::create_new(&to).map_err(FileError::of("make", &to))?;
    Ok(file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(FileError::of("write", &to))?)
}

/// A folder under a temporary name. Unless it is finished, it is removed with all in it.
struct Unfinished {
    folder: PathBuf,
    to: PathBuf,
    finished: bool,
}

impl Unfinished {
    /// Makes it beside its final name.
    fn begin(to: &Path) -> Result<Unfinished, BackupError> {
        let folder = beside(to, ".part");
        // Never one that is there already: somebody else may have made it, and look into it.
        match countersign_private::make_new_folder(&folder) {
            Ok(()) => Ok(Unfinished { folder, to: to.to_owned(), finished: false }),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let (expected, got) = ("nothing", "what an interrupted attempt left: remove it");
                Err(BackupError::Target { path: folder, expected, got })
            }
            Err(error) => Err(FileError::of("make", &folder)(error).into()),
        }
    }

    /// Gives it its final name.
    fn finish(mut self) -> Result<(), BackupError> {
        sync(&self.folder)?;
        std::fs::rename(&self.folder, &self.to).map_err(FileError::of("rename", &self.folder))?;
        self.finished = true;
        let parent = self.to.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync(parent.unwrap_or(Path::new(".")))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.finished {
            // The error that counts was returned already.
            drop(std::fs::remove_dir_all(&self.folder));
        }
    }
}

fn sync(folder: &Path) -> Result<(), BackupError> {
    let file = std::fs::File::open(folder).map_err(FileError::of("open", folder))?;
    Ok(file.sync_all().map_err(FileError::of("sync", folder))?)
}
