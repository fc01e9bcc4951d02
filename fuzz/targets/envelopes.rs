//! See `countersign_fuzz::envelopes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    countersign_fuzz::envelopes::check(bytes);
});
