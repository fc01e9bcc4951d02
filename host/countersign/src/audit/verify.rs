//! `countersign audit verify`: whether an audit file is as it was written.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_audit::verify::MAX_FAULTS;
use countersign_audit::{AuditFault, Head, Verified, VerifyError, verify};
use countersign_model::Digest;
use serde::Serialize;

use crate::exit::Exit;
use crate::files::unreadable;
use crate::out::Out;
use crate::progress::Progress;
use crate::table::{Table, Tone, pairs};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign audit verify run.audit
  countersign audit verify run.audit --head \"$(cat run.head)\"

It needs only the file, and finds any changed bit, any line removed, added, repeated or moved, and a
truncated file. An attacker who can rewrite the whole file can make it consistent again: compare with
--head, the digest printed when the file was finished and kept elsewhere. Whether the decisions follow
from the evidence is another question: `countersign audit recompute` answers it.
The exit code is 1 if the file isn't as it was written.
";

/// So many faults are shown to people.
const MAX_SHOWN: usize = 20;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The audit file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The head that was printed when the file was finished
    #[arg(long, value_name = "DIGEST")]
    head: Option<Digest>,
    /// Print one line of JSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
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
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let file = File::open(&self.file).map_err(|error| unreadable(&self.file, &error))?;
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let progress = Progress::bytes(length);
        let verified = verify(BufReader::with_capacity(1 << 16, progress.reading(file)), self.head);
        progress.done();
        let (head, faults) = match verified {
            Ok(Verified::Sealed(head)) => (Some(head), Vec::new()),
            Ok(Verified::Unsealed(unsealed)) => (None, vec![unsealed.fault()]),
            Err(VerifyError::Faults(faults)) => (None, faults),
            Err(VerifyError::Unreadable(error)) => return Err(unreadable(&self.file, &error)),
        };
        if self.json {
            print_json(out, &self.file, head, &faults)?;
        } else if let Some(head) = head {
            let name = text::line(&self.file.display().to_string());
            writeln!(out, "{}  {name} is as it was written", Tone::Good.paint("verified"))?;
            let rows = [("records", text::number(head.records)), ("head", head.digest.to_string())];
            write!(out, "{}", pairs(out, "  ", &rows))?;
        } else {
            print(out, &self.file, &faults)?;
        }
        Ok(Exit::unless(head.is_none()))
    }
}

/// Prints the result for machines.
pub(super) fn print_json(out: &mut Out, file: &Path, head: Option<Head>, faults: &[AuditFault]) -> std::io::Result<()> {
    out.json(&Line {
        file,
        verified: head.is_some(),
        records: head.map(|head| head.records),
        head: head.map(|head| head.digest),
        faults,
    })
}

/// Prints the faults for people.
pub(super) fn print(out: &mut Out, file: &Path, faults: &[AuditFault]) -> std::io::Result<()> {
    let name = text::line(&file.display().to_string());
    writeln!(out, "{}  {name} isn't as it was written", Tone::Bad.paint("not verified"))?;
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
