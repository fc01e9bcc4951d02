//! The layout of state: fixed size, little-endian, fields in source order, without padding. All zeros is the initial
//! value, so a key without state and a key in its initial state are the same.
//!
//! ```
//! use countersign_sdk::State;
//! use countersign_sdk::state::Stored as _;
//!
//! #[derive(Debug, PartialEq, State)]
//! struct Seen {
//!     count: u16,
//!     is_new: bool,
//! }
//!
//! let seen = Seen { count: 258, is_new: true };
//! assert_eq!(seen.to_bytes(), [2, 1, 1]);
//! assert_eq!(Seen::from_bytes(&[0, 0, 0]), Some(Seen::initial()));
//! ```
//!
//! A struct with `#[state(slot = "…")]` is the state of a slot. `version` and `migrate` carry stored state over to
//! another layout:
//!
//! ```
//! use countersign_sdk::State;
//! use countersign_sdk::state::{State as _, Stored as _};
//!
//! #[derive(State)]
//! #[state(slot = "seen", version = 2, migrate = from_older)]
//! struct Seen {
//!     count: u32,
//! }
//!
//! fn from_older(version: u32, bytes: &[u8]) -> Option<Seen> {
//!     (version == 1).then(|| u16::from_bytes(bytes)).flatten().map(|count| Seen { count: count.into() })
//! }
//!
//! assert_eq!(Seen::migrate(1, &[7, 0]).map(|seen| seen.count), Some(7));
//! ```

use crate::rule::{DetectionDeclaration, SlotSpec};
use crate::time::{Duration, Timestamp};

/// A value with a fixed layout. [`derive(State)`](macro@crate::State) implements it for structs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no fixed layout, so it can't be part of a rule's state",
    note = "integers, floats, `bool`, `Timestamp`, `Duration`, arrays and `Option` of such, the SDK's counters, and structs with `#[derive(State)]` can"
)]
pub trait Stored: Sized {
    /// Its size, in bytes.
    const SIZE: usize;

    /// The value of all zeros.
    fn initial() -> Self;

    /// Writes exactly [`SIZE`](Self::SIZE) bytes to the beginning of `out`, and advances `out` past them.
    fn write(&self, out: &mut &mut [u8]);

    /// Reads what [`write`](Self::write) wrote, and advances `bytes` past it. Any bytes give some value; it never panics.
    fn read(bytes: &mut &[u8]) -> Self;

    /// Decodes bytes of exactly this layout, such as those of an older version in a migration; none if the length differs.
    #[must_use]
    fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        (bytes.len() == Self::SIZE).then(|| Self::read(&mut bytes))
    }

    /// Its bytes.
    #[must_use]
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![0; Self::SIZE];
        self.write(&mut out.as_mut_slice());
        out
    }
}

/// The state of one declared slot. [`derive(State)`](macro@crate::State) implements it for a struct with
/// `#[state(slot = "…")]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the state of a slot",
    note = "derive it: `#[derive(State)] #[state(slot = \"name\")] struct …`, with the slot's name in rule.toml"
)]
pub trait State: Stored {
    /// The slot's name in `rule.toml`.
    const SLOT: &'static str;
    /// The version of this layout; `rule.toml` must declare the same.
    const VERSION: u32;

    /// Converts a blob that an older version wrote; none if that isn't possible, and the key starts with initial state.
    #[must_use]
    fn migrate(from_version: u32, bytes: &[u8]) -> Option<Self> {
        let _ = (from_version, bytes);
        None
    }
}

/// The next `N` bytes; zeros if fewer are left.
#[inline]
fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    match bytes.split_first_chunk::<N>() {
        Some((first, rest)) => {
            *bytes = rest;
            *first
        }
        None => {
            *bytes = &[];
            [0; N]
        }
    }
}

