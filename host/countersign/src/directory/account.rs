//! `countersign directory account add`: makes an account.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use countersign_configuration::Secret as Stored;
use countersign_directory::{AccountKind, Beginning, NewAccount, Secret};

use super::FileArguments;
use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign directory account add alice --db directory.db --password-file alice.password --group payroll
  countersign directory account add bob --db directory.db --password-file bob.password --totp
      the secret of Bob's device is printed once, in base 32
  countersign directory account add backup-job --service --db directory.db
      a service account; its key is printed once

Standard output has the account's id, then what is shown once.
";

/// Maximum bytes of a file with a password.
const MAX_PASSWORD: u64 = 1 << 10;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account
    Add(Add),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Add {
    /// The name to sign in with
    #[arg(value_name = "USERNAME")]
    username: String,
    #[command(flatten)]
    file: FileArguments,
    /// The name for people
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// A file with the password, which nobody else may read
    #[arg(long, value_name = "FILE", conflicts_with = "service")]
    password_file: Option<PathBuf>,
    /// Give it a device for codes
    #[arg(long, conflicts_with = "service")]
    totp: bool,
    /// A service account, with a key
    #[arg(long)]
    service: bool,
    /// A group to put it into; may be given more than once
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
}

impl Command {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let Command::Add(add) = self;
        add.run(out)
    }
}

impl Add {
    fn run(self, out: &mut Out) -> Result<Exit> {
        let password = self.password_file.map(|path| {
            let bytes = Stored::file(path).read(MAX_PASSWORD).map_err(unusable)?;
            let text = String::from_utf8(bytes.to_vec()).map_err(|_| unusable("expected a password of UTF-8 text"))?;
            anyhow::Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
        });
        let beginning =
            Beginning { password: password.transpose()?, totp: self.totp, api_key: self.service, groups: self.groups };
        let new = NewAccount {
            id: None,
            username: self.username,
            display_name: self.display_name,
            kind: if self.service { AccountKind::Service } else { AccountKind::Person },
            required_factors: None,
        };
        let begun = self.file.open()?.new_account(&new, &beginning).map_err(unusable)?;
        writeln!(out, "{}", text::line(&begun.id))?;
        for secret in [begun.totp, begun.api_key].into_iter().flatten() {
            writeln!(out, "{}", text::line(secret.text()))?;
        }
        Ok(Exit::Done)
    }
}
