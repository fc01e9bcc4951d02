#![no_main]
//! See `countersign_fuzz::declaration`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    countersign_fuzz::declaration::check(bytes);
});