/// Writes the next `N` bytes. The lengths are known at compile time, so the checks are optimised away.
#[inline]
fn put<const N: usize>(out: &mut &mut [u8], bytes: [u8; N]) {
    if let Some((first, rest)) = core::mem::take(out).split_first_chunk_mut::<N>() {
        *first = bytes;
        *out = rest;
    }
}

macro_rules! numbers {
    ($($ty:ty),+) => {
        $(
            impl Stored for $ty {
                const SIZE: usize = size_of::<$ty>();

                #[inline]
                fn initial() -> Self {
                    <$ty>::default()
                }

                #[inline]
                fn write(&self, out: &mut &mut [u8]) {
                    put(out, self.to_le_bytes());
                }

                #[inline]
                fn read(bytes: &mut &[u8]) -> Self {
                    <$ty>::from_le_bytes(take(bytes))
                }
            }
        )+
    };
}

// Floats are stored and compared by their bits.
numbers!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64);

impl Stored for bool {
    const SIZE: usize = 1;

    #[inline]
    fn initial() -> Self {
        false
    }

    #[inline]
    fn write(&self, out: &mut &mut [u8]) {
        u8::from(*self).write(out);
    }

    #[inline]
    fn read(bytes: &mut &[u8]) -> Self {
        u8::read(bytes) != 0
    }
}

impl Stored for Timestamp {
    const SIZE: usize = 8;

    #[inline]
    fn initial() -> Self {
        Timestamp::from_micros(0)
    }

    #[inline]
    fn write(&self, out: &mut &mut [u8]) {
        self.micros().write(out);
    }

    #[inline]
    fn read(bytes: &mut &[u8]) -> Self {
        Timestamp::from_micros(i64::read(bytes))
    }
}

impl Stored for Duration {
    const SIZE: usize = 8;

    #[inline]
    fn initial() -> Self {
        Duration::from_micros(0)
    }

    #[inline]
    fn write(&self, out: &mut &mut [u8]) {
        self.micros().write(out);
    }

    #[inline]
    fn read(bytes: &mut &[u8]) -> Self {
        Duration::from_micros(i64::read(bytes))
    }
}

impl<T: Stored, const N: usize> Stored for [T; N] {
    const SIZE: usize = N * T::SIZE;

    #[inline]
    fn initial() -> Self {
        core::array::from_fn(|_| T::initial())
    }

    #[inline]
    fn write(&self, out: &mut &mut [u8]) {
        for item in self {
            item.write(out);
        }
    }

    #[inline]
    fn read(bytes: &mut &[u8]) -> Self {
        core::array::from_fn(|_| T::read(bytes))
    }
}

impl<T: Stored> Stored for Option<T> {
    const SIZE: usize = 1 + T::SIZE;

    #[inline]
    fn initial() -> Self {
        None
    }

    #[inline]
    fn write(&self, out: &mut &mut [u8]) {
        match self {
            Some(value) => {
                1_u8.write(out);
                value.write(out);
            }
            None => {
                0_u8.write(out);
                T::initial().write(out);
            }
        }
    }

    #[inline]
    fn read(bytes: &mut &[u8]) -> Self {
        let there = bool::read(bytes);
        let value = T::read(bytes);
        there.then_some(value)
    }
}

/// The index and declaration of a state's slot.
///
/// # Panics
/// At compile time, with what to change, when the rule doesn't declare the slot, in this version, with room for it.
#[doc(hidden)]
#[must_use]
#[track_caller]
pub const fn slot_of<R: DetectionDeclaration, S: State>() -> (usize, SlotSpec) {
    let mut index = 0;
    let mut rest = R::SLOTS;
    while let [slot, tail @ ..] = rest {
        if same(slot.name, S::SLOT) {
            if slot.version != S::VERSION {
                Message::new()
                    .text("the state of slot `")
                    .text(S::SLOT)
                    .text("` is version ")
                    .number(S::VERSION as usize)
                    .text(" in the code and version ")
                    .number(slot.version as usize)
                    .text(" in rule.toml: set `#[state(version = …)]` and the slot's `version` to the same")
                    .fail();
            }
            if S::SIZE > slot.max_bytes as usize {
                Message::new()
                    .text("the state of slot `")
                    .text(S::SLOT)
                    .text("` takes ")
                    .number(S::SIZE)
                    .text(" bytes, and rule.toml allows ")
                    .number(slot.max_bytes as usize)
                    .text(": raise the slot's `max-bytes`, or keep less")
                    .fail();
            }
            return (index, *slot);
        }
        index += 1;
        rest = tail;
    }
    Message::new()
        .text("the slot `")
        .text(S::SLOT)
        .text("` is not declared by this rule: add `[[slot]] name = \"")
        .text(S::SLOT)
        .text("\"` to rule.toml")
        .fail()
}

