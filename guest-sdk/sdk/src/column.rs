//! Reads a value of a column: an index into an arena; nothing is copied.

use core::net::{IpAddr, Ipv6Addr};

use crate::bindings::detect::{Column, RawArena, TextArena, TextLists, Validity, Values};

/// Whether the column has a value of the declared type in this row.
#[inline]
pub(crate) fn is_present(column: &Column, row: usize) -> bool {
    match &column.validity {
        Validity::AllPresent => true,
        Validity::Partial(masks) => bit(&masks.present, row),
    }
}

/// Whether the record has a value here, but of another type.
#[inline]
pub(crate) fn is_wrong_type(column: &Column, row: usize) -> bool {
    match &column.validity {
        Validity::AllPresent => false,
        Validity::Partial(masks) => bit(&masks.wrong_type, row),
    }
}

#[inline]
pub(crate) fn unsigned(column: &Column, row: usize) -> Option<u64> {
    let Values::Unsigned(values) = &column.values else { mismatch("unsigned") };
    if is_present(column, row) { Some(at(values, row)) } else { None }
}

#[inline]
pub(crate) fn signed(column: &Column, row: usize) -> Option<i64> {
    let Values::Signed(values) = &column.values else { mismatch("signed") };
    if is_present(column, row) { Some(at(values, row)) } else { None }
}

#[inline]
pub(crate) fn float(column: &Column, row: usize) -> Option<f64> {
    let Values::Float(values) = &column.values else { mismatch("float") };
    if is_present(column, row) { Some(at(values, row)) } else { None }
}

#[inline]
pub(crate) fn boolean(column: &Column, row: usize) -> Option<bool> {
    let Values::Bits(words) = &column.values else { mismatch("bits") };
    if is_present(column, row) { Some(bit(words, row)) } else { None }
}

#[inline]
pub(crate) fn timestamp(column: &Column, row: usize) -> Option<i64> {
    let Values::Timestamps(values) = &column.values else { mismatch("timestamps") };
    if is_present(column, row) { Some(at(values, row)) } else { None }
}

#[inline]
pub(crate) fn text(column: &Column, row: usize) -> Option<&str> {
    if !is_present(column, row) {
        return None;
    }
    match &column.values {
        Values::Dictionary(dictionary) => Some(item(&dictionary.entries, at(&dictionary.indices, row) as usize)),
        Values::Text(arena) => Some(item(arena, row)),
        _ => mismatch("text or dictionary"),
    }
}

#[inline]
pub(crate) fn texts(column: &Column, row: usize) -> Option<Texts<'_>> {
    let Values::TextLists(lists) = &column.values else { mismatch("text-lists") };
    if !is_present(column, row) {
        return None;
    }
    Some(Texts { lists, next: at(&lists.rows, row) as usize, end: at(&lists.rows, row + 1) as usize })
}

#[inline]
pub(crate) fn address(column: &Column, row: usize) -> Option<IpAddr> {
    let Values::Addresses(words) = &column.values else { mismatch("addresses") };
    if !is_present(column, row) {
        return None;
    }
    let bits = u128::from(at(words, 2 * row)) << 64 | u128::from(at(words, 2 * row + 1));
    Some(Ipv6Addr::from_bits(bits).to_canonical())
}

#[inline]
pub(crate) fn raw(column: &Column, row: usize) -> Option<&[u8]> {
    let Values::Raw(arena) = &column.values else { mismatch("raw") };
    if is_present(column, row) { Some(body(arena, row)) } else { None }
}

/// A raw body as text; none also if the bytes aren't UTF-8, which the contract rules out for JSON.
#[inline]
pub(crate) fn json(column: &Column, row: usize) -> Option<&str> {
    raw(column, row).and_then(|bytes| core::str::from_utf8(bytes).ok())
}

/// The texts of one row of a text list.
#[derive(Clone, Debug)]
pub struct Texts<'a> {
    lists: &'a TextLists,
    next: usize,
    end: usize,
}

