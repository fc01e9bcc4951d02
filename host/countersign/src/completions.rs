//! `countersign completions`: scripts by which shells complete commands and options.

use std::io::Write;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::exit::Exit;
use crate::out::Out;

const EXAMPLES: &str = "\
Examples:
  countersign completions bash > ~/.local/share/bash-completion/completions/countersign
  countersign completions zsh > ~/.zfunc/_countersign
  countersign completions fish > ~/.config/fish/completions/countersign.fish
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The shell that the script is for
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut crate::arguments::Arguments::command(),
            env!("CARGO_PKG_NAME"),
            &mut script,
        );
        out.write_all(&script)?;
        Ok(Exit::Done)
    }
}
