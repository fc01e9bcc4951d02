//! The command line as a whole; each subcommand's own part is in its file.

use clap::{Parser, Subcommand};

use crate::exit::Exit;
use crate::out::Out;
use crate::{audit, compile, demo, generate, replay, rule};

const EXAMPLES: &str = "\
Examples:
  countersign demo
      an attack and a lawful burst in generated telemetry, and what is decided about them
  countersign replay --source cloudtrail --identities identities.toml logs/*.json.gz
      what would have been decided about telemetry that you have
  countersign replay --source cloudtrail --audit run.audit logs.ndjson
  countersign audit verify run.audit
  countersign audit replay --all run.audit
      decisions on record: unchanged, and recomputed from what they rest on
  countersign rule test rules/ && countersign rule build rules/
      your own rules

Exit codes:
  0  done, and everything holds
  1  something was refused or failed: admission, a build, a test, a verification
  2  wrong usage, or input that can't be read
";

/// A governed host for identity threat detection and response.
///
/// Rules are sandboxed WebAssembly components that anyone may write. They can only say something; what happens to an
/// identity is decided here, from what the rule declared and what your policy allows, and every decision can be
/// recomputed. This version decides and records. It executes nothing.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, after_help = EXAMPLES, max_term_width = 110, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build, check, inspect and test rules
    #[command(subcommand)]
    Rule(rule::Command),
    /// Verify audit files, and recompute what they record
    #[command(subcommand)]
    Audit(audit::Command),
    /// Decide about telemetry that is already there; nothing is executed
    Replay(replay::Arguments),
    /// Write generated telemetry: an estate's ordinary work, with attacks and lawful bursts in it
    Generate(generate::Arguments),
    /// Show an attack and a lawful burst in generated telemetry, and what is decided about them
    Demo(demo::Arguments),
    #[command(hide = true)]
    Compile(compile::Arguments),
}

impl Arguments {
    /// Runs the subcommand.
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            Command::Rule(command) => command.run(out),
            Command::Audit(command) => command.run(out),
            Command::Replay(arguments) => arguments.run(out),
            Command::Generate(arguments) => arguments.run(out),
            Command::Demo(arguments) => arguments.run(out),
            Command::Compile(arguments) => arguments.run(),
        }
    }
}
