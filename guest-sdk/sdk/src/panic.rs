//! Leaves a panic's message where the host finds it: a trapped guest can't answer, but its memory is in the core dump.
//!
//! The buffer is exported as `COUNTERSIGN_PANIC` and laid out so: 16 bytes [`PANIC_MAGIC`], the length of the text
//! as u32 little-endian, then the text: UTF-8, at most [`PANIC_TEXT_BYTES`]. The magic is computed when the panic
//! happens, so it occurs nowhere else in the guest's memory.

use core::fmt::{self, Write};

use crate::rule::Rule;

/// The bytes before the length and the text of a panic; the host searches for them.
pub const PANIC_MAGIC: [u8; 16] = *b"\x00\xc5countersign!\xc5\x00";

/// The largest text, in bytes; a longer one is cut.
pub const PANIC_TEXT_BYTES: usize = 1_024;

/// Text of a fixed capacity: what doesn't fit is cut between characters.
struct Text {
    bytes: [u8; PANIC_TEXT_BYTES],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = PANIC_TEXT_BYTES - self.len;
        let fits = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        if let Some(to) = self.bytes.get_mut(self.len..self.len + fits.len()) {
            to.copy_from_slice(fits.as_bytes());
            self.len += fits.len();
        }
        if fits.len() == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// `publisher/name 1.0.0 at src/lib.rs:10:5: message`, without allocating. The place comes first, so that a long message
/// can't cut it off.
fn describe<R: Rule>(message: &str, place: Option<&core::panic::Location<'_>>) -> Text {
    let mut text = Text { bytes: [0; PANIC_TEXT_BYTES], len: 0 };
    // An error only means that the text was cut.
    let _ = write!(text, "{} {}", R::ID, R::VERSION);
    if let Some(place) = place {
        let _ = write!(text, " at {}:{}:{}", place.file(), place.line(), place.column());
    }
    let _ = write!(text, ": {message}");
    text
}

/// Makes panics of the rule `R` leave their message; on `wasm32` only. The exported functions call it first.
#[doc(hidden)]
pub fn install_panic_hook<R: Rule>() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("panicked without a message");
        let text = describe::<R>(message, info.location());
        buffer::fill(text.bytes.get(..text.len).unwrap_or_default());
    }));
    #[cfg(not(target_arch = "wasm32"))]
    let _ = describe::<R>;
}

/// The exported buffer. A guest has one thread, and nothing reads the buffer while it runs.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "a static that the host reads by address")]
mod buffer {
    use core::cell::UnsafeCell;

    use super::{PANIC_MAGIC, PANIC_TEXT_BYTES};

    /// Magic, length, text; all zeros until a panic.
    #[repr(C, align(16))]
    pub(super) struct Buffer(UnsafeCell<[u8; 20 + PANIC_TEXT_BYTES]>);

    // SAFETY: a guest has one thread.
    unsafe impl Sync for Buffer {}

    #[unsafe(export_name = "COUNTERSIGN_PANIC")]
    static BUFFER: Buffer = Buffer(UnsafeCell::new([0; 20 + PANIC_TEXT_BYTES]));

    /// Writes the text into the buffer.
    pub(super) fn fill(text: &[u8]) {
        // Stored inverted and inverted again here: the magic itself is nowhere in the data segments.
        const INVERTED: [u8; 16] = {
            let mut bytes = PANIC_MAGIC;
            let mut index = 0;
            while index < 16 {
                #[expect(clippy::indexing_slicing, reason = "while compiling")]
                {
                    bytes[index] = !bytes[index];
                }
                index += 1;
            }
            bytes
        };
        let length = (text.len() as u32).to_le_bytes();
        let inverted = core::hint::black_box(&INVERTED);
        let content = inverted.iter().map(|byte| !byte).chain(length).chain(text.iter().copied());
        // SAFETY: a guest has one thread, and no other reference to the buffer is ever made.
        let buffer = unsafe { &mut *BUFFER.0.get() };
        for (to, from) in buffer.iter_mut().zip(content) {
            *to = from;
        }
        core::hint::black_box(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Reader;
    use crate::rule::ParameterSpec;

    struct Example;

    impl Rule for Example {
        const ID: &'static str = "example/rule";
        const VERSION: &'static str = "1.2.3";
        const PARAMETERS: &'static [ParameterSpec] = &[];
        const TECHNIQUES: &'static [&'static str] = &[];
        type Parameters<'a> = ();

        fn parameters(_: &mut Reader<'_>) {}
    }

    fn check(message: &str) -> String {
        let text = describe::<Example>(message, Some(core::panic::Location::caller()));
        String::from_utf8(text.bytes[..text.len].to_vec()).unwrap()
    }

    #[test]
    fn a_panic_names_rule_version_message_and_place() {
        let text = check("out of luck");
        assert!(text.starts_with("example/rule 1.2.3 at guest-sdk/sdk/src/panic.rs:"), "{text}");
        assert!(text.ends_with(": out of luck"), "{text}");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let text = check(&"ä".repeat(2_000));
        assert!((PANIC_TEXT_BYTES - 1..=PANIC_TEXT_BYTES).contains(&text.len()));
        assert!(text.ends_with('ä'));
    }
}
