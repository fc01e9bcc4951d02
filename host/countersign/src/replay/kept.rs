//! Where a replay keeps what it records: nowhere, in an audit file, or in a store.

use std::path::{Path, PathBuf};

use anyhow::Result;
use countersign_store::{Durability, Existing, FileStore, HeadStore, SqliteStore, Store, StoreError, existing};

use crate::exit::unusable;
use crate::stderr;
use crate::storage::opening_error;
use crate::text;

/// Where a replay keeps what it records.
pub(super) struct Kept {
    path: Option<PathBuf>,
    place: Place,
}

enum Place {
    Nowhere(HeadStore),
    File(Box<FileStore>),
    Store(Box<SqliteStore>),
}

impl Kept {
    /// Checks that the audit file may be written, before anything else takes time.
    ///
    /// # Errors
    /// When there is one already that may not be replaced: `Unusable`.
    pub(super) fn check(audit: Option<&Path>, replace: bool) -> Result<()> {
        let Some(audit) = audit else { return Ok(()) };
        match existing(audit).map_err(|error| opening_error(audit, error))? {
            Some(run) if !replace => Err(unusable(StoreError::Exists { run: Box::new(run) })),
            _ => Ok(()),
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// When there is something that may not be replaced (`Unusable`), or it can't be opened.
    pub(super) fn open(audit: Option<&Path>, replace: bool, store: Option<&Path>) -> Result<Kept> {
        let place = match (audit, store) {
            (Some(audit), _) => {
                let replaced = existing(audit).map_err(|error| opening_error(audit, error))?.filter(|_| replace);
                if let Some(run) = replaced {
                    stderr::note(format_args!("`--replace` removes {run}, at `{}`", text::path(&audit)));
                }
                let existing = if replace { Existing::Replace } else { Existing::Refuse };
                let file = FileStore::create(audit, existing, Durability::Seal)
                    .map_err(|error| opening_error(audit, error))?;
                Place::File(Box::new(file))
            }
            (None, Some(store)) => {
                Place::Store(Box::new(SqliteStore::open(store).map_err(|error| opening_error(store, error))?))
            }
            (None, None) => Place::Nowhere(HeadStore::new()),
        };
        Ok(Kept { path: audit.or(store).map(Path::to_owned), place })
    }

    /// The store behind it.
    pub(super) fn store(&mut self) -> &mut dyn Store {
        match &mut self.place {
            Place::Nowhere(store) => store,
            Place::File(store) => &mut **store,
            Place::Store(store) => &mut **store,
        }
    }

    /// Whether anything stays.
    pub(super) fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// What the user calls it, with its path.
    pub(super) fn name(&self) -> Option<(&'static str, &Path)> {
        let name = match self.place {
            Place::Nowhere(_) => return None,
            Place::File(_) => "audit file",
            Place::Store(_) => "store",
        };
        self.path.as_deref().map(|path| (name, path))
    }

    /// Seals an audit file.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn finish(&mut self) -> Result<()> {
        match &mut self.place {
            Place::File(store) => {
                store.seal()?;
                Ok(())
            }
            Place::Nowhere(_) | Place::Store(_) => Ok(()),
        }
    }

    /// After an interruption: what is on record, and how to go on.
    pub(super) fn interrupted(&mut self) -> String {
        let records = self.store().head().map_or(0, |head| head.records());
        let records = text::count(records, "record");
        let path = self.path.as_deref().unwrap_or(Path::new("")).display();
        match self.place {
            Place::Nowhere(_) => {
                "interrupted: nothing was kept; `--store FILE` keeps a run that may be interrupted".to_owned()
            }
            Place::File(_) => format!(
                "the run ended early: {records} are in `{path}`, which isn't sealed; `countersign audit list {path}` \
                 shows them, and the same command with `--replace` starts over (`--store FILE` goes on where it stopped)"
            ),
            Place::Store(_) => {
                format!("the run ended early: {records} are in `{path}`; the same command goes on where it stopped")
            }
        }
    }
}