/// Refuses two working copies of one slot: the second would overwrite what the first wrote.
///
/// # Panics
/// At compile time, when an index occurs twice.
#[doc(hidden)]
#[track_caller]
#[expect(clippy::panic, reason = "runs at compile time, and is meant to fail there")]
pub const fn assert_distinct(slots: &[usize]) {
    let mut rest = slots;
    while let [slot, tail @ ..] = rest {
        let mut others = tail;
        while let [other, tail @ ..] = others {
            if *slot == *other {
                panic!("the function takes the same state slot twice");
            }
            others = tail;
        }
        rest = tail;
    }
}

const fn same(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
        if *x != *y {
            return false;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.is_empty() && b.is_empty()
}

/// A message built at compile time, where `format!` isn't available.
struct Message {
    bytes: [u8; 512],
    len: usize,
}

#[expect(clippy::indexing_slicing, clippy::panic, reason = "runs at compile time, and is meant to fail there")]
impl Message {
    const fn new() -> Self {
        Message { bytes: [0; 512], len: 0 }
    }

    const fn text(mut self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut index = 0;
        while index < bytes.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = bytes[index];
            self.len += 1;
            index += 1;
        }
        self
    }

    const fn number(self, number: usize) -> Self {
        let digit = [b'0' + (number % 10) as u8];
        let rest = if number >= 10 { self.number(number / 10) } else { self };
        match core::str::from_utf8(&digit) {
            Ok(digit) => rest.text(digit),
            Err(_) => rest,
        }
    }

    #[track_caller]
    const fn fail(self) -> ! {
        match core::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("the state doesn't fit its slot in rule.toml"),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::fmt::Debug;

    use super::*;

    fn check<T: Stored + PartialEq + Debug>(value: T) {
        let bytes = value.to_bytes();
        assert_eq!(bytes.len(), T::SIZE);
        assert_eq!(T::from_bytes(&bytes), Some(value));
        assert_eq!(T::from_bytes(&vec![0; T::SIZE]), Some(T::initial()), "zeros are the initial value");
        assert_eq!(T::initial().to_bytes(), vec![0; T::SIZE], "the initial value is zeros");
        assert_eq!(T::from_bytes(&vec![0; T::SIZE + 1]), None);
    }

    #[test]
    fn values_are_read_as_written() {
        check(0x0123_4567_89ab_cdef_u64);
        check(-7_i32);
        check(-0.5_f64);
        check(true);
        check([Some(3_u16), None, Some(0)]);
        check(Some([Timestamp::from_micros(-1); 2]));
        check(Duration::from_secs(9));
    }

    #[test]
    fn every_float_keeps_its_bits() {
        for bits in [0x7ff8_0000_0000_0001_u64, 0x8000_0000_0000_0000, f64::INFINITY.to_bits()] {
            let value = f64::from_bytes(&f64::from_bits(bits).to_bytes()).unwrap();
            assert_eq!(value.to_bits(), bits);
        }
    }

    #[test]
    #[should_panic(expected = "slot `x` takes 1204 bytes")]
    fn messages_are_built_at_compile_time() {
        Message::new().text("slot `").text("x").text("` takes ").number(1_204).text(" bytes").fail();
    }
}
