//! `countersign rule check`: whether files are admitted as rules.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_admission::Admitted;
use countersign_declaration::{Ceilings, Refusal};
use countersign_intake::Intake;
use countersign_policy::Diagnostic;
use serde::Serialize;

use super::proof::{Believed, Origin};
use crate::exit::Exit;
use crate::files::{self, RuleFileError};
use crate::intake;
use crate::operator;
use crate::out::Out;
use crate::stderr;
use crate::table::{Table, Tone};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign rule check target/rules                 every *.wasm in a folder
  countersign rule check --json vendor.rule.wasm      one JSON object per file, then a summary

All reasons for a refusal are listed, each with a stable code, the place, what was expected and what
was found. Nothing of a rule is built or run. Whether a rule is proved to be its publisher's is noted, and no
fault here: only what serves has to be (`rule verify`). The exit code is 1 if a rule is refused, 2 if a file can't be
read; the other files are checked regardless.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Components, or folders of them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Apply the limits of this policy [default: the shipped policy's]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Whose keys are whose [default: only the shipped rules are known]
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Print NDJSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

/// A file's line in NDJSON.
#[derive(Serialize)]
#[serde(tag = "type", rename = "rule-check")]
struct Line<'a> {
    file: &'a Path,
    admitted: bool,
    id: Option<&'a str>,
    version: Option<String>,
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'a Origin>,
    refusals: &'a [Refusal],
}

/// A file that couldn't be read, in NDJSON.
#[derive(Serialize)]
#[serde(tag = "type", rename = "unreadable")]
struct UnreadableLine<'a> {
    file: &'a Path,
    error: String,
}

/// The last line in NDJSON, and the last of the output for people.
#[derive(Default, Serialize)]
#[serde(tag = "type", rename = "summary")]
struct Summary {
    checked: u64,
    admitted: u64,
    refused: u64,
    unreadable: u64,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let ceilings = operator::author_settings(self.policy.as_deref(), None, &operator::ContextArguments::default())?
            .policy
            .content
            .limits()
            .ceilings();
        let believed = Believed::new(operator::trust(self.trust.as_deref())?);
        let intake = intake::standing()?;
        let mut summary = Summary::default();
        for file in files::rule_files(&self.files) {
            let checked = file.and_then(|path| match admit_file(&intake, &path, &ceilings) {
                Ok(result) => Ok((path, result.map(|(admitted, _)| admitted))),
                Err(error) => Err(RuleFileError { path, error }),
            });
            match checked {
                Ok((path, result)) => {
                    summary.checked += 1;
                    match result {
                        Ok(_) => summary.admitted += 1,
                        Err(_) => summary.refused += 1,
                    }
                    let origin = result.as_ref().ok().map(|admitted| believed.origin(admitted));
                    let print = if self.json { print_json } else { print };
                    print(out, &path, &result, origin.as_ref())?;
                }
                Err(RuleFileError { path, error }) => {
                    summary.unreadable += 1;
                    stderr::error(&error);
                    if self.json {
                        out.json(&UnreadableLine { file: &path, error: error.to_string() })?;
                    }
                }
            }
        }
        if self.json {
            out.json(&summary)?;
        } else if summary.checked + summary.unreadable > 1 {
            let Summary { checked, admitted, refused, unreadable } = summary;
            let unread = if unreadable > 0 { format!("; {unreadable} more couldn't be read") } else { String::new() };
            writeln!(out, "{}: {admitted} admitted, {refused} refused{unread}", text::count(checked, "rule"))?;
        }
        Ok(if summary.unreadable > 0 { Exit::Unusable } else { Exit::unless(summary.refused > 0) })
    }
}

/// An admitted rule and the bytes of its file, or why admission refuses them.
type AdmittedFile = Result<(Admitted, Vec<u8>), Vec<Refusal>>;

/// The result of admission for a file.
///
/// # Errors
/// When it can't be read: `Unusable`.
pub(super) fn admit_file(intake: &Intake, file: &Path, ceilings: &Ceilings) -> Result<AdmittedFile> {
    Ok(match files::read_rule(file, ceilings)? {
        Ok(bytes) => intake.admit(&bytes, ceilings).map(|admitted| (admitted, bytes)),
        Err(refusal) => Err(vec![refusal]),
    })
}

/// Prints the result for machines.
pub(super) fn print_json(
    out: &mut Out,
    file: &Path,
    result: &Result<Admitted, Vec<Refusal>>,
    proof: Option<&Origin>,
) -> std::io::Result<()> {
    let (declaration, refusals) = match result {
        Ok(admitted) => (Some(admitted.declaration()), [].as_slice()),
        Err(refusals) => (None, refusals.as_slice()),
    };
    out.json(&Line {
        file,
        admitted: declaration.is_some(),
        id: declaration.map(|declaration| declaration.id.as_str()),
        version: declaration.map(|declaration| declaration.version.to_string()),
        kind: declaration.map(|declaration| declaration.kind.id()),
        proof,
        refusals,
    })
}

/// Prints the result for people.
pub(super) fn print(
    out: &mut Out,
    file: &Path,
    result: &Result<Admitted, Vec<Refusal>>,
    origin: Option<&Origin>,
) -> std::io::Result<()> {
    let file = text::path(&file).to_string();
    match result {
        Ok(admitted) => {
            let declaration = admitted.declaration();
            writeln!(
                out,
                "{}  {file}: {} {} ({})",
                Tone::Good.paint("admitted"),
                declaration.id,
                declaration.version,
                declaration.kind
            )?;
            origin.iter().try_for_each(|origin| writeln!(out, "  {origin}"))
        }
        Err(refusals) => {
            let reasons = text::count(refusals.len() as u64, "reason");
            writeln!(out, "{}   {file}: {reasons}", Tone::Bad.paint("refused"))?;
            let mut table = Table::new(out, ["code", "place", "expected", "got"]);
            for Refusal { code, diagnostic } in refusals {
                let Diagnostic { place, expected, got, hint, .. } = diagnostic;
                let got = hint.as_ref().map_or_else(|| got.clone(), |hint| format!("{got} ({hint})"));
                table.row([code.into(), place.into(), expected.into(), got.into()]);
            }
            write!(out, "{}", table.text("  "))
        }
    }
}
