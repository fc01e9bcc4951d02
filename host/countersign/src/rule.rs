//! `countersign rule`: what authors and operators do with rules.

mod bench;
mod build;
mod check;
mod explain;
mod filter;
mod given;
mod inspect;
mod new;
mod repro;
mod telemetry;
mod test;

use clap::Subcommand;

use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begin a rule: a crate that builds and passes its cases at once
    New(new::Arguments),
    /// Compile rules into components with their declarations, one `publisher.name.wasm` each
    Build(build::Arguments),
    /// Ask admission about components: every reason for a refusal, nothing is run
    Check(check::Arguments),
    /// Show what a component declares, its sizes and its digests
    Inspect(inspect::Arguments),
    /// Build rules and run their cases
    Test(test::Arguments),
    /// Tell step by step why a rule did or did not find something on an event
    Explain(explain::Arguments),
    /// Measure what events cost a rule, against the limits that it declares
    Bench(bench::Arguments),
    /// Turn a finding on record into a case that tells nobody's name
    Repro(repro::Arguments),
}

impl Command {
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self {
            Command::New(arguments) => arguments.run(out),
            Command::Build(arguments) => arguments.run(out),
            Command::Check(arguments) => arguments.run(out),
            Command::Inspect(arguments) => arguments.run(out),
            Command::Test(arguments) => arguments.run(out),
            Command::Explain(arguments) => arguments.run(out),
            Command::Bench(arguments) => arguments.run(out),
            Command::Repro(arguments) => arguments.run(out),
        }
    }
}
