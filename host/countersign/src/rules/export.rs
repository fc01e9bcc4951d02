//! `countersign rules export`: the shipped rules as files.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use countersign_model::RuleId;
use countersign_shipped::RULES;

use crate::exit::{Exit, unusable};
use crate::files;
use crate::out::Out;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign rules export shipped
  countersign rule inspect shipped/countersign.audit-trail-disabled.wasm
  rm shipped/countersign.burst-of-denied-calls.wasm
  countersign replay --source auto --only-rules shipped logs.ndjson
      all shipped rules but one

Each rule is written to DIR/publisher.name.wasm, as `rule build` does. If one of these files exists,
nothing is written and the exit code is 2, unless --replace is given.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The directory; it is created if it doesn't exist
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Replace files that exist
    #[arg(long)]
    replace: bool,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let mut components: Vec<(PathBuf, &[u8])> = Vec::new();
        for (id, bytes) in RULES {
            let id: RuleId = id.parse().with_context(|| format!("the shipped rule `{id}`"))?;
            components.push((self.directory.join(id.file_name()), bytes));
        }
        let existing: Vec<String> = components
            .iter()
            .filter(|(path, _)| path.exists())
            .map(|(path, _)| format!("`{}`", text::path(&path)))
            .collect();
        if !existing.is_empty() && !self.replace {
            return Err(unusable(format_args!(
                "expected no file of these names, got {}; `--replace` replaces them",
                existing.join(", ")
            )));
        }
        let directory = text::path(&self.directory);
        files::make_public_folder(&self.directory)
            .with_context(|| format!("can't create the directory `{directory}`"))?;
        for (path, bytes) in &components {
            files::write_whole(path, bytes).with_context(|| format!("can't write `{}`", text::path(&path)))?;
        }
        let count = text::count(components.len() as u64, "rule");
        writeln!(out, "wrote {count} to {}", text::line(&directory.to_string()))?;
        Ok(Exit::Done)
    }
}
