//! Reading what is on record, wherever it is: in an audit file, or in a store.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use countersign_audit::{
    Believed, ChainWriter, Opening, SignedLog, SignedUpTo, Unsealed, Verified, VerifyError, begins, check_signed, read,
    verify, verify_log, verify_opened,
};
use countersign_database::DatabaseError;
use countersign_model::{Digest, DigestKey};

use crate::bundles::checked;
use crate::{Beginning, BundleReader, SqliteReader, SqliteStore, StoreError, Stored};

/// How far into a file something is looked for that only audit files have.
const WINDOW: u64 = 64 << 10;

/// Lines that are read of a store at once.
const PAGE: usize = 64;

/// The log of a run with its blobs: an audit file, finished or not, or a store.
///
/// ```
/// use countersign_audit::record::Header;
/// use countersign_audit::{Record, Verified};
/// use countersign_model::DigestKey;
/// use countersign_store::{AuditLog, Commit, SqliteStore, Store, Stored};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("run.store");
/// let mut store = SqliteStore::open(&path)?;
/// let records = [Record::Header(Header::new("0.1.0", &DigestKey::public()))];
/// let end = store.commit(Commit { records: &records, ..Commit::empty(store.head()?) })?;
///
/// let log = AuditLog::open(&path)?;
/// let verified = log.verify(log.lines()?, None)?;
/// assert!(log.is_store() && matches!(verified, Verified::Unsealed(found) if found.end == end));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Opened once: what is put at its path later is never read.
    File(BundleReader, File),
    /// With the end of the log when it was opened.
    Store(Box<SqliteReader>, ChainWriter),
}

