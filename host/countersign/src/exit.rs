//! How a command ends: the exit codes that `--help` documents.

use std::fmt;
use std::process::ExitCode;

/// How a command ends. Where several things went wrong, the greatest counts; `OtherVersion` is never one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Success.
    Done = 0,
    /// Something was refused or failed: admission, a build, a test, a verification; or no record could be used.
    Refused = 1,
    /// The command line or a file that it names can't be used.
    Unusable = 2,
    /// Recomputed results differ from those on record, and another version made all that do.
    OtherVersion = 3,
}

impl Exit {
    /// The exit code for an error that ends a command.
    pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
        if error.is::<Unusable>() { Exit::Unusable } else { Exit::Refused }
    }

    /// `Refused` if something was refused, else `Done`.
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

/// An error with its causes. A cause that the text already contains is left out.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if !message.contains(&cause) {
            message.push_str(if message.is_empty() { "" } else { ": " });
            message.push_str(&cause);
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn causes_are_reported_once() {
        let inner = std::io::Error::other("disk full");
        let error = Err::<(), _>(inner).context("can't write `x`: disk full").context("the run ended early");
        assert_eq!(message(&error.unwrap_err()), "the run ended early: can't write `x`: disk full");
    }

    #[test]
    fn unusable_input_exits_with_two() {
        assert_eq!(Exit::of_error(&unusable("no")), Exit::Unusable);
        assert_eq!(Exit::of_error(&anyhow::anyhow!("no")), Exit::Refused);
        assert_eq!(Exit::Refused.max(Exit::Unusable), Exit::Unusable);
    }
}
