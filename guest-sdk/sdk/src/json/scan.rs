//! JSON texts byte by byte: whether a text is one value, where the next value ends, and what escapes stand for. Nothing
//! here calls itself, so no text can exhaust a guest's stack.

/// What may stand between the parts of a text.
pub(super) const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// How deep values may be nested.
const DEEPEST: u32 = 128;

/// Whether the text is exactly one JSON value, nested at most [`DEEPEST`] deep.
pub(super) fn is_one_value(text: &[u8]) -> bool {
    Scanner { text, at: 0 }.one_value().is_some()
}

/// The next value of checked text, and what follows it; commas and colons before it are passed over. None where an
/// array or object, or the text, ends.
pub(super) fn next_value(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', ',', ':']);
    let mut scanner = Scanner { text: text.as_bytes(), at: 0 };
    scanner.pass()?;
    Some((text.get(..scanner.at)?, text.get(scanner.at..)?))
}

/// What stands between a string's quotes, with its escapes resolved.
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

/// The character of a `\u` escape, given what follows the `u`, and what follows the escape. Two escapes that are a
/// surrogate pair are one character.
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

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn space(&mut self) {
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// The whole text as one value.
    fn one_value(&mut self) -> Option<()> {
        // Of what is open, innermost last: whether it is an object.
        let (mut objects, mut depth) = (0_u128, 0_u32);
        loop {
            self.space();
            match self.peek()? {
                open @ (b'{' | b'[') => {
                    let object = open == b'{';
                    self.at += 1;
                    self.space();
                    if depth == DEEPEST {
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
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => self.number()?,
            }
            // A value is over, and with it whatever ends here.
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
                0..0x20 => return None,
                _ => {}
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

    fn word(&mut self, word: &[u8]) -> Option<()> {
        word.iter().try_for_each(|byte| self.expect(*byte))
    }

    /// Passes over one value of checked text.
    fn pass(&mut self) -> Option<()> {
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
                b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                _ => self.skip(|byte| !matches!(byte, b',' | b':' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | b'"')),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}
