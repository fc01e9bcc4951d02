//! What verifying found, for people and for machines.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use countersign_audit::verify::MAX_FAULTS;
use countersign_audit::{AuditFault, ChainWriter, FaultCode, Head, SignedUpTo, Unsealed, Verified, VerifyError};
use countersign_model::{Digest, Timestamp};
use countersign_signing::PublicKey;
use countersign_store::{DatabaseError, StoreError};
use serde::Serialize;

use crate::files::unreadable;
use crate::out::Out;
use crate::table::{Table, Tone, pairs};
use crate::text;

/// So many faults are shown to people.
const MAX_SHOWN: usize = 20;

/// What verifying found.
#[derive(Debug)]
pub(in crate::audit) enum Verdict {
    /// A finished file.
    Sealed(Head, Extent),
    /// A file whose records hold, without a seal.
    Interrupted(Unsealed, Extent),
    /// A file of a segment, as its checkpoints say.
    Segment(Unsealed, Extent),
    /// A store whose records hold.
    Store {
        /// The head that an export has.
        head: Head,
        /// Whether its run is finished.
        finished: bool,
        /// What there is of it.
        extent: Extent,
    },
    /// Not as it was written.
    Faulty {
        /// What is wrong.
        faults: Vec<AuditFault>,
        /// Whether it is a store.
        store: bool,
    },
}

/// What there is of a log, and how much of it is signed.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::audit) struct Extent {
    /// Its first record.
    pub(super) first: u64,
    /// Up to where it is signed.
    pub(super) signed: Option<SignedUpTo>,
}

impl Extent {
    /// The rows about it.
    fn rows(self, end: u64) -> Vec<(&'static str, String)> {
        let mut rows = Vec::new();
        if self.first > 0 {
            rows.push(("from", format!("record {}: earlier ones aren't in it", text::number(self.first))));
        }
        if let Some(SignedUpTo { records, at, key, segments }) = self.signed {
            let after = match end.saturating_sub(records) {
                0 => String::new(),
                after => format!(", {} after that", text::count(after, "record")),
            };
            let segments = text::count(segments, "segment");
            rows.push(("signed", format!("up to record {}, {at}, {segments} ended{after}", text::number(records))));
            rows.push(("key", key.to_string()));
        }
        rows
    }
}

/// Of `--json`, up to where it is signed.
#[derive(Serialize)]
struct SignedLine {
    records: u64,
    at: Timestamp,
    key: PublicKey,
    segments: u64,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename = "audit-verify")]
struct Line<'a> {
    file: &'a Path,
    verified: bool,
    records: Option<u64>,
    head: Option<Digest>,
    faults: &'a [AuditFault],
    store: bool,
    finished: Option<bool>,
    interrupted: bool,
    records_hold: Option<u64>,
    blobs: Option<u64>,
    first: Option<u64>,
    signed: Option<SignedLine>,
}

impl Verdict {
    /// Of what was found at a path. `store`: whether it is a store.
    ///
    /// # Errors
    /// When it can't be read.
    pub(in crate::audit) fn new(path: &Path, verified: Result<Verified, VerifyError>, store: bool) -> Result<Verdict> {
        match verified {
            Ok(Verified::Sealed(head)) => Ok(Verdict::Sealed(head, Extent::default())),
            Ok(Verified::Unsealed(unsealed)) => Ok(Verdict::Interrupted(unsealed, Extent::default())),
            Err(VerifyError::Faults(faults)) => Ok(Verdict::Faulty { faults, store }),
            Err(VerifyError::Unreadable(error)) => {
                let damaged = error.get_ref().and_then(|cause| cause.downcast_ref()).and_then(Verdict::of_error);
                damaged.ok_or_else(|| unreadable(path, &error))
            }
        }
    }