impl AuditLog {
    /// Opens what is at a path: its content tells what it is, not its name.
    ///
    /// # Errors
    /// When it can't be read, is neither an audit file nor a store, or is a store that is damaged or that another version
    /// wrote. An audit file isn't verified.
    pub fn open(path: &Path) -> Result<AuditLog, StoreError> {
        let kind = match SqliteStore::read(path) {
            Ok(store) => {
                // What is read is the log as of now, whatever is dropped meanwhile.
                store.hold()?;
                let end = store.head()?;
                Kind::Store(Box::new(store), end)
            }
            Err(StoreError::Database(DatabaseError::OtherKind { .. })) => {
                let file = countersign_private::read(path).map_err(StoreError::io("read", path))?;
                if !is_audit_file(&file).map_err(StoreError::io("read", path))? {
                    return Err(StoreError::Unrecognised(path.to_owned()));
                }
                Kind::File(BundleReader::open(path), file)
            }
            // The system says better why a file can't be opened.
            Err(error) => {
                let system = countersign_private::read(path).err().map(StoreError::io("read", path));
                return Err(system.unwrap_or(error));
            }
        };
        Ok(AuditLog { path: path.to_owned(), kind })
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a store, which has no seal.
    #[must_use]
    pub fn is_store(&self) -> bool {
        matches!(self.kind, Kind::Store(..))
    }

    /// The store, if it is one.
    #[must_use]
    pub fn store(&self) -> Option<&dyn Stored> {
        match &self.kind {
            Kind::File(..) => None,
            Kind::Store(store, _) => Some(&**store),
        }
    }

    /// Bytes of all lines.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        match &self.kind {
            Kind::File(_, file) => {
                let metadata = file.metadata().map_err(StoreError::io("read", &self.path))?;
                Ok(metadata.len())
            }
            Kind::Store(store, _) => store.log_bytes(),
        }
    }

    /// The bytes of all lines from the first on; of a store up to the end at which it was opened, and where its first
    /// records were dropped, with an opening.
    ///
    /// # Errors
    /// When it can't be read. Reading fails with an [`io::Error`] that has the [`StoreError`] in it.
    pub fn lines(&self) -> Result<impl BufRead + use<'_>, StoreError> {
        let reader: Box<dyn Read> = match &self.kind {
            Kind::File(_, file) => Box::new(FromStart { file, offset: 0 }),
            Kind::Store(store, end) => Box::new(Lines::of(&**store, store.beginning()?.as_ref(), *end)?),
        };
        Ok(BufReader::with_capacity(1 << 16, reader))
    }

    /// The number of its first record, but for those that stand there: more than 0 where earlier ones aren't in it.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn first(&self) -> Result<u64, StoreError> {
        match &self.kind {
            Kind::File(..) => {
                let mut records = read(self.lines()?);
                // Whatever is wrong with its first record is for verifying to say.
                drop(records.next());
                Ok(records.opening().map_or(0, |opening| opening.from))
            }
            Kind::Store(store, _) => Ok(store.beginning()?.map_or(0, |beginning| beginning.first)),
        }
    }

    /// A blob's bytes, checked against its name under the log's key.
    ///
    /// # Errors
    /// When it is missing, unreadable, or doesn't have the digest that is its name.
    pub fn blob(&self, name: &Digest, key: &DigestKey) -> Result<Vec<u8>, StoreError> {
        match &self.kind {
            Kind::File(bundles, _) => bundles.get(name, key),
            Kind::Store(store, _) => checked(store.blob(name)?, name, key, &self.path),
        }
    }

    /// Verifies what a reader of [`AuditLog::lines`] gives. A store's log must end where its last commit did, and is never
    /// sealed; `head` is then the head that it would have if it were sealed there.
    ///
    /// # Errors
    /// See [`verify()`].
    pub fn verify(&self, lines: impl BufRead, head: Option<Digest>) -> Result<Verified, VerifyError> {
        match &self.kind {
            Kind::File(..) => verify(lines, head),
            Kind::Store(_, end) => {
                verify_log(lines, *end, head)?;
                Ok(Verified::Unsealed(Unsealed { end: *end, torn: 0 }))
            }
        }
    }

    /// Verifies the same with the checkpoints that are in it, or that were kept elsewhere.
    ///
    /// # Errors
    /// See [`verify()`].
    pub fn verify_signed(
        &self,
        lines: impl BufRead,
        head: Option<Digest>,
        believed: &Believed,
    ) -> Result<VerifiedLog, VerifyError> {
        let (verified, opening) = match &self.kind {
            Kind::File(..) => verify_opened(lines, head)?,
            Kind::Store(..) => (self.verify(lines, head)?, None),
        };
        if matches!(self.kind, Kind::File(..)) && opening.is_none() && believed.is_nothing() {
            return Ok(VerifiedLog { verified, first: 0, signed: None });
        }
        let end = match verified {
            Verified::Unsealed(found) => found.end,
            Verified::Sealed(head) => ChainWriter::resume(head.records, self.link_at(head.records)?),
        };
        let (first, signed) = match &self.kind {
            Kind::File(..) => self.check_file(opening.as_ref(), end, believed)?,
            Kind::Store(store, _) => self.check_store(store, end, believed)?,
        };
        match signed {
            Ok(signed) => Ok(VerifiedLog { verified, first, signed }),
            Err(faults) => Err(VerifyError::Faults(faults)),
        }
    }

    fn check_file(&self, opening: Option<&Opening>, end: ChainWriter, believed: &Believed) -> io::Result<Checked> {
        let first = opening.map_or(0, |opening| opening.from);
        let link = |records: u64| match opening {
            Some(opening) if opening.from == records => Ok(Some(opening.link)),
            _ => self.link_at(records).map(Some),
        };
        let standing = opening.map(|opening| opening.standing);
        let log = SignedLog { first, standing, end, link: &link, whole: false };
        let checkpoints = opening.map(|opening| &*opening.checkpoints).unwrap_or_default();
        Ok((first, check_signed(checkpoints.iter().map(|one| one.get().as_bytes()), &log, believed)?))
    }

    fn check_store(&self, store: &SqliteReader, end: ChainWriter, believed: &Believed) -> io::Result<Checked> {
        let beginning = store.beginning().map_err(io::Error::other)?;
        let first = beginning.as_ref().map_or(0, |beginning| beginning.first);
        let link = |records: u64| store.link_at(records).map_err(io::Error::other);
        let standing = beginning.as_ref().map(Beginning::standing_digest);
        let log = SignedLog { first, standing, end, link: &link, whole: true };
        let checkpoints = store.checkpoints().map_err(io::Error::other)?;
        Ok((first, check_signed(checkpoints.iter().map(|one| &*one.envelope), &log, believed)?))
    }

    /// The link before the record of a number, of a file that was verified.
    fn link_at(&self, records: u64) -> io::Result<Digest> {
        let mut entries = read(self.lines().map_err(io::Error::other)?);
        while entries.writer().records() < records {
            if entries.next().is_none() {
                break;
            }
        }
        Ok(entries.writer().link())
    }
}

