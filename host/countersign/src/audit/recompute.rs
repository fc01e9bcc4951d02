//! `countersign audit recompute`: whether the decisions on record follow from the evidence on record.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_audit::{Verified, VerifyError};
use countersign_model::Digest;
use countersign_recompute::{Difference, OtherVersion, RecomputeError, RecomputeOptions, Recomputed, recompute};
use countersign_store::AuditLog;
use serde::Serialize;

use crate::exit::{Exit, unusable};
use crate::files;
use crate::loading::Loading;
use crate::operator::{self, OperatorFiles};
use crate::out::Out;
use crate::progress::Progress;
use crate::storage;
use crate::table::{Table, Tone, pairs, toned};
use crate::text;

use super::verify::Verdict;

const EXAMPLES: &str = "\
Examples:
  countersign audit recompute run.audit
  countersign audit recompute run.audit --head \"$(cat run.head)\" --policy policy.toml
  countersign audit recompute run.db --audit-key key

The record is read once, and verified first. Then each finding is computed again by its rule's bytes from the rows,
state and parameters on record, each decision by the gate from its inputs, and the results are
compared byte by byte. FILE.bundles must be beside an audit file.

A record names the versions of the engine and of the gate that made it. Where these are others, a
result that differs is one by version. Someone who can rewrite the record can claim an older version:
accept such differences only of a record whose head you kept (--head).

Its rules are run: under the limits of the policy on record, and never under wider ones than those of
--policy FILE, or of the shipped policy. A record that needs more is refused with the limits by name.

The exit code is 0 if all results are as on record, 1 if one differs or the record isn't as it was
written, 3 if results differ by version only (0 with --accept-versions), 2 if a file can't be read or needs
another key or wider limits.
";

