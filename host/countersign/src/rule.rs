//! `countersign rule`: for authors and operators of rules.

mod bench;
mod build;
mod check;
mod explain;
mod filter;
mod inspect;
mod keygen;
mod lookup;
mod new;
mod proof;
mod repro;
mod sign;
mod telemetry;
mod test;
mod verify;

use clap::Subcommand;

use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a rule: a crate that builds and passes its cases
    New(new::Arguments),
    /// Build rules: components with their declarations, one `publisher.name.wasm` each
    Build(build::Arguments),
    /// Check whether components are admitted, with every reason for a refusal; nothing is run
    Check(check::Arguments),
    /// Show a component's declaration, origin, sizes and digests
    Inspect(inspect::Arguments),
    /// Make a publisher's key
    Keygen(keygen::Arguments),
    /// Sign a component with a publisher's key
    Sign(sign::Arguments),
    /// Check whether a component is signed, and by whom
    Verify(verify::Arguments),
    /// Build rules and run their cases
    Test(test::Arguments),
    /// Explain step by step why a rule did or did not find something on an event
    Explain(explain::Arguments),
    /// Measure a rule's cost per event, against its declared limits
    Bench(bench::Arguments),
    /// Turn a finding on record into a case without personal data
    Repro(repro::Arguments),
}

impl Command {
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self {
            Command::New(arguments) => arguments.run(out),
            Command::Build(arguments) => arguments.run(out),
            Command::Check(arguments) => arguments.run(out),
            Command::Inspect(arguments) => arguments.run(out),
            Command::Keygen(arguments) => arguments.run(out),
            Command::Sign(arguments) => arguments.run(out),
            Command::Verify(arguments) => arguments.run(out),
            Command::Test(arguments) => arguments.run(out),
            Command::Explain(arguments) => arguments.run(out),
            Command::Bench(arguments) => arguments.run(out),
            Command::Repro(arguments) => arguments.run(out),
        }
    }
}