/// The first record, and up to where what follows is signed, or every fault.
type Checked = (u64, Result<Option<SignedUpTo>, Vec<countersign_audit::AuditFault>>);

/// What was verified with its checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedLog {
    /// The records.
    pub verified: Verified,
    /// The first of them; more than 0 where earlier ones aren't in it.
    pub first: u64,
    /// Up to where it is signed; none without checkpoints.
    pub signed: Option<SignedUpTo>,
}

impl VerifiedLog {
    /// Whether the last checkpoint is about its very end.
    #[must_use]
    pub fn is_signed_to_its_end(&self) -> bool {
        match self.verified {
            Verified::Unsealed(Unsealed { end, torn: 0 }) => {
                self.signed.is_some_and(|signed| signed.records == end.records())
            }
            _ => false,
        }
    }
}

/// Whether a file that isn't a store is an audit file, also one that was changed: a member's name is somewhere near its
/// beginning. A file without content is one, too.
fn is_audit_file(file: &File) -> io::Result<bool> {
    let beginning = read_beginning(file)?;
    let has = |member: &str| beginning.windows(member.len()).any(|bytes| bytes == member.as_bytes());
    Ok(begins(&beginning) || has("\"link\":\"") || has("\"seq\":"))
}

#[expect(clippy::disallowed_methods, reason = "capped")]
fn read_beginning(file: &File) -> io::Result<Vec<u8>> {
    let mut beginning = Vec::new();
    FromStart { file, offset: 0 }.take(WINDOW).read_to_end(&mut beginning)?;
    Ok(beginning)
}

/// Reads an open file from its beginning, wherever others of its readers are.
struct FromStart<'f> {
    file: &'f File,
    offset: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}

/// The bytes of a store's lines, one after another.
pub(crate) struct Lines<'s> {
    store: &'s dyn Stored,
    end: u64,
    next: u64,
    page: Vec<u8>,
    read: usize,
}

impl<'s> Lines<'s> {
    /// From a beginning, or the first line, up to an end.
    pub(crate) fn of(
        store: &'s dyn Stored,
        beginning: Option<&Beginning>,
        end: ChainWriter,
    ) -> Result<Lines<'s>, StoreError> {
        let next = beginning.map_or(0, |beginning| beginning.first);
        let page = beginning.map(Beginning::to_lines).transpose()?.unwrap_or_default();
        Ok(Lines { store, end: end.records(), next, page, read: 0 })
    }
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.page.len() && self.next < self.end {
            let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
            let lines = self.store.lines(self.next, left.min(PAGE)).map_err(io::Error::other)?;
            // A store that has fewer lines than it says ends here; verifying finds out.
            self.next = if lines.is_empty() { self.end } else { self.next + lines.len() as u64 };
            (self.page, self.read) = (lines.concat(), 0);
        }
        let rest = self.page.get(self.read..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        self.read += length;
        Ok(length)
    }
}