    /// The same with what there is of the log.
    pub(super) fn with(self, extent: Extent) -> Verdict {
        match self {
            Verdict::Sealed(head, _) => Verdict::Sealed(head, extent),
            // A segment's own checkpoint is about its end.
            Verdict::Interrupted(unsealed, _)
                if unsealed.torn == 0
                    && extent.signed.is_some_and(|signed| signed.records == unsealed.end.records()) =>
            {
                Verdict::Segment(unsealed, extent)
            }
            Verdict::Interrupted(unsealed, _) => Verdict::Interrupted(unsealed, extent),
            other => other,
        }
    }

    /// Of a store whose records hold up to an end.
    pub(super) fn of_store(end: ChainWriter, finished: bool, extent: Extent) -> Verdict {
        match end.head() {
            Ok(head) => Verdict::Store { head, finished, extent },
            Err(_) => {
                Verdict::Faulty { faults: vec![file_fault(FaultCode::Empty, "records", "an empty store")], store: true }
            }
        }
    }

    /// Of an error that says that a store isn't as it was written; none for any other.
    pub(super) fn of_error(error: &StoreError) -> Option<Verdict> {
        match error {
            StoreError::Database(DatabaseError::Damaged { what, .. }) => {
                let faults = vec![file_fault(FaultCode::Damaged, "a whole store", what)];
                Some(Verdict::Faulty { faults, store: true })
            }
            _ => None,
        }
    }

    /// Whether everything is as it was written.
    pub(in crate::audit) fn is_verified(&self) -> bool {
        matches!(self, Verdict::Segment(..)) || self.head().is_some()
    }

    /// The head, if everything is as it was written.
    fn head(&self) -> Option<Head> {
        match self {
            Verdict::Sealed(head, _) | Verdict::Store { head, .. } => Some(*head),
            Verdict::Interrupted(..) | Verdict::Segment(..) | Verdict::Faulty { .. } => None,
        }
    }

    /// Whether all records hold.
    pub(super) fn holds(&self) -> bool {
        !matches!(self, Verdict::Faulty { .. })
    }

    /// Prints it for machines. `blobs`: so many were checked too.
    pub(in crate::audit) fn print_json(&self, out: &mut Out, path: &Path, blobs: Option<u64>) -> io::Result<()> {
        let unsealed;
        let (faults, records_hold): (&[AuditFault], _) = match self {
            Verdict::Sealed(head, _) | Verdict::Store { head, .. } => (&[], Some(head.records)),
            Verdict::Segment(found, _) => (&[], Some(found.end.records())),
            Verdict::Interrupted(found, _) => {
                unsealed = [found.fault()];
                (&unsealed, Some(found.end.records()))
            }
            Verdict::Faulty { faults, .. } => (faults, None),
        };
        let (store, finished) = match self {
            Verdict::Store { finished, .. } => (true, Some(*finished)),
            Verdict::Sealed(..) => (false, Some(true)),
            Verdict::Interrupted(..) | Verdict::Segment(..) => (false, None),
            Verdict::Faulty { store, .. } => (*store, None),
        };
        let extent = match self {
            Verdict::Sealed(_, extent)
            | Verdict::Interrupted(_, extent)
            | Verdict::Segment(_, extent)
            | Verdict::Store { extent, .. } => Some(*extent),
            Verdict::Faulty { .. } => None,
        };
        let signed = |SignedUpTo { records, at, key, segments }| SignedLine { records, at, key, segments };
        out.json(&Line {
            file: path,
            verified: self.is_verified(),
            records: self.head().map(|head| head.records),
            head: self.head().map(|head| head.digest),
            faults,
            store,
            finished,
            interrupted: matches!(self, Verdict::Interrupted(..)),
            records_hold,
            blobs,
            first: extent.map(|extent| extent.first),
            signed: extent.and_then(|extent| extent.signed).map(signed),
        })
    }

