//! What sessions had when generations ended, kept in files for a while, so that rules can go on from it when one of them serves
//! again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use countersign_model::DigestKey;
use countersign_private::make_folder;
use countersign_session::copy_session;
use countersign_store::{SqliteReader, SqliteStore};

use crate::aside::AsideError;

/// Generations whose end is kept.
const MAX_KEPT: usize = 4;

/// The folder in the state folder.
const FOLDER: &str = "past";

/// The ends of generations.
pub(crate) struct Past {
    folder: PathBuf,
    copying: Mutex<Option<JoinHandle<()>>>,
}

impl Past {
    /// Those of a state folder. What an earlier host left unfinished is removed.
    pub(crate) fn of(state: &Path) -> Past {
        let past = Past { folder: state.join(FOLDER), copying: Mutex::default() };
        for path in past.files().into_iter().filter(|path| input(path).is_none()) {
            remove(&path);
        }
        past
    }

    /// Keeps what a store has now as the end of a generation, on a thread of its own. It is left out where that of another
    /// one is still being copied: a rollback then goes on from what rules keep. The generation is given by which of the host's
    /// own inputs it is, which names its file, and by its number.
    pub(crate) fn keep(&self, store: &Path, (input, generation): (u64, u64), key: &DigestKey) {
        let mut copying = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        if copying.as_ref().is_some_and(|thread| !thread.is_finished()) {
            tracing::info!(generation, "its end isn't kept, as that of another generation is still being copied");
            return;
        }
        let reader = make_folder(&self.folder).map_err(|error| error.to_string()).and_then(|()| {
            let reader = SqliteStore::read(store).and_then(|reader| reader.hold().map(|()| reader));
            reader.map_err(|error| error.to_string())
        });
        let reader = match reader {
            Ok(reader) => reader,
            Err(error) => return tracing::warn!(generation, error, "its end can't be kept"),
        };
        let (folder, key) = (self.folder.clone(), key.clone());
        let copy = move || {
            let part = folder.join(format!("{input}.part"));
            let copied = copy(&reader, &part, &key)
                .map_err(|error| error.to_string())
                .and_then(|()| fs::rename(&part, path(&folder, input)).map_err(|error| error.to_string()));
            if let Err(error) = copied {
                tracing::warn!(generation, error, "its end can't be kept");
                remove(&part);
            }
            let mut kept: Vec<u64> = files(&folder).iter().filter_map(|path| self::input(path)).collect();
            kept.sort_unstable();
            for old in kept.iter().rev().skip(MAX_KEPT) {
                remove(&path(&folder, *old));
            }
        };
        match std::thread::Builder::new().name("past".to_owned()).spawn(copy) {
            Ok(thread) => *copying = Some(thread),
            Err(error) => tracing::warn!(generation, %error, "its end can't be kept"),
        }
    }

    /// The end of the generation that is this one of the host's own inputs; none if it isn't kept.
    pub(crate) fn read(&self, input: u64) -> Option<SqliteReader> {
        let path = path(&self.folder, input);
        path.exists().then(|| SqliteStore::read(&path).ok()).flatten()
    }

    /// A database that isn't kept. There is none yet.
    pub(crate) fn temporary(&self, name: &str) -> Temporary {
        let path = self.folder.join(format!("{name}.part"));
        remove(&path);
        Temporary(path)
    }

    /// Waits until nothing is copied any more.
    pub(crate) fn finish(&self) {
        let thread = self.copying.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a thread panicked");
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        files(&self.folder)
    }
}

/// A database that is removed when this is dropped.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn copy(reader: &SqliteReader, path: &Path, key: &DigestKey) -> Result<(), AsideError> {
    remove(path);
    let mut store = SqliteStore::open(path)?;
    copy_session(reader, &mut store, key)?;
    Ok(store.close()?)
}

fn path(folder: &Path, input: u64) -> PathBuf {
    folder.join(format!("{input}.db"))
}

/// Which of the host's own inputs the generation is whose end a file has.
fn input(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".db")?.parse().ok()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Removes a database with what lies beside it.
fn remove(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        // What isn't there needn't be removed, and what can't be is found when it is made anew.
        drop(fs::remove_file(name));
    }
}
