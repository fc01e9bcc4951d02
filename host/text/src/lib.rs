//! Text that others chose (records, rules, files, their names, what libraries say about them), made safe to show: one line,
//! without anything that a terminal acts on or a reader doesn't see, cut where it is long.
//!
//! INVARIANT: this is the only place that knows which characters those are. Whatever people read goes through here.
//!
//! ```
//! use countersign_text::{line, quoted};
//!
//! assert_eq!(line("ok\n\x1b[2Jverified"), r"ok\n\u{1b}[2Jverified");
//! assert_eq!(quoted("ad\u{200b}min"), r"`ad\u{200b}min`");
//! ```

mod invisible;

use std::fmt::{self, Write as _};
use std::path::Path;

pub use invisible::is_invisible;

use invisible::{is_emoji_like, is_mark};

/// Most characters of a text in a message.
pub const MAX_QUOTED: usize = 96;

/// Most characters of a line. No message of the host's own has as many.
pub const MAX_LINE: usize = 16 << 10;

/// Most marks on one character that are shown as such: more pile up over the lines around.
const MAX_MARKS: usize = 4;

/// A text for a message: in backticks, escaped, at most [`MAX_QUOTED`] characters of it.
#[must_use]
pub fn quoted(text: &str) -> String {
    // A backtick would end the quotation.
    format!("`{}`", escaped(text, MAX_QUOTED, |c| c == '`'))
}

/// A text between quotes that the caller writes: as [`quoted`], without the backticks.
#[must_use]
pub fn visible(text: &str) -> String {
    escaped(text, MAX_QUOTED, |c| c == '`' || c == '"')
}

/// A text as one line: escaped, at most [`MAX_LINE`] characters of it.
#[must_use]
pub fn line(text: &str) -> String {
    escaped(text, MAX_LINE, |_| false)
}

/// A path as one line.
pub fn path(path: &(impl AsRef<Path> + ?Sized)) -> impl fmt::Display + '_ {
    Shown(path.as_ref())
}

struct Shown<'p>(&'p Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&line(&self.0.to_string_lossy()))
    }
}

/// JSON with every character that isn't seen written as an escape: the same value. Outside of texts JSON has none of them
/// but its own white space, which stays.
#[must_use]
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() || !is_invisible(c) {
            // DEL is no control character to JSON.
            if c == '\u{7f}' {
                shown.push_str("\\u007f")
            } else {
                shown.push(c)
            }
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string doesn't fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown
}

fn escaped(text: &str, max: usize, also: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len().min(4 * max));
    let (mut before, mut marks) = (None, 0);
    for (place, c) in text.chars().enumerate() {
        if place == max {
            shown.push('…');
            break;
        }
        marks = if is_mark(c) { marks + 1 } else { 0 };
        let seen = match c {
            // A selector that makes a character a coloured picture, where it does.
            '\u{fe0f}' => before.is_some_and(is_emoji_like),
            // A mark needs something that it is on.
            c if marks > 0 => before.is_some() && marks <= MAX_MARKS && !is_invisible(c),
            c => !is_invisible(c) && !also(c),
        };
        if seen {
            shown.push(c);
        } else if c.is_ascii_graphic() {
            shown.extend(c.escape_unicode());
        } else {
            shown.extend(c.escape_default());
        }
        before = seen.then_some(c);
    }
    shown
}