impl<'a> Iterator for Texts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.next >= self.end {
            return None;
        }
        self.next += 1;
        Some(item(&self.lists.items, self.next - 1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Texts<'_> {}

/// A member of a list with one per row.
#[inline]
pub(crate) fn at<T: Copy>(values: &[T], index: usize) -> T {
    match values.get(index) {
        Some(value) => *value,
        None => too_short(index),
    }
}

#[inline]
fn bit(words: &[u64], row: usize) -> bool {
    at(words, row / 64) >> (row % 64) & 1 == 1
}

#[inline]
fn item(arena: &TextArena, index: usize) -> &str {
    let (start, end) = (at(&arena.offsets, index) as usize, at(&arena.offsets, index + 1) as usize);
    match arena.bytes.get(start..end) {
        Some(text) => text,
        None => too_short(index),
    }
}

#[inline]
fn body(arena: &RawArena, row: usize) -> &[u8] {
    let (start, end) = (at(&arena.offsets, row) as usize, at(&arena.offsets, row + 1) as usize);
    match arena.bytes.get(start..end) {
        Some(bytes) => bytes,
        None => too_short(row),
    }
}

#[cold]
#[inline(never)]
#[expect(clippy::panic, reason = "the host broke the contract: no answer can be right")]
fn mismatch(expected: &str) -> ! {
    panic!("the batch breaks the contract: expected a column of {expected}")
}

#[cold]
#[inline(never)]
#[expect(clippy::panic, reason = "the host broke the contract: no answer can be right")]
fn too_short(index: usize) -> ! {
    panic!("the batch breaks the contract: a list or arena has no member {index}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::detect::{Dictionary, Masks, RawKind};

    fn arena(texts: &[&str]) -> TextArena {
        let mut offsets = vec![0];
        let mut bytes = String::new();
        for text in texts {
            bytes.push_str(text);
            offsets.push(bytes.len() as u32);
        }
        TextArena { bytes, offsets }
    }

    fn all(values: Values) -> Column {
        Column { values, validity: Validity::AllPresent }
    }

    #[test]
    fn every_shape_is_read() {
        let column = all(Values::Text(arena(&["", "ä", "bc"])));
        assert_eq!((0..3).map(|row| text(&column, row)).collect::<Vec<_>>(), [Some(""), Some("ä"), Some("bc")]);
        let dictionary = Dictionary { entries: arena(&["x", "yy"]), indices: vec![1, 0, 1] };
        let column = all(Values::Dictionary(dictionary));
        assert_eq!((0..3).map(|row| text(&column, row)).collect::<Vec<_>>(), [Some("yy"), Some("x"), Some("yy")]);
        let column = all(Values::TextLists(TextLists { items: arena(&["a", "b", "c"]), rows: vec![0, 2, 2, 3] }));
        let lists: Vec<Vec<&str>> = (0..3).map(|row| texts(&column, row).unwrap().collect()).collect();
        assert_eq!(lists, [vec!["a", "b"], vec![], vec!["c"]]);
        let column = all(Values::Addresses(vec![0, 0xffff_0a00_0001, 0x2001_0db8_0000_0000, 1]));
        assert_eq!(address(&column, 0), Some("10.0.0.1".parse().unwrap()));
        assert_eq!(address(&column, 1), Some("2001:db8::1".parse().unwrap()));
        let raws = RawArena { kind: RawKind::Json, bytes: b"{}[1]".to_vec(), offsets: vec![0, 2, 5] };
        let column = all(Values::Raw(raws));
        assert_eq!((json(&column, 0), json(&column, 1)), (Some("{}"), Some("[1]")));
    }

    #[test]
    fn masks_say_what_is_there() {
        // Row 64 is the first bit of the second word.
        let masks = Masks { present: vec![0b01, 1], wrong_type: vec![0b10, 0] };
        let column = Column { values: Values::Unsigned(vec![7; 65]), validity: Validity::Partial(masks) };
        assert_eq!((unsigned(&column, 0), unsigned(&column, 1), unsigned(&column, 64)), (Some(7), None, Some(7)));
        assert!(is_wrong_type(&column, 1) && !is_wrong_type(&column, 0));
        let bits = all(Values::Bits(vec![0b10, 1]));
        assert_eq!((boolean(&bits, 0), boolean(&bits, 1), boolean(&bits, 64)), (Some(false), Some(true), Some(true)));
    }

    #[test]
    #[should_panic(expected = "expected a column of unsigned")]
    fn a_column_of_another_type_is_no_answer() {
        unsigned(&all(Values::Signed(vec![1])), 0);
    }

    #[test]
    #[should_panic(expected = "has no member 3")]
    fn an_arena_that_ends_early_is_no_answer() {
        text(&all(Values::Text(arena(&["a", "b"]))), 2);
    }
}
