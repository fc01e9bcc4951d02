//! Text for people: messages of several lines, counts with their noun, sizes.

pub(crate) use countersign_text::{json, line, path};

/// What begins each further line of a message of several lines.
const INDENT: &str = "  ";

/// A message of the host's own, which may have several lines: each is made safe, and all but the first are indented, so that
/// no text within it begins a line of its own.
pub(crate) fn message(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (place, part) in text.split('\n').enumerate() {
        if place > 0 {
            shown.push('\n');
            if !part.starts_with(INDENT) {
                shown.push_str(INDENT);
            }
        }
        shown.push_str(&line(part));
    }
    shown
}

/// Text made safe for one line and wrapped between words; only a longer word exceeds the columns.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in line(text).split(' ') {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(last) if used + 1 + length <= columns => {
                last.push(' ');
                last.push_str(word);
                used += 1 + length;
            }
            _ => {
                lines.push(word.to_owned());
                used = length;
            }
        }
    }
    lines
}

/// At most so many characters of a text.
pub(crate) fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The first sentence of a text, without its full stop.
pub(crate) fn first_sentence(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.match_indices(['.', '\n']).find(|(at, mark)| {
        let after = text.get(at + 1..).unwrap_or_default();
        *mark == "\n" || after.is_empty() || after.starts_with(char::is_whitespace)
    });
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// A number with separated thousands: `1,234,567`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A count with its noun: `1 rule`, `2 rules`.
pub(crate) fn count(value: u64, noun: &str) -> String {
    let ending = if value == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", number(value))
}

/// A size in bytes: `812 B`, `1.5 KiB`, `3.2 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_of_a_message_begins_a_line() {
        assert_eq!(message("a\u{1b}[31m\n  b\nerror: c\n"), "a\\u{1b}[31m\n  b\n  error: c\n  ");
    }

    #[test]
    fn text_is_wrapped_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one averylongword x", 5), ["one", "averylongword", "x"]);
        assert_eq!(wrap("  two spaces", 80), ["  two spaces"]);
        assert_eq!(wrap("", 80), [""]);
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!([cut("äöü", 2), cut("äöü", 3), cut("", 0)], ["äö…", "äöü", ""]);
    }

    #[test]
    fn the_first_sentence_ends_with_its_full_stop_or_line() {
        assert_eq!(first_sentence(" Calls by 10.0.0.1. More."), "Calls by 10.0.0.1");
        assert_eq!(first_sentence("One line\nanother."), "One line");
        assert_eq!([first_sentence("All of it."), first_sentence("all"), first_sentence("")], ["All of it", "all", ""]);
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([count(1, "rule"), count(0, "rule")], ["1 rule", "0 rules"]);
        assert_eq!([size(812), size(1_536), size(5 << 20)], ["812 B", "1.5 KiB", "5.0 MiB"]);
    }
}
