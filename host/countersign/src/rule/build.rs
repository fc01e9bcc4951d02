//! `countersign rule build`: compiles rule folders into components.

use std::collections::BTreeSet;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use countersign_build::{BuildOptions, BuiltRule, build_rule, ensure_target, find_rules};

use crate::exit::{Exit, message, unusable};
use crate::files;
use crate::out::Out;
use crate::progress::Progress;
use crate::stderr;
use crate::table::Table;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign rule build rules/                       every rule in a folder, into target/rules
  countersign rule build rules/my-rule --out dist     one rule, into dist/publisher.name.wasm

Building a folder runs its code (build scripts and macros, also of its dependencies) with your rights.
Variables that may hold credentials aren't passed on, and a Cargo.lock is kept to. With a source that
you don't trust, take its component.

A faulty rule is reported and the others are built; the exit code is 1 then. If the target
wasm32-unknown-unknown is missing, it is added by rustup.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Rule folders (each with a rule.toml), or folders of them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The folder for the components
    #[arg(long, value_name = "DIR", default_value = "target/rules")]
    out: PathBuf,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let rules = rule_folders(&self.paths)?;
        ensure_target()?;
        files::make_public_folder(&self.out)
            .with_context(|| format!("can't create the folder `{}`", text::path(&self.out)))?;
        let options = options();
        let mut table = Table::new(out, ["rule", "version", "size", "file"]).right(2);
        let (mut written, mut failed) = (BTreeSet::new(), 0_u64);
        let progress = Progress::steps(rules.len() as u64);
        for rule in &rules {
            progress.message(format!("building {}", text::path(&rule)));
            match build_rule(rule, &options).map_err(Into::into).and_then(|built| self.write(built, &mut written)) {
                Ok((built, path)) => {
                    let declaration = built.admitted.declaration();
                    table.row([
                        (&declaration.id).into(),
                        (&declaration.version).into(),
                        text::size(built.bytes.len() as u64).into(),
                        text::path(&path).into(),
                    ]);
                }
                Err(error) => {
                    failed += 1;
                    progress.aside(|| stderr::error(message(&error)));
                }
            }
            progress.step();
        }
        progress.done();
        if !table.is_empty() {
            write!(out, "{}", table.text(""))?;
        }
        if failed > 0 {
            stderr::error(format_args!("{failed} of {} could not be built", text::count(rules.len() as u64, "rule")));
        }
        Ok(Exit::unless(failed > 0))
    }

    fn write(&self, built: BuiltRule, written: &mut BTreeSet<PathBuf>) -> Result<(BuiltRule, PathBuf)> {
        let id = &built.admitted.declaration().id;
        let path = self.out.join(id.file_name());
        anyhow::ensure!(
            written.insert(path.clone()),
            "`{id}`: expected a unique id, another of these rules has it too"
        );
        files::write_whole(&path, &built.bytes).with_context(|| format!("can't write `{}`", text::path(&path)))?;
        Ok((built, path))
    }
}

/// The rule folders at paths.
///
/// # Errors
/// When a path has none or can't be read: `Unusable`.
pub(super) fn rule_folders(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    find_rules(paths).map_err(unusable)
}

/// Rules have their own target folder: a running cargo may hold the lock on the other one.
pub(super) fn options() -> BuildOptions {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    BuildOptions { target_dir: target.join("guests") }
}
