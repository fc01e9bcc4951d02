//! Finds where a JSON value ends, also one over several lines, and where the damage ends if it is none.
//!
//! It checks the order of brackets, members and separators and leaves the rest to who reads the value. Three properties of
//! JSON as it is written make damage end soon. A text has no line feed in it. A value that goes on in another line goes on
//! there indented deeper than it began, or with a closing brace; so a line with a bracket that isn't indented deeper begins
//! something else, whatever is unclosed before it. And outside of texts `}{` stands only between values.

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 1 << 20;

/// Deepest indentation that is distinguished from deeper ones, columns. What the scanner looks ahead without deciding is bounded by it.
pub(super) const MAX_INDENTATION: usize = 1 << 10;

/// Finds the end of one value. Resumable: what it is fed may come in pieces of any size.
pub(super) struct Scanner {
    /// How many bytes it was fed.
    fed: u64,
    /// How many bytes from its beginning it looked at, once its end is known.
    seen: u64,
    /// Of the line on which the value begins, columns; 0 if it begins within a line.
    indentation: usize,
    /// Whether another value may follow without a separator.
    is_joined: bool,
    state: State,
    /// The brackets that are open: whether each is an object's.
    open: Vec<bool>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Outside of texts: what may come, and the line that has begun.
    Between(Expected, Option<LineStart>),
    /// In a text: whether it is a member's name, and whether the next byte is escaped.
    Text { is_name: bool, is_escaped: bool },
    /// No JSON: in a line of it, with where `}`, or `}{`, ended that was seen last.
    Damaged(Joint),
    /// No JSON: at the beginning of a line.
    DamagedLine(LineStart),
}

#[derive(Clone, Copy, PartialEq)]
enum Expected {
    Value,
    FirstValue,
    Name,
    FirstName,
    Colon,
    Separator,
    /// More of a number, `true`, `false` or `null`, or what follows it.
    Word,
}

/// A line feed and the white space after it.
#[derive(Clone, Copy, PartialEq)]
struct LineStart {
    /// Where the line feed is.
    at: u64,
    indentation: usize,
}

/// How much of `}{"` was seen, white space aside.
#[derive(Clone, Copy, PartialEq)]
enum Joint {
    None,
    /// `}`, which ends here, and so much white space.
    Closed(u64, usize),
    /// `}{`, the first of which ends here, and so much white space.
    Opened(u64, usize),
}

impl Scanner {
    /// For a value that begins with a brace, a bracket or a quotation mark.
    pub(super) fn new(indentation: usize, is_joined: bool) -> Scanner {
        let state = State::Between(Expected::Value, None);
        Scanner { fed: 0, seen: 0, indentation: indentation.min(MAX_INDENTATION), is_joined, state, open: Vec::new() }
    }

    /// For the rest of an object after one of its members.
    pub(super) fn rest_of_object() -> Scanner {
        let state = State::Between(Expected::Separator, None);
        Scanner { state, open: vec![true], ..Scanner::new(0, true) }
    }

