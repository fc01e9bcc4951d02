//! How a command ends: the exit codes that `--help` documents.

use std::fmt;
use std::process::ExitCode;

/// How a command ends. The greater wins where several things went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Everything was done, and everything holds.
    Done = 0,
    /// Something was refused or failed: admission, a build, a test, a verification.
    Refused = 1,
    /// The command line or a file that it names can't be used.
    Unusable = 2,
}

impl Exit {
    /// Of an error that ends a command.
    pub(crate) fn of(error: &anyhow::Error) -> Exit {
        if error.is::<Unusable>() { Exit::Unusable } else { Exit::Refused }
    }

    /// Done, or refused where something wasn't.
    pub(crate) fn unless(refused: bool) -> Exit {
        if refused { Exit::Refused } else { Exit::Done }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Input that can't be used. A command that ends with this error exits with 2.
#[derive(Debug)]
pub(crate) struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

/// An error about input that can't be used.
pub(crate) fn unusable(why: impl fmt::Display) -> anyhow::Error {
    anyhow::Error::new(Unusable(why.to_string()))
}
