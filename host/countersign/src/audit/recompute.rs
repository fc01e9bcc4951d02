//! `countersign audit recompute`: whether the decisions on record follow from the evidence on record.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_audit::VerifyError;
use countersign_recompute::{AuditFile, Difference, RecomputeError, Recomputed, recompute};
use serde::Serialize;

use crate::exit::{Exit, unusable};
use crate::files;
use crate::loading::Loading;
use crate::out::Out;
use crate::progress::Progress;
use crate::table::{Table, Tone, pairs};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign audit recompute run.audit
  countersign audit recompute run.audit --audit-key key

The file is verified first. Then each finding is computed again by its rule's bytes from the rows,
state and parameters on record, each decision by the gate from its inputs, and the results are
compared byte by byte. FILE.bundles must be beside the file.
The exit code is 1 if a result differs, or the file isn't as it was written.
";

/// The most memory that any policy allows a rule, bytes: the file's own policy is known only while it is read.
const MAX_MEMORY: u64 = 4 << 30;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Accepted for scripts: everything in the file is always recomputed
    #[arg(long, hide = true)]
    all: bool,
    /// The audit file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The key that the file was written with
    #[arg(long, value_name = "FILE")]
    audit_key: Option<PathBuf>,
    /// Print NDJSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loading: Loading,
}

/// The last line of `--json`.
#[derive(Serialize)]
#[serde(tag = "type", rename = "audit-replay")]
struct Line<'a> {
    file: &'a Path,
    recomputed: bool,
    findings: u64,
    decisions: u64,
    differences: u64,
    head: String,
}

/// A difference's line in `--json`.
#[derive(Serialize)]
#[serde(tag = "type", rename = "difference")]
struct DifferenceLine<'a> {
    #[serde(flatten)]
    difference: &'a Difference,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let key = files::audit_key(self.audit_key.as_deref())?;
        let engine = self.loading.engine(1, MAX_MEMORY)?;
        let progress = Progress::steps(0);
        progress.message("records recomputed".to_owned());
        let result = recompute(&AuditFile::new(&self.file), &key, &engine, &mut |done, total| progress.at(done, total));
        progress.done();
        let recomputed = match result {
            Ok(recomputed) => recomputed,
            Err(RecomputeError::Verify(VerifyError::Faults(faults))) => {
                if self.json {
                    super::verify::print_json(out, &self.file, None, &faults)?;
                } else {
                    super::verify::print(out, &self.file, &faults)?;
                }
                return Ok(Exit::Refused);
            }
            Err(RecomputeError::Verify(VerifyError::Unreadable(error))) => {
                return Err(files::unreadable(&self.file, &error));
            }
            Err(error @ RecomputeError::WrongKey { .. }) => {
                return Err(unusable(error));
            }
            Err(error) => return Err(error.into()),
        };
        if self.json {
            self.print_json(out, &recomputed)?
        } else {
            self.print(out, &recomputed)?
        }
        Ok(Exit::unless(!recomputed.differences.is_empty()))
    }

    fn print_json(&self, out: &mut Out, recomputed: &Recomputed) -> std::io::Result<()> {
        let Recomputed { head, findings, decisions, differences, .. } = recomputed;
        for difference in differences {
            out.json(&DifferenceLine { difference })?;
        }
        out.json(&Line {
            file: &self.file,
            recomputed: differences.is_empty(),
            findings: *findings,
            decisions: *decisions,
            differences: differences.len() as u64,
            head: head.digest.to_string(),
        })
    }

    fn print(&self, out: &mut Out, recomputed: &Recomputed) -> std::io::Result<()> {
        let Recomputed { head, findings, decisions, differences, .. } = recomputed;
        let name = text::line(&self.file.display().to_string());
        if differences.is_empty() {
            writeln!(out, "{}  {name}: every result is as on record", Tone::Good.paint("recomputed"))?;
        } else {
            let count = text::count(differences.len() as u64, "difference");
            writeln!(out, "{}  {name}: {count}", Tone::Bad.paint("not recomputed"))?;
            let mut table = Table::new(out, ["line", "what", "on record", "recomputed"]).right(0);
            for Difference { line, what, expected, got, .. } in differences {
                table.row([text::number(*line).into(), what.into(), expected.into(), got.into()]);
            }
            write!(out, "{}", table.text("  "))?;
        }
        let rows = [
            ("findings", text::number(*findings)),
            ("decisions", text::number(*decisions)),
            ("head", head.digest.to_string()),
        ];
        write!(out, "{}", pairs(out, "  ", &rows))
    }
}
