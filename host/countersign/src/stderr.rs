//! Errors, warnings and notes on standard error, each safe to print and none forged by a text within another. Failures to write are ignored: there is no other place to report them.

use std::fmt;
use std::io::Write;

use anstyle::{AnsiColor, Style};

use crate::text::message;

/// Reports what ended the command or a part of it.
pub(crate) fn error(what: impl fmt::Display) {
    print("error", AnsiColor::Red.on_default().bold(), what);
}

/// Reports a problem that didn't end the command.
pub(crate) fn warning(what: impl fmt::Display) {
    print("warning", AnsiColor::Yellow.on_default().bold(), what);
}

/// Reports something worth knowing.
pub(crate) fn note(what: impl fmt::Display) {
    print("note", AnsiColor::Cyan.on_default().bold(), what);
}

fn print(kind: &str, style: Style, what: impl fmt::Display) {
    let text = message(&what.to_string());
    let _ = writeln!(anstream::stderr().lock(), "{style}{kind}{style:#}: {text}");
}