    /// Where it ends in bytes from its beginning, once that is known. `bytes` follow those that it was fed before.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Option<u64> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            at += match self.state {
                State::Text { is_name, is_escaped: false } => match memchr::memchr3(b'"', b'\\', b'\n', rest) {
                    None => rest.len(),
                    Some(found) => {
                        match rest.get(found) {
                            Some(b'"') => {
                                if let Some(end) = self.text_ends(is_name, self.fed + (at + found) as u64 + 1) {
                                    self.seen = end;
                                    return Some(end);
                                }
                                found + 1
                            }
                            Some(b'\\') => {
                                self.state = State::Text { is_name, is_escaped: true };
                                found + 1
                            }
                            // The line feed is looked at again.
                            _ => {
                                self.state = State::Damaged(Joint::None);
                                found
                            }
                        }
                    }
                },
                State::Between(expected, None) => {
                    // The common case by itself: within a line, and no error.
                    let mut expected = expected;
                    let mut count = 0;
                    while let Some(byte) = rest.get(count).copied() {
                        let next = match (expected, byte) {
                            (_, b' ') if expected != Expected::Word => expected,
                            (Expected::Colon, b':') => Expected::Value,
                            (Expected::Word, b'a'..=b'z' | b'0'..=b'9' | b'.') => Expected::Word,
                            (Expected::Value, b'a'..=b'z' | b'0'..=b'9' | b'-') => Expected::Word,
                            (Expected::Separator | Expected::Word, b',') => match self.open.last() {
                                Some(true) => Expected::Name,
                                _ => Expected::Value,
                            },
                            _ => break,
                        };
                        (expected, count) = (next, count + 1);
                    }
                    self.state = State::Between(expected, None);
                    match rest.get(count).copied() {
                        None => count,
                        Some(b'"') if matches!(expected, Expected::Name | Expected::FirstName) => {
                            self.state = State::Text { is_name: true, is_escaped: false };
                            count + 1
                        }
                        Some(byte) => match self.byte(byte, self.fed + (at + count) as u64) {
                            Some(end) => {
                                self.seen = self.fed + (at + count) as u64 + 1;
                                return Some(end);
                            }
                            None => count + 1,
                        },
                    }
                }
                _ => {
                    let byte = *rest.first()?;
                    if let Some(end) = self.byte(byte, self.fed + at as u64) {
                        self.seen = self.fed + at as u64 + 1;
                        return Some(end);
                    }
                    1
                }
            };
        }
        self.fed += bytes.len() as u64;
        None
    }

    /// How many bytes from its beginning it looked at to find its end, once that is known.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// How many bytes from its beginning are its own, wherever it ends.
    pub(super) fn settled(&self) -> u64 {
        match self.state {
            State::Between(_, Some(LineStart { at, .. })) | State::DamagedLine(LineStart { at, .. }) => at,
            State::Damaged(Joint::Closed(end, _) | Joint::Opened(end, _)) => end,
            _ => self.fed,
        }
    }

    fn text_ends(&mut self, is_name: bool, end: u64) -> Option<u64> {
        self.state = State::Between(if is_name { Expected::Colon } else { Expected::Separator }, None);
        (!is_name && self.open.is_empty()).then_some(end)
    }

    /// Takes the byte that is at this place.
    fn byte(&mut self, byte: u8, at: u64) -> Option<u64> {
        match self.state {
            State::Between(expected, line) => self.between(byte, at, expected, line),
            State::Text { is_name, is_escaped: true } if byte != b'\n' => {
                self.state = State::Text { is_name, is_escaped: false };
                None
            }
            State::Text { .. } => self.damaged(byte, at, Joint::None),
            State::Damaged(joint) => self.damaged(byte, at, joint),
            State::DamagedLine(line) => self.damaged_line(byte, at, line),
        }
    }

    fn between(&mut self, byte: u8, at: u64, expected: Expected, line: Option<LineStart>) -> Option<u64> {
        if is_space(byte) {
            let expected = if expected == Expected::Word { Expected::Separator } else { expected };
            self.state = State::Between(expected, line_start(byte, at, line));
            return None;
        }
        let is_outer = line.is_some_and(|line| line.indentation <= self.indentation);
        let begins_anew = is_outer && matches!(byte, b'{' | b'[');
        if !begins_anew && let Some(next) = self.next(byte, expected) {
            self.state = next;
            let is_closed = self.open.is_empty() && matches!(next, State::Between(Expected::Separator, _));
            return is_closed.then_some(at + 1);
        }
        match line {
            Some(line) if begins_anew || (is_outer && byte != b'}') => Some(line.at),
            _ => self.damaged(byte, at, Joint::None),
        }
    }

    /// What follows this byte, which is no white space; none if it can't stand there.
    fn next(&mut self, byte: u8, expected: Expected) -> Option<State> {
        use Expected::{Colon, FirstName, FirstValue, Name, Separator, Value, Word};
        let in_object = self.open.last().copied();
        let is_word = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let between = |expected| Some(State::Between(expected, None));
        match (expected, byte) {
            (Value | FirstValue, b'{' | b'[') if self.open.len() < MAX_DEPTH => {
                self.open.push(byte == b'{');
                between(if byte == b'{' { FirstName } else { FirstValue })
            }
            (Value | FirstValue, b'"') => Some(State::Text { is_name: false, is_escaped: false }),
            (Name | FirstName, b'"') => Some(State::Text { is_name: true, is_escaped: false }),
            (Value | FirstValue | Word, _) if is_word => between(Word),
            (Colon, b':') => between(Value),
            (Separator | Word, b',') => between(if in_object? { Name } else { Value }),
            (FirstName | Separator | Word, b'}') if in_object == Some(true) => {
                self.open.pop();
                between(Separator)
            }
            (FirstValue | Separator | Word, b']') if in_object == Some(false) => {
                self.open.pop();
                between(Separator)
            }
            _ => None,
        }
    }

    fn damaged(&mut self, byte: u8, at: u64, joint: Joint) -> Option<u64> {
        let joint = match (joint, byte) {
            (_, b'\n') => {
                self.state = State::DamagedLine(LineStart { at, indentation: 0 });
                return None;
            }
            (_, b'}') if self.is_joined => Joint::Closed(at + 1, 0),
            (Joint::Closed(end, 0..MAX_INDENTATION), b'{') => Joint::Opened(end, 0),
            (Joint::Opened(end, _), b'"') => return Some(end),
            (Joint::Closed(end, spaces @ 0..MAX_INDENTATION), _) if is_space(byte) => Joint::Closed(end, spaces + 1),
            (Joint::Opened(end, spaces @ 0..MAX_INDENTATION), _) if is_space(byte) => Joint::Opened(end, spaces + 1),
            _ => Joint::None,
        };
        self.state = State::Damaged(joint);
        None
    }

    fn damaged_line(&mut self, byte: u8, at: u64, line: LineStart) -> Option<u64> {
        match byte {
            // A blank line separates.
            b'\n' => Some(line.at),
            _ if is_space(byte) => {
                self.state = match line_start(byte, at, Some(line)) {
                    Some(line) => State::DamagedLine(line),
                    None => State::Damaged(Joint::None),
                };
                None
            }
            _ if byte == b'}' || line.indentation > self.indentation => self.damaged(byte, at, Joint::None),
            _ => Some(line.at),
        }
    }
}

/// The line that has begun, after this white space; none when it is indented deeper than is distinguished.
fn line_start(byte: u8, at: u64, line: Option<LineStart>) -> Option<LineStart> {
    match byte {
        b'\n' => Some(LineStart { at, indentation: 0 }),
        _ => line
            .map(|line| LineStart { indentation: line.indentation + 1, ..line })
            .filter(|line| line.indentation <= MAX_INDENTATION),
    }
}

/// JSON's own white space and no other: a form feed is a record, if a bad one.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
#[path = "../../tests/unit/scanner.rs"]
mod tests;
