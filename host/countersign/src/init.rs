//! `countersign init`: the files of a new configuration.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_configuration::init::{self, CONFIGURATION, NewFile, RULES, UNIT, UNIT_FOLDER};
use countersign_private::{check_folder, create_new, make_folder};

use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign init conf
  countersign config check --config conf/countersign.toml
  countersign run --config conf/countersign.toml
      a host in this folder, with its state in conf/state
  sudo countersign init /etc/countersign
      for a service: the head of /etc/countersign/countersign.service says how to go on

Written are countersign.toml with every key, policy.toml (the one that ships), identities.toml,
trust.toml, sources.toml, an empty folder rules, and a systemd unit. Only you can read them. If one of
these files exists, nothing is written and the exit code is 2.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The folder; it is created if it doesn't exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let for_unit = std::path::absolute(&self.folder).is_ok_and(|folder| folder == Path::new(UNIT_FOLDER));
        let files = init::files(for_unit);
        let rules = self.folder.join(RULES);
        let existing: Vec<String> = files
            .iter()
            .map(|file| self.folder.join(file.name))
            .filter(|path| path.symlink_metadata().is_ok())
            // A folder of rules stays as it is.
            .chain((rules.symlink_metadata().is_ok() && check_folder(&rules).is_err()).then(|| rules.clone()))
            .map(|path| format!("`{}`", text::path(&path)))
            .collect();
        if !existing.is_empty() {
            return Err(unusable(format_args!(
                "expected no file of these names, got {}: move them away, or name another folder; nothing was written",
                existing.join(", ")
            )));
        }
        let folder = text::path(&self.folder).to_string();
        make_folder(&self.folder)
            .and_then(|()| make_folder(&rules))
            .map_err(|error| unusable(format_args!("can't make the folder `{folder}`: {error}")))?;
        self.write(&files)?;

        let file = |name: &str| text::path(&self.folder.join(name)).to_string();
        writeln!(out, "wrote to {folder}:")?;
        for NewFile { name, .. } in &files {
            writeln!(out, "  {name}")?;
        }
        writeln!(out, "  {RULES}/")?;
        writeln!(out, "next:")?;
        writeln!(out, "  countersign config check --config {}", file(CONFIGURATION))?;
        writeln!(out, "  countersign run --config {}", file(CONFIGURATION))?;
        writeln!(out, "  as a service: the head of {} says how", file(UNIT))?;
        Ok(Exit::Done)
    }

    /// Writes all files or none.
    fn write(&self, files: &[NewFile]) -> Result<()> {
        for (written, NewFile { name, text }) in files.iter().enumerate() {
            let path = self.folder.join(name);
            let made = create_new(&path);
            let mine = made.is_ok();
            if let Err(error) = made.and_then(|mut file| file.write_all(text.as_bytes())) {
                // What this command made goes, and nothing else.
                let made = files.iter().take(written + usize::from(mine));
                made.for_each(|file| drop::<io::Result<()>>(fs::remove_file(self.folder.join(file.name))));
                return Err(unusable(format_args!("can't write `{}`: {error}", text::path(&path))));
            }
        }
        Ok(())
    }
}
