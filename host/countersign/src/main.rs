//! The command line of Countersign: one file a subcommand, and what they share (exit codes, output, progress, files).

mod arguments;
mod audit;
mod compile;
mod decisions;
mod demo;
mod exit;
mod files;
mod generate;
mod loading;
mod logging;
mod operator;
mod out;
mod progress;
mod replay;
mod rule;
mod say;
mod table;
mod text;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::out::Out;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logging::start();
    let mut out = Out::stdout();
    let ended = arguments.run(&mut out).and_then(|exit| {
        out.flush()?;
        Ok(exit)
    });
    match ended {
        Ok(exit) => exit,
        Err(error) => {
            say::error(exit::told(&error));
            Exit::of(&error)
        }
    }
    .into()
}
