//! The command line as a whole; the options of each subcommand are in its file.

use clap::{Parser, Subcommand};

use crate::exit::Exit;
use crate::out::Out;
use crate::{
    activity, admit, apply, audit, backup, compile, completions, config, demo, directory, doctor, events, generate,
    generations, init, log, plan, reload, replay, restore, rollback, rule, rules, run, sources, state, status, token,
    version,
};

const EXAMPLES: &str = "\
Examples:
  countersign demo
      see an attack and a benign burst in generated telemetry, and the decisions about them
  countersign events --source auto logs/*.json.gz
      see your telemetry as rules see it
  countersign replay --source auto --identities identities.toml logs/*.json.gz
      see what would have been decided about it
  countersign replay --source auto --audit run.audit logs/*.json.gz
  countersign audit verify run.audit
  countersign audit recompute run.audit
      put decisions on record, check that the record is unchanged, and compute them again
  countersign audit list run.audit --decision await-approval
  countersign audit show run.audit 12
      find decisions on record, and explain one
  countersign replay --source auto --store run.db logs/*.json.gz
  countersign audit export --store run.db --out run.audit
      the same, in a store that goes on where it stopped
  countersign rule test rules/ && countersign rule build rules/
      test and build your own rules

Exit codes:
  0  success
  1  something was refused or failed: admission, a build, a test, a verification; or no record could be used;
     of `plan`: the files on disk differ from what serves
  2  wrong usage, or a file that can't be read
  3  `audit recompute` alone: results differ from those on record by version only
";

/// A governed host for identity threat detection and response.
///
/// Rules are sandboxed WebAssembly components from any author. A rule only reports findings or proposes actions. The
/// host decides what happens to an identity, from what the rule declares and your policy allows, and every decision can
/// be recomputed. This version decides and records. It executes nothing.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    long_version = version::long(),
    after_help = EXAMPLES,
    max_term_width = 110,
    propagate_version = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build, check, inspect and test rules
    #[command(subcommand)]
    Rule(rule::Command),
    /// Export the rules that ship in this binary, and show those of a host
    #[command(subcommand)]
    Rules(rules::Command),
    /// Verify what is on record, recompute it, list and explain decisions, export a store
    #[command(subcommand)]
    Audit(audit::Command),
    /// Show what a rule keeps in a store: state, timers, kept references
    #[command(subcommand)]
    State(state::Command),
    /// Show telemetry as rules see it: normalised events
    Events(events::Arguments),
    /// Decide about recorded telemetry, without executing anything
    Replay(Box<replay::Arguments>),
    /// Serve as one process: record what comes in, judge it, and change rules and policy while running
    Run(run::Arguments),
    /// Show how a host that runs is
    Status(status::Arguments),
    /// Show what would change if the files on disk served, and what they would have made of the recorded past
    Plan(plan::Arguments),
    /// Have a host look at the files on disk now, and apply what needs no person
    Reload(reload::Arguments),
    /// Show the sources of a host: what came of them, and what is in the way
    Sources(sources::Arguments),
    /// List what a host's rules found, and follow it
    Findings(log::findings::Arguments),
    /// List what a host decided, and follow it
    Decisions(log::decisions::Arguments),
    /// List what of a host's records can't be used, with why
    DeadLetters(log::dead_letters::Arguments),
    /// Show who used an account lately: what would stop if it couldn't be used any more
    Activity(activity::Arguments),
    /// Have the files on disk serve in a host that runs
    Apply(apply::Arguments),
    /// Have an earlier generation serve again
    Rollback(rollback::Arguments),
    /// Show what served since when, and who applied it
    Generations(generations::Arguments),
    /// Make, list and revoke tokens, by which a host is asked over the network
    #[command(subcommand)]
    Token(token::Command),
    /// Copy what a host keeps, while it runs or not
    Backup(backup::Arguments),
    /// Make a state folder out of a backup
    Restore(restore::Arguments),
    /// Look for what is wrong with a host, its files and its machine
    Doctor(doctor::Arguments),
    /// Write a commented configuration, policy, identities, trust, sources and a systemd unit
    Init(init::Arguments),
    /// Check a configuration with all files that it names, and show its values
    #[command(subcommand)]
    Config(config::Command),
    /// Generate telemetry: a company's ordinary work, with attacks and benign bursts
    Generate(generate::Arguments),
    /// Show an attack and a benign burst in generated telemetry, and the decisions about them
    Demo(demo::Arguments),
    /// Serve a small identity provider to try Countersign on, and set it up
    #[command(subcommand)]
    Directory(directory::Command),
    /// Print a script by which a shell completes commands and options
    Completions(completions::Arguments),
    #[command(hide = true)]
    Admit(admit::Arguments),
    #[command(hide = true)]
    Compile(compile::Arguments),
}

impl Arguments {
    /// Whether it is a host that serves.
    pub(crate) fn is_host(&self) -> bool {
        matches!(self.command, Command::Run(_))
    }

    /// Runs the subcommand.
    pub(crate) fn run(self, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            Command::Rule(command) => command.run(out),
            Command::Rules(command) => command.run(out),
            Command::Audit(command) => command.run(out),
            Command::State(command) => command.run(out),
            Command::Replay(arguments) => arguments.run(out),
            Command::Events(arguments) => arguments.run(out),
            Command::Run(arguments) => arguments.run(out),
            Command::Status(arguments) => arguments.run(out),
            Command::Plan(arguments) => arguments.run(out),
            Command::Reload(arguments) => arguments.run(out),
            Command::Sources(arguments) => arguments.run(out),
            Command::Findings(arguments) => arguments.run(out),
            Command::Decisions(arguments) => arguments.run(out),
            Command::DeadLetters(arguments) => arguments.run(out),
            Command::Activity(arguments) => arguments.run(out),
            Command::Apply(arguments) => arguments.run(out),
            Command::Rollback(arguments) => arguments.run(out),
            Command::Generations(arguments) => arguments.run(out),
            Command::Token(command) => command.run(out),
            Command::Backup(arguments) => arguments.run(out),
            Command::Restore(arguments) => arguments.run(out),
            Command::Doctor(arguments) => arguments.run(out),
            Command::Init(arguments) => arguments.run(out),
            Command::Config(command) => command.run(out),
            Command::Generate(arguments) => arguments.run(out),
            Command::Demo(arguments) => arguments.run(out),
            Command::Directory(command) => command.run(out),
            Command::Completions(arguments) => arguments.run(out),
            Command::Admit(arguments) => arguments.run(),
            Command::Compile(arguments) => arguments.run(),
        }
    }
}
