//! What is told on standard error: errors, warnings and notes. Never fails: where nobody listens there is nobody to tell.

use std::fmt;
use std::io::Write;

use anstyle::{AnsiColor, Style};

use crate::text::plain;

/// Something ended the command, or a part of it.
pub(crate) fn error(what: impl fmt::Display) {
    say("error", AnsiColor::Red.on_default().bold(), what);
}

/// Something went on, and shouldn't stay so.
pub(crate) fn warning(what: impl fmt::Display) {
    say("warning", AnsiColor::Yellow.on_default().bold(), what);
}

/// Something worth knowing.
pub(crate) fn note(what: impl fmt::Display) {
    say("note", AnsiColor::Cyan.on_default().bold(), what);
}

fn say(kind: &str, style: Style, what: impl fmt::Display) {
    let text = plain(&what.to_string());
    let _ = writeln!(anstream::stderr().lock(), "{style}{kind}{style:#}: {text}");
}
