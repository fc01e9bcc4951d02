//! What verifying found, for people and for machines.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use countersign_audit::verify::MAX_FAULTS;
use countersign_audit::{AuditFault, ChainWriter, FaultCode, Head, Unsealed, Verified, VerifyError};
use countersign_model::Digest;
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
    Sealed(Head),
    /// A file whose records hold, without a seal.
    Interrupted(Unsealed),
    /// A store whose records hold.
    Store {
        /// The head that an export has.
        head: Head,
        /// Whether its run is finished.
        finished: bool,
    },
    /// Not as it was written.
    Faulty {
        /// What is wrong.
        faults: Vec<AuditFault>,
        /// Whether it is a store.
        store: bool,
    },
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
}

impl Verdict {
    /// Of what was found at a path. `store`: whether it is a store.
    ///
    /// # Errors
    /// When it can't be read.
    pub(in crate::audit) fn new(path: &Path, verified: Result<Verified, VerifyError>, store: bool) -> Result<Verdict> {
        match verified {
            Ok(Verified::Sealed(head)) => Ok(Verdict::Sealed(head)),
            Ok(Verified::Unsealed(unsealed)) => Ok(Verdict::Interrupted(unsealed)),
            Err(VerifyError::Faults(faults)) => Ok(Verdict::Faulty { faults, store }),
            Err(VerifyError::Unreadable(error)) => {
                let damaged = error.get_ref().and_then(|cause| cause.downcast_ref()).and_then(Verdict::of_error);
                damaged.ok_or_else(|| unreadable(path, &error))
            }
        }
    }

    /// Of a store whose records hold up to an end.
    pub(super) fn of_store(end: ChainWriter, finished: bool) -> Verdict {
        match end.head() {
            Ok(head) => Verdict::Store { head, finished },
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
        self.head().is_some()
    }

    /// The head, if everything is as it was written.
    fn head(&self) -> Option<Head> {
        match self {
            Verdict::Sealed(head) | Verdict::Store { head, .. } => Some(*head),
            Verdict::Interrupted(_) | Verdict::Faulty { .. } => None,
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
            Verdict::Sealed(head) | Verdict::Store { head, .. } => (&[], Some(head.records)),
            Verdict::Interrupted(found) => {
                unsealed = [found.fault()];
                (&unsealed, Some(found.end.records()))
            }
            Verdict::Faulty { faults, .. } => (faults, None),
        };
        let (store, finished) = match self {
            Verdict::Store { finished, .. } => (true, Some(*finished)),
            Verdict::Sealed(_) => (false, Some(true)),
            Verdict::Interrupted(_) => (false, None),
            Verdict::Faulty { store, .. } => (*store, None),
        };
        out.json(&Line {
            file: path,
            verified: self.is_verified(),
            records: self.head().map(|head| head.records),
            head: self.head().map(|head| head.digest),
            faults,
            store,
            finished,
            interrupted: matches!(self, Verdict::Interrupted(_)),
            records_hold,
            blobs,
        })
    }

    /// Prints it for people. `blobs`: so many were checked too.
    pub(in crate::audit) fn print(&self, out: &mut Out, path: &Path, blobs: Option<u64>) -> io::Result<()> {
        let name = text::path(&path).to_string();
        let evidence =
            blobs.map(|blobs| ("evidence", format!("{}, each as it was written", text::count(blobs, "blob"))));
        match self {
            Verdict::Sealed(head) => {
                writeln!(out, "{}  {name} is as it was written", Tone::Good.paint("verified"))?;
                let rows = [("records", text::number(head.records)), ("head", head.digest.to_string())];
                let rows: Vec<_> = rows.into_iter().chain(evidence).collect();
                write!(out, "{}", pairs(out, "  ", &rows))
            }
            Verdict::Store { head, finished } => {
                writeln!(out, "{}  all records of the store {name} hold", Tone::Good.paint("verified"))?;
                let run = if *finished {
                    "finished: `countersign audit export` writes it as an audit file with this head"
                } else {
                    "not finished: the same `countersign replay --store` goes on with it"
                };
                let rows = [
                    ("records", text::number(head.records)),
                    ("head", format!("{}, once exported", head.digest)),
                    ("run", run.to_owned()),
                ];
                let rows: Vec<_> = rows.into_iter().chain(evidence).collect();
                write!(out, "{}", pairs(out, "  ", &rows))
            }
            Verdict::Interrupted(unsealed) => print_interrupted(out, &name, *unsealed, evidence),
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