/// So many differences are shown to people.
const MAX_SHOWN: usize = 50;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// An audit file or a store
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The key that the record was written with
    #[arg(long, value_name = "FILE")]
    audit_key: Option<PathBuf>,
    /// The head that was printed when the run was finished
    #[arg(long, value_name = "DIGEST")]
    head: Option<Digest>,
    /// Run its rules under the limits of this policy at most [default: the shipped policy's]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Accept results that differ by version
    #[arg(long)]
    accept_versions: bool,
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
    head: Digest,
    first: u64,
    by_version: u64,
    accepted: bool,
    versions: &'a [OtherVersion],
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
        let log = storage::open_log(&self.path)?;
        let files = OperatorFiles { policy: self.policy.as_deref(), ..OperatorFiles::default() };
        let settings = operator::settings(&files, None)?;
        let options = RecomputeOptions { head: self.head, limits: *settings.policy.content.limits() };
        let engine = self.loading.engine(1, options.limits.memory)?;
        let progress = Progress::steps(0);
        progress.message("records recomputed".to_owned());
        let result = recompute(&log, &key, &engine, &options, &mut |done, total| progress.at(done, total));
        progress.done();
        let recomputed = match result {
            Ok(recomputed) => recomputed,
            Err(RecomputeError::Verify(error)) => return self.not_verified(out, &log, Err(error)),
            Err(RecomputeError::Unsealed(found)) => {
                return self.not_verified(out, &log, Ok(Verified::Unsealed(found)));
            }
            Err(error @ (RecomputeError::WrongKey { .. } | RecomputeError::NarrowerLimits { .. })) => {
                return Err(unusable(error));
            }
            Err(error) => return Err(error.into()),
        };
        let first = log.first().map_err(storage::store_error)?;
        if self.json {
            self.print_json(out, &recomputed, first)?;
        } else {
            self.print(out, &recomputed, first)?;
        }
        Ok(self.exit(&recomputed))
    }

    /// Prints what is wrong with a record that doesn't verify.
    fn not_verified(&self, out: &mut Out, log: &AuditLog, found: Result<Verified, VerifyError>) -> Result<Exit> {
        let verdict = Verdict::new(&self.path, found, log.is_store())?;
        if self.json {
            verdict.print_json(out, &self.path, None)?;
        } else {
            verdict.print(out, &self.path, None)?;
        }
        Ok(Exit::Refused)
    }

    fn exit(&self, recomputed: &Recomputed) -> Exit {
        match (recomputed.tampered(), recomputed.by_version()) {
            (0, 0) => Exit::Done,
            (0, _) if self.accept_versions => Exit::Done,
            (0, _) => Exit::OtherVersion,
            _ => Exit::Refused,
        }
    }

    fn print_json(&self, out: &mut Out, recomputed: &Recomputed, first: u64) -> io::Result<()> {
        let Recomputed { head, findings, decisions, versions, differences } = recomputed;
        for difference in differences {
            out.json(&DifferenceLine { difference })?;
        }
        out.json(&Line {
            file: &self.path,
            recomputed: differences.is_empty(),
            findings: *findings,
            decisions: *decisions,
            differences: differences.len() as u64,
            head: head.digest,
            first,
            by_version: recomputed.by_version() as u64,
            accepted: self.exit(recomputed) == Exit::Done,
            versions,
        })
    }

    fn print(&self, out: &mut Out, recomputed: &Recomputed, first: u64) -> io::Result<()> {
        let name = text::path(&self.path).to_string();
        let count = |count: usize| text::count(count as u64, "difference");
        let (tampered, by_version) = (recomputed.tampered(), recomputed.by_version());
        let (title, what) = match self.exit(recomputed) {
            Exit::Done if by_version == 0 => {
                (Tone::Good.paint("recomputed"), "every result is as on record".to_owned())
            }
            Exit::Done => (Tone::Good.paint("recomputed"), format!("{} by version, accepted", count(by_version))),
            Exit::OtherVersion => (Tone::Care.paint("differs by version"), count(by_version)),
            _ if by_version == 0 => (Tone::Bad.paint("not recomputed"), count(tampered)),
            _ => (Tone::Bad.paint("not recomputed"), format!("{}, and {by_version} by version", count(tampered))),
        };
        writeln!(out, "{title}  {name}: {what}")?;
        print_differences(out, &recomputed.differences)?;
        let mut rows = vec![
            ("findings", text::number(recomputed.findings)),
            ("decisions", text::number(recomputed.decisions)),
            ("head", recomputed.head.digest.to_string()),
        ];
        if first > 0 {
            let first = text::number(first);
            rows.push(("from", format!("record {first}: earlier ones aren't in it, and can't be recomputed")));
        }
        for OtherVersion { generation, what, recorded, running, .. } in &recomputed.versions {
            rows.push(("version", format!("generation {generation}: {what} {recorded} on record, {running} now")));
        }
        if self.exit(recomputed) == Exit::OtherVersion {
            rows.push((
                "means",
                "another version of the engine or of the gate made this record, and may have come to other results; \
                 if you trust that it is the record you kept the head of, `--accept-versions` accepts them"
                    .to_owned(),
            ));
        }
        write!(out, "{}", pairs(out, "  ", &rows))
    }
}

fn print_differences(out: &mut Out, differences: &[Difference]) -> io::Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(out, ["line", "what", "on record", "recomputed", "cause"]).right(0);
    let shown = differences.iter().take(MAX_SHOWN);
    for Difference { line, what, expected, got, cause, .. } in shown.clone() {
        let tone = if cause.is_version() { Tone::Care } else { Tone::Bad };
        table.row([text::number(*line).into(), what.into(), expected.into(), got.into(), toned(tone, cause.id())]);
    }
    write!(out, "{}", table.text("  "))?;
    for Difference { line, explanation, .. } in shown {
        if let Some(explanation) = explanation {
            let line = format!("line {}", text::number(*line));
            write!(out, "{}", pairs(out, "  ", &[(&line, explanation.clone())]))?;
        }
    }
    let more = differences.len().saturating_sub(MAX_SHOWN);
    if more > 0 {
        writeln!(out, "  and {} more: `--json` lists all", text::number(more as u64))?;
    }
    Ok(())
}
