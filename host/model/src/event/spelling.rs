//! Writes JSON in one spelling: the same value gives the same bytes, whatever the order of members, white space, escapes and
//! the spelling of numbers.

use std::ops::Range;

/// Deeper values go by their bytes as they are spelled.
const MAX_DEPTH: usize = 64;

/// Adds a JSON text in one spelling. The bytes are no JSON: each value begins with a byte for its kind, and a text or a
/// number tells where it ends, so no two values that differ give the same bytes. Numbers are equal by their exact decimal
/// values. Of members with one name the order stays. From where a text isn't JSON, it goes by its bytes.
pub(super) fn write(out: &mut Vec<u8>, json: &str) {
    let mut writer = Writer { out, rest: json.as_bytes(), members: Vec::new() };
    if writer.value(0).is_none() || !writer.rest.trim_ascii().is_empty() {
        writer.out.push(b'?');
        writer.out.extend_from_slice(json.as_bytes());
    }
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    rest: &'a [u8],
    /// The members of the objects around, each with its name and the whole as ranges of what is written.
    members: Vec<(Range<usize>, Range<usize>)>,
}

impl<'a> Writer<'a> {
    fn first(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Goes past the next byte if it is this one.
    fn accept(&mut self, byte: u8) -> bool {
        let found = self.first() == Some(byte);
        self.skip(usize::from(found));
        found
    }

    /// As long as these bytes follow.
    fn take_while(&mut self, fits: impl Fn(&u8) -> bool) -> &'a [u8] {
        let count = self.rest.iter().take_while(|byte| fits(byte)).count();
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or_default();
        self.rest = rest;
        taken
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.first()? {
            b'"' => self.text(),
            b'{' | b'[' if depth >= MAX_DEPTH => self.deep(),
            b'{' => self.object(depth),
            b'[' => self.list(depth),
            b'-' | b'0'..=b'9' => self.number(),
            first @ (b't' | b'f' | b'n') => {
                let word = self.take_while(u8::is_ascii_lowercase);
                self.out.push(first);
                matches!(word, b"true" | b"false" | b"null").then_some(())
            }
            _ => None,
        }
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        self.skip(1);
        self.out.push(b'[');
        if !self.accept(b']') {
            loop {
                self.value(depth + 1)?;
                if self.accept(b']') {
                    break;
                }
                self.accept(b',').then_some(())?;
            }
        }
        self.out.push(b']');
        Some(())
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.skip(1);
        self.out.push(b'{');
        let (base, start) = (self.members.len(), self.out.len());
        if !self.accept(b'}') {
            loop {
                let from = self.out.len();
                (self.first()? == b'"').then_some(())?;
                self.text()?;
                let name = from..self.out.len();
                self.accept(b':').then_some(())?;
                self.value(depth + 1)?;
                self.members.push((name, from..self.out.len()));
                if self.accept(b'}') {
                    break;
                }
                self.accept(b',').then_some(())?;
            }
        }
        self.sort(base, start)?;
        self.members.truncate(base);
        self.out.push(b'}');
        Some(())
    }

    /// Puts the members of an object, which begin at `start`, into the order of their names.
    fn sort(&mut self, base: usize, start: usize) -> Option<()> {
        let Writer { out, members, .. } = self;
        let name = |member: &(Range<usize>, Range<usize>)| out.get(member.0.clone()).unwrap_or_default();
        let members = members.get_mut(base..)?;
        if members.is_sorted_by(|one, next| name(one) <= name(next)) {
            return Some(());
        }
        members.sort_by(|one, other| name(one).cmp(name(other)));
        let mut sorted = Vec::with_capacity(out.len() - start);
        for (_, whole) in members.iter() {
            sorted.extend_from_slice(out.get(whole.clone())?);
        }
        out.truncate(start);
        out.extend_from_slice(&sorted);
        Some(())
    }

    /// A text: its length and its bytes without escapes. A surrogate without its other half is written as a byte that isn't
    /// in UTF-8, with its number.
    fn text(&mut self) -> Option<()> {
        self.skip(1);
        self.out.push(b'"');
        let length = self.out.len();
        self.out.extend_from_slice(&[0; 8]);
        loop {
            let plain = self.take_while(|byte| !matches!(byte, b'"' | b'\\'));
            self.out.extend_from_slice(plain);
            let first = *self.rest.first()?;
            self.skip(1);
            if first == b'"' {
                break;
            }
            let escaped = *self.rest.first()?;
            self.skip(1);
            let byte = match escaped {
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'u' => {
                    self.unicode()?;
                    continue;
                }
                other => other,
            };
            self.out.push(byte);
        }
        let count = (self.out.len() - length - 8) as u64;
        self.out.get_mut(length..length + 8)?.copy_from_slice(&count.to_be_bytes());
        Some(())
    }

    fn unicode(&mut self) -> Option<()> {
        let unit = hex(self.rest)?;
        self.skip(4);
        let low = || hex(self.rest.strip_prefix(b"\\u")?).filter(|low| (0xdc00..0xe000).contains(low));
        let code = match unit {
            0xd800..0xdc00 => low().map(|low| 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)),
            _ => None,
        };
        if code.is_some() {
            self.skip(6);
        }
        match char::from_u32(code.unwrap_or(unit)) {
            Some(char) => self.out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            None => {
                self.out.push(0xff);
                self.out.extend_from_slice(&unit.to_be_bytes());
            }
        }
        Some(())
    }

    /// A number: its sign, its digits without zeros at either end, and the power of ten.
    fn number(&mut self) -> Option<()> {
        let number = self.take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let (sign, number) = number.strip_prefix(b"-").map_or((false, number), |number| (true, number));
        let mut parts = number.splitn(2, |byte| matches!(byte, b'e' | b'E'));
        let mut digits = parts.next()?.splitn(2, |byte| *byte == b'.');
        let (whole, fraction) = (digits.next()?, digits.next().unwrap_or_default());
        let mut power: i64 = match parts.next() {
            Some(power) => std::str::from_utf8(power).ok()?.parse().ok()?,
            None => 0,
        };
        power = power.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        self.out.push(b'#');
        let start = self.out.len();
        let digits = whole.iter().chain(fraction).copied();
        self.out.extend(digits.skip_while(|digit| *digit == b'0'));
        let kept = self.out.get(start..)?;
        if !kept.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let zeros = kept.iter().rev().take_while(|digit| **digit == b'0').count();
        self.out.truncate(self.out.len() - zeros);
        if self.out.len() == start {
            (self.out).extend_from_slice(b"e");
            return Some(());
        }
        power = power.checked_add(i64::try_from(zeros).ok()?)?;
        self.out.push(if sign { b'-' } else { b'e' });
        self.out.extend_from_slice(&power.to_be_bytes());
        Some(())
    }

    /// An object or a list that is too deep: its bytes.
    fn deep(&mut self) -> Option<()> {
        let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
        let end = self.rest.iter().position(|byte| {
            match (in_text, byte) {
                _ if escaped => escaped = false,
                (true, b'\\') => escaped = true,
                (_, b'"') => in_text = !in_text,
                (false, b'{' | b'[') => depth += 1,
                (false, b'}' | b']') => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })?;
        let (bytes, rest) = self.rest.split_at_checked(end + 1)?;
        self.rest = rest;
        self.out.push(b'd');
        self.out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.out.extend_from_slice(bytes);
        Some(())
    }
}

fn hex(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.get(..4)?;
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
#[path = "../../tests/unit/event_spelling.rs"]
mod tests;
