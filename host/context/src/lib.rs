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
use countersign_document::{Diagnostic, FileDiagnostics, SourceFile};
use countersign_model::call::ContextTable;
use countersign_policy::{Directory, DomainRoles, Egress};
use countersign_stream::{ContextCall, ContextSource};

pub use geo::{GeoFile, GeoFileError};
pub use mmdb::{Mmdb, MmdbError};

/// The most bytes of a file for the table `geo`: the largest databases sold have some hundred megabytes.
pub const MAX_GEO_BYTES: usize = 1 << 30;

/// The operator's files that context tables are made of, each with the text or bytes that it was read from.
#[derive(Clone, Debug, Default)]
pub struct ContextFiles {
    /// `egress.toml`.
    pub egress: Option<SourceFile<Egress>>,
    /// `domain-roles.toml`.
    pub domain_roles: Option<SourceFile<DomainRoles>>,
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
        let egress = self.egress.as_ref().map(|file| (EGRESS, &file.text));
        let roles = self.domain_roles.as_ref().map(|file| (DOMAIN_ROLES, &file.text));
        let texts = egress.into_iter().chain(roles);
        let texts = texts.map(|(table, text)| NamedFile { table, bytes: text.as_bytes(), kept: true });
        let geo = self.geo.iter().map(|file| NamedFile { table: GEO, bytes: file.bytes(), kept: file.is_text() });
        texts.chain(geo)
    }

    /// Reads a kept file of a table again and adds it.
    ///
    /// # Errors
    /// Everything wrong with it, or that there is no such table of files.
    pub fn add(&mut self, table: &str, text: String) -> Result<(), FileDiagnostics> {
        match table {
            EGRESS => self.egress = Some(SourceFile::parse(table, text, Egress::parse)?),
            DOMAIN_ROLES => self.domain_roles = Some(SourceFile::parse(table, text, DomainRoles::parse)?),
            GEO => {
                let geo = SourceFile::parse(table, text, |text| GeoFile::parse_text(text.to_owned()))?;
                self.geo.push(geo.content);
            }
            _ => {
                let expected = format!("`{EGRESS}`, `{DOMAIN_ROLES}` or `{GEO}`");
                let diagnostic = Diagnostic::new("", expected, format!("`{table}`"));
                return Err(FileDiagnostics::whole("the context tables", diagnostic));
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
            EGRESS => files.egress.as_ref().map(|file| egress::table(&file.content, wanted, call)),
            DOMAIN_ROLES => files.domain_roles.as_ref().map(|file| accounts::domain_roles(&file.content, wanted, call)),
            GEO => geo::table(&files.geo, wanted, call),
            // `posture` and `baseline` aren't served by this version.
            _ => None,
        };
        made.unwrap_or_else(|| ContextTable::missing(wanted.keying))
    }
}
