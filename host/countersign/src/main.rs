//! The command line of Countersign: one file per subcommand, and what they share (exit codes, output, progress, files).

mod activity;
mod admit;
mod apply;
mod arguments;
mod audit;
mod backup;
mod calls;
mod compile;
mod completions;
mod config;
mod configuration;
mod dead_letters;
mod decisions;
mod demo;
mod directory;
mod doctor;
mod events;
mod exit;
mod files;
mod findings;
mod follow;
mod generate;
mod generations;
mod hint;
mod init;
mod intake;
mod interrupt;
mod live;
mod loading;
mod log;
mod logging;
mod operator;
mod out;
mod own_limits;
mod pattern;
mod plan;
mod progress;
mod recorded;
mod reload;
mod replay;
mod restore;
mod rollback;
mod rule;
mod rule_set;
mod rules;
mod run;
mod sources;
mod state;
mod status;
mod stderr;
mod storage;
mod summary;
mod table;
mod text;
mod token;
mod values;
mod version;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::out::Out;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A host logs as its configuration says.
    if !arguments.is_host() {
        logging::start();
    }
    let mut out = Out::stdout();
    let ended = arguments.run(&mut out).and_then(|exit| {
        out.flush()?;
        Ok(exit)
    });
    match ended {
        Ok(exit) => exit,
        Err(error) => {
            stderr::error(exit::message(&error));
            Exit::of_error(&error)
        }
    }
    .into()
}
