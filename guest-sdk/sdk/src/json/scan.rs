//! Scans JSON byte by byte: whether a text is one value, where the next value ends, and what escapes stand for. Nothing
//! here is recursive, so no text can exhaust a guest's stack.

/// The deepest nesting of values.
const MAX_DEPTH: u32 = 128;

/// Whether the text is exactly one JSON value, nested at most [`MAX_DEPTH`] deep.
pub(super) fn is_one_value(text: &[u8]) -> bool {
    Scanner { text, at: 0 }.one_value().is_some()
}

/// The next value of checked text, and the rest; commas and colons before it are skipped. None at the end of an array,
/// an object or the text.
pub(super) fn next_value(text: &str) -> Option<(&str, &str)> {
    let mut scanner = Scanner { text: text.as_bytes(), at: 0 };
    scanner.space();
    scanner.skip(|byte| matches!(byte, b',' | b':'));
    scanner.space();
    let start = scanner.at;
    scanner.skip_value()?;
    // Unchecked text may have something that isn't a value.
    if scanner.at == start {
        return None;
    }
    Some((text.get(start..scanner.at)?, text.get(scanner.at..)?))
}

/// The text between a string's quotes, with its escapes resolved.
pub(super) fn unescape(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut escaped = escape.chars();
        rest = match escaped.next() {
            Some('u') => {
                let (character, rest) = unicode(escaped.as_str());
                text.push(character);
                rest
            }
            Some(short) => {
                text.push(match short {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    itself => itself,
                });
                escaped.as_str()
            }
            None => "",
        };
    }
    text.push_str(rest);
    text
}

/// The character of a `\u` escape, given the text behind the `u`, and the text behind the escape. Two escapes that form
/// a surrogate pair are one character.
fn unicode(text: &str) -> (char, &str) {
    let unit = |text: &str| text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let after = |text| str::get(text, 4..).unwrap_or_default();
    let rest = after(text);
    let first = unit(text).unwrap_or(u32::from(char::REPLACEMENT_CHARACTER));
    if let (0xd800..0xdc00, Some(next)) = (first, rest.strip_prefix("\\u"))
        && let Some(second @ 0xdc00..0xe000) = unit(next)
    {
        let character = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER), after(next));
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), rest)
}

/// Whether none of eight bytes is a quote, a backslash or a control character. ("Bit Twiddling Hacks" of S. E. Anderson,
/// "Determine if a word has a byte less than n"; exact for a word as a whole.)
#[inline]
fn is_plain(word: u64) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    let has_less = |word: u64, than: u64| word.wrapping_sub(ONES.wrapping_mul(than)) & !word & HIGHS;
    let quote = has_less(word ^ u64::from_le_bytes([b'"'; 8]), 1);
    let backslash = has_less(word ^ u64::from_le_bytes([b'\\'; 8]), 1);
    has_less(word, 0x20) | quote | backslash == 0
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Takes the next byte if it is this one.
    fn take(&mut self, wanted: u8) -> bool {
        let taken = self.peek() == Some(wanted);
        self.at += usize::from(taken);
        taken
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        self.take(wanted).then_some(())
    }

    /// Skips bytes as long as they are wanted. Searching the slice is several times as fast as one step per byte.
    #[inline]
    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
    }

    /// Skips eight bytes at a time as long as such a word is wanted: a body may have a hundred thousand bytes, and is
    /// scanned again for each member that is looked up.
    #[inline]
    fn skip_words(&mut self, wanted: impl Fn(u64) -> bool) {
        let (words, _) = self.text.get(self.at..).unwrap_or_default().as_chunks::<8>();
        self.at += 8 * words.iter().position(|word| !wanted(u64::from_le_bytes(*word))).unwrap_or(words.len());
    }

    #[inline]
    fn space(&mut self) {
        // Usually there is none.
        if self.peek().is_none_or(|byte| byte > b' ') {
            return;
        }
        self.skip_words(|word| word == u64::from_le_bytes([b' '; 8]));
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// The whole text as one value.
    fn one_value(&mut self) -> Option<()> {
        // One bit per open array or object, innermost last: whether it is an object.
        let (mut objects, mut depth) = (0_u128, 0_u32);
        loop {
            self.space();
            match self.peek()? {
                open @ (b'{' | b'[') => {
                    let object = open == b'{';
                    self.at += 1;
                    self.space();
                    if depth == MAX_DEPTH {
                        return None;
                    }
                    if !self.take(if object { b'}' } else { b']' }) {
                        objects = objects << 1 | u128::from(object);
                        depth += 1;
                        if object {
                            self.name()?;
                        }
                        continue;
                    }
                }
                b'"' => self.string()?,
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => self.number()?,
            }
            // A value has ended, and with it perhaps the arrays and objects around it.
            loop {
                self.space();
                if depth == 0 {
                    return (self.at == self.text.len()).then_some(());
                }
                match (self.next()?, objects & 1 == 1) {
                    (b',', false) => break,
                    (b',', true) => {
                        self.space();
                        self.name()?;
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        objects >>= 1;
                        depth -= 1;
                    }
                    _ => return None,
                }
            }
        }
    }

    /// A member's name and its colon.
    fn name(&mut self) -> Option<()> {
        self.string()?;
        self.space();
        self.expect(b':')
    }

    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            self.skip_words(is_plain);
            self.skip(|byte| byte != b'"' && byte != b'\\' && byte >= 0x20);
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        for _ in 0..4 {
                            self.next().filter(u8::is_ascii_hexdigit)?;
                        }
                    }
                    _ => return None,
                },
                _ => return None,
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        self.skip(|byte| byte.is_ascii_digit());
        (self.at > start).then_some(())
    }

    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        literal.iter().try_for_each(|byte| self.expect(*byte))
    }

    /// Skips one value of checked text.
    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                _ => self.skip(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')),
            }
            if depth == 0 {
                return Some(());
            }
            self.space();
            self.skip(|byte| !matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_plain_as_its_bytes_are() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                for other in [b'a', 0x20, 0x7f, 0x80, 0xff] {
                    let mut word = [other; 8];
                    word[place] = byte;
                    let plain = byte >= 0x20 && byte != b'"' && byte != b'\\';
                    assert_eq!(is_plain(u64::from_le_bytes(word)), plain, "{word:?}");
                }
            }
        }
    }
}
