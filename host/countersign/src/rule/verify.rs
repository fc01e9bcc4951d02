//! `countersign rule verify`: whether a component is signed, and whether that proves its publisher.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_declaration::Ceilings;
use countersign_policy::SHIPPED_PUBLISHER;
use serde::Serialize;

use super::check::admit_file;
use super::proof::{Believed, Origin};
use crate::exit::Exit;
use crate::intake;
use crate::operator;
use crate::out::Out;
use crate::table::Tone;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign rule verify vendor.rule.wasm
      whether it is signed, and by which key
  countersign rule verify --trust trust.toml vendor.rule.wasm
      whether that is a key of the publisher which its id names

The exit code is 0 if the signature is one of exactly this rule; with --trust, if it proves the
publisher. Rules of publisher `countersign` are those that ship, and need no signature. Otherwise, and
if the rule isn't admitted, it is 1; 2 if a file can't be read.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Whose keys are whose
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Print one line of JSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(tag = "type", rename = "rule-verification")]
struct Line<'a> {
    file: &'a Path,
    verified: bool,
    id: &'a str,
    version: String,
    proof: &'a Origin,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let believed = Believed::new(operator::trust(self.trust.as_deref())?);
        let (admitted, _) = match admit_file(&intake::standing()?, &self.file, &Ceilings::default())? {
            Ok(admitted) => admitted,
            Err(refusals) => {
                let print = if self.json { super::check::print_json } else { super::check::print };
                print(out, &self.file, &Err(refusals), None)?;
                return Ok(Exit::Refused);
            }
        };
        let origin = believed.origin(&admitted);
        let declaration = admitted.declaration();
        // Of the shipped rules everything is known without the operator's file.
        let whose_is_known = self.trust.is_some() || declaration.id.publisher() == SHIPPED_PUBLISHER;
        let verified = if whose_is_known { origin.is_shown() } else { origin.is_signed() };
        if self.json {
            let version = declaration.version.to_string();
            let (file, id) = (&self.file, declaration.id.as_str());
            out.json(&Line { file, verified, id, version, proof: &origin })?;
        } else {
            let verdict = if verified { Tone::Good.paint("verified") } else { Tone::Bad.paint("not verified") };
            let file = text::path(&self.file);
            writeln!(out, "{verdict}  {file}: {} {}", declaration.id, declaration.version)?;
            writeln!(out, "  {origin}")?;
            if verified && !origin.is_shown() {
                writeln!(out, "  whether that is a key of the publisher is up to the operator: `--trust FILE` says")?;
            }
        }
        Ok(Exit::unless(!verified))
    }
}
