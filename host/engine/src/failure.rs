//! Maps wasmtime's errors to call failures, with the guest's own panic message where it left one.

use countersign_model::call::{CallFailure, FailureKind};
use wasmtime::{Store, Trap, WasmCoreDump};

use crate::limiter::{Limiter, MemoryExceeded, MemoryUnpaid};

/// What the SDK's panic hook writes before its message: the mark, then the length as a little-endian u32, then UTF-8.
const PANIC_MARK: &[u8; 16] = b"\x00\xc5countersign!\xc5\x00";

/// Maximum bytes of a panic message that are read.
const MAX_PANIC_BYTES: usize = 1024;

/// Classifies an error of a call.
pub(crate) fn classify(error: &wasmtime::Error, store: &mut Store<Limiter>) -> CallFailure {
    if let Some(exceeded) = error.downcast_ref::<MemoryExceeded>() {
        return CallFailure { kind: FailureKind::MemoryExceeded, message: exceeded.to_string() };
    }
    if let Some(unpaid) = error.downcast_ref::<MemoryUnpaid>() {
        return CallFailure { kind: FailureKind::FuelExhausted, message: unpaid.to_string() };
    }
    let root = error.root_cause().to_string();
    let (kind, message) = match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => (FailureKind::FuelExhausted, "the declared fuel was used up".to_owned()),
        Some(Trap::StackOverflow) => (FailureKind::StackOverflow, "the call stack ran over".to_owned()),
        Some(Trap::Interrupt) => (FailureKind::Deadline, "the deadline passed".to_owned()),
        Some(trap) => (FailureKind::Trap, trap.to_string()),
        None if root.contains("fuel allocated for hostcalls") => {
            (FailureKind::OutputExceeded, "the answer is larger than the declared output".to_owned())
        }
        // Otherwise the canonical ABI has refused what the guest returned.
        None => (FailureKind::InvalidAnswer, root),
    };
    let panic = (kind == FailureKind::Trap).then(|| panic_message(error, store)).flatten();
    CallFailure { kind, message: panic.unwrap_or(message) }
}

fn panic_message(error: &wasmtime::Error, store: &mut Store<Limiter>) -> Option<String> {
    let dump = error.downcast_ref::<WasmCoreDump>()?;
    dump.memories().iter().find_map(|memory| {
        let bytes = memory.data(&*store);
        let at = memchr::memmem::find(bytes, PANIC_MARK)?;
        let (length, text) = bytes.get(at + PANIC_MARK.len()..)?.split_at_checked(4)?;
        let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?.min(MAX_PANIC_BYTES);
        // The guest wrote it: shown as text, never trusted.
        Some(String::from_utf8_lossy(text.get(..length)?).into_owned())
    })
}