    /// Prints it for people. `blobs`: so many were checked too.
    pub(in crate::audit) fn print(&self, out: &mut Out, path: &Path, blobs: Option<u64>) -> io::Result<()> {
        let name = text::path(&path).to_string();
        let evidence =
            blobs.map(|blobs| ("evidence", format!("{}, each as it was written", text::count(blobs, "blob"))));
        match self {
            Verdict::Sealed(head, extent) => {
                writeln!(out, "{}  {name} is as it was written", Tone::Good.paint("verified"))?;
                let rows = [("records", text::number(head.records)), ("head", head.digest.to_string())];
                let rows: Vec<_> = rows.into_iter().chain(extent.rows(head.records)).chain(evidence).collect();
                write!(out, "{}", pairs(out, "  ", &rows))
            }
            Verdict::Segment(found, extent) => {
                writeln!(out, "{}  {name} is as it was signed", Tone::Good.paint("verified"))?;
                let records = found.end.records() - extent.first;
                let rows = [("records", text::number(records))];
                let rows: Vec<_> = rows.into_iter().chain(extent.rows(found.end.records())).chain(evidence).collect();
                write!(out, "{}", pairs(out, "  ", &rows))
            }
            Verdict::Store { head, finished, extent } => {
                writeln!(out, "{}  all records of the store {name} hold", Tone::Good.paint("verified"))?;
                let run = if *finished {
                    "finished: `countersign audit export` writes it as an audit file with this head"
                } else {
                    "not finished: the same `countersign replay --store`, or the host, goes on with it"
                };
                let rows = [
                    ("records", text::number(head.records)),
                    ("head", format!("{}, once exported", head.digest)),
                    ("run", run.to_owned()),
                ];
                let rows: Vec<_> = rows.into_iter().chain(extent.rows(head.records)).chain(evidence).collect();
                write!(out, "{}", pairs(out, "  ", &rows))
            }
            Verdict::Interrupted(unsealed, _) => print_interrupted(out, &name, *unsealed, evidence),
            Verdict::Faulty { faults, .. } => print_faults(out, &name, faults),
        }
    }
}

fn print_interrupted(
    out: &mut Out,
    name: &str,
    Unsealed { end, torn }: Unsealed,
    evidence: Option<(&'static str, String)>,
) -> io::Result<()> {
    let records = text::count(end.records(), "record");
    let hold = if end.records() == 1 { "holds" } else { "hold" };
    let title = Tone::Care.paint(format_args!("interrupted, {records} {hold}"));
    writeln!(out, "{title}  {name} has no seal")?;
    let mut rows = Vec::new();
    if torn > 0 {
        rows.push(("cut off", format!("{} of a record that wasn't written to its end", text::count(torn, "byte"))));
    }
    rows.extend(evidence);
    rows.push(("means", "the run was interrupted or isn't over, or the file was cut short".to_owned()));
    rows.push((
        "now",
        format!(
            "`countersign audit list {name}` shows what is on record; the same `countersign replay --audit` with \
             `--replace` starts over, and with `--store FILE` in place of `--audit` a run goes on where it stopped"
        ),
    ));
    write!(out, "{}", pairs(out, "  ", &rows))
}

fn print_faults(out: &mut Out, name: &str, faults: &[AuditFault]) -> io::Result<()> {
    let changed = faults.iter().find(|fault| fault.code == FaultCode::Changed);
    let changed = changed.map_or_else(String::new, |fault| format!(": line {} was changed", text::number(fault.line)));
    writeln!(out, "{}  {name} isn't as it was written{changed}", Tone::Bad.paint("not verified"))?;
    let mut table = Table::new(out, ["line", "fault", "expected", "got"]).right(0);
    for AuditFault { line, code, expected, got } in faults.iter().take(MAX_SHOWN) {
        let line = if *line == 0 { String::new() } else { text::number(*line) };
        table.row([line.into(), code.id().into(), expected.into(), got.into()]);
    }
    write!(out, "{}", table.text("  "))?;
    if faults.len() > MAX_SHOWN {
        writeln!(out, "  and more: `--json` lists the first {MAX_FAULTS}")?;
    }
    Ok(())
}

/// A fault of the record as a whole.
fn file_fault(code: FaultCode, expected: &str, got: &str) -> AuditFault {
    AuditFault { line: 0, code, expected: expected.to_owned(), got: got.to_owned() }
}
