//! `countersign audit verify`: whether an audit file is as it was written, or all records of a store hold.

mod verdict;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_audit::{Believed, Record, verify};
use countersign_daemon::{signed_of, store_of};
use countersign_model::{Digest, DigestKey, SignedNote};
use countersign_session::Standing;
use countersign_signing::{MAX_ENVELOPE_BYTES, PublicKey};
use countersign_store::{AuditLog, StoreError};

use crate::audit::evidence::Evidence;
use crate::exit::{Exit, unusable};
use crate::files::{self, unreadable};
use crate::out::Out;
use crate::progress::Progress;
use crate::storage;
use crate::text;

use verdict::Extent;
pub(super) use verdict::Verdict;

const EXAMPLES: &str = "\
Examples:
  countersign audit verify run.audit
  countersign audit verify run.audit --head \"$(cat run.head)\"
      needs only the file: finds any changed bit, names the line that was changed, finds any line that
      was removed, added, repeated or moved, and a truncated file
  countersign audit verify run.db
      all records of a store; it has no seal, so the head is the one that an export has
  countersign audit verify /var/lib/countersign/store.db --key host.pub --checkpoint last.json
      the log of a host, which it signs: also finds a log that was written anew, records cut from its end,
      and segments that somebody else dropped; `audit checkpoint` printed last.json earlier, which is kept
      elsewhere and shows that an older copy was put back
  countersign audit verify run.audit --evidence --audit-key audit.key
      reads the evidence too: every blob that a record names has to be there, and to have the bytes that
      its name is the digest of

A file that ends without a seal, and all of whose records hold, is one of a run that was interrupted or
isn't over. A finished file that was cut short looks the same.

An attacker who can rewrite the whole record can make it consistent again: compare with --head, the
digest printed when the run was finished and kept elsewhere. Whether the decisions follow from the
evidence is another question: `countersign audit recompute` answers it.

The exit code is 1 if the record isn't as it was written, or is a file without a seal; 2 if it can't be
read.
";

/// What a public key begins with.
const KEY: &str = "ed25519";

/// Maximum bytes of a public key's file.
const MAX_KEY: u64 = 256;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// An audit file or a store
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The head that was printed when the run was finished
    #[arg(long, value_name = "DIGEST")]
    head: Option<Digest>,
    /// The public key of the host that signed it, or the file with it (`host.pub`); of a log with several, each
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// A checkpoint that was kept elsewhere: the log has to go on from there
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Check the evidence too: every blob that a record names
    #[arg(long)]
    evidence: bool,
    /// The key that the record was written with
    #[arg(long, value_name = "FILE", requires = "evidence")]
    audit_key: Option<PathBuf>,
    /// Print one line of JSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let key = files::audit_key(self.audit_key.as_deref())?;
        let believed = believed(&self.key, self.checkpoint.as_deref())?;
        let believed = Believed { noted: noted(&self.path), ..believed };
        let (verdict, blobs) = match AuditLog::open(&self.path) {
            Ok(log) => match verify_log(&log, self.head, &believed)? {
                verdict if self.evidence && verdict.holds() => verify_evidence(&log, key, verdict)?,
                verdict => (verdict, None),
            },
            // What isn't recognised may be an audit file of which nothing is left as it was.
            Err(StoreError::Unrecognised(_)) => (verify_file(&self.path, self.head)?, None),
            Err(error) => (Verdict::of_error(&error).ok_or_else(|| storage::opening_error(&self.path, error))?, None),
        };
        if self.json {
            verdict.print_json(out, &self.path, blobs)?;
        } else {
            verdict.print(out, &self.path, blobs)?;
        }
        Ok(Exit::unless(!verdict.is_verified()))
    }
}

/// Checks every blob that the records of a log name, where these hold. Returns how many there are, if all are as they were
/// written.
///
/// # Errors
/// When it can't be read, or the key is another.
fn verify_evidence(log: &AuditLog, key: DigestKey, verdict: Verdict) -> Result<(Verdict, Option<u64>)> {
    let mut evidence = Evidence::new(log, key);
    storage::for_each_record(log, log.lines().map_err(storage::store_error)?, |_, record| {
        if let Record::Header(header) = record {
            evidence.check_key(&header);
        }
        Ok(false)
    })?;
    let progress = Progress::bytes(log.bytes().map_err(storage::store_error)?);
    let lines = BufReader::with_capacity(1 << 16, progress.reading(log.lines().map_err(storage::store_error)?));
    let verified = evidence.verify(lines);
    progress.done();
    match verified.map_err(unusable)? {
        Ok(blobs) => Ok((verdict, Some(blobs))),
        Err(error) => Ok((Verdict::new(log.path(), Err(error), log.is_store())?, None)),
    }
}

/// By what checkpoints are believed: keys, or files with them, and one that was kept elsewhere.
///
/// # Errors
/// When a key isn't one, or a file can't be read: `Unusable`.
pub(crate) fn believed(keys: &[String], checkpoint: Option<&Path>) -> Result<Believed> {
    let key = |given: &String| {
        let text = match given.starts_with(KEY) {
            true => given.clone(),
            false => files::read_text(Path::new(given), MAX_KEY)?,
        };
        text.trim_end().parse::<PublicKey>().map_err(|error| unusable(format_args!("`{}`: {error}", text::line(given))))
    };
    let keys = keys.iter().map(key).collect::<Result<_>>()?;
    let saved = checkpoint.map(|path| files::read(path, MAX_ENVELOPE_BYTES as u64)).transpose()?;
    let saved = saved.map(|bytes| bytes.trim_ascii_end().to_vec());
    Ok(Believed { keys, saved, noted: None })
}

/// How far the log of a host was signed, as the recorder beside it remembers it.
fn noted(path: &Path) -> Option<SignedNote> {
    let state = path.parent().filter(|state| store_of(state) == path)?;
    signed_of(state)
}

/// Verifies an audit file or a store; `head`, if given, is the one that it must have.
///
/// # Errors
/// When it can't be read.
fn verify_log(log: &AuditLog, head: Option<Digest>, believed: &Believed) -> Result<Verdict> {
    let progress = Progress::bytes(log.bytes().map_err(storage::store_error)?);
    let lines = BufReader::with_capacity(1 << 16, progress.reading(log.lines().map_err(storage::store_error)?));
    let verified = log.verify_signed(lines, head, believed);
    progress.done();
    let (verified, extent) = match verified {
        Ok(found) => (Ok(found.verified), Extent { first: found.first, signed: found.signed }),
        Err(error) => (Err(error), Extent::default()),
    };
    let verdict = Verdict::new(log.path(), verified, log.is_store())?;
    let Some(store) = log.store() else { return Ok(verdict.with(extent)) };
    Ok(match (verdict, Standing::read(store)) {
        (Verdict::Interrupted(unsealed, _), Ok(standing)) => {
            Verdict::of_store(unsealed.end, standing.is_some_and(|standing| standing.finished), extent)
        }
        (Verdict::Interrupted(..), Err(error)) => return Err(error.into()),
        (verdict, _) => verdict,
    })
}

fn verify_file(path: &Path, head: Option<Digest>) -> Result<Verdict> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    Verdict::new(path, verify(BufReader::new(file), head), false)
}
