//! `countersign rule sign`: writes a publisher's signature into a component.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use countersign_admission::{Admitted, sections};
use countersign_declaration::Ceilings;
use countersign_generation::statement;
use countersign_policy::LOCAL_PUBLISHER;
use countersign_signing::{Envelope, SecretKey, Statement};

use super::check::{admit_file, print};
use crate::exit::{Exit, unusable};
use crate::files;
use crate::intake;
use crate::out::Out;
use crate::stderr;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign rule sign --key acme.key target/rules/acme.watch.wasm
  countersign rule verify target/rules/acme.watch.wasm

FILE is rewritten: a section with a DSSE envelope is put at its end, which no digest of the rule
covers. What is signed are the digests of code, declaration and data, with the id and the version (an
in-toto statement). A signature of the same by another key stays beside yours; one of anything else is
replaced. KEY is a file of `rule keygen`, which only its owner can read. The exit code is 1 if FILE
isn't admitted, 2 if a file can't be used.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The secret key
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    /// A component
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let key = SecretKey::read(&self.key)
            .map_err(|error| unusable(format_args!("can't use the key `{}`: {error}", text::path(&self.key))))?;
        let (admitted, bytes) = match admit_file(&intake::standing()?, &self.file, &Ceilings::default())? {
            Ok(read) => read,
            Err(refusals) => {
                print(out, &self.file, &Err(refusals), None)?;
                return Ok(Exit::Refused);
            }
        };
        let statement = statement(&admitted);
        let envelope = match earlier(&admitted, &statement) {
            Some(envelope) => envelope.also_signed_by(&key)?,
            None => Envelope::sign(statement, &key),
        };
        let signed = sections::attach_signature(&bytes, &envelope.to_bytes())
            .map_err(|refusal| anyhow::anyhow!("{}: {refusal}", text::path(&self.file)))?;
        files::write_whole(&self.file, &signed).with_context(|| format!("can't write `{}`", text::path(&self.file)))?;
        let Statement { rule, version, .. } = envelope.statement();
        writeln!(out, "signed {rule} {version} by {}", key.public())?;
        if rule.publisher() == LOCAL_PUBLISHER {
            stderr::note(format_args!("rules of publisher `{LOCAL_PUBLISHER}` are nobody's: a signature adds nothing"));
        }
        Ok(Exit::Done)
    }
}

/// The envelope that the rule has, if it is of exactly this rule; one that isn't is replaced, which is said.
fn earlier(admitted: &Admitted, statement: &Statement) -> Option<Envelope<Statement>> {
    let envelope = Envelope::verify(admitted.signature()?).ok().filter(|envelope| envelope.statement() == statement);
    if envelope.is_none() {
        stderr::note("the signature that the file has is of something else, and is replaced");
    }
    envelope
}
