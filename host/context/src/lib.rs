//! What context tables say about rows, keys and batches: the operator's `egress.toml`, `domain-roles.toml` and
//! `identities.toml`, and where addresses are, from records, MaxMind databases or `geo.toml`. Bytes in, tables out; no
//! I/O. `docs/reference/context.md` is the operator's reference.

mod accounts;
mod egress;
mod geo;
mod mmdb;
mod table;

use std::sync::Arc;

use countersign_declaration::ContextWanted;
use countersign_model::call::ContextTable;
use countersign_policy::{Directory, DomainRoles, Egress, Fault};
use countersign_stream::{ContextCall, ContextSource};

pub use geo::{GeoFile, GeoFileError};
pub use mmdb::{Mmdb, MmdbError};

/// The most bytes of a file for the table `geo`: the largest databases sold have some hundred megabytes.
pub const MAX_GEO_BYTES: usize = 1 << 30;

/// The operator's files that context tables are made of, each with the text or bytes that it was read from.
#[derive(Clone, Debug, Default)]
pub struct ContextFiles {
    /// `egress.toml`.
    pub egress: Option<(String, Egress)>,
    /// `domain-roles.toml`.
    pub domain_roles: Option<(String, DomainRoles)>,
    /// Where addresses are; what the first says of a value counts.
    pub geo: Vec<GeoFile>,
}

/// A file as audit names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedFile<'f> {
    /// The table that it is for.
    pub table: &'static str,
    /// Its bytes.
    pub bytes: &'f [u8],
    /// Whether the bytes are to be kept: a database is large and the vendor's, and what was looked up in it stands in
    /// the evidence bundles.
    pub kept: bool,
}

impl ContextFiles {
    /// Every file, in the order of tables and files.
    pub fn files(&self) -> impl Iterator<Item = NamedFile<'_>> {
        let egress =
            self.egress.as_ref().map(|(text, _)| NamedFile { table: EGRESS, bytes: text.as_bytes(), kept: true });
        let roles = self.domain_roles.as_ref().map(|(text, _)| NamedFile {
            table: DOMAIN_ROLES,
            bytes: text.as_bytes(),
            kept: true,
        });
        let geo = self.geo.iter().map(|file| NamedFile { table: GEO, bytes: file.bytes(), kept: file.is_text() });
        egress.into_iter().chain(roles).chain(geo)
    }

    /// Reads a kept file of a table again and adds it.
    ///
    /// # Errors
    /// Everything wrong with it, or that there is no such table of files.
    pub fn add(&mut self, table: &str, text: String) -> Result<(), Vec<Fault>> {
        match table {
            EGRESS => {
                let egress = Egress::parse(&text)?;
                self.egress = Some((text, egress));
            }
            DOMAIN_ROLES => {
                let roles = DomainRoles::parse(&text)?;
                self.domain_roles = Some((text, roles));
            }
            GEO => self.geo.push(GeoFile::parse_text(text)?),
            _ => {
                let expected = format!("`{EGRESS}`, `{DOMAIN_ROLES}` or `{GEO}`");
                let got = format!("`{table}`");
                return Err(vec![Fault { line: None, place: String::new(), expected, got, hint: None }]);
            }
        }
        Ok(())
    }
}

const IDENTITY_FACTS: &str = "identity-facts";
const EGRESS: &str = "egress";
const GEO: &str = "geo";
const DOMAIN_ROLES: &str = "domain-roles";

/// What context tables say, as of one generation.
#[derive(Clone, Debug, Default)]
pub struct Context {
    files: ContextFiles,
    directory: Option<Arc<Directory>>,
}

impl Context {
    /// Of the operator's files; the directory, if there is one.
    #[must_use]
    pub fn new(files: ContextFiles, directory: Option<Arc<Directory>>) -> Context {
        Context { files, directory }
    }

    /// The files that it is made of, the directory left out.
    #[must_use]
    pub fn files(&self) -> &ContextFiles {
        &self.files
    }
}

impl ContextSource for Context {
    fn table(&self, wanted: &ContextWanted, call: &ContextCall<'_>) -> ContextTable {
        let files = &self.files;
        let made = match wanted.table.name {
            IDENTITY_FACTS => {
                self.directory.as_ref().map(|directory| accounts::identity_facts(directory, wanted, call))
            }
            EGRESS => files.egress.as_ref().map(|(_, egress)| egress::table(egress, wanted, call)),
            DOMAIN_ROLES => files.domain_roles.as_ref().map(|(_, roles)| accounts::domain_roles(roles, wanted, call)),
            GEO => geo::table(&files.geo, wanted, call),
            // `posture` and `baseline` aren't served by this version.
            _ => None,
        };
        made.unwrap_or_else(|| ContextTable::missing(wanted.keying))
    }
}
