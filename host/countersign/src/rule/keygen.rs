//! `countersign rule keygen`: a publisher's key.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use countersign_signing::SecretKey;

use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::stderr;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign rule keygen --out acme.key
  countersign rule sign --key acme.key target/rules/acme.watch.wasm

The public key is printed: operators write it into `trust.toml`, under the publisher's name. KEY holds
the secret key (Ed25519) and can be read by you alone; anyone who has it can publish in your name. The
exit code is 2 if there is a file KEY already, or it can't be written.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The file for the secret key; it must not exist
    #[arg(long, value_name = "KEY")]
    out: PathBuf,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let key = SecretKey::generate().context("can't make a key")?;
        key.create(&self.out)
            .map_err(|error| unusable(format_args!("can't write `{}`: {error}", text::path(&self.out))))?;
        writeln!(out, "{}", key.public())?;
        let file = text::path(&self.out);
        stderr::note(format_args!(
            "the secret key is in `{file}`: keep it to yourself; the public one is for operators"
        ));
        Ok(Exit::Done)
    }
}
