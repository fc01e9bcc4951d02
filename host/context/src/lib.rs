//! What context tables hold for rows, keys and batches: from the operator's files, MaxMind databases and the records
//! themselves. Bytes in, tables out; no I/O. `docs/reference/context.md` is the operator's reference.

mod domain_roles;
mod egress;
mod files;
mod geo;
mod identity_facts;
mod mmdb;
mod table;

use std::sync::Arc;

use countersign_declaration::ContextWanted;
use countersign_model::call::ContextTable;
use countersign_policy::Directory;
use countersign_stream::{ContextCall, ContextSource};

pub use files::{ContextFiles, FileTable, NamedFile};
pub use geo::{GeoFile, GeoFileError};
pub use mmdb::{Mmdb, MmdbError};

/// Every table that the operator fills with files, in the order in which audit names them. A new one is a module, a line
/// here, and its columns in `host/vocabulary/src/context.rs`.
pub const FILE_TABLES: &[FileTable] = &[egress::TABLE, domain_roles::TABLE, geo::TABLE];

/// The content of context tables, as of one generation.
#[derive(Clone, Debug, Default)]
pub struct Context {
    files: ContextFiles,
    directory: Option<Arc<Directory>>,
}

impl Context {
    /// From the operator's files, and the directory if there is one.
    #[must_use]
    pub fn new(files: ContextFiles, directory: Option<Arc<Directory>>) -> Context {
        Context { files, directory }
    }

    /// The files that it is made of, without the directory.
    #[must_use]
    pub fn files(&self) -> &ContextFiles {
        &self.files
    }
}

impl ContextSource for Context {
    fn table(&self, wanted: &ContextWanted, call: &ContextCall<'_>) -> ContextTable {
        let made = match wanted.table.name {
            identity_facts::NAME => {
                self.directory.as_ref().map(|directory| identity_facts::table(directory, wanted, call))
            }
            // Tables that nothing fills in this version (`posture`, `baseline`) aren't among the files.
            _ => self.files.table(wanted, call),
        };
        made.unwrap_or_else(|| ContextTable::missing(wanted.keying))
    }
}
